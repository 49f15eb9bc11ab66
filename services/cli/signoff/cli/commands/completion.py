"""``signoff completion``."""

import sys
from typing import Literal

from signoff.cli.exits import Exit
from signoff.cli.main import build


def completion(shell: Literal["bash", "zsh", "fish"]) -> Exit:
    """Print a script that lets a shell complete commands and options with the Tab key.

    Args:
        shell: The shell that reads it.
    """
    sys.stdout.write(build().generate_completion(shell=shell))
    return Exit.OK
