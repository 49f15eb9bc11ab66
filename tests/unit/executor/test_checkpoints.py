"""The executor that has the first partition makes checkpoints; another one makes none."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from signoff.audit.checkpoints.checkpoint import Signed
from signoff.audit.checkpoints.signing import Signer
from signoff.audit.checkpoints.topic import read_topic
from signoff.events.errors import BusUnavailableError, ValueNotStorableError
from signoff.executor.publishing.checkpoints import FIRST, Checkpoints
from support.executors import REFUND, Site, until

GIVEN = {"amount": 10, "customer": "Ada"}


@asynccontextmanager
async def working(site: Site, asked: list[int], *, held: bool) -> AsyncIterator[None]:
    """Checkpoints alone; tells for which partitions its lease was looked up."""

    def holds(partition: int) -> bool:
        asked.append(partition)
        return held

    checkpoints = Checkpoints(
        site.store, site.bus, Signer([b"s" * 32]), files=None, every=0.01, held=holds, clock=time.time
    )
    task = asyncio.create_task(checkpoints.keep())
    yield
    task.cancel()
    await asyncio.wait([task])


async def made(site: Site) -> list[Signed]:
    entries = [each.entry async for each in read_topic(site.bus)]
    return [entry for entry in entries if isinstance(entry, Signed)]


async def test_checkpoints_follow_what_is_logged(site: Site) -> None:
    async with site.executor(checkpoint_every=0.02):
        workflow = await site.deploy(REFUND)
        await site.run(workflow, GIVEN)
        last = await site.store.last_position()

        async def covered() -> bool:
            return any(each.checkpoint.position >= last for each in await made(site))

        await until(covered)

    numbers = [each.number for each in await made(site)]
    assert numbers == list(range(1, len(numbers) + 1))


async def test_who_has_not_the_first_partition_makes_none(site: Site) -> None:
    asked: list[int] = []
    async with site.executor(checkpoint_every=600):
        await site.deploy(REFUND)

    async with working(site, asked, held=False):
        await until(lambda: len(asked) > 3)

    assert set(asked) == {FIRST}
    assert await made(site) == []


async def test_a_broker_that_is_away_is_waited_for(site: Site) -> None:
    async with site.executor(checkpoint_every=600):
        await site.deploy(REFUND)
    asked: list[int] = []
    bounds = site.bus.bounds

    async def away(*_: object) -> None:
        asked.append(-1)
        raise BusUnavailableError("the broker is away")

    site.bus.bounds = away  # type: ignore[assignment, method-assign]
    async with working(site, asked, held=True):
        await until(lambda: asked.count(-1) > 1)
        site.bus.bounds = bounds  # type: ignore[method-assign]
        await until(lambda: made(site))


async def test_whatever_is_kept_of_them_does_not_end_it(site: Site) -> None:
    async with site.executor(checkpoint_every=600):
        await site.deploy(REFUND)
    asked: list[int] = []
    tracked = site.store.tracked

    async def spoilt(_: str) -> int:
        asked.append(-1)
        raise ValueNotStorableError("$", "the number is none that a database can hold")

    site.store.tracked = spoilt  # type: ignore[assignment, method-assign]
    async with working(site, asked, held=True):
        await until(lambda: asked.count(-1) > 1)
        site.store.tracked = tracked  # type: ignore[method-assign]
        await until(lambda: made(site))
