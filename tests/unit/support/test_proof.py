"""The checker that proves the guarantees finds each violation, in a small history that was doctored."""

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from support.proof import Answered, Facts, Logged, Published, Ran, Streamed, find_violations

PARENT, CHILD = "11111111-0000-4000-8000-000000000001", "22222222-0000-4000-8000-000000000002"
WORKFLOW = "55555555-0000-4000-8000-000000000005"
RUN, OTHER_RUN = "33333333-0000-4000-8000-000000000003", "44444444-0000-4000-8000-000000000004"
START, RESUME, CALL = "start-command", "resume-command", "call-command"

Event = dict[str, Any]
History = list[tuple[str, Event]]
"""Events with the logs that they are in, in the order of their positions."""


def event(type_: str, cause: str = "1", *, attempt: int = 1, run: str | None = None, **data: Any) -> Event:
    return {
        "type": type_,
        **({} if run is None else {"runId": run}),
        "workflowId": "w",
        "causationId": cause,
        **({} if attempt == 1 else {"attempt": attempt}),
        "data": data,
    }


def good() -> History:
    """An execution with a child, a pause, a decision that queues behind another, and an end."""
    parent: Sequence[Event] = [
        event("execution:started", START, input={"ticket": "t1"}),
        event("block:started", START, blockId="call", childExecutionId=CHILD),
        event("child:called", "2", blockId="call", childExecutionId=CHILD),
    ]
    child = [
        event("execution:started", CALL, parent={"executionId": PARENT, "instance": "call"}),
        event("execution:completed", output=1),
    ]
    after = [
        event("block:completed", "child-command", blockId="call"),
        event("block:started", blockId="left"),
        event("pause:opened", blockId="left", contextId="left"),
        event("block:started", blockId="right"),
        event("pause:opened", blockId="right", contextId="right"),
        event("execution:paused"),
        event("execution:resumed", RESUME, run=RUN, **entry("left", "e1", RUN)),
        event("block:completed", RESUME, run=RUN, blockId="left"),
        event("block:started", RESUME, run=RUN, blockId="pay"),
        event("resume:queued", "other-command", run=OTHER_RUN, **entry("right", "e2", OTHER_RUN)),
        event("block:started", attempt=2, run=RUN, blockId="pay"),
        event("block:completed", attempt=2, run=RUN, blockId="pay"),
        event("execution:resumed", "other-command", run=OTHER_RUN, **entry("right", "e2", OTHER_RUN)),
        event("block:completed", "other-command", run=OTHER_RUN, blockId="right"),
        event("execution:completed", run=OTHER_RUN, output=2),
    ]
    return [
        *((PARENT, each) for each in parent),
        *((CHILD, each) for each in child),
        *((PARENT, each) for each in after),
    ]


def entry(point: str, entry_id: str, run: str) -> dict[str, str]:
    return {"contextId": point, "resumeEntryId": entry_id, "resumeExecutionId": run}


def logged(history: History) -> list[Logged]:
    """The history as it is written: numbered, timed and chained."""
    heads: dict[str, tuple[int, bytes]] = {}
    rows = []
    for position, (log_id, said) in enumerate(history, 1):
        version, before = heads.get(log_id, (0, b""))
        prev = base64.b64encode(hashlib.sha256(before).digest()).decode()
        state = json.dumps(
            {
                "type": said["type"],
                "eventId": version + 1,
                "executionId": log_id,
                **said,
                "timestamp": f"2026-01-01T00:00:{position:02}.000000Z",
                **({"prev": prev} if version else {}),
            }
        ).encode()
        heads[log_id] = version + 1, state
        rows.append(Logged(log_id, version + 1, "signoff:Any", state, position))
    return rows


def of(rows: Sequence[Logged], log_id: str) -> list[bytes]:
    return [row.state for row in rows if row.log_id == log_id]


def all_is_well(history: History | None = None) -> Facts:
    """What everybody saw of a history in which nothing went wrong."""
    rows = logged(good() if history is None else history)
    return Facts(
        log=rows,
        topic=[Published(1, offset, row.log_id.encode(), row.state) for offset, row in enumerate(rows)],
        answers=[
            Answered(kind="start", execution_id=PARENT, key="t1", status=202),
            Answered(
                kind="resume", execution_id=PARENT, context_id="left", status=202, body={"executionId": RUN}
            ),
            Answered(kind="resume", execution_id=PARENT, context_id="left", status=409, body={"eventId": 10}),
        ],
        streams=[Streamed(execution_id=PARENT, frames=list(enumerate(of(rows, PARENT), 1)), ended=True)],
        runs=[
            Ran(idempotency_key=f"{PARENT}/pay", attempt=1, at=moment(14)),
            Ran(idempotency_key=f"{PARENT}/pay", attempt=2, at=moment(16)),
        ],
    )


def moment(position: int) -> float:
    """Seconds since the epoch of the event at a position."""
    return 1_767_225_600.0 + position


def place(history: History, type_: str, nth: int = 0, **data: Any) -> int:
    """Where the event is that is meant."""
    found = [
        number
        for number, (_, said) in enumerate(history)
        if said["type"] == type_ and data.items() <= said["data"].items()
    ]
    return found[nth]


def test_a_history_without_faults_has_no_violations() -> None:
    assert find_violations(all_is_well()) == []


def test_what_a_consumer_gets_again_is_no_violation() -> None:
    facts = all_is_well()
    facts.topic[4:4] = facts.topic[1:3]

    assert find_violations(facts) == []


# --- The log ----------------------------------------------------------------------------------------


def drop(number: int) -> Callable[[list[Logged]], None]:
    def change(rows: list[Logged]) -> None:
        del rows[number]

    return change


def swap(rows: list[Logged]) -> None:
    rows[0], rows[1] = rows[1], rows[0]


def forge(rows: list[Logged]) -> None:
    row = rows[0]
    rows[0] = Logged(row.log_id, row.version, row.topic, row.state.replace(b"t1", b"t2"), row.position)


def turn_back(rows: list[Logged]) -> None:
    row = rows[-1]
    state = row.state.replace(b"2026-01", b"2025-01")
    rows[-1] = Logged(row.log_id, row.version, row.topic, state, row.position)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (drop(1), "version 2 was due"),
        (swap, "stands behind"),
        (forge, "its hash is not that of the event before"),
        (turn_back, "the time ran backward"),
    ],
)
def test_a_log_that_is_not_whole_is_found(change: Callable[[list[Logged]], None], says: str) -> None:
    facts = all_is_well()
    change(facts.log)

    assert any(says in each for each in find_violations(facts))


# --- Executions -------------------------------------------------------------------------------------


def again(type_: str, **data: Any) -> Callable[[History], None]:
    """The same event once more, behind itself."""

    def change(history: History) -> None:
        number = place(history, type_, **data)
        history.insert(number + 1, history[number])

    return change


def cut(type_: str, nth: int = 0, **data: Any) -> Callable[[History], None]:
    def change(history: History) -> None:
        del history[place(history, type_, nth, **data)]

    return change


def before(moved: tuple[str, dict[str, Any]], where: tuple[str, dict[str, Any]]) -> Callable[[History], None]:
    """One event earlier, before another one."""

    def change(history: History) -> None:
        one = history.pop(place(history, moved[0], -1, **moved[1]))
        history.insert(place(history, where[0], **where[1]), one)

    return change


def add(log_id: str, *events: Event) -> Callable[[History], None]:
    def change(history: History) -> None:
        history += [(log_id, each) for each in events]

    return change


def end_early(history: History) -> None:
    del history[place(history, "block:completed", blockId="pay") :]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (again("block:completed", blockId="pay"), "pay was completed at"),
        (again("block:started", blockId="pay"), "pay had attempt 1 already"),
        (add(PARENT, event("block:started", attempt=3, blockId="pay")), "pay was completed at"),
        (cut("block:started", 0, blockId="left"), "left was never started"),
        (
            before(("execution:resumed", {"contextId": "right"}), ("block:completed", {"blockId": "pay"})),
            "pay of another run is at work",
        ),
        (again("execution:resumed", contextId="left"), "its command had this effect at"),
        (
            add(PARENT, event("execution:resumed", "late", run=CHILD, **entry("left", "e3", CHILD))),
            "left was decided by e1 already",
        ),
        (cut("pause:opened", 0, contextId="left"), "left is not open"),
        (add(PARENT, event("execution:cancelled", "cancel")), "it ended at"),
        (end_early, "nothing comes any more, and it has not ended"),
        (cut("execution:completed", 0), "had not ended"),
        (
            before(("block:completed", {"blockId": "call"}), ("execution:completed", {})),
            "its child 22222222-0000-4000-8000-000000000002 had not ended",
        ),
        (cut("child:called"), "did not call it"),
        (add("log-3", event("execution:started", "x", input={"ticket": "t1"})), "its ticket w/t1 started"),
        (add("log-3", event("execution:started", START)), f"its command {START} started"),
    ],
)
def test_what_an_execution_must_not_do_is_found(change: Callable[[History], None], says: str) -> None:
    history = good()
    change(history)

    assert any(says in each for each in find_violations(Facts(log=logged(history))))


def test_a_child_that_never_began_is_found_once_all_is_settled() -> None:
    facts = Facts(log=logged([(log_id, each) for log_id, each in good() if log_id == PARENT][:3]))

    assert not any("never began" in each for each in find_violations(facts, settled=False))
    assert any("never began" in each for each in find_violations(facts))


@pytest.mark.parametrize(
    ("moments", "starts", "says"),
    [
        ((1, 1), (CHILD, CHILD), "mornings was fired for 2026-01-01T00:00:01Z already"),
        ((2, 1), (CHILD, PARENT), "mornings was fired for 2026-01-01T00:00:02Z already"),
        ((1,), (PARENT,), f"its execution {PARENT} never began"),
        ((), (), "no schedule names it"),
    ],
)
def test_a_moment_that_is_not_fired_once_for_one_execution_is_found(
    moments: Sequence[int], starts: Sequence[str], says: str
) -> None:
    fired = [
        event("schedule:fired", blockId="mornings", dueAt=f"2026-01-01T00:00:{due:02}Z", executionId=names)
        for due, names in zip(moments, starts, strict=True)
    ]
    begun = [
        event("execution:started", "fired", trigger="schedule"),
        event("execution:completed", output=1),
    ]
    history = [*((WORKFLOW, each) for each in fired), *((CHILD, each) for each in begun)]

    assert says in " ".join(find_violations(Facts(log=logged(history))))


def test_an_execution_that_waits_for_a_moment_or_a_person_does_not_hang() -> None:
    begun = [event("execution:started", START), event("block:started", blockId="b")]
    waits = event("timer:set", timerId="b", kind="wait", dueAt="2026-02-01T00:00:00.000000Z")
    asks = [event("pause:opened", blockId="b", contextId="b"), event("execution:paused")]

    assert find_violations(Facts(log=logged([(PARENT, each) for each in [*begun, waits]]))) == []
    assert find_violations(Facts(log=logged([(PARENT, each) for each in [*begun, *asks]]))) == []


# --- What others saw --------------------------------------------------------------------------------


def answer(**said: Any) -> Callable[[Facts], None]:
    def change(facts: Facts) -> None:
        facts.answers.append(Answered(**said))

    return change


def frames(change: Callable[[list[tuple[int, bytes]]], object]) -> Callable[[Facts], None]:
    def apply(facts: Facts) -> None:
        change(facts.streams[0].frames)

    return apply


def records(change: Callable[[list[Published]], object]) -> Callable[[Facts], None]:
    def apply(facts: Facts) -> None:
        change(facts.topic)

    return apply


def ran(attempt: int, position: int, block: str = "pay") -> Callable[[Facts], None]:
    def apply(facts: Facts) -> None:
        facts.runs.append(Ran(idempotency_key=f"{PARENT}/{block}", attempt=attempt, at=moment(position)))

    return apply


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (answer(kind="start", execution_id="nowhere", status=202), "there is no such log"),
        (answer(kind="start", execution_id=PARENT, status=429), "it was refused, and began"),
        (answer(kind="cancel", execution_id=PARENT, status=200), "the log has no such effect"),
        (
            answer(
                kind="resume", execution_id=PARENT, context_id="left", status=202, body={"executionId": "x"}
            ),
            "the log has no such effect",
        ),
        (
            answer(kind="resume", execution_id=PARENT, context_id="left", status=409, body={"eventId": 2}),
            "event 2 decided nothing there",
        ),
        (frames(lambda given: given.pop(2)), "frame 4 came where 3 was due"),
        (frames(lambda given: given.insert(2, given[1])), "frame 2 came where 3 was due"),
        (frames(lambda given: given.append((19, b"{}"))), "is not in the log"),
        (frames(lambda given: given.__setitem__(1, (2, b"{}"))), "frame 2 is not what the log has"),
        (frames(lambda given: given.pop()), "and the execution did not"),
        (records(lambda given: given.pop(3)), "event 1 was due"),
        (records(lambda given: given.pop()), "of 18 events 17 are on the topic"),
        (records(lambda given: given.append(Published(2, 0, given[0].key, given[0].value))), "partitions"),
        (
            records(lambda given: given.append(Published(1, 99, b"log-9", given[0].value))),
            "it is not in the log",
        ),
        (
            records(lambda given: given.append(Published(1, 99, given[0].key, given[0].value + b" "))),
            "it is not what the log has",
        ),
        (ran(2, 16), "attempt 2 came 2 times"),
        (ran(3, 16), "attempt 3 ran, and its start is not in the log"),
        (ran(1, 19), "after the block was completed"),
        (ran(1, 3), "before its start"),
    ],
)
def test_what_was_told_or_done_elsewhere_than_in_the_log_is_found(
    change: Callable[[Facts], None], says: str
) -> None:
    facts = all_is_well()
    change(facts)

    assert any(says in each for each in find_violations(facts))
