"""Deliveries go on after any error, and tell how they fare."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from msgspec.structs import replace

from signoff.events.store.memory import MemoryStore
from signoff.executor.hooks.deliverer import delivering
from signoff.executor.hooks.metrics import HookMetrics
from signoff.executor.hooks.service import HookService
from signoff.runtime.health import Health
from support.executors import until
from support.hooks import LOOPBACK, PARTITIONS, QUICK, HookSite, Receiver


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver().serving() as receiver:
        yield receiver


@pytest.fixture
async def site() -> AsyncIterator[HookSite]:
    store = MemoryStore()
    await store.migrate(partitions=PARTITIONS)
    yield await HookSite.on(store)
    await store.close()


class Broken:
    """A log that reads with an error of ours, so many times."""

    def __init__(self, store: MemoryStore, times: float) -> None:
        self._store = store
        self._times = times

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def read_all(self, **given: Any) -> Any:
        self._times -= 1
        if self._times >= 0:
            raise RuntimeError("a bug")
        return await self._store.read_all(**given)


@asynccontextmanager
async def serving(
    site: HookSite, store: Any, health: Health, *, first_wait: float = 0.01
) -> AsyncIterator[None]:
    metrics = HookMetrics(health.registry)

    def begin() -> Any:
        return delivering(
            store, site.directory, site.sealer, lambda: range(PARTITIONS), metrics,
            networks=LOOPBACK, partitions=PARTITIONS, limits=QUICK,
        )  # fmt: skip

    task = asyncio.create_task(HookService(begin, health, metrics, first_wait=first_wait).run())
    yield
    task.cancel()
    ended = await asyncio.gather(task, return_exceptions=True)
    assert isinstance(ended[0], asyncio.CancelledError), ended


async def test_deliveries_that_end_with_an_error_are_begun_again(site: HookSite, receiver: Receiver) -> None:
    health = Health()
    await site.hook(receiver.url())

    async with serving(site, Broken(site.store, times=2), health):
        log_id = await site.executed()
        await receiver.until(lambda: receiver.of(log_id) == [1, 2])

    assert (await health.readiness()).status == "ready"
    assert health.registry.get_sample_value("signoff_hook_failures_total") == 2


async def test_while_deliveries_wait_after_an_error_readiness_says_so(
    site: HookSite, receiver: Receiver
) -> None:
    health = Health()
    await site.hook(receiver.url())

    async with serving(site, Broken(site.store, times=1), health, first_wait=60.0):
        await site.executed()
        await until(lambda: health.registry.get_sample_value("signoff_hook_failures_total"))
        readiness = await health.readiness()

    assert readiness.status == "unavailable"
    assert "RuntimeError: a bug; begun again in 60 s" in str(readiness.checks["webhooks"].detail)


async def test_attempts_are_counted_by_their_result(site: HookSite, receiver: Receiver) -> None:
    statuses = iter([204, 500, 410])
    receiver.answer = lambda _: web.Response(status=next(statuses))
    await site.hook(receiver.url())

    async with site.delivering():
        await site.executed()  # the first event is delivered; the second fails, then is not wanted
        await until(lambda: site.metrics.get_sample_value("signoff_hook_dead_letters_total"))

    counted = {
        result: site.metrics.get_sample_value("signoff_hook_attempts_total", {"result": result})
        for result in ("delivered", "failed", "gone")
    }
    assert counted == {"delivered": 1, "failed": 1, "gone": 1}


async def test_what_is_under_way_and_how_far_behind_it_is_are_shown(
    site: HookSite, receiver: Receiver
) -> None:
    released = asyncio.Event()

    async def hang() -> web.Response:
        await released.wait()
        return web.Response()

    def shown() -> tuple[float | None, float | None]:
        names = ("signoff_hook_lanes", "signoff_hook_lag_events")
        return tuple(site.metrics.get_sample_value(name) for name in names)  # type: ignore[return-value]

    receiver.answer = lambda _: hang()
    await site.hook(receiver.url())
    async with site.delivering():
        await site.executed(0)
        await site.executed(1)
        await until(lambda: shown() == (2, 4))
        released.set()
        await until(lambda: shown() == (0, 0))


async def test_what_was_put_aside_and_is_due_is_shown(site: HookSite, receiver: Receiver) -> None:
    receiver.answer = lambda _: web.Response(status=500)
    await site.hook(receiver.url())

    async with site.delivering(limits=replace(QUICK, lanes_per_hook=1)):
        for partition in range(PARTITIONS):
            await site.executed(partition)
        await until(lambda: (site.metrics.get_sample_value("signoff_hook_due") or 0) > 0)
        receiver.answer = lambda _: web.Response(status=204)
        await until(lambda: site.metrics.get_sample_value("signoff_hook_due") == 0)
