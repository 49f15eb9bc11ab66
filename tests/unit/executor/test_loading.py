"""How executions come into memory, and leave it."""

import asyncio
import gc
from typing import Any
from uuid import UUID

import msgspec
import pytest

from signoff.blocks import Registry
from signoff.engine.deciding.timetable import MOST
from signoff.engine.deciding.workflow import WorkflowState, decide_workflow
from signoff.engine.messages import Tick
from signoff.engine.state import FORMAT
from signoff.events.errors import BlobError
from signoff.events.store.base import Append, Snapshot
from signoff.events.times import iso
from signoff.events.topics import workflow_log_id
from signoff.events.types import Command, DeployWorkflow
from signoff.executor.logs import loader as module
from signoff.executor.logs.loaded import Loaded
from signoff.executor.logs.loader import BrokenExecutionError, Loader
from signoff.executor.logs.plans import Plans
from signoff.executor.partition.scheduled import prepare_schedules
from support.bdd import NOW
from support.executor_blocks import Probe
from support.executor_faults import FaultyStore
from support.executors import ACTOR, WORKSPACE, Site, until

STEPS = 130
LONG: dict[str, Any] = {
    "blocks": {
        **{
            f"b{i}": {"type": "probe.work", "with": {"value": "x" * 200}, "then": f"b{i + 1}"}
            for i in range(STEPS)
        },
        f"b{STEPS}": {"type": "human_in_the_loop", "form": {"ok": "boolean"}, "then": "last"},
        "last": {"type": "probe.work", "with": {"value": "<b7.value>"}},
    }
}
ASK = {
    "blocks": {
        "ask": {"type": "human_in_the_loop", "form": {"ok": "boolean"}, "then": "after"},
        "after": {"type": "probe.work"},
    }
}


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Snapshots come after 100 events, and logs are read in pages of as many."""
    monkeypatch.setattr(module, "SNAPSHOT_EVENTS", 100)
    monkeypatch.setattr(module, "_PAGE", 100)


async def paused(site: Site, probe: Probe) -> UUID:
    """A long execution that is paused, and has a snapshot."""
    async with site.executor(probe.registry):
        sent = await site.start(await site.deploy(LONG))
        await site.ended(sent)
        await until(lambda: site.store.snapshot(sent.log_id))
    return sent.log_id


def loader_of(site: Site, probe: Probe, store: Any = None) -> Loader:
    return Loader(store or site.store, Plans(site.store, site.blobs, probe.registry, site.tools.llm))


async def state_of(loader: Loader, log_id: UUID) -> bytes:
    found = (await loader.load([log_id]))[log_id]
    assert isinstance(found, Loaded)
    return msgspec.json.encode(found.state, order="deterministic") + (found.prev or "").encode()


async def test_a_long_execution_gets_a_snapshot(site: Site, probe: Probe) -> None:
    log_id = await paused(site, probe)

    snapshot = await site.store.snapshot(log_id)

    assert snapshot is not None
    assert snapshot.format == FORMAT
    assert snapshot.version >= 100


async def test_loading_from_a_snapshot_gives_what_the_whole_log_gives(site: Site, probe: Probe) -> None:
    log_id = await paused(site, probe)
    read: list[int] = []

    class Watched(FaultyStore):
        async def read(self, log_id: UUID, *, after: int = 0, limit: int | None = None, **more: Any) -> Any:
            read.append(after)
            return await site.store.read(log_id, after=after, limit=limit)

        async def snapshot(self, log_id: UUID) -> Any:
            return None

    snapshot = await site.store.snapshot(log_id)
    with_snapshot = await state_of(loader_of(site, probe, Watched(site.store)), log_id)
    assert min(read) == 100
    read.clear()

    class Snapshots(Watched):
        async def snapshot(self, log_id: UUID) -> Any:
            return snapshot

    assert await state_of(loader_of(site, probe, Snapshots(site.store)), log_id) == with_snapshot
    assert snapshot is not None
    assert min(read) == snapshot.version - 1  # the event that it stands at


@pytest.mark.parametrize(
    ("form", "state"), [(FORMAT + 1, b"whatever"), (FORMAT, b"not json"), (FORMAT, b'{"state":7}')]
)
async def test_a_snapshot_that_cannot_be_read_is_ignored(
    site: Site, probe: Probe, form: int, state: bytes
) -> None:
    log_id = await paused(site, probe)
    expected = await state_of(loader_of(site, probe), log_id)
    await site.store.keep_snapshot(Snapshot(log_id=log_id, version=10_000, format=form, state=state))

    assert await state_of(loader_of(site, probe), log_id) == expected


async def test_a_snapshot_of_another_format_is_ignored_though_it_could_be_read(
    site: Site, probe: Probe
) -> None:
    log_id = await paused(site, probe)
    expected = await state_of(loader_of(site, probe), log_id)
    snapshot = await site.store.snapshot(log_id)
    assert snapshot is not None
    kept = msgspec.json.decode(snapshot.state)
    kept["state"]["variables"] = {"said": "in another sense then"}
    other = msgspec.structs.replace(snapshot, format=FORMAT - 1, state=msgspec.json.encode(kept))
    await site.store.keep_snapshot(other)

    assert await state_of(loader_of(site, probe), log_id) == expected


@pytest.mark.parametrize("later", [0, 1])
async def test_a_snapshot_of_other_events_is_ignored(site: Site, probe: Probe, later: int) -> None:
    log_id = await paused(site, probe)
    expected = await state_of(loader_of(site, probe), log_id)
    snapshot = await site.store.snapshot(log_id)
    assert snapshot is not None
    kept = msgspec.json.decode(snapshot.state)
    kept["state"]["variables"] = {"said": "in another log"}
    kept["prev"] = kept["prev"] if later else "of another event"
    version = snapshot.version + later
    other = msgspec.structs.replace(snapshot, version=version, state=msgspec.json.encode(kept))
    await site.store.keep_snapshot(other)

    assert await state_of(loader_of(site, probe), log_id) == expected


async def fired(site: Site, log_id: UUID, count: int) -> None:
    """Record a workflow and many starts of its schedule, as an executor did that has gone since."""
    definition = {
        "blocks": [
            {
                "id": "often",
                "enabled": True,
                "metadata": {"id": "schedule", "name": "Often"},
                "config": {"tool": "", "params": {"cron": "* * * * *", "catchUp": "all"}},
            }
        ]
    }
    data = DeployWorkflow(
        workspace_id=WORKSPACE, workflow_id="reports", name="Reports", definition=definition, digest="d"
    )
    deploy = Command(
        command_id="c", type=data.TYPE, execution_id="reports", issued_at=iso(NOW), actor=ACTOR, data=data
    )
    state = WorkflowState()
    loaded = Loaded(log_id, state, None)
    loaded.name(execution_id=None, workflow_id="reports")
    leases = {lease.partition: lease for lease in await site.store.acquire("gone", most=99, ttl=60.0)}
    lease = leases[site.partition_of(log_id)]
    for minute in range(0, count + 1, MOST):
        now = NOW + minute * 60
        message = Tick() if minute else deploy
        await prepare_schedules(state, site.store, site.blobs)
        step = loaded.step(decide_workflow(state, message, now), now)
        events = loaded.records(step)
        await site.store.append(Append(partition=lease.partition, epoch=lease.epoch, events=events))
    await site.store.release({each.partition: each.epoch for each in leases.values()}, owner="gone")


async def test_a_schedule_that_fired_ten_thousand_times_is_loaded_from_its_snapshot(
    site: Site, probe: Probe
) -> None:
    log_id = workflow_log_id(WORKSPACE, "reports")
    await fired(site, log_id, 10_000)
    loader = loader_of(site, probe)
    whole = await state_of(loader, log_id)
    await loader.make_snapshot(log_id)
    read: list[int] = []

    class Watched(FaultyStore):
        async def read(self, log_id: UUID, *, after: int = 0, limit: int | None = None, **more: Any) -> Any:
            read.append(after)
            return await site.store.read(log_id, after=after, limit=limit)

    assert await state_of(loader_of(site, probe, Watched(site.store)), log_id) == whole
    assert read == [10_000, 10_001]


async def test_a_workflow_with_many_events_gets_a_snapshot_and_goes_on_from_it(
    site: Site, probe: Probe
) -> None:
    async with site.executor(probe.registry):
        for _ in range(101):
            row = await site.deploy(ASK, "often")
        await until(lambda: site.store.snapshot(row.log_id))
    async with site.executor(probe.registry):
        row = await site.deploy(ASK, "often")

    assert row.version == 102


async def test_an_execution_goes_on_from_its_snapshot(site: Site, probe: Probe) -> None:
    log_id = await paused(site, probe)

    async with site.executor(probe.registry):
        await site.ended(await site.resume(log_id, f"b{STEPS}", {"ok": True}))

    events = await site.events(log_id)
    assert events[-1].type == "execution:completed"
    assert events[-1].data.output == {"value": "x" * 200}
    assert len(probe.tries("b7")) == 1


async def test_an_object_store_that_is_away_breaks_no_execution(site: Site, probe: Probe) -> None:
    class Away:
        def __getattr__(self, name: str) -> Any:
            async def fail(*_: object, **__: object) -> None:
                raise BlobError("the object store is away")

            return fail

    async with site.executor(probe.registry):
        sent = await site.start(await site.deploy(ASK))
        await site.ended(sent)
    loader = Loader(site.store, Plans(site.store, Away(), probe.registry, site.tools.llm))  # type: ignore[arg-type]

    with pytest.raises(BlobError):
        await loader.load([sent.log_id])


async def test_an_execution_whose_blocks_are_not_installed_cannot_be_loaded(site: Site, probe: Probe) -> None:
    async with site.executor(probe.registry):
        sent = await site.start(await site.deploy(ASK))
        await site.ended(sent)
    loader = Loader(site.store, Plans(site.store, site.blobs, Registry(), site.tools.llm))

    found = (await loader.load([sent.log_id]))[sent.log_id]

    assert isinstance(found, BrokenExecutionError)
    assert "'probe.work' is not registered with this executor" in found.reason


def loaded_now() -> int:
    gc.collect()
    return sum(isinstance(each, Loaded) for each in gc.get_objects())


async def test_parked_and_finished_executions_leave_nothing_in_memory(site: Site, probe: Probe) -> None:
    asleep = {"blocks": {"nap": {"type": "wait", "for": "1h"}}}
    before = loaded_now()
    async with site.executor(probe.registry) as executor:
        asking, sleeping, working = (
            await site.deploy(ASK, "ask"),
            await site.deploy(asleep, "sleep"),
            await site.deploy({"blocks": {"only": {"type": "probe.work"}}}, "work"),
        )
        tasks = len(asyncio.all_tasks())
        ends: dict[str, list[UUID]] = {"execution:paused": [], "timer:set": [], "execution:completed": []}
        for _ in range(100):
            for (_, logs), workflow in zip(ends.items(), (asking, sleeping, working), strict=True):
                logs.append((await site.start(workflow, mode="async")).log_id)
        for kind, logs in ends.items():
            for log_id in logs:
                await site.until_event(log_id, kind)
        await until(lambda: all(len(partition) == 0 for partition in executor._holdings.owned.values()))

        assert loaded_now() == before
        assert len(asyncio.all_tasks()) <= tasks
        assert executor._runner.running == 0
        assert executor._runner._jobs == {}
        assert len(executor._timing._heap) == 0


async def test_a_wait_that_is_alone_at_last_is_in_the_row_that_wakes_it(site: Site, probe: Probe) -> None:
    document = {
        "start": ["held", "nap"],
        "blocks": {"held": {"type": "probe.hold"}, "nap": {"type": "wait", "for": "1h"}},
    }
    async with site.executor(probe.registry):
        sent = await site.start(await site.deploy(document))
        await site.until_event(sent.log_id, "timer:set")
        await until(lambda: probe.held)
        row = await site.store.execution(sent.log_id)
        assert row is not None
        assert not row.parked

        probe.release(sent.log_id)
        await site.until_event(sent.log_id, "block:completed", count=2)

        row = await site.store.execution(sent.log_id)
        assert row is not None
        assert row.parked
        assert row.due_at is not None
        assert row.due_at - row.started_at == pytest.approx(3600, abs=5)


async def test_the_row_of_two_waits_says_when_the_next_one_ends(site: Site, probe: Probe) -> None:
    document = {
        "start": ["short", "long"],
        "blocks": {"short": {"type": "wait", "for": "50ms"}, "long": {"type": "wait", "for": "1h"}},
    }
    async with site.executor(probe.registry):
        sent = await site.start(await site.deploy(document))
        await site.until_event(sent.log_id, "timer:fired")
        row = await site.store.execution(sent.log_id)

    assert row is not None
    assert row.due_at is not None
    assert row.due_at - row.started_at == pytest.approx(3600, abs=5)
