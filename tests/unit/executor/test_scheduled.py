"""A schedule's moment starts one execution, whoever fires it and however often."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from signoff.engine.deciding.workflow import WorkflowState, decide_workflow
from signoff.engine.messages import Input, Tick
from signoff.events.blobs import BlobStore
from signoff.events.codec import decode_event, encode_json
from signoff.events.errors import LeaseLostError, VersionConflictError
from signoff.events.store.base import Append, Lease, WorkflowRow
from signoff.events.store.memory import MemoryStore
from signoff.events.times import iso
from signoff.events.topics import DEFAULT_WORKSPACE, partition_of, workflow_log_id
from signoff.events.types import (
    SYSTEM,
    ActivateVersion,
    Command,
    CommandData,
    DeployWorkflow,
    Event,
    ScheduleFired,
    StartExecution,
)
from signoff.executor.logs.loaded import Loaded
from signoff.executor.partition.scheduled import prepare_schedules, scheduled_start
from support.bdd import MAKER, an_id
from support.stores import Clock

WORKSPACE = str(DEFAULT_WORKSPACE)
LOG = workflow_log_id(WORKSPACE, "reports")
MORNING = datetime(2025, 6, 6, 9, tzinfo=UTC).timestamp()
HOURLY = {
    "blocks": [
        {
            "id": "hourly",
            "enabled": True,
            "metadata": {"id": "schedule", "name": "Hourly", "category": "triggers"},
            "config": {"tool": "", "params": {"cron": "0 * * * *", "catchUp": "all"}},
        }
    ]
}


class Owner:
    """An executor that holds the lease of the workflow's partition, as far as schedules are concerned."""

    def __init__(self, store: MemoryStore, lease: Lease) -> None:
        self.store = store
        self.lease = lease
        self.blobs = BlobStore.open("memory:")
        self.loaded = Loaded(LOG, WorkflowState(), None)
        self.loaded.name(execution_id=None, workflow_id="reports")

    @classmethod
    async def of(cls, store: MemoryStore, name: str) -> "Owner":
        """Take the lease, and fold what the log holds."""
        (lease,) = await store.acquire(name, most=1, ttl=3.0)
        owner = cls(store, lease)
        owner.loaded.fold(await store.read(LOG))
        return owner

    @property
    def state(self) -> WorkflowState:
        assert isinstance(self.loaded.state, WorkflowState)
        return self.loaded.state

    async def take(self, message: Input, now: float) -> None:
        """Decide and append."""
        assert isinstance(message, Command | Tick)
        await prepare_schedules(self.state, self.store, self.blobs)
        step = self.loaded.step(decide_workflow(self.state, message, now), now)
        await prepare_schedules(self.state, self.store, self.blobs)
        row = WorkflowRow(
            log_id=LOG,
            workspace_id=DEFAULT_WORKSPACE,
            workflow_id="reports",
            name="Reports",
            version=self.state.active_version,
            digest=self.state.active.digest,
            is_deployed=self.state.is_deployed,
            deployed_at=self.state.deployed_at,
            due_at=self.state.next_due(now),
        )
        await self.store.append(
            Append(
                partition=self.lease.partition,
                epoch=self.lease.epoch,
                events=self.loaded.records(step),
                rows=[row],
            )
        )


async def a_store(clock: Clock) -> MemoryStore:
    store = MemoryStore(partitions=1, clock=clock)
    await store.migrate(partitions=1)
    return store


def deploy(definition: Any, *, command: int = 1) -> Command:
    data = DeployWorkflow(
        workspace_id=WORKSPACE, workflow_id="reports", name="Reports", definition=definition, digest="d"
    )
    return _command(data, command)


def _command(data: CommandData, number: int) -> Command:
    return Command(
        command_id=an_id(number),
        type=data.TYPE,
        execution_id="reports",
        issued_at=iso(MORNING),
        actor=MAKER,
        data=data,
    )


async def starts(store: MemoryStore) -> list[Command]:
    """The commands that follow from the log."""
    events = [decode_event(recorded.state) for recorded in await store.read(LOG)]
    return [
        scheduled_start(event, event.data, LOG, time_limit=60)
        for event in events
        if isinstance(event.data, ScheduleFired)
    ]


async def test_an_execution_is_started_with_the_version_that_was_scheduled_and_what_it_was_for() -> None:
    fired = ScheduleFired(
        workspace_id=WORKSPACE,
        version=3,
        digest="d",
        block_id="hourly",
        execution_id=an_id(7),
        due_at=iso(MORNING),
        missed=2,
    )
    event = Event(
        type=fired.TYPE,
        event_id=9,
        workflow_id="reports",
        timestamp=iso(MORNING + 5),
        causation_id="4",
        data=fired,
    )

    command = scheduled_start(event, fired, LOG, time_limit=60)

    assert command.data == StartExecution(
        workspace_id=WORKSPACE,
        workflow_id="reports",
        workflow_version=3,
        definition_digest="d",
        trigger="schedule",
        trigger_block_id="hourly",
        mode="async",
        input={
            "scheduledFor": "2025-06-06T09:00:00.000000Z",
            "firedAt": "2025-06-06T09:00:05.000000Z",
            "missed": 2,
        },
        time_limit=60,
    )
    assert (command.execution_id, command.actor, command.not_after) == (an_id(7), SYSTEM, None)
    assert command == scheduled_start(event, fired, LOG, time_limit=60)


async def test_what_a_dead_executor_left_is_made_up_for_by_the_next_from_log_and_row_alone() -> None:
    clock = Clock()
    store = await a_store(clock)
    await (await Owner.of(store, "dead")).take(deploy(HOURLY), MORNING)
    clock.now += 3 * 3600

    found = await store.due([partition_of(LOG, 1)], before=MORNING + 3 * 3600, limit=10)
    successor = await Owner.of(store, "next")
    await successor.take(Tick(), MORNING + 3 * 3600)

    assert found == [(LOG, MORNING + 3600)]
    assert len(await starts(store)) == 3
    assert successor.state.next_due(MORNING + 3 * 3600) == MORNING + 4 * 3600


async def test_of_two_executors_that_both_take_the_moment_for_theirs_one_fires_it() -> None:
    clock = Clock()
    store = await a_store(clock)
    stale = await Owner.of(store, "stale")
    await stale.take(deploy(HOURLY), MORNING)
    clock.now += 3600
    owner = await Owner.of(store, "owner")

    await owner.take(Tick(), MORNING + 3600)
    with pytest.raises(LeaseLostError):
        await stale.take(Tick(), MORNING + 3600)

    assert len(await starts(store)) == 1


async def test_a_moment_that_is_fired_on_an_old_fold_is_refused_by_its_version() -> None:
    store = await a_store(Clock())
    owner = await Owner.of(store, "owner")
    await owner.take(deploy(HOURLY), MORNING)
    again = Owner(store, owner.lease)
    again.loaded.fold(await store.read(LOG))

    await owner.take(Tick(), MORNING + 3600)
    with pytest.raises(VersionConflictError):
        await again.take(Tick(), MORNING + 3600)

    assert len(await starts(store)) == 1


async def test_the_same_moment_names_the_same_execution_whoever_fires_it() -> None:
    named = []
    for name in ("one", "another"):
        store = await a_store(Clock())
        owner = await Owner.of(store, name)
        await owner.take(deploy(HOURLY), MORNING)
        await owner.take(Tick(), MORNING + 3600)
        named += [(start.execution_id, start.command_id) for start in await starts(store)]

    assert len(named) == 2
    assert named[0] == named[1]


async def test_the_schedule_of_a_definition_that_is_kept_elsewhere_is_read_from_there() -> None:
    store = await a_store(Clock())
    owner = await Owner.of(store, "owner")
    reference = await owner.blobs.put(UUID(WORKSPACE), encode_json(HOURLY), "application/json")

    await owner.take(deploy(reference), MORNING)
    await owner.take(Tick(), MORNING + 3600)

    assert len(await starts(store)) == 1
    assert owner.state.next_due(MORNING + 3600) == MORNING + 7200


async def test_a_rollback_to_a_definition_that_is_kept_elsewhere_reads_it_from_the_log() -> None:
    store = await a_store(Clock())
    owner = await Owner.of(store, "owner")
    reference = await owner.blobs.put(UUID(WORKSPACE), encode_json(HOURLY), "application/json")
    await owner.take(deploy(reference), MORNING)
    await owner.take(deploy({"blocks": []}, command=2), MORNING)
    blobs, owner = owner.blobs, Owner(store, owner.lease)
    owner.blobs = blobs
    owner.loaded.fold(await store.read(LOG))

    back = ActivateVersion(workspace_id=WORKSPACE, workflow_id="reports", version=1)
    await owner.take(_command(back, 3), MORNING)
    await owner.take(Tick(), MORNING + 3600)

    assert [start.data.workflow_version for start in await starts(store)] == [1]
