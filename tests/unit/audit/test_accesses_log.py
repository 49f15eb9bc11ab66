"""What an access log takes up, and what its fold knows."""

import pytest

from signoff.audit.accesses.log import MOST_OBSERVERS, AccessLog, decide_accesses, evolve_access
from signoff.engine.messages import Draft
from signoff.events.times import iso
from signoff.events.types import (
    SYSTEM,
    AccessRead,
    AccessRefused,
    Command,
    CommandData,
    Event,
    EventData,
    Outcome,
    RecordAccesses,
    Sighted,
    UndeployWorkflow,
)

ABOUT = Sighted(kind="execution", names={"executionId": "e"})


def read(at: float = 10, workspace: str = "w") -> AccessRead:
    return AccessRead(workspace_id=workspace, operation="getExecution", about=ABOUT, first_at=iso(at))


def refused(at: float = 5) -> AccessRefused:
    return AccessRefused(
        workspace_id="w", operation="getExecution", about=ABOUT, first_at=iso(at), status=403, reason="no"
    )


def batch(number: int, *reads: AccessRead, observer: str = "gateway", **more: object) -> RecordAccesses:
    given = {"read": list(reads), **more}
    return RecordAccesses(
        workspace_id="w",
        partition=3,
        day="2026-07-26",
        observer=observer,
        batch=number,
        **given,  # type: ignore[arg-type]
    )


def take(state: AccessLog, data: CommandData) -> tuple[Outcome, list[EventData]]:
    """Decide a command and fold what follows; gives the outcome and the facts."""
    command = Command(
        command_id="c", type=data.TYPE, execution_id="log", issued_at=iso(0), actor=SYSTEM, data=data
    )
    outcome, facts = None, []
    for result in decide_accesses(state, command):
        if isinstance(result, Draft):
            facts.append(result.data)
            fold(state, result.data)
        else:
            outcome = result
    assert outcome is not None
    return outcome, facts


def fold(state: AccessLog, data: EventData, *, version: int | None = None) -> None:
    evolve_access(
        state,
        Event(
            type=data.TYPE, event_id=version or state.version + 1, workflow_id="$access", timestamp=iso(20),
            causation_id="c", data=data,
        ),
    )  # fmt: skip


def test_a_batch_is_recorded_in_the_order_in_which_it_happened() -> None:
    outcome, facts = take(AccessLog(), batch(1, read(at=10), refused=[refused(at=5)]))

    assert (outcome.outcome, outcome.event_id) == ("accepted", 2)
    assert [type(each) for each in facts] == [AccessRefused, AccessRead]
    assert [(each.observer, each.batch) for each in facts] == 2 * [("gateway", 1)]  # type: ignore[attr-defined]


def test_a_batch_that_comes_again_has_no_effect() -> None:
    state = AccessLog()
    take(state, batch(1, read()))
    take(state, batch(1, read(), observer="another"))
    take(state, batch(2, read()))

    for number in (1, 2):
        outcome, facts = take(state, batch(number, read()))
        assert (outcome.outcome, facts) == ("duplicate", [])
    assert state.version == 3


@pytest.mark.parametrize(
    "data",
    [batch(1), batch(1, read(workspace="v")), UndeployWorkflow(workspace_id="w", workflow_id="f")],
    ids=["nothing", "another workspace's", "another command"],
)
def test_what_is_no_batch_of_the_workspace_is_refused(data: CommandData) -> None:
    outcome, facts = take(AccessLog(), data)

    assert (outcome.outcome, facts) == ("refused", [])


def test_the_fold_does_not_grow_with_the_log() -> None:
    state = AccessLog()
    for number in range(MOST_OBSERVERS + 5):
        take(state, batch(1, read(), observer=f"gateway {number}"))
    for number in range(2, 50):
        take(state, batch(number, read(), observer="gateway 10"))

    assert len(state.observers) == MOST_OBSERVERS
    assert "gateway 4" not in state.observers
    assert state.observers["gateway 10"] == 49


def test_an_event_that_does_not_follow_is_not_folded() -> None:
    with pytest.raises(ValueError, match="event 2 does not follow version 0"):
        fold(AccessLog(), read(), version=2)
