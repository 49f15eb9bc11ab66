"""What becomes of executions whose executor is gone, or whose log does not answer."""

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from signoff.executor.blocks.base import Tools
from support.executor_blocks import Probe
from support.executor_faults import FaultyStore
from support.executors import Sent, Site, of_type, until
from support.stores import Clock

STEPS = {
    "blocks": {
        "first": {"type": "probe.work", "then": "second"},
        "second": {"type": "probe.hold", "then": "third"},
        "third": {"type": "probe.work"},
    }
}
SIDE_BY_SIDE = {
    "start": ["held", "wait"],
    "blocks": {
        "held": {"type": "probe.hold"},
        "wait": {"type": "wait", "for": "1s", "then": "after"},
        "after": {"type": "probe.work"},
    },
}


class Crashing:
    """A site whose executors can vanish."""

    def __init__(self, site: Site, clock: Clock) -> None:
        self.site = site
        self.clock = clock

    async def crash_in_mid_block(self, probe: Probe, document: Any, block_id: str, **fields: Any) -> Sent:
        """Leave an execution behind whose executor vanished while a block ran: nothing was given back."""
        store = FaultyStore(self.site.store)
        async with self.site.executor(probe.registry, store=store):
            sent = await self.site.start(await self.site.deploy(document), **fields)
            await until(lambda: probe.tries(block_id) == [1])
            store.away = True
        self.clock.now += 10
        return sent


@pytest.fixture
async def crashing(tools: Tools) -> AsyncIterator[Crashing]:
    clock = Clock()
    site = await Site.in_memory(tools, clock=clock)
    yield Crashing(site, clock)
    await site.close()


async def test_a_block_in_flight_runs_again_once_and_finished_ones_never(
    crashing: Crashing, probe: Probe
) -> None:
    sent = await crashing.crash_in_mid_block(probe, STEPS, "second")

    async with crashing.site.executor(probe.registry):
        await crashing.site.until_event(sent.log_id, "execution:completed")

    assert [probe.tries(name) for name in ("first", "second", "third")] == [[1], [1, 2], [1]]


async def test_a_block_that_runs_again_has_the_idempotency_key_of_its_first_try(
    crashing: Crashing, probe: Probe
) -> None:
    sent = await crashing.crash_in_mid_block(probe, STEPS, "second")

    async with crashing.site.executor(probe.registry):
        await crashing.site.until_event(sent.log_id, "execution:completed")

    keys = [call.idempotency_key for call in probe.calls if call.block_id == "second"]
    assert keys == [f"{sent.log_id}/second"] * 2


async def test_what_a_crash_left_unpublished_is_on_the_topic_after_the_take_over(
    crashing: Crashing, probe: Probe
) -> None:
    sent = await crashing.crash_in_mid_block(probe, STEPS, "second")

    async with crashing.site.executor(probe.registry):
        await crashing.site.until_event(sent.log_id, "execution:completed")
        await crashing.site.topic_equals_log()


async def test_a_wait_beside_a_block_in_flight_ends_after_a_take_over(
    crashing: Crashing, probe: Probe
) -> None:
    endless = {**SIDE_BY_SIDE, "blocks": {**SIDE_BY_SIDE["blocks"], "held": {"type": "probe.endless"}}}
    sent = await crashing.crash_in_mid_block(probe, endless, "held")

    async with crashing.site.executor(probe.registry):
        await crashing.site.until_event(sent.log_id, "timer:fired")
        await until(lambda: probe.tries("after") == [1])


async def test_the_time_limit_of_a_run_strikes_after_a_take_over(crashing: Crashing, probe: Probe) -> None:
    endless = {"blocks": {"held": {"type": "probe.endless"}}}
    sent = await crashing.crash_in_mid_block(probe, endless, "held", time_limit=1.5)

    async with crashing.site.executor(probe.registry):
        (failed,) = await crashing.site.until_event(sent.log_id, "execution:error")

    assert failed.data.code == "TIMEOUT"
    assert await crashing.site.kinds(sent.log_id) == [
        "execution:started",
        "block:started",
        "block:completed",
        "block:started",
        "block:started",
        "execution:error",
    ]


async def test_a_parked_execution_is_not_loaded_by_a_new_owner(
    crashing: Crashing, probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = crashing.site
    form = {"blocks": {"ask": {"type": "human_in_the_loop", "form": {"ok": "boolean"}}}}
    async with site.executor(probe.registry):
        sent = await site.start(await site.deploy(form))
        await site.ended(sent)
    read: list[object] = []

    class Watched(FaultyStore):
        async def read_many(self, after: Any, *, limit: int) -> Any:
            read.extend(after)
            return await site.store.read_many(after, limit=limit)

    async with site.executor(probe.registry, store=Watched(site.store)):
        assert read == []
        await site.ended(await site.resume(sent.log_id, "ask", {"ok": True}))
        assert read == [sent.log_id]


async def test_waits_that_were_due_while_everybody_was_dead_end_at_once(site: Site, probe: Probe) -> None:
    nap = {
        "blocks": {"nap": {"type": "wait", "for": "300ms", "then": "after"}, "after": {"type": "probe.work"}}
    }
    async with site.executor(probe.registry):
        workflow = await site.deploy(nap)
        sent = [await site.start(workflow, mode="async") for _ in range(20)]
        for each in sent:
            await site.until_event(each.log_id, "timer:set")
    for each in sent:
        row = await site.store.execution(each.log_id)
        assert row is not None
        assert row.parked
        assert row.due_at is not None
        due = row.due_at
        await until(lambda due=due: time.time() > due)

    async with site.executor(probe.registry):
        for each in sent:
            await site.until_event(each.log_id, "execution:completed", limit=3)

    assert len(probe.calls) == 20
    (fired,) = of_type(await site.events(sent[-1].log_id), "timer:fired")
    assert fired.due_at <= (await site.until_event(sent[-1].log_id, "timer:fired"))[0].timestamp


async def test_an_append_that_failed_is_decided_again(site: Site, probe: Probe) -> None:
    store = FaultyStore(site.store)
    async with site.executor(probe.registry, store=store):
        workflow = await site.deploy(STEPS)
        store.refused = 1
        sent = await site.start(workflow)
        await until(lambda: probe.tries("second") == [1])
        await site.cancel(sent.log_id)
        await site.ended(sent)
        await site.topic_equals_log(exactly=True)

    types = await site.kinds(sent.log_id)
    assert types.count("execution:started") == 1
    assert types[-1] == "execution:cancelled"


async def test_a_commit_of_unknown_outcome_loses_no_effect_and_doubles_no_event(
    site: Site, probe: Probe
) -> None:
    chain = {
        "blocks": {f"b{i}": {"type": "probe.work", "then": f"b{i + 1}"} for i in range(6)}
        | {"b6": {"type": "probe.work"}}
    }
    store = FaultyStore(site.store)
    async with site.executor(probe.registry, store=store):
        workflow = await site.deploy(chain)
        store.unknown = 4
        sent = await site.start(workflow)
        await site.ended(sent)
        await site.topic_equals_log()

    events = await site.events(sent.log_id)
    completed = [data.block_id for data in of_type(events, "block:completed")]
    assert completed == ["start", *(f"b{i}" for i in range(7))]
    assert [event.type for event in events].count("execution:completed") == 1


async def test_work_goes_on_after_the_database_was_away(site: Site, probe: Probe) -> None:
    store = FaultyStore(site.store)
    async with site.executor(probe.registry, store=store):
        workflow = await site.deploy(STEPS)
        first = await site.start(workflow)
        await until(lambda: probe.tries("second") == [1])
        store.away = True
        second = await site.start(workflow)
        probe.release(first.log_id)
        await until(lambda: first.log_id not in probe.held)
        store.away = False
        probe.release(second.log_id)
        await site.ended(first)
        await site.ended(second)
        await site.topic_equals_log()

    assert sorted(probe.tries("first")) == [1, 1]
    assert sorted(probe.tries("third")) == [1, 1]


async def test_the_time_limit_of_a_run_holds_after_another_append_of_its_partition_failed(
    site: Site, probe: Probe
) -> None:
    store = FaultyStore(site.store)
    async with site.executor(probe.registry, store=store):
        endless = await site.deploy({"blocks": {"held": {"type": "probe.endless"}}}, "endless")
        work = await site.deploy({"blocks": {"only": {"type": "probe.work"}}}, "work")
        limited = await site.start(endless, log_id=site.new_log(3), time_limit=1.0)
        await until(lambda: probe.tries("held") == [1])
        store.refused = 1
        await site.run(work, log_id=site.new_log(3))

        (failed,) = await site.until_event(limited.log_id, "execution:error", limit=5)

    assert failed.data.code == "TIMEOUT"
