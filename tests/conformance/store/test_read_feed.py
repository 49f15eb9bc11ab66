"""Reading across logs: what happened in some workspaces, in the order of the whole log."""

from uuid import UUID, uuid4

import pytest

from signoff.events.store.base import EventStore, FeedRow, NewEvent, WorkflowRow
from support.stores import STARTED, Writer, execution, log_in

HERE, THERE = uuid4(), uuid4()
REFUND, ODD = "refund", "odd\x00name"


class Site:
    """Two workspaces with an execution each, the log of a workflow of one, and a log of no workspace."""

    def __init__(self, writer: Writer) -> None:
        self.store = writer.store
        self.writer = writer
        self.here, self.there, self.workflow, self.nobodys = (
            log_in(writer.lease.partition) for _ in range(4)
        )

    async def fill(self) -> None:
        """Write nine events, of each log in turn."""
        rows = [
            execution(log_id=self.here, workspace_id=HERE, workflow_id=REFUND),
            execution(log_id=self.there, workspace_id=THERE, workflow_id=ODD),
            WorkflowRow(
                log_id=self.workflow, workspace_id=HERE, workflow_id=ODD, name="Odd", version=1, digest="d",
                is_deployed=True, deployed_at=STARTED,
            ),
        ]  # fmt: skip
        await self.writer.append(
            *(
                _event(log, 1, "signoff:First")
                for log in (self.here, self.there, self.workflow, self.nobodys)
            ),
            rows=rows,
        )
        for log in (self.here, self.there, self.workflow, self.nobodys, self.here):
            version = 3 if log == self.here and await self._has_two(log) else 2
            await self.writer.append(_event(log, version, "signoff:Later"))

    async def _has_two(self, log: UUID) -> bool:
        return len(await self.store.read(log)) == 2

    async def read(self, *workspaces: UUID, **options: object) -> list[FeedRow]:
        """All of some workspaces, but for some options."""
        asked = {"after": 0, "upto": await self.store.last_position(), "limit": 100, **options}
        return await self.store.read_feed(workspaces, **asked)  # type: ignore[arg-type]


def _event(log_id: UUID, version: int, topic: str) -> NewEvent:
    return NewEvent(log_id, version, topic, f'{{"version":{version}}}'.encode())


def _named(rows: list[FeedRow]) -> list[tuple[UUID, int]]:
    return [(row.event.log_id, row.event.version) for row in rows]


@pytest.fixture
async def site(store: EventStore) -> Site:
    site = Site(await Writer.of(store))
    await site.fill()
    return site


async def test_a_feed_has_the_events_of_its_workspaces_in_the_order_of_the_log(site: Site) -> None:
    both = await site.read(HERE, THERE)

    assert _named(both) == [
        (site.here, 1), (site.there, 1), (site.workflow, 1),
        (site.here, 2), (site.there, 2), (site.workflow, 2), (site.here, 3),
    ]  # fmt: skip
    assert {row.workspace_id for row in both if row.event.log_id == site.there} == {THERE}
    assert {row.workspace_id for row in both if row.event.log_id != site.there} == {HERE}


async def test_a_feed_has_events_as_they_are_in_the_log(site: Site) -> None:
    feed = [row.event for row in await site.read(HERE, THERE)]

    everything = await site.store.read_all(after=0, limit=100)
    assert feed == [event for event in everything if event.log_id != site.nobodys]


async def test_another_workspaces_events_and_those_of_no_workspace_are_not_in_it(site: Site) -> None:
    assert _named(await site.read(THERE)) == [(site.there, 1), (site.there, 2)]
    assert await site.read(uuid4()) == []
    assert await site.read() == []


async def test_a_feed_is_read_within_positions_and_up_to_a_limit(site: Site) -> None:
    everything = await site.read(HERE)
    positions = [row.event.position for row in everything]

    within = await site.read(HERE, after=positions[0], upto=positions[3])
    first = await site.read(HERE, limit=2)

    assert (within, first) == (everything[1:4], everything[:2])
    assert await site.read(HERE, after=positions[-1]) == []


async def test_a_feed_is_read_of_some_topics_workflows_and_logs(site: Site) -> None:
    assert _named(await site.read(HERE, THERE, topics=["signoff:First"])) == [
        (site.here, 1), (site.there, 1), (site.workflow, 1),
    ]  # fmt: skip
    assert _named(await site.read(HERE, workflow_ids=[ODD])) == [(site.workflow, 1), (site.workflow, 2)]
    assert _named(await site.read(HERE, THERE, log_ids=[site.there, site.nobodys])) == [
        (site.there, 1), (site.there, 2),
    ]  # fmt: skip
    also = {"log_ids": [site.there, site.nobodys], "also": ["signoff:First"]}
    assert _named(await site.read(HERE, THERE, **also)) == [
        (site.here, 1), (site.there, 1), (site.workflow, 1), (site.there, 2),
    ]  # fmt: skip
    assert _named(await site.read(HERE, THERE, topics=["signoff:Later"], **also)) == [(site.there, 2)]


async def test_logs_are_found_in_their_workspaces(site: Site) -> None:
    logs = [site.here, site.there, site.workflow, site.nobodys, uuid4()]

    assert await site.store.workspaces_of(logs) == {site.here: HERE, site.there: THERE, site.workflow: HERE}
    assert await site.store.workspaces_of([]) == {}


async def test_a_page_of_a_feed_ends_once_it_has_its_bytes(site: Site) -> None:
    one = len((await site.read(HERE))[0].event.state)

    assert _named(await site.read(HERE, size=2 * one)) == _named(await site.read(HERE, limit=2))
    assert _named(await site.read(HERE, size=2 * one + 1)) == _named(await site.read(HERE, limit=3))
    assert len(await site.read(HERE, size=1)) == 1
