"""A bound on what is under way, in records and bytes."""

import asyncio


class Budget:
    """Room for records that are handed over and not yet acknowledged.

    A single call larger than the whole is let in when nothing else is under way.

    Args:
        records: how many at most.
        size: their bytes at most.
    """

    def __init__(self, *, records: int, size: int) -> None:
        self._max_records = records
        self._max_size = size
        self._records = 0
        self._size = 0
        self._turn = asyncio.Lock()
        self._room = asyncio.Event()

    def try_take(self, records: int, size: int) -> bool:
        """Take room if there is enough and nobody waits for it."""
        return not self._turn.locked() and self._try_take(records, size)

    async def take(self, records: int, size: int) -> None:
        """Take room as soon as there is enough: first come, first served."""
        async with self._turn:
            while not self._try_take(records, size):
                self._room.clear()
                await self._room.wait()

    def give_back(self, records: int, size: int) -> None:
        """Return what was taken."""
        self._records -= records
        self._size -= size
        self._room.set()

    def _try_take(self, records: int, size: int) -> bool:
        full = self._records + records > self._max_records or self._size + size > self._max_size
        if full and self._records:
            return False
        self._records += records
        self._size += size
        return True
