"""What people do with a pause point beside deciding it.

They claim, release, delegate, reassign, send back, amend, comment. Each is an event; none starts a run.
"""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from signoff.engine.deciding.flow import Results
from signoff.engine.messages import Draft
from signoff.engine.points.decisions import content_refusal, open_refusal
from signoff.engine.points.standing import (
    Standing,
    decided_for,
    is_mine,
    person_of,
    standing_of,
    standing_refusal,
)
from signoff.engine.state import PausePoint, State
from signoff.events.types import (
    AmendPause,
    ClaimPause,
    Command,
    CommentPause,
    DelegatePause,
    EventData,
    Outcome,
    PauseAmended,
    PauseClaimed,
    PauseCommand,
    PauseCommented,
    PauseDelegated,
    PauseReassigned,
    PauseReleased,
    PauseReturned,
    ReassignPause,
    Refusal,
    ReleasePause,
    ReturnPause,
)

MAX_COMMENTS: Final = 1000
"""Comments on one pause point."""

MAX_DELEGATES: Final = 100
"""People who decide a point in the place of others."""

Answer: TypeAlias = EventData | Refusal


def take_pause_command(state: State, command: Command, data: PauseCommand) -> Results:
    """Do what is asked of a pause point that waits, or refuse it."""
    refusal = open_refusal(state, data.context_id)
    answer = refusal or _ANSWERS[type(data)](state.points[data.context_id], command, data)
    if isinstance(answer, Refusal):
        yield Outcome(
            command_id=command.command_id,
            execution_id=state.execution_id,
            outcome="refused",
            refusal=answer,
        )
        return
    yield Draft(answer, command.command_id, correlation_id=command.correlation_id)
    yield Outcome(
        command_id=command.command_id,
        execution_id=state.execution_id,
        outcome="accepted",
        event_id=state.version,
    )


def _claimed(point: PausePoint, command: Command, data: ClaimPause) -> Answer:
    if point.quorum is not None:
        return Refusal(
            code="NOT_CLAIMABLE", message="Several people decide this, each for themselves: nobody claims it"
        )
    refusal = standing_refusal(point, command.actor, data.maker)
    if refusal is not None and refusal.code not in {"RETURNED", "CODE_REQUIRED"}:
        return refusal
    if point.claimed_by == (data.maker.user_id or person_of(command.actor)):
        return Refusal(code="CLAIMED", message="You have claimed this already")
    return PauseClaimed(
        context_id=point.context_id, actor=command.actor, request_digest=command.request_digest
    )


def _released(point: PausePoint, command: Command, data: ReleasePause) -> Answer:
    if point.claimed_by is None:
        return Refusal(code="NOT_CLAIMED", message="Nobody has claimed this")
    standing = Standing(data.maker.user_id or person_of(command.actor), None, frozenset())
    if not is_mine(point, standing) and "write" not in data.maker.roles:
        return Refusal(
            code="NOT_ELIGIBLE", message="Somebody else has claimed this; they can release it, or an operator"
        )
    return PauseReleased(
        context_id=point.context_id, actor=command.actor, request_digest=command.request_digest
    )


def _delegated(point: PausePoint, command: Command, data: DelegatePause) -> Answer:
    refusal = standing_refusal(point, command.actor, data.maker)
    if refusal is not None:
        return refusal
    standing = standing_of(point, command.actor, data.maker)
    person = None if standing is None else standing.person
    if person == data.to:
        return Refusal(code="BAD_REQUEST", message="You cannot delegate to yourself")
    if data.to in point.delegates or data.to in decided_for(point):
        return Refusal(
            code="NOT_DELEGABLE", message="They decide this for somebody already, or have: ask another one"
        )
    if len(point.delegates) >= MAX_DELEGATES:
        return Refusal(code="TOO_MANY", message=f"A pause point has at most {MAX_DELEGATES} delegates")
    return PauseDelegated(
        context_id=point.context_id,
        to=data.to,
        on_behalf_of=None if standing is None else standing.on_behalf_of or data.maker.user_id,
        actor=command.actor,
        reason=data.reason,
        request_digest=command.request_digest,
    )


def _reassigned(point: PausePoint, command: Command, data: ReassignPause) -> Answer:
    return PauseReassigned(
        context_id=point.context_id,
        assignees=data.assignees,
        actor=command.actor,
        reason=data.reason,
        request_digest=command.request_digest,
    )


def _returned(point: PausePoint, command: Command, data: ReturnPause) -> Answer:
    refusal = standing_refusal(point, command.actor, data.maker)
    if refusal is not None:
        return refusal
    return PauseReturned(
        context_id=point.context_id,
        actor=command.actor,
        reason=data.reason,
        request_digest=command.request_digest,
    )


def _amended(point: PausePoint, command: Command, data: AmendPause) -> Answer:
    return content_refusal(point, data.seen_digest) or PauseAmended(
        context_id=point.context_id,
        title=data.title,
        response=data.response,
        content_digest=data.content_digest,
        actor=command.actor,
        reason=data.reason,
        request_digest=command.request_digest,
    )


def _commented(point: PausePoint, command: Command, data: CommentPause) -> Answer:
    if point.comments >= MAX_COMMENTS:
        return Refusal(code="TOO_MANY", message=f"A pause point has at most {MAX_COMMENTS} comments")
    return PauseCommented(
        context_id=point.context_id,
        actor=command.actor,
        text=data.text,
        request_digest=command.request_digest,
    )


_ANSWERS: Final[dict[type, Callable[[PausePoint, Command, Any], Answer]]] = {
    AmendPause: _amended,
    ClaimPause: _claimed,
    CommentPause: _commented,
    DelegatePause: _delegated,
    ReassignPause: _reassigned,
    ReleasePause: _released,
    ReturnPause: _returned,
}
"""What each command leads to: an event, or why not."""
