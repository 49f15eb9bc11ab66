"""How blocks are run: so many at once, for so long, and not when nobody wants them any more."""

import asyncio
import threading
import time
from typing import Any
from uuid import UUID

from structlog.testing import capture_logs

from signoff.blocks import Context, Retry, block
from signoff.engine.definitions.parse import parse
from signoff.engine.messages import RunBlock
from signoff.engine.state import InFlight, State
from signoff.executor.logs.loaded import Loaded
from signoff.executor.logs.plans import Kinds, make_plan
from signoff.executor.running.reading import Sources
from signoff.executor.running.runner import Runner
from support.executor_blocks import Probe, registry
from support.executors import WORKSPACE, Site, of_type, output_of, until


class Meter:
    """Counts how many of its blocks run at once."""

    def __init__(self) -> None:
        self.now = 0
        self.most = 0
        self.total = 0

        @block("test.metered")
        async def metered() -> None:
            self.now += 1
            self.total += 1
            self.most = max(self.most, self.now)
            for _ in range(5):
                await asyncio.sleep(0)
            self.now -= 1

        self.registry = registry(metered)


async def test_no_more_blocks_run_at_once_than_are_allowed(site: Site) -> None:
    meter = Meter()
    async with site.executor(meter.registry, block_concurrency=3):
        workflow = await site.deploy({"blocks": {"only": {"type": "test.metered"}}})
        sent = [await site.start(workflow) for _ in range(40)]
        for each in sent:
            await site.ended(each)

    assert (meter.most, meter.total) == (3, 40)


async def test_what_a_failing_block_is_logged_with_shows_where_it_failed_and_no_secret(site: Site) -> None:
    @block("test.leaky")
    async def leaky(key: str) -> None:
        try:
            int(key)
        except ValueError as error:
            raise RuntimeError(f"refused with {key}") from error

    with capture_logs() as logged:
        async with site.executor(registry(leaky), environment={"KEY": "sk-very-secret"}):
            leaks = {"type": "test.leaky", "with": {"key": "{{KEY}}"}}
            workflow = await site.deploy({"blocks": {"a": leaks}})
            await site.ended(await site.start(workflow))

    (line,) = [each for each in logged if each["event"] == "block failed"]
    assert "in leaky" in line["exception"]
    assert "with base 10: '•••'" in line["exception"]
    assert "RuntimeError: refused with •••" in line["exception"]
    assert "sk-very-secret" not in repr(logged)


async def test_a_cancelled_block_gives_its_place_to_the_next(site: Site, probe: Probe) -> None:
    async with site.executor(probe.registry, block_concurrency=1) as executor:
        endless = await site.deploy({"blocks": {"held": {"type": "probe.endless"}}}, "endless")
        work = await site.deploy({"blocks": {"only": {"type": "probe.work"}}}, "work")
        for _ in range(5):
            log_id = site.new_log(1)
            await site.start(endless, log_id=log_id)
            await site.outcome(await site.cancel(log_id))  # often in the very batch of its start

        await site.run(work)
        await until(lambda: executor._runner.running == 0)

    assert probe.tries("only") == [1]


async def test_a_start_and_its_cancellation_in_one_batch_leave_nothing_running(
    site: Site, probe: Probe
) -> None:
    async with site.executor(probe.registry, block_concurrency=1) as executor:
        workflow = await site.deploy({"blocks": {"held": {"type": "probe.endless"}}}, "endless")
        log_id = site.new_log(1)
        start, cancel = await asyncio.gather(site.start(workflow, log_id=log_id), site.cancel(log_id))
        await site.outcome(start)
        await site.outcome(cancel)

        await until(lambda: executor._runner.running == 0)
        assert len(executor._runner.line) == 0
        await site.run(await site.deploy({"blocks": {"only": {"type": "probe.work"}}}, "work"))


async def test_a_block_over_its_time_limit_fails(site: Site) -> None:
    @block("test.slow", timeout=0.1)
    async def slow() -> None:
        await asyncio.Event().wait()

    async with site.executor(registry(slow)):
        events = await site.run(await site.deploy({"blocks": {"slow": {"type": "test.slow"}}}))

    (failed,) = of_type(events, "block:error")
    assert (failed.code, failed.error) == ("TIMEOUT", "slow timed out after 0.1 seconds")


async def test_a_block_is_tried_as_often_as_its_function_says(site: Site) -> None:
    attempts: list[int] = []

    @block("test.shaky", retry=Retry(max_tries=3, wait=0.01))
    async def shaky(ctx: Context) -> Any:
        attempts.append(ctx.attempt)
        if ctx.attempt < 3:
            raise RuntimeError("not yet")
        return "well"

    async with site.executor(registry(shaky)):
        events = await site.run(await site.deploy({"blocks": {"shaky": {"type": "test.shaky"}}}))

    assert attempts == [1, 2, 3]
    assert [data.error for data in of_type(events, "block:retrying")] == ["RuntimeError: not yet"] * 2
    assert output_of(events, "shaky") == {"result": "well"}


async def test_cancelling_an_execution_reaches_its_async_block(site: Site) -> None:
    reached = asyncio.Event()
    begun = asyncio.Event()

    @block("test.cancelled")
    async def cancelled(ctx: Context) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            assert ctx.cancelled.is_set()
            reached.set()
            raise

    async with site.executor(registry(cancelled)):
        sent = await site.start(await site.deploy({"blocks": {"only": {"type": "test.cancelled"}}}))
        await asyncio.wait_for(begun.wait(), 5)
        await site.cancel(sent.log_id)
        await asyncio.wait_for(reached.wait(), 5)
        await site.ended(sent)

    assert (await site.kinds(sent.log_id))[-1] == "execution:cancelled"


async def test_cancelling_an_execution_reaches_its_block_in_a_thread(site: Site) -> None:
    begun = threading.Event()
    reached = threading.Event()

    @block("test.thread")
    def in_thread(ctx: Context) -> str:
        begun.set()
        deadline = time.monotonic() + 10
        while not ctx.cancelled.is_set() and time.monotonic() < deadline:
            pass
        reached.set()
        return threading.current_thread().name

    async with site.executor(registry(in_thread)):
        sent = await site.start(await site.deploy({"blocks": {"only": {"type": "test.thread"}}}))
        await until(begun.is_set)
        await site.cancel(sent.log_id)
        await until(reached.is_set)


async def test_a_sync_block_runs_in_a_thread_and_holds_up_nobody(site: Site, probe: Probe) -> None:
    go = threading.Event()

    @block("test.thread")
    def in_thread() -> str:
        go.wait(10)
        return threading.current_thread().name

    async with site.executor(registry(in_thread, *(spec.function for spec in probe.registry.values()))):
        slow = await site.start(await site.deploy({"blocks": {"slow": {"type": "test.thread"}}}, "slow"))
        await site.run(await site.deploy({"blocks": {"only": {"type": "probe.work"}}}, "quick"))
        assert "execution:completed" not in await site.kinds(slow.log_id)
        go.set()
        await site.ended(slow)

    assert output_of(await site.events(slow.log_id), "slow")["result"].startswith("block")


async def test_a_block_that_does_not_want_to_stop_does_not_keep_the_executor_from_stopping(
    site: Site,
) -> None:
    begun, let_go = asyncio.Event(), asyncio.Event()

    @block("test.stubborn")
    async def stubborn() -> None:
        begun.set()
        while not let_go.is_set():
            try:
                await let_go.wait()
            except asyncio.CancelledError:
                continue

    async with site.executor(registry(stubborn)):
        await site.start(await site.deploy({"blocks": {"only": {"type": "test.stubborn"}}}))
        await asyncio.wait_for(begun.wait(), 5)
    let_go.set()

    assert [row.owner for row in await site.store.leases()] == [None] * site.partitions


class Lapsing:
    """A partition whose lease runs out by this process's clock."""

    def __init__(self, *, held: bool) -> None:
        self.lease_held = held

    def held(self) -> bool:
        return self.lease_held

    def begins(self) -> bool:
        return self.lease_held

    def deliver(self, log_id: UUID, message: object) -> None:
        raise AssertionError("nothing ran")


def start_one(site: Site, probe: Probe, place: Lapsing, *, environment: Any) -> Runner:
    """Start a block that reads the environment before it runs."""
    document = {"blocks": {"only": {"type": "probe.work", "with": {"value": "{{KEY}}"}}}}
    definition = parse(document, types=probe.registry.output_fields, workflow_id="w").definition
    assert definition is not None
    kinds = Kinds(probe.registry, site.tools.llm, site.store.workflow)
    started = {"event_id": 1, "order": 1, "started_at": "2026-01-01T00:00:00Z"}
    flight = InFlight(instance="only", block_id="only", run_id="run", attempt=1, **started)
    state = State(workspace_id=WORKSPACE, in_flight={"only": flight})
    loaded = Loaded(site.new_log(), state, make_plan(definition, kinds))
    runner = Runner(site.tools, Sources(site.blobs, environment, site.no_secrets))
    runner.start(place, loaded, state, RunBlock("only", "run", 1))  # type: ignore[arg-type]
    return runner


async def test_no_block_starts_once_the_lease_has_run_out(site: Site, probe: Probe) -> None:
    runner = start_one(site, probe, Lapsing(held=False), environment=site.no_environment)

    assert (runner.running, len(runner.line)) == (0, 0)
    assert probe.calls == []


async def test_no_block_starts_whose_lease_ran_out_while_its_parameters_were_read(
    site: Site, probe: Probe
) -> None:
    place = Lapsing(held=True)

    async def environment(_: UUID) -> dict[str, str]:
        place.lease_held = False
        return {"KEY": "value"}

    runner = start_one(site, probe, place, environment=environment)
    await until(lambda: not runner.running)

    assert not place.held()
    assert probe.calls == []
