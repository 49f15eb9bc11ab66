"""How our own spelling writes the block that asks people."""

from typing import Any, Final, get_args

from signoff.engine.definitions.faults import Findings, at
from signoff.engine.points.naming import HINT, MAX_WEIGHT
from signoff.engine.points.policies import KEYS
from signoff.engine.recipe.keys import fields_key
from signoff.engine.recipe.params import copy, read_fields
from signoff.engine.recipe.spelling import Key, Schema, Spelling, Written, object_schema
from signoff.events.types import Occasion, Priority

_PEOPLE: Final[Schema] = {"type": ["array", "string"], "items": {"type": "string"}}
_FLAG: Final[Schema] = {"type": ["boolean", "string"]}
_WEIGHT: Final[Schema] = {"type": ["integer", "string"], "minimum": 1, "maximum": MAX_WEIGHT}


def _word(choices: tuple[str, ...]) -> Schema:
    """One of some words, or a reference to one."""
    return {"anyOf": [{"enum": list(choices)}, {"type": "string"}]}


def _part(keys: dict[str, Key], *kinds: str) -> Schema:
    """An object whose unknown keys are reported where the policy is read; perhaps a reference to one."""
    return {"type": ["object", *kinds], "properties": object_schema(keys)["properties"]}


_CALENDAR: Final = {
    "timezone": Key({"type": "string"}, "Whose clock it is, such as Europe/Berlin; UTC by default."),
    "hours": Key(
        {"type": ["object", "string"], "additionalProperties": {"type": ["string", "array"]}},
        "When people are at work, by day of the week: {mon-fri: 09:00-17:00}.",
    ),
    "holidays": Key({"type": ["array", "string"]}, "Days on which they are not, such as 2026-12-25."),
}
_STEP: Final = {
    "after": Key({"type": "string"}, "How long after the pause began, such as 2d."),
    "remind": Key(
        {"type": ["boolean", "array", "string"]}, "true: who may decide is told again; or a list of others."
    ),
    "escalate": Key(_PEOPLE, "Who may decide as well from then on."),
    "decide": Key({"type": ["object", "string"]}, "The decision that is taken then, by the form's fields."),
    "fail": Key(_FLAG, "true: the block fails."),
}
_DEADLINE: Final = {
    "calendar": Key(_part(_CALENDAR, "string"), "Business time: durations count only what is in its hours."),
    "after": Key({"type": "string"}, "How long after the pause began the default is decided, such as 2d."),
    "default": Key({"type": ["object", "string"]}, "The decision that is taken then, by the form's fields."),
    "steps": Key(
        {"type": ["array", "string"], "items": _part(_STEP, "string")},
        "In place of the two: what happens when nobody decides, in order of time.",
    ),
}
_QUORUM: Final = {
    "required": Key(_WEIGHT, "How many must approve: the sum of their weights."),
    "field": Key({"type": "string"}, "The form's field that says yes or no."),
    "rejections": Key(_WEIGHT, "How many noes settle it; 1 by default."),
    "weights": Key(
        {"type": ["object", "string"], "additionalProperties": _WEIGHT}, "What some people count, by name."
    ),
    "veto": Key(_PEOPLE, "Whose no alone settles it."),
}
_NOTICE: Final = {
    "url": Key({"type": "string"}, "Where to: an Apprise URL, or https."),
    "to": Key({"enum": ["assignees"]}, "assignees: each of those who may decide."),
    "title": Key({"type": "string"}, "In place of the usual title."),
    "body": Key({"type": "string"}, "In place of the usual text."),
    "on": Key(
        {"type": ["array", "string"], "items": _word(get_args(Occasion))},
        "Of what is told, such as [opened, closed].",
    ),
}
_KEYS: Final = {
    "show": Key(
        {"type": "object"}, "What they are shown, by name.", expected="an object: what is shown, by name"
    ),
    "form": fields_key("What they fill in: the fields by name."),
    "title": Key({"type": "string"}, "What is decided, in a line."),
    "assignees": Key(
        _PEOPLE | {"minItems": 1},
        "Who may decide: users, groups and roles.",
        expected="a list of users and groups",
        hint=HINT,
    ),
    "quorum": Key(
        _part(_QUORUM, "string"), "How many of them decide together.", hint="such as {required: 2}"
    ),
    "selfApproval": Key(
        _FLAG, "Whether who started the execution may decide: yes by default, no with a quorum."
    ),
    "deadline": Key(
        _part(_DEADLINE, "string"),
        "What happens when nobody decides.",
        expected="an object with after and default, or with steps",
    ),
    "priority": Key(
        _word(get_args(Priority)), "How soon it is wanted.", expected="low, normal, high or urgent"
    ),
    "stepUp": Key(_FLAG, "true: who decides by link types a code that is sent to them."),
    "notify": Key(
        {"type": "array", "items": _part(_NOTICE)},
        "Who is told, and where.",
        expected="a list of objects with url, or with to",
    ),
}


def _read_human(raw: dict[str, Any], path: str, written: Written, findings: Findings) -> None:
    show = at(path, "show")
    written.renamed["builderData"] = show
    rows: list[dict[str, Any]] = []
    written.params["builderData"] = rows
    for name, value in raw.get("show", {}).items():
        place = f"builderData[{len(rows)}]"
        written.renamed |= {place: at(show, name), f"{place}.value": at(show, name)}
        rows.append({"id": name, "name": name, "value": value})
    read_fields(raw.get("form"), at(path, "form"), written, findings)
    copy(raw, KEYS, written)
    if "notify" in raw:
        written.renamed["notification"] = at(path, "notify")
        written.params["notification"] = raw["notify"]


SPELLINGS: Final[dict[str, Spelling]] = {
    "human_in_the_loop": Spelling(
        about="Stops for a person and goes on with what they decide.", keys=_KEYS, read=_read_human
    )
}
"""The spelling of the type."""
