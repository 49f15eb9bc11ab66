"""What happened to each block of an execution: traced from its log, as of any event."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signoff.engine.definitions.definition import Connection
from signoff.events.errors import CodecError
from signoff.events.store.base import Recorded
from signoff.events.times import iso
from signoff.gateway.pages.executions.standing import (
    Standing,
    block_standing,
    by_block,
    instance_of,
    lines_taken,
    marks_of,
)
from signoff.gateway.pages.executions.stored import readable
from signoff.gateway.pages.executions.timeline import (
    MAX_PAUSES,
    MAX_ROWS,
    Scale,
    Timeline,
    scale_of,
    timeline_of,
)
from signoff.gateway.pages.executions.trace import Span, Trace

LOG = UUID(int=1)
T = 1_750_000_000.0


def event(number: int, type_: str, at: float = 0.0, *, attempt: int | None = None, **data: Any) -> Recorded:
    """An event as the log has it, some seconds after the first one."""
    told = {"type": type_, "eventId": number, "timestamp": iso(T + at), "workflowId": "w", "causationId": "c"}
    told |= {"data": data} | ({} if attempt is None else {"attempt": attempt})
    return Recorded(LOG, number, "t", msgspec.json.encode(told), number)


def block(name: str, **more: Any) -> dict[str, Any]:
    return {"blockId": name, "blockName": name.title(), "blockType": "function", **more}


def turn(container: str, index: int) -> dict[str, Any]:
    return {"iterationCurrent": index, "iterationType": "loop", "iterationContainerId": container}


def traced(events: Sequence[Recorded]) -> Trace:
    trace = Trace()
    trace.take(events)
    return trace


def only(trace: Trace) -> Span:
    (span,) = trace.spans_upto(trace.version)
    return span


def standing_of(span: Span, event_id: int) -> Standing:
    return instance_of(span, event_id).standing


def timeline(trace: Trace, event_id: int, now: float) -> Timeline:
    return timeline_of(by_block(trace, event_id), trace.began_at, now, scale_of(trace, max(now, trace.time)))


APPROVED = [
    event(1, "execution:started", 0),
    event(2, "block:started", 0, **block("approve")),
    event(3, "pause:opened", 1, contextId="approve", blockId="approve", pauseKind="human"),
    event(4, "execution:paused", 1),
    event(5, "execution:resumed", 3601, contextId="approve"),
    event(6, "block:completed", 3602, **block("approve", output={})),
    event(7, "execution:completed", 3602),
]


def test_a_pause_is_a_wait_between_two_runs() -> None:
    span = only(traced(APPROVED))

    assert [(stay.kind, stay.since - T, (stay.until or 0) - T) for stay in span.stays] == [
        ("run", 0, 1),
        ("human", 1, 3601),
        ("run", 3601, 3602),
    ]


@pytest.mark.parametrize(
    ("event_id", "status"),
    [(2, "started"), (3, "paused"), (5, "started"), (6, "completed"), (7, "completed")],
)
def test_a_block_stands_as_it_did_after_an_event(event_id: int, status: str) -> None:
    span = only(traced(APPROVED))

    assert standing_of(span, event_id).status == status


@given(st.integers(1, len(APPROVED)))
def test_a_trace_as_of_an_event_is_the_trace_of_the_events_up_to_it(event_id: int) -> None:
    whole, begun = traced(APPROVED), traced(APPROVED[:event_id])

    blocks, scale = by_block(whole, event_id), scale_of(begun, begun.time)

    assert marks_of(blocks, {}) == marks_of(by_block(begun, event_id), {})
    assert timeline_of(blocks, T, begun.time, scale) == timeline(begun, event_id, begun.time)


def test_events_that_were_taken_are_passed_over() -> None:
    trace = traced(APPROVED[:4])

    trace.take(APPROVED)

    assert len(only(trace).stays) == 3


def test_a_block_that_failed_and_is_tried_again_has_a_wait_between_the_tries() -> None:
    span = only(
        traced(
            [
                event(1, "block:started", 0, **block("call")),
                event(2, "block:retrying", 1, blockId="call", error="no", nextAttemptAt=iso(T + 3)),
                event(3, "block:started", 3, attempt=2, **block("call")),
                event(4, "block:error", 4, attempt=2, **block("call", error="no", handled=False)),
            ]
        )
    )

    assert [(stay.kind, stay.attempt, stay.failed) for stay in span.stays] == [
        ("run", 1, True), ("retry", 1, False), ("run", 2, True),
    ]  # fmt: skip
    assert [standing_of(span, each).status for each in (1, 2, 3, 4)] == [
        "started",
        "paused",
        "started",
        "failed",
    ]


def test_a_block_that_runs_when_the_execution_is_cancelled_is_cut_off() -> None:
    span = only(traced([event(1, "block:started", 0, **block("a")), event(2, "execution:cancelled", 1)]))

    assert standing_of(span, 1).status == "started"
    assert standing_of(span, 2).label == "Cut off"


def test_a_run_that_failed_leaves_blocks_of_other_runs_at_work() -> None:
    span = only(
        traced([event(1, "block:started", 0, **block("a")), event(2, "execution:error", 1, final=False)])
    )

    assert standing_of(span, 2).status == "started"


def test_each_turn_of_a_loop_is_an_instance_and_a_block_stands_as_the_most_telling_one() -> None:
    trace = traced(
        [
            event(1, "block:started", 0, **block("each", blockType="loop")),
            event(2, "container:opened", 0, blockId="each", total=2),
            event(3, "loop:iteration", 0, containerId="each", index=0),
            event(4, "block:started", 0, **block("step"), **turn("each", 0)),
            event(5, "block:error", 1, **block("step", error="no", handled=True), **turn("each", 0)),
            event(6, "loop:iteration", 1, containerId="each", index=1),
            event(7, "block:started", 1, **block("step"), **turn("each", 1)),
            event(8, "block:completed", 2, **block("step", output=1), **turn("each", 1)),
        ]
    )

    steps = by_block(trace, 8)["step"]
    marks = marks_of(by_block(trace, 8), {})

    assert [each.span.key for each in steps] == ["step_loop0", "step_loop1"]
    assert block_standing(steps).label == "Failed, and handled"
    assert marks["each"].note == "2 of 2"
    assert marks_of(by_block(trace, 5), {})["each"].note == "1 of 2"


def test_a_pause_point_links_to_where_it_is_decided() -> None:
    assert marks_of(by_block(traced(APPROVED), 3), {"approve": "/resume"})["approve"].href == "/resume"


def test_what_a_run_from_a_block_took_over_is_told_of() -> None:
    trace = traced([event(1, "execution:started"), event(2, "execution:seeded", outputs={"start": {}})])

    assert standing_of(only(trace), 2).label == "Taken over"


def copied(number: int, type_: str, at: float, **data: Any) -> Recorded:
    """An event of the source in a fork that was begun after 100 seconds."""
    told = msgspec.json.decode(event(number, type_, 100, **data).state)
    told["copyOf"] = {"eventId": number, "timestamp": iso(T + at)}
    return Recorded(LOG, number, "t", msgspec.json.encode(told), number)


FORKED = [
    event(1, "execution:started", 100),
    copied(2, "block:started", 0, **block("first")),
    copied(3, "block:completed", 5, **block("first")),
    copied(4, "block:started", 5, **block("work")),
    copied(5, "block:started", 5, **block("approve", blockType="human_in_the_loop")),
    copied(6, "pause:opened", 6, contextId="approve", blockId="approve", pauseKind="human"),
    event(7, "execution:forked", 100, asOf=iso(T + 40)),
    event(8, "block:started", 101, attempt=2, **block("work")),
    event(9, "block:completed", 103, **block("work")),
    event(10, "execution:resumed", 111, contextId="approve"),
    event(11, "block:completed", 112, **block("approve", blockType="human_in_the_loop")),
    event(12, "execution:completed", 112),
]


def test_what_a_forks_source_did_is_no_work_of_the_fork() -> None:
    trace = traced(FORKED)

    blocks = by_block(trace, 12)
    shown = timeline(trace, 12, T + 112)
    marks = marks_of(blocks, {})

    assert shown.length == "12 s"
    assert [(row.name, row.took, len(row.bars)) for row in shown.rows] == [
        ("First", "", 0),
        ("Work", "2 s", 1),
        ("Approve", "12 s", 2),
    ]
    assert marks["first"].label == "Taken over"
    assert marks["work"].note == "2 s"


def test_what_was_at_work_in_a_forks_source_does_not_run_before_it_begins_again() -> None:
    trace = traced(FORKED)

    assert block_standing(by_block(trace, 7)["work"]) == Standing("")
    assert block_standing(by_block(trace, 7)["approve"]) == Standing("paused", "Waits for a decision")


def test_the_graph_and_the_timeline_tell_the_same_length() -> None:
    human = {"blockType": "human_in_the_loop"}
    decided = [
        event(1, "execution:started", 0),
        event(2, "block:started", 0, **block("approve", **human)),
        event(3, "pause:opened", 1, contextId="approve", blockId="approve", pauseKind="human"),
        event(4, "execution:resumed", 11, contextId="approve"),
        event(5, "block:completed", 12, **block("approve", **human)),
    ]
    trace = traced(decided)

    mark = marks_of(by_block(trace, 5), {})["approve"]

    assert (mark.label, mark.note) == ("Decided", "waited 12 s")
    assert timeline(trace, 5, T + 12).rows[0].took == "12 s"


def test_an_event_of_a_later_version_is_passed_over() -> None:
    trace = traced([event(1, "new:thing", 0, blockId=7), event(2, "block:started", 0, **block("a"))])

    assert trace.version == 2
    assert only(trace).block_id == "a"


def test_only_the_lines_that_fired_were_taken() -> None:
    trace = traced(
        [
            event(1, "block:started", 0, **block("check")),
            event(2, "block:completed", 0, **block("check", output={})),
            event(3, "block:started", 0, **block("pay")),
        ]
    )
    lines = [("check", "condition-yes", "pay"), ("check", "condition-no", "ask"), ("pay", "source", "end")]
    connections = [
        Connection(source=source, handle=handle, target=target) for source, handle, target in lines
    ]

    taken = lines_taken(connections, {"check": {"selectedOption": "yes"}, "pay": {}}, by_block(trace, 3))

    assert taken == {lines[0]}


def test_a_long_wait_is_drawn_shorter_than_what_runs() -> None:
    scale = Scale(T, T + 86_400, [(T, T + 1), (T + 86_399, T + 86_400)])

    assert scale.shortened == [(T + 1, T + 86_399)]
    assert scale.place(T + 1) > 30
    assert scale.place(T + 86_400) == pytest.approx(100)


moments = st.floats(0, 1e6, allow_nan=False)


@given(st.lists(st.tuples(moments, moments).map(sorted), max_size=12), st.lists(moments, min_size=2))
def test_a_scale_keeps_the_order_of_moments(stretches: list[list[float]], asked: list[float]) -> None:
    scale = Scale(0.0, 1e6, [(since, until) for since, until in stretches])

    places = [scale.place(moment) for moment in sorted(asked)]

    assert places == sorted(places)
    assert all(-1e-6 <= place <= 100 + 1e-6 for place in places)


@pytest.mark.parametrize(("waits", "drawn"), [(10, 10), (70, MAX_PAUSES), (800, 0)])
def test_of_many_long_waits_those_that_can_be_seen_are_drawn(waits: int, drawn: int) -> None:
    events = []
    for index in range(waits + 1):
        number, around = 2 * index + 1, turn("each", index)
        events.append(event(number, "block:started", 3600 * index, **block("step"), **around))
        events.append(event(number + 1, "block:completed", 3600 * index + 1, **block("step"), **around))
    trace = traced(events)

    pauses = timeline(trace, trace.version, trace.time).pauses

    assert len(pauses) == drawn
    assert [each.x for each in pauses] == sorted(each.x for each in pauses)


def test_a_timeline_as_of_an_event_stands_still_and_tells_where_it_is() -> None:
    trace = traced(APPROVED)

    past, present = timeline(trace, 3, T + 1), timeline(trace, 7, T + 3602)

    assert past.rows[0].bars[0] == present.rows[0].bars[0]
    assert past.pauses == present.pauses
    assert 0 < past.here < present.here == 100


def test_what_cannot_be_read_is_met_again_at_the_next_look() -> None:
    trace = Trace()
    broken = Recorded(LOG, 2, "t", APPROVED[1].state.replace(b"2025", b"when"), 2)

    for _ in range(2):
        with pytest.raises(CodecError):
            trace.take([APPROVED[0], broken])

    assert trace.version == 1


def test_an_execution_of_no_length_has_a_timeline() -> None:
    trace = traced(
        [event(1, "block:started", 0, **block("a")), event(2, "block:completed", 0, **block("a", output=1))]
    )

    (row,) = timeline(trace, 2, T).rows

    assert (row.took, [bar.kind for bar in row.bars]) == ("0 ms", ["run"])


def test_many_instances_share_a_row_and_few_bars() -> None:
    events = []
    for index in range(1_000):
        events.append(event(2 * index + 1, "block:started", index, **block("step"), **turn("each", index)))
        events.append(
            event(
                2 * index + 2,
                "block:completed",
                index + 0.5,
                **block("step", output=1),
                **turn("each", index),
            )
        )

    (row,) = timeline(traced(events), 2_000, T + 1_000).rows

    assert row.place == "1,000 times"
    assert 1 <= len(row.bars) <= 180
    assert MAX_ROWS < 1_000


def test_a_stored_value_is_read_without_what_is_kept_apart() -> None:
    stored = {
        "$$mine": 1,
        "pin": {"$secret": "s"},
        "file": {"$blob": "sha256:1", "size": 9, "mediaType": "a/b"},
    }

    assert readable(stored) == {
        "$mine": 1, "pin": "•••", "file": "A large value, kept apart: 9 bytes of a/b, sha256:1",
    }  # fmt: skip
