"""How a program in the sandbox may fail.

::

    SandboxError
    ├── ProgramError               the program's own fault: a throw, a result that is not JSON, too much of it
    │   ├── ProgramTimeoutError    it ran longer than its limit
    │   └── ProgramMemoryError     it needed more memory than its limit
    ├── SandboxBusyError           no place for the program; try again later
    ├── SandboxClosedError         the sandbox is shut
    └── WorkerLostError            a worker did not start, or ended while it ran the program
"""

from signoff.events.errors import SignoffError
from signoff.sandbox.programs import MEBIBYTE


class SandboxError(SignoffError):
    """Base of all failures of the sandbox."""


class SandboxBusyError(SandboxError):
    """No place for another program; try again later."""


class SandboxClosedError(SandboxError):
    """The sandbox was closed before the program ended."""


class WorkerLostError(SandboxError):
    """A worker process did not start, or it ended or spoke nonsense while it ran the program.

    A program has no effects outside the sandbox, so it is safe to run it again.
    """


class ProgramError(SandboxError):
    """The program failed by its own fault.

    Args:
        message: the message of what was thrown, or what is wrong with the result.
        line: line of `Program.source`, from 1, where that is known.
        stdout: what the program had printed so far.
    """

    def __init__(self, message: str, *, line: int | None = None, stdout: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.stdout = stdout


class ProgramTimeoutError(ProgramError):
    """The program ran longer than `Program.timeout`."""

    def __init__(self, timeout: float, *, stdout: str = "") -> None:
        # The text is Sim's (apps/sim/lib/execution/isolated-vm-worker.cjs).
        super().__init__(f"Execution timed out after {timeout * 1000:.0f}ms", stdout=stdout)


class ProgramMemoryError(ProgramError):
    """The program needed more memory than `Program.memory_limit`."""

    def __init__(self, memory_limit: int, *, stdout: str = "") -> None:
        limit = f"{memory_limit / MEBIBYTE:g} MiB"
        super().__init__(f"Out of memory: the program needed more than {limit}", stdout=stdout)
