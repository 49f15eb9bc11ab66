"""The two sides of a commit: nothing follows from what is not in the log, nothing is in it in part."""

import asyncio
import base64
import hashlib
import time
from typing import Any

import pytest

from signoff.blocks import block
from signoff.events.times import from_iso
from signoff.events.topics import COMMANDS, OUTCOMES
from signoff.executor.blocks.base import Tools
from support.executor_blocks import Probe, registry
from support.executor_faults import FaultyStore
from support.executors import Site, until
from support.stores import LIMIT

ONE = {"blocks": {"only": {"type": "probe.work"}}}
ASK = {
    "blocks": {"ask": {"type": "human_in_the_loop", "form": {"ok": "boolean"}, "then": "after"}}
    | {"after": {"type": "probe.work"}}
}


async def test_nothing_is_said_or_begun_of_what_could_not_be_appended(site: Site, probe: Probe) -> None:
    store = FaultyStore(site.store)
    async with site.executor(probe.registry, store=store):
        workflow = await site.deploy(ONE)
        said_before = await site.bus.bounds(OUTCOMES, [0])
        store.refused = 1000
        sent = await site.start(workflow)
        await until(lambda: store.refused <= 997)

        assert probe.calls == []
        assert await site.bus.bounds(OUTCOMES, [0]) == said_before

        store.refused = 0
        await site.ended(sent)
    assert probe.tries("only") == [1]


async def test_no_command_is_read_again_whose_events_are_in_the_log(site: Site, probe: Probe) -> None:
    store = FaultyStore(site.store)
    async with site.executor(probe.registry, store=store):
        workflow = await site.deploy(ONE)
        partition = 3
        store.lasting = 1
        await site.start(workflow, log_id=site.new_log(partition))
        await until(lambda: store.away)

    _, end = (await site.bus.bounds(COMMANDS, [partition]))[partition]
    assert end == 1
    assert (await site.store.leases())[partition].next_offset == end


async def test_an_owner_whose_clock_is_behind_writes_nothing_earlier_than_the_log(
    site: Site, probe: Probe
) -> None:
    async with site.executor(probe.registry):
        sent = await site.start(await site.deploy(ASK))
        await site.ended(sent)
    async with site.executor(probe.registry, clock=lambda: time.time() - 3600):
        await site.ended(await site.resume(sent.log_id, "ask", {"ok": True}))

    times = [event.timestamp for event in await site.events(sent.log_id)]
    assert times == sorted(times)


async def test_the_time_of_day_is_the_logs_and_not_that_of_an_owners_clock(
    tools: Tools, probe: Probe
) -> None:
    ahead = 3600.0
    site = await Site.in_memory(tools, clock=lambda: time.time() + ahead)
    async with site.executor(probe.registry, clock=None):
        sent = await site.start(await site.deploy(ONE))
        await site.ended(sent)

    times = [from_iso(event.timestamp) for event in await site.events(sent.log_id)]
    assert times[0] == pytest.approx(time.time() + ahead, abs=LIMIT)
    await site.close()


async def test_each_event_names_the_hash_of_the_one_before_it_over_owners(site: Site, probe: Probe) -> None:
    async with site.executor(probe.registry):
        sent = await site.start(await site.deploy(ASK))
        await site.ended(sent)
    async with site.executor(probe.registry):
        await site.ended(await site.resume(sent.log_id, "ask", {"ok": True}))

    raws = [recorded.state for recorded in await site.store.read(sent.log_id)]
    hashes = [base64.b64encode(hashlib.sha256(raw).digest()).decode() for raw in raws]
    assert [event.prev for event in await site.events(sent.log_id)] == [None, *hashes[:-1]]


async def test_an_event_waits_for_the_large_value_that_it_refers_to(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, asked, allowed = site.blobs.objects.write, asyncio.Event(), asyncio.Event()

    async def held(*given: Any, **named: Any) -> None:
        asked.set()
        await allowed.wait()
        await write(*given, **named)

    @block("test.large")
    async def large() -> str:
        return "x" * 600_000

    async with site.executor(registry(large)):
        small = await site.deploy({"blocks": {"only": {"type": "wait", "for": "10ms"}}}, "small")
        workflow = await site.deploy({"blocks": {"large": {"type": "test.large"}}}, "large")
        monkeypatch.setattr(site.blobs.objects, "write", held)
        sent = await site.start(workflow, log_id=site.new_log(3))
        await until(asked.is_set)
        await site.run(small, log_id=site.new_log(3))  # all that its partition had to write is written

        assert (await site.kinds(sent.log_id))[-1] == "block:started"

        allowed.set()
        await site.ended(sent)
    assert (await site.kinds(sent.log_id))[-1] == "execution:completed"
