"""Somebody's decisions found in the log: each once, where it was made, within bounds."""

from uuid import UUID, uuid4

import pytest

from signoff.events.bus.memory import MemoryBus
from signoff.events.store.base import FeedRow
from signoff.events.store.memory import MemoryStore
from signoff.events.types import Actor, DecisionRecorded, EventData, ExecutionResumed, Made, ResumeQueued
from signoff.gateway.inbox import looking_back
from signoff.gateway.inbox.looking_back import look_back
from support.growing_logs import GrowingLog, Ledger, started, step

HERE = uuid4()
ADA, BEN = Actor(type="user", id="ada"), Actor(type="user", id="ben")


class _Pages(MemoryStore):
    """A store that notes the bytes of the largest page of the feed."""

    def __init__(self) -> None:
        super().__init__()
        self.largest = 0

    async def read_feed(self, *given: object, **named: object) -> list[FeedRow]:
        page = await super().read_feed(*given, **named)  # type: ignore[arg-type]
        self.largest = max(self.largest, sum(len(row.event.state) for row in page))
        return page


@pytest.fixture
def store() -> _Pages:
    return _Pages()


@pytest.fixture
async def ledger(store: _Pages) -> Ledger:
    return await Ledger.open(store, MemoryBus())


async def _running(ledger: Ledger) -> GrowingLog:
    log = ledger.log(workspace=HERE)
    await log.add(started(HERE), status="running", publish=False)
    return log


def _recorded(entry: str, by: Actor = ADA, size: int = 0) -> EventData:
    return DecisionRecorded(
        decision_id=entry, context_id="p", actor=by, made=Made(), verdict="approved", approvals=1, required=1,
        submission={"note": "x" * size},
    )  # fmt: skip


def _queued(entry: str, by: Actor = ADA) -> EventData:
    return ResumeQueued(
        resume_entry_id=entry, resume_execution_id=str(UUID(int=1)), context_id="p", mode="sync", actor=by,
        made=Made(), queue_position=1,
    )  # fmt: skip


def _resumed(entry: str, by: Actor = ADA, retry_of: str | None = None) -> EventData:
    return ExecutionResumed(
        resume_execution_id=str(UUID(int=1)), context_id="p", resume_entry_id=entry, mode="sync", actor=by,
        made=None if retry_of else Made(), retry_of=retry_of,
    )  # fmt: skip


async def _all(store: MemoryStore, *, most: int) -> list[list[tuple[UUID, int]]]:
    """Every page, to the beginning of the log: whose event it is, and which."""
    pages, before = [], await store.last_position() + 1
    while before > 1:
        found, before = await look_back(store, HERE, "ada", before=before, most=most)
        pages.append([(each.log_id, each.version) for each in found])
    return pages


async def test_a_decision_is_counted_where_it_was_made_and_not_where_its_run_began(
    store: _Pages, ledger: Ledger
) -> None:
    one, other, third = [await _running(ledger) for _ in range(3)]
    await one.add(_recorded("e1"), _queued("e1"), publish=False)
    await other.add(_queued("e2"), publish=False)
    await third.add(_resumed("e3"), publish=False)
    await other.add(_resumed("e2"), publish=False)
    await one.add(_resumed("e1"), publish=False)

    pages = await _all(store, most=1)

    assert [each for page in pages for each in page] == [
        (third.log_id, 2), (other.log_id, 2), (one.log_id, 2)
    ]  # fmt: skip


async def test_two_decisions_on_one_point_are_two(store: _Pages, ledger: Ledger) -> None:
    log = await _running(ledger)
    await log.add(_recorded("e1"), _recorded("e2", BEN), _recorded("e3"), publish=False)

    assert await _all(store, most=5) == [[(log.log_id, 4), (log.log_id, 2)]]


async def test_who_tries_a_point_again_has_decided_nothing(store: _Pages, ledger: Ledger) -> None:
    log = await _running(ledger)
    await log.add(_resumed("e1", BEN), _resumed("e2", retry_of="e1"), publish=False)

    assert await _all(store, most=5) == [[]]


async def test_large_decisions_of_others_are_read_a_few_at_a_time_and_hide_none(
    store: _Pages, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking_back, "PAGE_BYTES", 10_000)
    mine = [await _running(ledger) for _ in range(3)]
    others = await _running(ledger)
    for number, log in enumerate(mine):
        for _ in range(20):
            await others.add(_recorded(f"b{others.version}", BEN, size=3_000), step(), publish=False)
        await log.add(_resumed(f"e{number}"), publish=False)

    pages = await _all(store, most=25)

    assert [each for page in pages for each in page] == [(log.log_id, 2) for log in reversed(mine)]
    assert store.largest < 10_000 + 4_000


async def test_a_look_at_much_ends_early_and_another_goes_on(
    store: _Pages, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking_back, "PAGE_BYTES", 10_000)
    monkeypatch.setattr(looking_back, "_READ", 30_000)
    log = await _running(ledger)
    await log.add(_resumed("e1"), publish=False)
    for _ in range(30):
        await log.add(_recorded(f"b{log.version}", BEN, size=3_000), publish=False)

    pages = await _all(store, most=25)

    assert len(pages) > 2
    assert pages[-1] == [(log.log_id, 2)]
