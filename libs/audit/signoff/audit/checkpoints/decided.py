"""Which bytes each checkpoint has, decided in the log's database, so that two holders cannot make it twice.

A checkpoint is decided by putting its record where none is: whoever comes second finds the first one's, and
publishes those bytes. So nothing forks, whoever dies or wakes up when; and what was decided is published
before the next is. The database is not trusted: what the server did not sign is as if it were not there.
"""

from collections.abc import AsyncIterator
from typing import Final
from uuid import UUID

import structlog

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

_log = structlog.get_logger("signoff.checkpoints")


class Decided:
    """The checkpoints of a log, as its database has them.

    Args:
        store: the log.
        keys: of the server: what they did not sign is not there. Without them everything counts, and bytes
            that are no checkpoint are an error.
    """

    def __init__(self, store: EventStore, keys: Keyring | None = None) -> None:
        self._store = store
        self._keys = keys

    async def get(self, number: int) -> Signed | None:
        """One checkpoint, ``None`` where it is not decided.

        Raises:
            StoreUnavailableError: the database is away.
            CheckpointError: what is there is none.
        """
        kept = await self._store.records.get(KIND, _SCOPE, _key(number))
        return None if kept is None else self._read(kept)

    def _read(self, kept: Kept) -> Signed | None:
        try:
            signed = read_record(kept)
        except CheckpointError as error:
            if self._keys is None:
                raise
            _log.error("the database holds what is no checkpoint", number=kept.key, reason=str(error))
            return None
        if self._keys is None or self._keys.check(signed.raw, signed.signature) == "valid":
            return signed
        _log.error("the database holds a checkpoint that is none of this server's", number=kept.key)
        return None

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
            CheckpointError: what is there is none.
        """
        key = _key(signed.number)
        kept = await self._store.records.get(KIND, _SCOPE, key)
        if kept is not None and self._read(kept) is not None:
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

    async def covering(self, position: int) -> Signed | None:
        """The first checkpoint that commits to the event at a position; ``None`` where none does yet.

        Raises:
            StoreUnavailableError: the database is away.
            CheckpointError: a record is no checkpoint.
        """
        low, high = 1, await self.published() + 1
        while low < high:  # positions only grow with numbers, but after a restore: then the last such counts
            middle = (low + high) // 2
            found = await self.get(middle)
            # There is none where the database was restored to a time before it.
            if found is None or found.checkpoint.position < position:
                low = middle + 1
            else:
                high = middle
        found = await self.get(low)
        return found if found is not None and found.checkpoint.after < position else None


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
