"""Consumers of the topic: each event once and in order, whatever was repeated, lost or changed there."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signoff.client.topics import (
    CursorTakenError,
    Gap,
    GapError,
    Receiver,
    Record,
    SqlCursors,
    TopicEvent,
    UnreadableRecordError,
)

A, B, C = "log-a", "log-b", "log-c"


def record(log: str, event_id: int, *, headers: bool = True, **fields: object) -> Record:
    event = {
        "type": "block:completed", "eventId": event_id, "executionId": log, "workflowId": "w",
        "timestamp": "2026-05-01T12:00:00.000000Z", "causationId": "c", "data": {"n": event_id}, **fields,
    }  # fmt: skip
    told = [("ce_eventid", b"%d" % event_id), ("ce_workspaceid", b"ws"), ("ce_republished", b"true")]
    return log.encode(), json.dumps(event).encode(), told if headers else None


def ids(events: list[TopicEvent]) -> list[tuple[str, int]]:
    return [(event.log_id, event.event_id) for event in events]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(tmp_path / "view.db")) as connection:
        SqlCursors(connection).create()
        yield connection


# Repetitions --------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", [True, False])
def test_repeated_records_are_handed_out_once(headers: bool) -> None:
    records = [record(A, n, headers=headers) for n in (1, 2, 1, 2, 3, 2, 3)]

    assert ids(list(Receiver({}).events(records))) == [(A, 1), (A, 2), (A, 3)]


def test_an_event_tells_what_the_record_told() -> None:
    one = record(A, 1, copyOf={"eventId": 9, "timestamp": "then"})

    (event,) = Receiver({}).events([one])

    assert (event.type, event.data, event.raw) == ("block:completed", {"n": 1}, one[1])
    assert (event.workspace_id, event.republished, event.joined) == ("ws", True, False)
    assert event.copy_of is not None
    assert event.copy_of.event_id == 9


def test_what_the_event_says_of_itself_does_not_count_as_told_by_the_record() -> None:
    forged = record(A, 1, headers=False, joined=[], republished="x", workspaceId="theirs", raw="")

    (event,) = Receiver({}).events([forged])

    assert (event.workspace_id, event.republished, event.joined) == (None, False, False)


def test_an_event_whose_handling_failed_comes_again() -> None:
    receiver, records = Receiver({}), [record(A, 1), record(A, 2)]

    with pytest.raises(ZeroDivisionError):
        [1 // (event.event_id - 2) for event in receiver.events(records)]

    assert ids(list(receiver.events(records))) == [(A, 2)]


# Gaps ---------------------------------------------------------------------------------------------


def test_a_gap_is_not_passed() -> None:
    cursors: dict[str, int] = {}

    with pytest.raises(GapError, match=f"republish --from {A}") as raised:
        list(Receiver(cursors).events([record(A, 1), record(A, 3)]))

    assert raised.value.gap == Gap(A, expected=2, found=3)
    assert cursors == {A: 1}


def test_a_log_with_a_told_gap_waits_for_what_is_missing_and_others_go_on() -> None:
    gaps: list[Gap] = []
    lost = [record(A, 1), record(A, 3), record(B, 1), record(A, 4)]
    republished = [record(A, n) for n in (2, 3, 4, 5)]

    events = list(Receiver({}, on_gap=gaps.append).events([*lost, *republished]))

    assert ids(events) == [(A, 1), (B, 1), (A, 2), (A, 3), (A, 4), (A, 5)]
    assert gaps == [Gap(A, expected=2, found=3), Gap(A, expected=2, found=4)]


def test_what_is_missing_may_come_from_the_history_instead() -> None:
    receiver, missing = Receiver({A: 1}), record(A, 2, headers=False)[1]
    with pytest.raises(GapError) as raised:
        receiver.check(*record(A, 3))

    assert ids(list(receiver.events([(raised.value.gap.key.encode(), missing, None), record(A, 3)]))) == [
        (A, 2),
        (A, 3),
    ]


def test_a_consumer_that_wants_all_misses_what_had_expired() -> None:
    with pytest.raises(GapError):
        list(Receiver({}).events([record(A, 7)]))


def test_a_consumer_that_begins_anywhere_takes_a_log_from_where_it_meets_it() -> None:
    receiver = Receiver({}, start="anywhere")

    events = list(receiver.events([record(A, 7), record(B, 1), record(A, 6), record(A, 8)]))

    assert [(*each, event.joined) for each, event in zip(ids(events), events, strict=True)] == [
        (A, 7, True),
        (B, 1, False),
        (A, 8, False),
    ]
    with pytest.raises(GapError):
        receiver.check(*record(A, 10))


# Records that somebody has changed ------------------------------------------------------------------


@pytest.mark.parametrize(
    "changed",
    [
        (A.encode(), b"no event", None),
        (A.encode(), b"\xff", [("ce_eventid", b"1")]),
        (B.encode(), *record(A, 1)[1:]),
        (A.encode(), record(A, 2)[1], [("ce_eventid", b"1")]),
    ],
    ids=["not JSON", "not UTF-8", "key of another log", "header of another event"],
)
def test_a_record_that_contradicts_itself_is_refused(changed: Record) -> None:
    with pytest.raises(UnreadableRecordError, match="signoff topics verify"):
        Receiver({}).check(*changed)


@pytest.mark.parametrize("header", [b"", b"one", b"-1", b"9" * 5000])
def test_a_header_that_is_no_number_is_passed_over(header: bytes) -> None:
    key, value, _ = record(A, 1)

    assert Receiver({}).check(key, value, [("ce_eventid", header)]) is not None


# Cursors in the consumer's database -----------------------------------------------------------------


def test_a_rollback_forgets_cursor_and_result_together(database: sqlite3.Connection) -> None:
    database.execute("CREATE TABLE seen (event_id INTEGER)")
    receiver = Receiver(SqlCursors(database))
    for _ in range(2):
        for event in receiver.events([record(A, 1)]):
            database.execute("INSERT INTO seen VALUES (?)", (event.event_id,))
        database.rollback()

    with database:
        for event in receiver.events([record(A, 1), record(A, 1)]):
            database.execute("INSERT INTO seen VALUES (?)", (event.event_id,))

    assert database.execute("SELECT * FROM seen").fetchall() == [(1,)]
    assert list(receiver.events([record(A, 1)])) == []


def test_two_consumers_at_once_cannot_both_handle_an_event(
    database: sqlite3.Connection, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "view.db")) as another:
        zombie, successor = Receiver(SqlCursors(database)), Receiver(SqlCursors(another))
        event = zombie.check(*record(A, 1))
        assert event is not None
        with another:
            assert ids(list(successor.events([record(A, 1)]))) == [(A, 1)]

        with pytest.raises(CursorTakenError, match="roll back"):
            zombie.done(event)


# Whatever happens -----------------------------------------------------------------------------------


@st.composite
def topics(draw: st.DrawFn) -> list[tuple[str, int]]:
    """A partition as relays write it: in the log's order, with jumps back to what was not acknowledged."""
    log = draw(st.lists(st.sampled_from([A, B, C]), max_size=12))
    counts = {A: 0, B: 0, C: 0}
    order = []
    for name in log:
        counts[name] += 1
        order.append((name, counts[name]))
    topic, at = [], 0
    while at < len(order):
        end = draw(st.integers(at + 1, len(order)))
        topic += order[at:end]
        at = draw(st.integers(0, end)) if draw(st.booleans()) and len(topic) < 60 else end
    return topic


@given(topics(), st.data())
def test_each_event_comes_once_and_in_order_however_often_records_and_consumers_begin_again(
    topic: list[tuple[str, int]], data: st.DataObject
) -> None:
    cursors: dict[str, int] = {}
    seen: list[tuple[str, int]] = []
    at = 0
    for _ in range(3):  # consumers that die, each after some records; the last one does not
        end = data.draw(st.integers(at, len(topic)))
        seen += ids(list(Receiver(cursors).events(record(*each) for each in topic[at:end])))
        at = data.draw(st.integers(0, end))  # where its offsets were kept: not beyond what it handled
    seen += ids(list(Receiver(cursors).events(record(*each) for each in topic[at:])))

    assert sorted(seen) == sorted(set(topic))
    assert all([n for name, n in seen if name == log] == sorted({n for name, n in topic if name == log})
               for log in (A, B, C))  # fmt: skip


@given(topics(), st.data())
def test_nothing_is_handed_out_behind_what_was_lost_until_it_is_republished(
    topic: list[tuple[str, int]], data: st.DataObject
) -> None:
    lost = data.draw(st.sets(st.sampled_from(topic))) if topic else set()
    gaps: list[Gap] = []
    receiver = Receiver({}, on_gap=gaps.append)

    seen = ids(list(receiver.events(record(*each) for each in topic if each not in lost)))

    for log in (A, B, C):
        first_lost = min((n for name, n in lost if name == log), default=10**6)
        assert [n for name, n in seen if name == log] == sorted(
            {n for name, n in topic if name == log and n < first_lost}
        )
    seen += ids(list(receiver.events(record(*each) for each in sorted(set(topic)))))
    assert sorted(seen) == sorted(set(topic))
