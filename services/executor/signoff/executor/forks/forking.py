"""What a fork begins with: its source's events, read from the log before the engine decides."""

import asyncio
from typing import Final
from uuid import UUID

from signoff.engine.deciding.forks import MAX_BYTES, MAX_EVENTS
from signoff.engine.messages import Forking, Input
from signoff.events.codec import decode_event
from signoff.events.errors import SignoffError
from signoff.events.store.base import EventStore
from signoff.events.store.paging import PAGE_BYTES
from signoff.events.types import Command, Event, Fork, Refusal, StartExecution
from signoff.executor.forks.called import CalledExecutions
from signoff.executor.logs.loaded import Loaded

_PAGE: Final = 500


async def with_past(message: Input, loaded: Loaded, store: EventStore) -> Input:
    """A message; one that begins a fork with the events that it takes.

    What stands in a log does not change, so that whoever decides the message again finds the same.

    Args:
        message: for the engine.
        loaded: the log that it is for.
        store: the log of the source.

    Raises:
        CodecError: an event of the source is none.
        StoreUnavailableError: the database is away.
    """
    if not isinstance(message, Command) or not isinstance(message.data, StartExecution):
        return message
    fork = message.data.fork
    if fork is None or loaded.unrunnable is not None or loaded.state.version:
        return message
    try:
        return await forking(store, message, fork, await read_past(store, fork))
    except PastError as error:
        return Forking(message, [], Refusal(code=error.code, message=str(error)))


async def forking(store: EventStore, command: Command, fork: Fork, past: list[Event]) -> Forking:
    """What the engine decides a fork on: its source's events, and what of them people decided elsewhere.

    Args:
        store: has the logs of the executions that were called.
        command: begins the fork.
        fork: what it wants.
        past: the events that it takes, from the first one on.

    Raises:
        CodecError: an event of an execution that was called is none.
        StoreUnavailableError: the database is away.
    """
    carries_over = fork.edited or fork.replanted
    decided_in = await CalledExecutions(store).decided_in(past) if carries_over else frozenset[str]()
    return Forking(command, past, decided_in=decided_in)


class PastError(SignoffError):
    """A fork cannot take what it is to take.

    Attributes:
        code: of the refusal.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


async def read_past(store: EventStore, fork: Fork, *, beyond: int = 0) -> list[Event]:
    """The events that a fork takes, and up to so many of those that followed, as far as there is room.

    Raises:
        PastError: the source does not have these events, or they are too many.
        CodecError: one is no event.
        StoreUnavailableError: the database is away.
    """
    past: list[Event] = []
    size = 0
    most = fork.event_id + beyond
    while len(past) < most and size <= MAX_BYTES:
        limit = min(_PAGE, most - len(past))
        page = await store.read(UUID(fork.log_id), after=len(past), limit=limit, size=PAGE_BYTES)
        if not page:
            break
        past += [decode_event(each.state) for each in page]
        size += sum(len(each.state) for each in page)
        await asyncio.sleep(0)
    if fork.event_id > MAX_EVENTS or (len(past) < fork.event_id and size > MAX_BYTES):
        raise PastError(
            "FORK_TOO_LARGE",
            f"A fork takes over at most {MAX_EVENTS} events of {MAX_BYTES >> 20} MiB: fork an earlier event",
        )
    if len(past) < fork.event_id:
        raise PastError("NOT_FOUND", f"The execution has no event {fork.event_id}")
    return past
