"""An append fails, or nobody knows its outcome: what is known of blocks saves them another try."""

import asyncio
from collections import defaultdict
from collections.abc import Callable

import pytest

from signoff.blocks import Context, Registry, block
from signoff.events.errors import AppendUnknownError
from signoff.events.store.base import Append, EventStore
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


class Late(FaultyStore):
    """A store at which an append of unknown outcome arrives late: just before the next one.

    Attributes:
        delays: the next append of events is such a one.
        caught_up: whether the relay has read the log again meanwhile.
    """

    delays = False
    caught_up: Callable[[], bool]

    def __init__(self, store: EventStore) -> None:
        super().__init__(store)
        self._late: Append | None = None

    async def append(self, append: Append) -> int:
        if append.events and self.delays:
            self.delays, self._late = False, append
            raise AppendUnknownError("the connection broke during the commit")
        if append.events and self._late is not None:
            late, self._late = self._late, None
            await until(self.caught_up)
            await super().append(late)
        return await super().append(append)


async def test_what_a_late_commit_wrote_is_published_though_nothing_follows_it(site: Site) -> None:
    gates, store = Gates(), Late(site.store)
    async with site.executor(gates.registry(), store=store) as executor:
        store.caught_up = lambda: executor._relay.lag == 0
        workflow = await site.deploy({"blocks": {"one": {"type": "test.gate"}}})
        sent = await site.start(workflow)
        await until(lambda: gates.begun == ["one"])

        store.delays = True
        await site.cancel(sent.log_id)

        await site.until_event(sent.log_id, "execution:cancelled")
        await site.topic_equals_log()
