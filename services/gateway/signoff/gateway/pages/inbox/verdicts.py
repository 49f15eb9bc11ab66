"""A form filled in with yes or no, and whether that is enough for it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

from msgspec import Struct

from signoff.engine.definitions.forms import check_form
from signoff.engine.points.pauses import form_of
from signoff.engine.state import PausePoint
from signoff.events.types import Json, Verdict
from signoff.gateway.inbox.decided import Asked
from signoff.gateway.pages.resume.verdicts import verdict_field

Answer: TypeAlias = Literal["approve", "reject"]
"""What somebody says to a pause point, whatever its form is."""

_REASONS: Final = ("reason", "comment", "comments", "why", "note", "notes")


class Filled(Struct, frozen=True):
    """A form that was filled in with yes or no.

    Attributes:
        values: by field.
        takes_reason: a field of the form has the reason.
        wanting: why this is not enough; empty where it is.
    """

    values: dict[str, Json]
    takes_reason: bool
    wanting: str = ""


def fill(point: PausePoint, answer: Answer, reason: str) -> Filled:
    """Fill in a pause point's form with yes or no.

    Args:
        point: whose form it is.
        answer: what is said.
        reason: why; may be empty.
    """
    fields = form_of(point.response)
    verdict, why = verdict_field(point, fields), _reason_field(fields)
    if verdict is None and (answer == "reject" or fields):
        return Filled({}, takes_reason=False, wanting="its form asks for something other than yes or no")
    values: dict[str, Json] = {} if verdict is None else {verdict: answer == "approve"}
    if reason and why is not None:
        values[why] = reason
    _, faults = check_form([dict(each) for each in fields], values)
    labels = {each["name"]: str(each.get("label") or each["name"]) for each in fields}
    wanting = ", ".join(labels.get(fault.path, fault.path) for fault in faults)
    return Filled(
        values,
        takes_reason=why is not None,
        wanting=f"its form asks for more: {wanting}" if wanting else "",
    )


def verdict_of(point: PausePoint | Asked, submission: Json) -> Verdict | None:
    """Whether a submission said yes or no; ``None`` where the point's form has no field for that."""
    field = verdict_field(point, form_of(point.response))
    said = submission.get(field) if field is not None and isinstance(submission, dict) else None
    if not isinstance(said, bool):
        return None
    return "approved" if said else "rejected"


def _reason_field(fields: Sequence[Mapping[str, Any]]) -> str | None:
    """The field of a form that a reason belongs into."""
    texts = [each["name"] for each in fields if each["type"] == "string" and not each.get("options")]
    return next((name for name in _REASONS if name in texts), None)
