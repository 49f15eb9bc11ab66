"""What a block may know about the run that it is part of, and what it may do there beside its result."""

from collections.abc import Callable
from typing import Protocol

import msgspec


class Cancellation(Protocol):
    """Tells whether the try was given up, as an `asyncio.Event` does; `is_set` works from any thread."""

    def is_set(self) -> bool:
        """Whether the try was given up."""
        ...

    async def wait(self) -> object:
        """Return when the try is given up."""
        ...


class Log(Protocol):
    """Writes a line to the service's log."""

    def __call__(self, message: str, /, **fields: object) -> None:
        """Write `message` with named values beside it."""
        ...


class Heartbeat(Protocol):
    """Says that the block is alive."""

    def __call__(self, details: str = "", /) -> None:
        """Say so; `details`, such as "page 7 of 90", is told in the error if no other beat follows."""
        ...


def _unheard(_: str = "", /) -> None:
    """A heartbeat that nobody waits for."""


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """The run that a block is part of. A block that wants it has a parameter of this type.

    Everything here may be used from the thread of a block that is not async.

    Attributes:
        execution_id: the execution.
        workflow_id: its workflow.
        block_id: the block in it.
        attempt: 1 for the first try.
        idempotency_key: the same on each attempt, after a crash too: send it with whatever must happen once.
        cancelled: whether the try was given up: its run was cancelled, or its time is over. An async block
            is cancelled as well; a sync one should ask now and then, for a thread cannot be stopped.
        log: writes to the service's log, with the names of the run beside each line.
        secret: the value of an environment name, as `{{NAME}}` gives it to workflows. It is kept out of the
            block's recorded output and error, and out of its log lines. Raises `SecretNotFoundError`.
        emit: a part of a text that grows while the block runs; who follows the execution sees it at once.
        heartbeat: says that the block is alive, for `@block(heartbeat_timeout=…)`. In a block that is not
            async, `heartbeat` and `emit` raise `BlockCancelledError` once the try was given up.
    """

    execution_id: str
    workflow_id: str
    block_id: str
    attempt: int
    idempotency_key: str
    cancelled: Cancellation
    log: Log
    secret: Callable[[str], str]
    emit: Callable[[str], None]
    heartbeat: Heartbeat = _unheard
