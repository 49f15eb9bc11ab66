"""Which bytes each checkpoint has, decided in the log's database, so that two holders cannot make it twice.

A checkpoint is decided by putting its record where none is: whoever comes second finds the first one's, and
publishes those bytes. So nothing forks, whoever dies or wakes up when; and what was decided is published
before the next is. The database is not trusted: what the server did not sign is as if it were not there.
"""

from collections.abc import AsyncIterator
from typing import Final
from uuid import UUID

import structlog
from msgspec import Struct

from signoff.audit.checkpoints.checkpoint import SHARD, CheckpointError, Signed, decode_entry, encode_entry
from signoff.audit.checkpoints.signing import Keyring
from signoff.events.errors import RecordConflictError
from signoff.events.records import Kept
from signoff.events.store.base import EventStore

KIND: Final = "checkpoint"
_SCOPE: Final = UUID(int=SHARD)
_TRACKING: Final = f"signoff:checkpoints/{SHARD}"
_DIGITS: Final = 12
_PAGE: Final = 1_000
_NEAR: Final = 20
"""Records in a row that may count for nothing, and restores, before the search for a checkpoint ends."""

_log = structlog.get_logger("signoff.checkpoints")


class Refused(Struct, frozen=True):
    """A checkpoint that should be there, and counts for nothing.

    Attributes:
        number: of the checkpoint.
        reason: why, in words that follow on "the record".
    """

    number: int
    reason: str


class Decided:
    """The checkpoints of a log, as its database has them.

    Args:
        store: the log.
        keys: of the server: what they did not sign is not there.
    """

    def __init__(self, store: EventStore, keys: Keyring) -> None:
        self._store = store
        self._keys = keys

    async def get(self, number: int) -> Signed | None:
        """One checkpoint, ``None`` where it is not decided.

        Raises:
            StoreUnavailableError: the database is away.
        """
        found = await self.look(number)
        return found if isinstance(found, Signed) else None

    async def look(self, number: int) -> Signed | Refused:
        """One checkpoint, or why there is none.

        Raises:
            StoreUnavailableError: the database is away.
        """
        kept = await self._store.records.get(KIND, _SCOPE, _key(number))
        if kept is None:
            return Refused(number, "is not there")
        read = self._read(kept)
        return Refused(number, read) if isinstance(read, str) else read

    def _read(self, kept: Kept) -> Signed | str:
        """The checkpoint of a record, or why it counts for nothing."""
        try:
            signed = read_record(kept)
        except CheckpointError as error:
            _log.error("the database holds what is no checkpoint", number=kept.key, reason=str(error))
            return "holds no such checkpoint"
        verdict = self._keys.check(signed.raw, signed.signature)
        if verdict == "valid":
            return signed
        _log.error("the database holds a checkpoint that is none of this server's", number=kept.key)
        if verdict == "unknown key":
            return (
                "is signed with a key that is none of this server's (SIGNOFF_SECRET_KEY_PREVIOUS names the "
                "secrets of earlier ones)"
            )
        return "is not what was signed"

    async def records(self) -> AsyncIterator[Kept]:
        """All records, by number.

        Raises:
            StoreUnavailableError: the database is away.
        """
        after = ""
        while page := await self._store.records.list(KIND, _SCOPE, after=after, limit=_PAGE):
            for kept in page:
                yield kept
            after = page[-1].key

    async def decide(self, signed: Signed) -> bool:
        """Let a checkpoint be the one of its number; false where another of the server is.

        Raises:
            StoreUnavailableError: it may be decided: read it.
        """
        key = _key(signed.number)
        kept = await self._store.records.get(KIND, _SCOPE, key)
        if kept is not None and isinstance(self._read(kept), Signed):
            return False
        expected = 0 if kept is None else kept.version
        try:
            await self._store.records.put(KIND, _SCOPE, key, encode_entry(signed), expected=expected)
        except RecordConflictError:
            return False
        return True

    async def published(self) -> int:
        """The number up to which all checkpoints are published, 0 at first."""
        return await self._store.tracked(_TRACKING)

    async def mark_published(self, number: int) -> None:
        """Note that all up to a number are published."""
        await self._store.track(_TRACKING, number)

    async def newest(self) -> Signed | Refused | None:
        """The last checkpoint that was published; ``None`` where none was.

        Raises:
            StoreUnavailableError: the database is away.
        """
        number = await self.published()
        return await self.look(number) if number else None

    async def covering(self, position: int) -> Signed | Refused | None:
        """The first published checkpoint that commits to the event at a position.

        Returns:
            The checkpoint; where the one that should commit to it counts for nothing, which one that is;
            ``None`` where none does yet.

        Raises:
            StoreUnavailableError: the database is away.
        """
        newest = await self.newest()
        if not isinstance(newest, Signed):
            return newest
        if newest.checkpoint.position < position:
            return None
        first, refused = 1, None
        for _ in range(_NEAR):
            found = await self._reaching(position, first, newest.number + 1)
            if found is None or found.checkpoint.after < position:
                return found or refused
            before = await self.look(found.number - 1)
            if isinstance(before, Signed):
                break
            refused = refused or before
            first = found.number + 1  # after a restore a later one covers the position anew
        return refused

    async def _reaching(self, position: int, first: int, end: int) -> Signed | None:
        """The first one that goes up to a position, of numbers from ``first`` to before ``end``."""
        best = None
        while first < end:
            middle = (first + end) // 2
            found = await self._next(middle, end)
            if found is None or found.checkpoint.position >= position:
                best, end = found or best, middle
            else:
                first = found.number + 1
        return best

    async def _next(self, number: int, end: int) -> Signed | None:
        """The first one that counts from a number on: some are not there after a restore."""
        page = await self._store.records.list(KIND, _SCOPE, after=_key(number - 1), limit=_NEAR)
        for kept in page:
            if kept.key >= _key(end):
                break
            read = self._read(kept)
            if isinstance(read, Signed):
                return read
        return None


def read_record(kept: Kept) -> Signed:
    """The checkpoint that a record holds.

    Raises:
        CheckpointError: it holds none, or that of another number.
    """
    entry = decode_entry(kept.value)
    if not isinstance(entry, Signed) or _key(entry.number) != kept.key:
        raise CheckpointError(f"the record of checkpoint {kept.key} in the database is another")
    return entry


def _key(number: int) -> str:
    return f"{number:0{_DIGITS}}"
