"""What is asked for with a fork."""

from typing import Literal, TypedDict

from signoff.client.answers.forks import ForkDecision
from signoff.client.errors import Json


class ForkEdits(TypedDict, total=False):
    """From where a fork goes on, and what is other there.

    Attributes:
        event_id: it begins after this event; without it and ``at``, after the last one.
        at: or after the last event by this moment, ISO 8601; without an offset it is UTC.
        input: in place of the execution's.
        decision: of the caller's own, taken at once.
        workflow_version: another version of the workflow runs.
        reason: why, for the record.
    """

    event_id: int
    at: str
    input: Json
    decision: ForkDecision
    workflow_version: int
    reason: str


def fork_body(edits: ForkEdits, mode: Literal["dry-run", "live"]) -> dict[str, object]:
    """The body of a request for a fork.

    Args:
        edits: from where it goes on, and what is other there.
        mode: whether it is tried out, or begun for good.
    """
    names = {"event_id": "eventId", "workflow_version": "workflowVersion"}
    return {**{names.get(name, name): value for name, value in edits.items()}, "mode": mode}
