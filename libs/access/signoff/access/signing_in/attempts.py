"""How often somebody may try a password: counted in records, so for all gateways together."""

import math
import time
from collections.abc import Callable
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from signoff.access.errors import TooManyAttemptsError
from signoff.access.keys.making import digest_of
from signoff.events.errors import RecordConflictError
from signoff.events.records import Records

WINDOW: Final = 900.0
"""Seconds from the first attempt in which attempts are counted together."""

PER_ACCOUNT: Final = 10
PER_ADDRESS: Final = 100
"""Failed attempts within the window; an address is many people's behind a proxy."""

_KIND: Final = "sign-in"
_SCOPE: Final = UUID(int=0)
_TRIES: Final = 8


class _Count(Struct, frozen=True):
    taken: int
    ends_at: float


_decoder: Final = msgspec.json.Decoder(_Count)
_encode: Final = msgspec.json.encode


class Attempts:
    """Counts attempts before they are made, so that many at once get no more than one after the other.

    Args:
        records: where.
        clock: seconds since the epoch, UTC.
    """

    def __init__(self, records: Records, *, clock: Callable[[], float] = time.time) -> None:
        self._records = records
        self._clock = clock

    async def take(self, name: str, most: int) -> None:
        """Count an attempt.

        Args:
            name: whose attempts are counted together.
            most: how many there may be in a window.

        Raises:
            TooManyAttemptsError: there were as many.
        """
        for _ in range(_TRIES):
            now = self._clock()
            kept = await self._records.get(_KIND, _SCOPE, digest_of(name))
            count = _Count(0, now + WINDOW) if kept is None else _decoder.decode(kept.value)
            if count.taken >= most:
                raise TooManyAttemptsError(max(1, math.ceil(count.ends_at - now)), most=most)
            try:
                await self._put(
                    name, _Count(count.taken + 1, count.ends_at), 0 if kept is None else kept.version
                )
            except RecordConflictError:
                continue
            return
        raise TooManyAttemptsError(1, most=most)

    async def give_back(self, name: str) -> None:
        """Uncount an attempt that succeeded. When others count at the same moment it may stay counted."""
        kept = await self._records.get(_KIND, _SCOPE, digest_of(name))
        if kept is None:
            return
        count = _decoder.decode(kept.value)
        try:
            await self._put(name, _Count(max(0, count.taken - 1), count.ends_at), kept.version)
        except RecordConflictError:
            return

    async def forget(self, name: str) -> None:
        """Begin to count anew."""
        await self._records.remove(_KIND, _SCOPE, digest_of(name))

    async def _put(self, name: str, count: _Count, expected: int) -> None:
        await self._records.put(
            _KIND, _SCOPE, digest_of(name), _encode(count), expected=expected, expires_at=count.ends_at
        )
