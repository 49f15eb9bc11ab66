"""Logs read from their ends, and the changes that are found there."""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from uuid import UUID

import pytest

from signoff.events.codec import TOPIC_BY_TYPE, encode
from signoff.events.store.base import Append, NewEvent, Row, WorkflowRow
from signoff.events.store.memory import MemoryStore
from signoff.events.times import iso
from signoff.events.topics import DEFAULT_WORKSPACE, directory_log_id, partition_of, workflow_log_id
from signoff.events.types import (
    Actor,
    Event,
    EventData,
    GroupSet,
    KeyCreated,
    KeyRevoked,
    ScheduleFired,
    UserAdded,
    WorkflowDeployed,
)
from signoff.gateway.v2.audit import Key, Wanted, read_audit
from signoff.gateway.v2.backwards import WINDOW, backwards
from signoff.gateway.v2.log_schemas import AuditEntry

ADMIN = Actor(type="user", id="u1", name="Ada")
TEAM = UUID(int=7)
START = 1_750_000_000.0
DEPLOYED = TOPIC_BY_TYPE[WorkflowDeployed.TYPE]


class Logs:
    """A store whose logs are written by hand, a second an event."""

    def __init__(self, store: MemoryStore, epochs: dict[int, int]) -> None:
        self.store = store
        self._epochs = epochs
        self._heads: dict[UUID, int] = {}
        self._now = START

    async def write(self, log_id: UUID, *facts: EventData, rows: Sequence[Row] = ()) -> None:
        events = [self._event(log_id, fact) for fact in facts]
        partition = partition_of(log_id)
        await self.store.append(
            Append(partition=partition, epoch=self._epochs[partition], events=events, rows=[*rows])
        )

    def _event(self, log_id: UUID, data: EventData) -> NewEvent:
        self._now += 1
        version = self._heads[log_id] = self._heads.get(log_id, 0) + 1
        event = Event(
            type=data.TYPE, event_id=version, workflow_id="reports", timestamp=iso(self._now),
            causation_id="1", data=data,
        )  # fmt: skip
        return NewEvent(log_id, version, TOPIC_BY_TYPE[data.TYPE], encode(event))

    async def workflow(self, name: str, *facts: EventData) -> None:
        log_id = workflow_log_id(str(DEFAULT_WORKSPACE), name)
        row = WorkflowRow(
            log_id=log_id, workspace_id=DEFAULT_WORKSPACE, workflow_id=name, name=name, version=1, digest="d",
            is_deployed=True, deployed_at=START,
        )  # fmt: skip
        await self.write(log_id, *facts, rows=[row])

    async def audit(self, workspace_id: UUID = DEFAULT_WORKSPACE, **wanted: object) -> list[AuditEntry]:
        limit = wanted.pop("limit", 100)
        return await read_audit(
            self.store,
            Wanted(workspace_id=workspace_id, limit=limit, **wanted),  # type: ignore[arg-type]
        )


@pytest.fixture
async def logs() -> AsyncIterator[Logs]:
    store = MemoryStore()
    await store.migrate(partitions=64)
    leases = await store.acquire("test", most=64, ttl=3600)
    yield Logs(store, {lease.partition: lease.epoch for lease in leases})
    await store.close()


def a_deployment(version: int = 1) -> WorkflowDeployed:
    return WorkflowDeployed(
        workspace_id=str(DEFAULT_WORKSPACE), version=version, name="Reports", definition={}, digest="d",
        actor=ADMIN,
    )  # fmt: skip


def a_start(number: int) -> ScheduleFired:
    return ScheduleFired(
        workspace_id=str(DEFAULT_WORKSPACE), version=1, digest="d", block_id="nightly",
        execution_id=str(UUID(int=number)), due_at=iso(START),
    )  # fmt: skip


async def test_a_few_events_among_many_are_found_from_the_end(logs: Logs) -> None:
    log_id = UUID(int=1)
    for version in (1, 2, 3):
        await logs.write(log_id, a_deployment(version), *(a_start(number) for number in range(3 * WINDOW)))

    async with aclosing(backwards(logs.store, log_id, before=9 * WINDOW + 4, topics=[DEPLOYED])) as found:
        versions = [recorded.version async for recorded in found]

    assert versions == [6 * WINDOW + 3, 3 * WINDOW + 2, 1]


async def test_a_window_that_holds_too_many_is_read_in_smaller_ones(logs: Logs) -> None:
    log_id = UUID(int=1)
    many = [a_deployment(number) for number in range(4 * WINDOW)]
    await logs.write(log_id, *many, *(a_start(number) for number in range(WINDOW)))

    async with aclosing(backwards(logs.store, log_id, before=5 * WINDOW + 1, topics=[DEPLOYED])) as found:
        versions = [recorded.version async for recorded in found]

    assert versions == list(range(4 * WINDOW, 0, -1))


async def test_the_newest_of_all_logs_come_first_and_the_rest_by_a_key(logs: Logs) -> None:
    await logs.workflow("a", a_deployment(1), *(a_start(number) for number in range(2 * WINDOW)))
    await logs.workflow("b", a_deployment(1), a_deployment(2))
    await logs.write(directory_log_id(), UserAdded(actor=ADMIN, user_id="u2"))

    everything = await logs.audit()
    first = await logs.audit(limit=2)
    rest = await logs.audit(before=Key(first[1].created_at, first[1].id))

    assert [each.resource_id for each in everything] == ["u2", "reports", "reports", "reports"]
    assert [*first, *rest] == everything
    assert sorted(each.created_at for each in everything) == [each.created_at for each in everything][::-1]


async def test_a_workspace_sees_its_own_changes_and_nothing_of_others(logs: Logs) -> None:
    key = KeyCreated(
        actor=ADMIN, key_id="k1", name="import", digest="of its secret", workspace_id=str(TEAM), owner_id="u1"
    )
    group = GroupSet(actor=ADMIN, workspace_id=str(TEAM), group_id="g1", name="finance")
    await logs.write(
        directory_log_id(),
        UserAdded(actor=ADMIN, user_id="u2"),
        key,
        group,
        KeyRevoked(actor=ADMIN, key_id="k1"),
    )

    entries = await logs.audit(TEAM)

    assert [(each.action, each.resource_id, each.resource_name) for each in entries] == [
        ("key.revoked", "k1", "import"),
        ("group.set", "g1", "finance"),
        ("key.created", "k1", "import"),
    ]
    assert {each.actor_name for each in entries} == {"Ada"}
    assert [each.action for each in await logs.audit()] == ["user.added"]


async def test_the_digest_of_a_key_is_not_told(logs: Logs) -> None:
    key = KeyCreated(actor=ADMIN, key_id="k1", name="import", digest="of its secret", workspace_id=str(TEAM))
    await logs.write(directory_log_id(), key)

    (entry,) = await logs.audit(TEAM)

    assert entry.metadata == {"keyId": "k1", "name": "import"}
