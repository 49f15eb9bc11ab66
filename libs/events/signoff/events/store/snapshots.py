"""Folds that are kept, so that what a long log says need not be folded from its first event.

Whoever writes to their tables could change what is believed of a log: ``signoff audit verify`` holds each
against the fold, and one of other events than the log's is passed over here.
"""

import asyncio
from typing import Final, Generic, Protocol, TypeVar

import msgspec
import structlog
from msgspec import Struct

from signoff.events.codec import chain_hash
from signoff.events.errors import CodecError
from signoff.events.store.base import EventStore, Snapshot


class Versioned(Protocol):
    """A state that knows the last event that is folded into it."""

    version: int


class Fold(Protocol):
    """What a snapshot or a waypoint holds: a state, and the hash of its last event."""

    @property
    def state(self) -> Versioned:
        """As of that event."""
        ...

    @property
    def prev(self) -> str | None:
        """The hash of that event, as the one after it carries it."""
        ...


_State = TypeVar("_State", bound=Versioned)
_Fold = TypeVar("_Fold", bound=Fold)

_log: Final = structlog.get_logger("signoff.events.store")


class Kept(Struct, Generic[_State], frozen=True):
    """What a snapshot of a log holds.

    Attributes:
        state: the fold.
        prev: the hash of its last event.
        large: some value in the log is a reference or has an escaped name.
    """

    state: _State
    prev: str | None
    large: bool


def decode_snapshot(snapshot: Snapshot, decoder: msgspec.json.Decoder[_Fold]) -> _Fold:
    """What a snapshot holds.

    Raises:
        CodecError: something else.
    """
    try:
        return decoder.decode(snapshot.state)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, TypeError) as error:
        raise CodecError(f"it cannot be read: {error}") from error


async def kept_fold(
    store: EventStore, snapshot: Snapshot | None, decoder: msgspec.json.Decoder[_Fold], *, form: int
) -> _Fold | None:
    """What a snapshot holds, where that can be gone on from.

    Args:
        store: has the log.
        snapshot: of it; ``None`` for none.
        decoder: of what it holds.
        form: the version of its shape and of the fold; one of another is passed over.

    Returns:
        ``None`` where the log is to be folded from its beginning: also for a snapshot that cannot be read,
        and for one of other events than the log has, as after a restore.

    Raises:
        StoreUnavailableError: the database is away.
    """
    if snapshot is None or snapshot.format != form:
        return None
    name, version = str(snapshot.log_id), snapshot.version
    try:
        fold = await asyncio.to_thread(decode_snapshot, snapshot, decoder)
    except CodecError as error:
        _log.warning("a kept fold is ignored", log=name, version=version, reason=str(error))
        return None
    events = await store.read(snapshot.log_id, after=version - 1, limit=1)
    if [(each.version, chain_hash(each.state)) for each in events] != [(fold.state.version, fold.prev)]:
        _log.warning("a kept fold is ignored", log=name, version=version, reason="its event is another one")
        return None
    return fold
