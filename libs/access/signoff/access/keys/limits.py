"""How often a caller may: token buckets, in one process or shared by several.

A bucket holds as many tokens as a rate allows in its window, and fills again evenly. Where gateways share
their buckets, each takes a lease of some tokens from the shared one, spends them without asking, and gives
back with the next lease what it did not spend: a bucket is asked for about twenty times in a window, not
once for every request.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Protocol
from uuid import UUID

import msgspec
from msgspec import Struct

from signoff.events.errors import RecordConflictError, StoreUnavailableError
from signoff.events.records import Records
from signoff.runtime.settings import Rate

_KEEP: Final = 50_000
_KIND: Final = "rate"
_SCOPE: Final = UUID(int=0)
_LEASES: Final = 20
_LEASE_SECONDS: Final = 1.0
_TRIES: Final = 20


class Standing(Struct, frozen=True, kw_only=True):
    """Where a caller stands after a request. Times are seconds since the epoch, UTC.

    Attributes:
        limit: requests in a window.
        remaining: that may be made now; in a cluster about so.
        reset_at: when as many as the limit may be made again, if none is made until then.
        retry_after: seconds until the next may be made, where this one may not; else None.
    """

    limit: int
    remaining: int
    reset_at: float
    retry_after: float | None = None


class Limiter(Protocol):
    """Counts requests."""

    async def take(self, name: str, rate: Rate) -> Standing:
        """Count one request against a bucket; one that may not be made is not counted."""
        ...

    async def look(self, name: str, rate: Rate) -> Standing:
        """Where a caller stands, nothing counted."""
        ...


class Bucket(Struct, kw_only=True):
    """Tokens as they were at a moment."""

    tokens: float
    at: float

    def filled(self, rate: Rate, now: float) -> float:
        """The tokens at a later moment."""
        return min(rate.count, self.tokens + max(0.0, now - self.at) * rate.count / rate.seconds)

    def holding(self, tokens: float, rate: Rate, now: float) -> "Bucket":
        """The bucket with so many tokens.

        It goes back to no earlier moment, or else a clock that is behind would let it fill twice, unless it
        is from further ahead than a window: that clock was wrong.
        """
        ahead = now < self.at <= now + rate.seconds
        return Bucket(tokens=tokens, at=self.at if ahead else now)


def _standing(rate: Rate, tokens: float, now: float, *, short: bool = False) -> Standing:
    each = rate.seconds / rate.count
    return Standing(
        limit=rate.count,
        remaining=max(0, int(tokens)),
        reset_at=now + (rate.count - tokens) * each,
        retry_after=(1 - tokens) * each if short else None,
    )


class MemoryLimiter:
    """Buckets of one process.

    Args:
        clock: seconds since the epoch, UTC.
    """

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    async def take(self, name: str, rate: Rate) -> Standing:
        """Count one request against a bucket; one that may not be made is not counted."""
        now = self._clock()
        bucket = self._buckets.get(name) or Bucket(tokens=rate.count, at=now)
        tokens = bucket.filled(rate, now)
        if tokens < 1:
            return _standing(rate, tokens, now, short=True)
        self._buckets[name] = bucket.holding(tokens - 1, rate, now)
        self._buckets.move_to_end(name)
        if len(self._buckets) > _KEEP:
            self._buckets.popitem(last=False)  # not used for longest: it has filled again, most likely
        return _standing(rate, tokens - 1, now)

    async def look(self, name: str, rate: Rate) -> Standing:
        """Where a caller stands, nothing counted."""
        now = self._clock()
        bucket = self._buckets.get(name)
        return _standing(rate, rate.count if bucket is None else bucket.filled(rate, now), now)


class _Lease:
    """Tokens taken from a shared bucket.

    Attributes:
        left: to spend until ``until``.
        shared: how many stayed in the bucket.
        renewing: held while another lease is taken: of many that find it spent, one asks, and the others
            find what it got.
    """

    __slots__ = ("left", "renewing", "shared", "until")

    def __init__(self) -> None:
        self.left = 0
        self.until = 0.0
        self.shared = 0.0
        self.renewing = asyncio.Lock()


class SharedLimiter:
    """Buckets that several gateways share, kept as records.

    Args:
        records: hold the buckets.
        clock: seconds since the epoch, UTC; gateways' clocks may differ by less than a window.
    """

    def __init__(self, records: Records, *, clock: Callable[[], float] = time.time) -> None:
        self._records = records
        self._clock = clock
        self._leases: OrderedDict[str, _Lease] = OrderedDict()

    async def take(self, name: str, rate: Rate) -> Standing:
        """Count one request against a bucket; one that may not be made is not counted.

        Raises:
            StoreUnavailableError: the shared bucket cannot be asked.
        """
        lease = self._lease(name)
        if not self._spend(lease):
            async with lease.renewing:
                if not self._spend(lease):
                    standing = await self._renew(name, rate, lease)
                    if standing is not None:
                        return standing
        return _standing(rate, lease.left + lease.shared, self._clock())

    async def look(self, name: str, rate: Rate) -> Standing:
        """Where a caller stands, nothing counted."""
        now = self._clock()
        bucket, _ = await self._read(name, rate, now)
        lease = self._lease(name)
        left = lease.left if lease.until > now else 0
        return _standing(rate, min(rate.count, bucket.filled(rate, now) + left), now)

    def _lease(self, name: str) -> _Lease:
        lease = self._leases.setdefault(name, _Lease())
        self._leases.move_to_end(name)
        if len(self._leases) > _KEEP:
            self._leases.popitem(last=False)
        return lease

    def _spend(self, lease: _Lease) -> bool:
        if lease.left < 1 or self._clock() >= lease.until:
            return False
        lease.left -= 1
        return True

    async def _renew(self, name: str, rate: Rate, lease: _Lease) -> Standing | None:
        """Take another lease and spend one token of it; gives a standing when there is none to be had."""
        for _ in range(_TRIES):
            now = self._clock()
            bucket, version = await self._read(name, rate, now)
            tokens = min(rate.count, bucket.filled(rate, now) + lease.left)
            if tokens < 1:
                return _standing(rate, tokens, now, short=True)
            taken = min(int(tokens), max(1, rate.count // _LEASES))
            left = bucket.holding(tokens - taken, rate, now)
            try:
                await self._records.put(
                    _KIND, _SCOPE, name, msgspec.json.encode(left), expected=version,
                    expires_at=left.at + rate.seconds + _LEASE_SECONDS,
                )  # fmt: skip
            except RecordConflictError:
                continue  # another gateway was first
            lease.left, lease.shared = taken - 1, left.tokens
            lease.until = now + min(_LEASE_SECONDS, rate.seconds)
            return None
        raise StoreUnavailableError("too many gateways ask for one rate limit at once")

    async def _read(self, name: str, rate: Rate, now: float) -> tuple[Bucket, int]:
        kept = await self._records.get(_KIND, _SCOPE, name)
        if kept is None:
            return Bucket(tokens=rate.count, at=now), 0
        return msgspec.json.decode(kept.value, type=Bucket), kept.version
