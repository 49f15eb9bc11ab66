"""Gateways that share a bucket while records answer out of turn, and leases lapse."""

import asyncio
import random
from typing import Any

import pytest

from signoff.access.keys.limits import SharedLimiter
from signoff.events.store.memory import MemoryStore
from signoff.runtime.settings import Rate
from support.stores import Clock

_RATE = Rate(200, 1e9)
_REQUESTS = 600


class _Slow:
    """Records that take a few turns of the loop, as chance will have it."""

    def __init__(self, store: MemoryStore, chance: random.Random) -> None:
        self._records = store.records
        self._chance = chance

    async def get(self, *given: Any, **named: Any) -> Any:
        await self.turns(4)
        found = await self._records.get(*given, **named)
        await self.turns(4)
        return found

    async def put(self, *given: Any, **named: Any) -> Any:
        await self.turns(4)
        version = await self._records.put(*given, **named)
        await self.turns(4)
        return version

    async def turns(self, most: int) -> None:
        for _ in range(self._chance.randrange(most)):
            await asyncio.sleep(0)


@pytest.mark.parametrize("seed", range(10))
async def test_gateways_together_let_exactly_as_many_through_as_one_would(seed: int) -> None:
    chance, clock, store = random.Random(seed), Clock(), MemoryStore()
    records: Any = _Slow(store, chance)
    gateways = [SharedLimiter(records, clock=clock) for _ in range(2)]

    async def goes_through() -> bool:
        await records.turns(60)
        if chance.random() < 0.05:
            clock.now += 1.1  # every lease has lapsed
        return (await chance.choice(gateways).take("a", _RATE)).retry_after is None

    through = await asyncio.gather(*(goes_through() for _ in range(_REQUESTS)))

    await store.close()
    assert sum(through) == _RATE.count
