"""Which bytes each checkpoint has, decided in the log's database, so that two holders cannot make it twice.

A checkpoint is decided by putting its record where none is: whoever comes second finds the first one's, and
publishes those bytes. So nothing forks, whoever dies or wakes up when; and what was decided is published
before the next is.
"""

from typing import Final
from uuid import UUID

from signoff.audit.checkpoints.checkpoint import SHARD, CheckpointError, Signed, decode_entry, encode_entry
from signoff.events.errors import RecordConflictError
from signoff.events.store.base import EventStore

KIND: Final = "checkpoint"
_SCOPE: Final = UUID(int=SHARD)
_TRACKING: Final = f"signoff:checkpoints/{SHARD}"
_DIGITS: Final = 12


class Decided:
    """The checkpoints of a log, as its database has them.

    Args:
        store: the log.
    """

    def __init__(self, store: EventStore) -> None:
        self._store = store

    async def get(self, number: int) -> Signed | None:
        """One checkpoint, ``None`` where it is not decided.

        Raises:
            StoreUnavailableError: the database is away.
            CheckpointError: what is there is none.
        """
        kept = await self._store.records.get(KIND, _SCOPE, f"{number:0{_DIGITS}}")
        if kept is None:
            return None
        entry = decode_entry(kept.value)
        if not isinstance(entry, Signed) or entry.number != number:
            raise CheckpointError(f"the record of checkpoint {number} in the database is another")
        return entry

    async def decide(self, signed: Signed) -> bool:
        """Let a checkpoint be the one of its number; false where another is.

        Raises:
            StoreUnavailableError: it may be decided: read it.
        """
        key = f"{signed.number:0{_DIGITS}}"
        try:
            await self._store.records.put(KIND, _SCOPE, key, encode_entry(signed), expected=0)
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
