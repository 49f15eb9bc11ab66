"""How a command ends: its exit code, and what it says when it could not do what was asked."""

from enum import IntEnum


class Exit(IntEnum):
    """The exit codes, for scripts. They are documented in README.md and `signoff --help`."""

    OK = 0
    """Done; an execution that was waited for has completed."""
    FAILED = 1
    """The execution failed or was cancelled; `lint` found a fault, `doctor` or `recover` something."""
    USAGE = 2
    """The command line or a file is wrong; nothing was sent."""
    REFUSED = 3
    """The server refused or cannot be reached, or a service cannot run."""
    PAUSED = 4
    """The execution waits for somebody: neither done nor failed."""
    INTERRUPTED = 130
    """Ctrl-C, as shells count it."""


class CommandError(Exception):
    """A command cannot do what was asked. The text says, in one sentence, what to do about it.

    Attributes:
        code: the exit code of the process.
        details: further lines, such as the faults of a definition.
    """

    def __init__(self, message: str, *, code: Exit = Exit.USAGE, details: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.details = details
