"""``signoff version``."""

import platform
from importlib.metadata import version as installed_version

from signoff.cli.exits import Exit
from signoff.cli.terminal.output import Output

_SHOWN = ("signoff", "aiohttp", "aiokafka", "asyncpg", "msgspec")


def version() -> Exit:
    """Print the versions of Signoff, Python and the drivers, for a report of a fault."""
    versions = {name: installed_version(name) for name in _SHOWN} | {"python": platform.python_version()}
    Output().either(versions, "\n".join(f"{name} {each}" for name, each in versions.items()))
    return Exit.OK
