"""Secrets on their way in: never an argument, which every process on the machine can read."""

import sys
from getpass import getpass
from pathlib import Path
from typing import Final

from signoff.cli.exits import CommandError

_LARGEST: Final = 1024 * 1024
"""Bytes that are read; the server takes far less, and says so."""


def read_secret(name: str, file: Path | None) -> str:
    """A secret's value: out of a file, asked for on a terminal, or all of standard input.

    The line end at its end is not part of it: editors and ``echo`` put it there.

    Args:
        name: whose value it is.
        file: that holds it, if one does.

    Raises:
        CommandError: it cannot be read, or there is none.
    """
    try:
        value = _text(name, file)
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CommandError(f"the value of {name} is not UTF-8 text: encode it, such as by base64") from error
    value = value.removesuffix("\n").removesuffix("\r")
    if not value:
        raise CommandError(f"{name} needs a value: type it, give --from-file, or send it to standard input")
    return value


def _text(name: str, file: Path | None) -> str:
    if file is not None:
        with file.open("rb") as opened:
            return opened.read(_LARGEST).decode()
    if sys.stdin.isatty():
        return getpass(f"Value of {name}: ")
    return sys.stdin.buffer.read(_LARGEST).decode()
