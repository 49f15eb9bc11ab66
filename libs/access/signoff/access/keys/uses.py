"""When API keys were last used, about a minute exact: noted in memory, kept in records each minute."""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Final
from uuid import UUID

import structlog

from signoff.events.errors import StoreUnavailableError
from signoff.events.records import Records

EVERY: Final = 60.0
"""Seconds between two times that uses are written."""

_KIND: Final = "key-use"
_SCOPE: Final = UUID(int=0)
_MOST: Final = 100_000
_log = structlog.get_logger("signoff.access")


class KeyUses:
    """Notes and tells uses of keys. One for a process.

    Args:
        records: where they are kept.
        clock: seconds since the epoch, UTC.
    """

    def __init__(self, records: Records, *, clock: Callable[[], float] = time.time) -> None:
        self._records = records
        self._clock = clock
        self._noted: dict[str, float] = {}

    def note(self, key_id: str) -> None:
        """A key is used now. Of more keys than can be noted in a minute, some uses are not."""
        if key_id in self._noted or len(self._noted) < _MOST:
            self._noted[key_id] = self._clock()

    async def last(self, key_ids: Iterable[str]) -> dict[str, float]:
        """When keys were last used, seconds since the epoch; keys that never were are left out."""
        found = {}
        for key_id in key_ids:
            used = self._noted.get(key_id) or await self._kept(key_id)
            if used is not None:
                found[key_id] = used
        return found

    async def forget(self, key_id: str) -> None:
        """A key is no more."""
        self._noted.pop(key_id, None)
        await self._records.remove(_KIND, _SCOPE, key_id)

    async def write(self) -> None:
        """Keep what was noted.

        Raises:
            StoreUnavailableError: not all of it could be; the rest is noted still.
        """
        while self._noted:
            key_id, used = self._noted.popitem()
            try:
                await self._records.put(_KIND, _SCOPE, key_id, f"{used}".encode())
            except BaseException:
                self._noted.setdefault(key_id, used)
                raise

    async def follow(self, every: float = EVERY) -> None:
        """Write again and again, until cancelled; then once more."""
        try:
            while True:
                await asyncio.sleep(every)
                await self._write_or_wait()
        finally:
            await self._write_or_wait()

    async def _write_or_wait(self) -> None:
        try:
            await self.write()
        except StoreUnavailableError as error:
            _log.warning("uses of API keys cannot be written; trying again", reason=str(error))

    async def _kept(self, key_id: str) -> float | None:
        kept = await self._records.get(_KIND, _SCOPE, key_id)
        return None if kept is None else float(kept.value)
