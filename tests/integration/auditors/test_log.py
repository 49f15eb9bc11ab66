"""`SignoffLog` and the library's own classes read, fold, follow and track a log that is being written."""

import asyncio
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

import pytest
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import (
    InfrastructureFactory,
    OperationalError,
    ProgrammingError,
    StoredEvent,
    Tracking,
)
from eventsourcing.projection import Projection, ProjectionRunner
from eventsourcing.sqlite import SQLiteTrackingRecorder
from eventsourcing.system import ProcessApplication, SingleThreadedRunner, System
from eventsourcing.utils import Environment

from integration.auditors.conftest import Log
from signoff.engine.evolve import evolve
from signoff.engine.state import State
from signoff.events.audit import LogEntry, SignoffLog
from signoff.events.codec import encode
from signoff.events.store.base import NewEvent
from signoff.events.types import Event, Unknown, VariablesSet
from support.stores import LIMIT

Result = TypeVar("Result")


def variables(log_id: UUID, version: int) -> NewEvent:
    """An event that sets `number` to its own version."""
    recorded = Event(
        type=VariablesSet.TYPE,
        event_id=version,
        execution_id=str(log_id),
        workflow_id="refund",
        timestamp=f"2026-01-01T00:00:{version % 60:02}.000000Z",
        causation_id="1",
        data=VariablesSet(values={"number": version}),
    )
    return NewEvent(log_id, version, "signoff:VariablesSet", encode(recorded))


async def reading(log: Log, read: Callable[[SignoffLog], Result]) -> Result:
    """What an auditor reads, in a thread as the library blocks."""

    def run() -> Result:
        with SignoffLog(log.environment) as application:
            return read(application)

    async with asyncio.timeout(3 * LIMIT):
        return await asyncio.to_thread(run)


def fold(state: State | None, entries: Any) -> State | None:
    for entry in entries:
        state = state or State()
        evolve(state, entry.event)
    return state


async def test_events_are_read_by_log_and_version_and_folded_to_any_of_them(log: Log) -> None:
    log_id = uuid4()
    await log.writer.append(*(variables(log_id, version) for version in range(1, 6)))

    def read(application: SignoffLog) -> tuple[list[int], list[object]]:
        entries: Any = application.events.get(log_id, gt=1, lte=4)
        states: list[Any] = [
            application.repository.get(log_id, version=version, projector_func=fold) for version in (3, None)
        ]
        return [entry.originator_version for entry in entries], [
            state.variables["number"] for state in states
        ]

    assert await reading(log, read) == ([2, 3, 4], [3, 5])


async def test_sections_hold_everything_in_the_order_of_its_commits(log: Log) -> None:
    logs = [uuid4() for _ in range(60)]
    await asyncio.gather(
        *(log.writer.append(*(variables(each, version) for version in range(1, 11))) for each in logs)
    )

    def read(application: SignoffLog) -> list[tuple[int, UUID | str, int]]:
        found: list[tuple[int, UUID | str, int]] = []
        section_id: str | None = "1,500"
        while section_id:
            section = application.notification_log[section_id]
            found += [(each.id, each.originator_id, each.originator_version) for each in section.items]
            section_id = section.next_id
        return found

    found = await reading(log, read)
    positions = [position for position, _, _ in found]
    assert positions == sorted(set(positions))
    for each in logs:
        assert [version for _, log_id, version in found if log_id == each] == list(range(1, 11))


async def test_an_event_of_a_newer_version_is_read_with_its_bytes(log: Log) -> None:
    log_id = uuid4()
    state = (
        b'{"type":"moon:landed","eventId":1,"workflowId":"w","timestamp":"2026-01-01T00:00:00.000000Z",'
        b'"causationId":"1","data":{"crater":"Tycho"}}'
    )
    await log.writer.append(NewEvent(log_id, 1, "signoff:MoonLanded", state))

    (entry,) = await reading(log, lambda application: list(application.events.get(log_id)))

    assert isinstance(entry, LogEntry)
    assert isinstance(entry.event.data, Unknown)
    assert bytes(entry.event.data.raw) == b'{"crater":"Tycho"}'


async def test_it_writes_nothing_and_the_librarys_recorder_cannot(log: Log) -> None:
    stored = StoredEvent(originator_id=uuid4(), originator_version=1, topic="t", state=b"{}")

    def write_by_the_stock_recorder() -> None:
        environment = Environment(env={**log.environment, "CREATE_TABLE": "n"})
        with InfrastructureFactory.construct(environment) as factory:
            factory.application_recorder().insert_events([stored])

    with pytest.raises(ProgrammingError, match="read-only"):
        await reading(log, lambda application: application.recorder.insert_events([stored]))
    with pytest.raises(TypeError, match="read-only"):
        await reading(log, lambda application: application.save(Aggregate()))
    with pytest.raises((OperationalError, ProgrammingError), match=r"readonly|permission denied"):
        await asyncio.to_thread(write_by_the_stock_recorder)


async def test_a_follower_sees_each_event_once_and_in_order_whoever_writes(log: Log) -> None:
    first = uuid4()
    begin = await log.writer.append(variables(first, 1))
    logs = [uuid4() for _ in range(20)]

    def follow(application: SignoffLog) -> list[tuple[int, UUID | str, int]]:
        seen: list[tuple[int, UUID | str, int]] = []
        with application.recorder.subscribe(gt=begin) as subscription:
            for each in subscription:
                seen.append((each.id, each.originator_id, each.originator_version))
                if len(seen) == 20 * 5:
                    break
        return seen

    following = asyncio.create_task(reading(log, follow))
    for version in range(1, 6):
        await asyncio.gather(*(log.writer.append(variables(each, version)) for each in logs))

    seen = await following
    positions = [position for position, _, _ in seen]
    assert positions == sorted(set(positions))
    for each in logs:
        assert [version for _, log_id, version in seen if log_id == each] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("log", ["postgres"], indirect=True)
async def test_the_librarys_own_subscription_works_for_the_role_that_can_only_read(log: Log) -> None:
    before = await log.writer.append(variables(uuid4(), 1))
    last = await log.writer.append(variables(uuid4(), 1), variables(uuid4(), 1))

    def follow() -> list[int]:
        environment = Environment(env={**log.environment, "CREATE_TABLE": "n"})
        with (
            InfrastructureFactory.construct(environment) as factory,
            factory.application_recorder().subscribe(gt=before) as subscription,
        ):
            return [next(subscription).id, next(subscription).id]

    assert await asyncio.to_thread(follow) == [last - 1, last]


class Numbers(SQLiteTrackingRecorder):
    """A view of the last number, with the position that it comes from, in a database of the auditor's."""

    def construct_create_table_statements(self) -> list[str]:
        created = "CREATE TABLE IF NOT EXISTS numbers (log TEXT PRIMARY KEY, number INTEGER)"
        return [*super().construct_create_table_statements(), created]

    def put(self, log_id: UUID, number: object, tracking: Tracking) -> None:
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute("REPLACE INTO numbers VALUES (?, ?)", (str(log_id), number))

    def of(self, log_id: UUID) -> int:
        with self.datastore.transaction(commit=False) as cursor:
            cursor.execute("SELECT number FROM numbers WHERE log = ?", (str(log_id),))
            (number,) = cursor.fetchone()
            return int(number)


class NumbersProjection(Projection[Numbers]):
    topics = ("signoff:VariablesSet",)

    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        self.view.put(domain_event.originator_id, domain_event.event.data.values["number"], tracking)


async def test_a_projection_with_its_tracking_elsewhere_goes_on_where_it_was(
    log: Log, tmp_path: Path
) -> None:
    log_id = uuid4()
    own = {
        "NUMBERSPROJECTION_PERSISTENCE_MODULE": "eventsourcing.sqlite",
        "NUMBERSPROJECTION_SQLITE_DBNAME": str(tmp_path / "numbers.db"),
    }

    def project(upto: int) -> tuple[int, int | None]:
        with ProjectionRunner(
            application_class=SignoffLog,
            projection_class=NumbersProjection,
            view_class=Numbers,
            env={**log.environment, **own},
        ) as runner:
            before = runner.view.max_tracking_id("stored")
            runner.wait(upto, timeout=LIMIT)
            number = runner.view.of(log_id)
            runner.view.datastore.close()
            return number, before

    first = await log.writer.append(variables(log_id, 1), variables(log_id, 2))
    began = await asyncio.to_thread(project, first)
    second = await log.writer.append(variables(log_id, 3))
    went_on = await asyncio.to_thread(project, second)

    assert (began, went_on) == ((2, None), (3, first))


class Counted(Aggregate):
    """How many events a log has."""

    def __init__(self, log: str) -> None:
        self.log = log
        self.events = 0

    @staticmethod
    def create_id(log: str) -> UUID:
        return uuid5(NAMESPACE_URL, log)

    @event("Counted")
    def count(self) -> None:
        self.events += 1


class Counters(ProcessApplication[UUID]):
    """Counts the events of each log."""

    def policy(self, domain_event: Any, processing_event: Any) -> None:
        log = str(domain_event.originator_id)
        known = Counted.create_id(log) in self.repository
        counted: Counted = self.repository.get(Counted.create_id(log)) if known else Counted(log)
        counted.count()
        processing_event.collect_events(counted)


async def test_a_system_of_the_library_follows_with_events_of_its_own(log: Log, tmp_path: Path) -> None:
    log_id = uuid4()
    await log.writer.append(*(variables(log_id, version) for version in (1, 2, 3)))
    own = {
        "COUNTERS_PERSISTENCE_MODULE": "eventsourcing.sqlite",
        "COUNTERS_SQLITE_DBNAME": str(tmp_path / "counters.db"),
        "COUNTERS_MAPPER_TOPIC": "signoff.events.audit:FollowerMapper",
    }

    def count() -> int:
        with running(System([[SignoffLog, Counters]]), {**log.environment, **own}) as counters:
            counters.pull_and_process(SignoffLog.name)
            counted: Counted = counters.repository.get(Counted.create_id(str(log_id)))
            return counted.events

    assert await asyncio.to_thread(count) == 3
    await log.writer.append(variables(log_id, 4))
    assert await asyncio.to_thread(count) == 4


@contextmanager
def running(system: System, environment: dict[str, str]) -> Iterator[Counters]:
    with SingleThreadedRunner[UUID](system, environment) as runner:
        yield runner.get(Counters)
        for application in (Counters, SignoffLog):
            runner.get(application).close()


@pytest.mark.parametrize("log", ["sqlite"], indirect=True)
async def test_a_copy_of_a_file_is_read_where_nothing_can_be_written(log: Log, tmp_path: Path) -> None:
    file = log.environment["SQLITE_DBNAME"].removeprefix("file:").removesuffix("?mode=ro")
    log_id = uuid4()
    await log.writer.append(variables(log_id, 1))
    await log.writer.store.close()
    copy = tmp_path / "copy" / "log.db"
    copy.parent.mkdir()
    shutil.copy(file, copy)

    def read(application: Application[UUID]) -> Sequence[object]:
        return list(application.events.get(log_id))

    copied = Log(log.writer, {**log.environment, "SQLITE_DBNAME": f"file:{copy}?immutable=1"})
    assert len(await reading(copied, read)) == 1
    assert [each.name for each in copy.parent.iterdir()] == ["log.db"]
