"""A form filled in with yes or no, and whether that is enough for it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

from msgspec import Struct

from signoff.engine.definitions.forms import check_form
from signoff.engine.definitions.values import SECRET_TYPE, to_text
from signoff.engine.points.pauses import form_of
from signoff.engine.state import PausePoint
from signoff.events.escapes import MASK, is_reference
from signoff.events.types import Json, Verdict
from signoff.gateway.inbox.asked import Asked
from signoff.gateway.pages.headings import Glance, scalar
from signoff.gateway.pages.resume.verdicts import verdict_field

Answer: TypeAlias = Literal["approve", "reject"]
"""What somebody says to a pause point, whatever its form is."""

_MOST_LISTED: Final = 6
_LISTED: Final = 60
"""Defaults that a list tells, and characters of each."""

_REASONS: Final = ("reason", "comment", "comments", "why", "note", "notes")


class Filled(Struct, frozen=True):
    """A form that was filled in with yes or no.

    Attributes:
        values: by field.
        takes_reason: a field of the form has the reason.
        wanting: why this is not enough; empty where it is.
        defaults: what the form fills in besides, by label; a text is empty where it is too long for a list.
    """

    values: dict[str, Json]
    takes_reason: bool
    wanting: str = ""
    defaults: list[Glance] = []


def fill(point: PausePoint | Asked, answer: Answer, reason: str) -> Filled:
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
    effective, faults = check_form([dict(each) for each in fields], values)
    labels = {each["name"]: str(each.get("label") or each["name"]) for each in fields}
    wanting = ", ".join(labels.get(fault.path, fault.path) for fault in faults)
    return Filled(
        values,
        takes_reason=why is not None,
        wanting=f"its form asks for more: {wanting}" if wanting else "",
        defaults=[
            Glance(scalar(labels[name], most=_LISTED), _default(kind, effective[name]))
            for name, kind in ((each["name"], each["type"]) for each in fields)
            if name not in values and effective.get(name) not in (None, "", [], {})
        ],
    )


def listed_defaults(point: PausePoint | Asked) -> list[Glance]:
    """What a point's form fills in beside yes or no; none where that is too much to list."""
    defaults = fill(point, "approve", "").defaults
    fits = len(defaults) <= _MOST_LISTED and all(each.text for each in defaults)
    return defaults if fits else []


def verdict_of(point: PausePoint | Asked, submission: Json) -> Verdict | None:
    """Whether a submission said yes or no; ``None`` where the point's form has no field for that."""
    field = verdict_field(point, form_of(point.response))
    said = submission.get(field) if field is not None and isinstance(submission, dict) else None
    if not isinstance(said, bool):
        return None
    return "approved" if said else "rejected"


def _default(kind: str, value: Json) -> str:
    """A default as a list tells it: whole, or not at all."""
    if kind == SECRET_TYPE:
        return MASK
    text = to_text(value)
    return "" if is_reference(value) or len(text) > _LISTED else scalar(text, most=_LISTED)


def _reason_field(fields: Sequence[Mapping[str, Any]]) -> str | None:
    """The field of a form that a reason belongs into."""
    texts = [each["name"] for each in fields if each["type"] == "string" and not each.get("options")]
    return next((name for name in _REASONS if name in texts), None)
