"""What a block may know about the run that it is part of."""

from typing import Protocol

import msgspec


class Cancellation(Protocol):
    """Tells whether the run was cancelled, as an `asyncio.Event` does; `is_set` works from any thread."""

    def is_set(self) -> bool:
        """Whether the run was cancelled."""
        ...

    async def wait(self) -> object:
        """Return when the run is cancelled."""
        ...


class Log(Protocol):
    """Writes a line to the service's log."""

    def __call__(self, message: str, /, **fields: object) -> None:
        """Write `message` with named values beside it."""
        ...


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """The run that a block is part of. A block that wants it has a parameter of this type.

    Attributes:
        execution_id: the execution.
        workflow_id: its workflow.
        block_id: the block in it.
        attempt: 1 for the first try.
        idempotency_key: the same on each attempt, after a crash too: send it with whatever must happen once.
        cancelled: whether the run was cancelled. An async block is cancelled as well; a sync one should ask
            now and then, for a thread cannot be stopped.
        log: writes to the service's log, with the names of the run beside each line.
    """

    execution_id: str
    workflow_id: str
    block_id: str
    attempt: int
    idempotency_key: str
    cancelled: Cancellation
    log: Log
