"""An append fails, or nobody knows its outcome: what is known of blocks saves them another try."""

import asyncio
from collections import defaultdict

import pytest

from signoff.blocks import Context, Registry, block
from support.executor_blocks import Probe, registry
from support.executor_faults import FaultyStore
from support.executors import Site, until

TWO = {"blocks": {"one": {"type": "probe.work", "then": "two"}, "two": {"type": "probe.work"}}}
SIDE_BY_SIDE = {
    "blocks": {
        "both": {
            "type": "parallel",
            "count": 1,
            "start": ["one", "two"],
            "blocks": {"one": {"type": "test.gate"}, "two": {"type": "test.gate"}},
        }
    }
}


class Gates:
    """Blocks that end when a test opens their gate."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.given_up: list[str] = []
        self.open: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    def registry(self) -> Registry:
        @block("test.gate")
        async def gate(ctx: Context) -> None:
            self.begun.append(ctx.block_id)
            try:
                await self.open[ctx.block_id].wait()
            except asyncio.CancelledError:
                self.given_up.append(ctx.block_id)
                raise

        return registry(gate)


@pytest.mark.parametrize("appends", [1, 2, 3])
async def test_a_start_that_was_written_unnoticed_is_the_only_one(
    site: Site, probe: Probe, appends: int
) -> None:
    store = FaultyStore(site.store)
    async with site.executor(probe.registry, store=store):
        workflow = await site.deploy(TWO)
        store.unknown = appends
        sent = await site.start(workflow)
        await site.until_event(sent.log_id, "execution:completed")

        assert store.unknown == 0
    assert probe.tries("one") == probe.tries("two") == [1]
    assert (await site.kinds(sent.log_id)).count("block:started") == 3


@pytest.mark.parametrize("fault", ["unknown", "refused"])
async def test_a_result_that_waits_while_an_append_fails_is_recorded(site: Site, fault: str) -> None:
    gates, store = Gates(), FaultyStore(site.store)
    async with site.executor(gates.registry(), store=store) as executor:
        workflow = await site.deploy(SIDE_BY_SIDE)
        sent = await site.start(workflow, log_id=site.new_log(3))
        await until(lambda: sorted(gates.begun) == ["one", "two"])

        setattr(store, fault, 1)
        gates.open["one"].set()
        await until(lambda: getattr(store, fault) == 0)
        gates.open["two"].set()  # while the first result waits to be decided again
        await until(lambda: executor._holdings.owned[3].backlog() == 1)
        await site.until_event(sent.log_id, "execution:completed")

    assert sorted(gates.begun) == ["one", "two"]
    assert {event.attempt for event in await site.events(sent.log_id)} == {None}


async def test_a_block_that_ended_in_an_unnoticed_append_is_given_up(site: Site) -> None:
    gates, store = Gates(), FaultyStore(site.store)
    async with site.executor(gates.registry(), store=store):
        workflow = await site.deploy({"blocks": {"one": {"type": "test.gate"}}})
        sent = await site.start(workflow)
        await until(lambda: gates.begun == ["one"])

        store.unknown = 1
        await site.cancel(sent.log_id)

        await until(lambda: gates.given_up == ["one"])
    assert (await site.kinds(sent.log_id))[-1] == "execution:cancelled"
