"""The policy of a pause: who may decide it, how many of them, until when, and how soon it is wanted.

Authors write it as parameters of ``human_in_the_loop``. It is read with the same rules when a workflow is
deployed, as far as it holds no references, and when the pause opens. What comes of it stands in
``pause:opened``, and nothing of it is looked up afterwards.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast, get_args

from msgspec import Struct

from signoff.engine.checks.values import shown
from signoff.engine.definitions.constraints import form_misuses
from signoff.engine.definitions.faults import Findings, at, shorten
from signoff.engine.definitions.forms import form_fields
from signoff.engine.definitions.inspection import Inspection
from signoff.engine.definitions.reading import BlockPlace
from signoff.engine.definitions.values import to_text
from signoff.engine.errors import InvalidValueError
from signoff.engine.points.ladders import MAX_ASKED, MAX_STEPS, Circumstances, raw_steps, read_deadlines
from signoff.engine.points.naming import MAX_WEIGHT, is_user, read_people, read_weights
from signoff.events.types import Deadline, Priority, Quorum

KEYS: Final = ("title", "assignees", "quorum", "selfApproval", "deadline", "priority", "stepUp")
"""The parameters that a policy is written in."""

MAX_TITLE: Final = 200
"""Characters of a title; a longer one is cut."""

_MAX_NAMES: Final = 500
_PRIORITIES: Final[tuple[str, ...]] = get_args(Priority)
_QUORUM_KEYS: Final = ("required", "field", "rejections", "weights", "veto")
_VERDICT_NAMES: Final = ("approved", "approve")


class Policy(Struct, frozen=True, kw_only=True):
    """Who may decide, and how; the fields are those of `signoff.events.types.PauseOpened`."""

    title: str | None = None
    assignees: list[str] = []
    quorum: Quorum | None = None
    self_approval: bool = True
    deadlines: list[Deadline] = []
    priority: Priority = "normal"
    step_up: bool = False


NO_POLICY: Final = Policy()
"""Whoever may decide in the workspace decides, at any time."""


def named_people(params: Mapping[str, Any]) -> list[str]:
    """Every name of a policy, as written, each once; whoever opens the pause looks for their keys.

    Args:
        params: of the block, references resolved. What is no name is for `read_policy` to report.

    Raises:
        InvalidValueError: more names than a policy may have.
    """
    if params.get("assignees") is None and params.get("quorum") is None and params.get("deadline") is None:
        return []
    names: dict[str, None] = {}
    for listed in _lists_of_names(params):
        for each in listed:
            if isinstance(each, str):
                names[each] = None
            if len(names) > _MAX_NAMES:
                raise InvalidValueError(
                    f"assignees: a pause may name at most {_MAX_NAMES} users, groups and roles; make a group"
                )
    return list(names)


def read_policy(params: Mapping[str, Any], *, keys: Mapping[str, str], opened_at: float) -> Policy:
    """The policy of a pause that opens now.

    Args:
        params: of the block, references resolved.
        keys: of all that `named_people` gives: ``user:<id>``, ``group:<id>`` or ``role:<role>`` by name.
        opened_at: in seconds since the epoch.

    Raises:
        InvalidValueError: a parameter, of the policy or of the form, cannot be used; the text names it.
    """
    inspection = Inspection.of_resolved()
    _check_form(params, inspection)
    if all(params.get(key) is None for key in KEYS):
        return NO_POLICY
    return _read(params, inspection, keys, opened_at)


def check_policy(params: Mapping[str, Any], place: BlockPlace, findings: Findings) -> None:
    """Reports what is wrong with a policy, as far as that is known before its references are resolved."""
    _read(params, Inspection(place, findings), None, 0.0)


def _read(
    params: Mapping[str, Any], inspection: Inspection, keys: Mapping[str, str] | None, opened_at: float
) -> Policy:
    fields = [] if params.get("operation") == "api" else form_fields(params)
    assignees = read_people(
        params.get("assignees"),
        inspection.path("assignees"),
        most=MAX_ASKED,
        keys=keys,
        inspection=inspection,
    )
    quorum = _read_quorum(params.get("quorum"), fields, keys, inspection)
    deadlines = read_deadlines(
        params.get("deadline"),
        inspection.path("deadline"),
        Circumstances(fields=fields, keys=keys, opened_at=opened_at),
        inspection,
    )
    if quorum is not None:
        _check_reach(params, assignees, quorum, deadlines, inspection)
    self_approval = inspection.flag(params.get("selfApproval"), inspection.path("selfApproval"))
    priority = inspection.choice(params.get("priority"), inspection.path("priority"), _PRIORITIES)
    return Policy(
        title=_read_title(params.get("title"), inspection),
        assignees=assignees,
        quorum=quorum,
        self_approval=quorum is None if self_approval is None else self_approval,
        deadlines=deadlines,
        priority=cast("Priority", priority or "normal"),
        step_up=inspection.flag(params.get("stepUp"), inspection.path("stepUp")) or False,
    )


def _read_title(value: Any, inspection: Inspection) -> str | None:
    if isinstance(value, dict | list):
        inspection.fault(inspection.path("title"), f"must be a line of text, not {shown(value)}")
        return None
    return shorten(" ".join(to_text(value).split()), MAX_TITLE) or None


def _read_quorum(
    value: Any, fields: list[dict[str, Any]], keys: Mapping[str, str] | None, inspection: Inspection
) -> Quorum | None:
    path = inspection.path("quorum")
    written = inspection.object_of(value, path, _QUORUM_KEYS, "such as {required: 2}")
    if written is None:
        return None
    if written.get("required") is None:
        inspection.fault(at(path, "required"), "is required: how many must approve", "such as 2")
    field = _verdict_field(written.get("field"), at(path, "field"), fields, inspection)
    weights = read_weights(
        written.get("weights"), at(path, "weights"), most=MAX_ASKED, keys=keys, inspection=inspection
    )
    veto = read_people(
        written.get("veto"), at(path, "veto"), most=MAX_ASKED, keys=keys, inspection=inspection
    )
    required = inspection.whole(written.get("required"), at(path, "required"), MAX_WEIGHT)
    rejections = inspection.whole(written.get("rejections"), at(path, "rejections"), MAX_WEIGHT)
    if required is None:
        return None
    return Quorum(required=required, field=field, rejections=rejections or 1, weights=weights, veto=veto)


def _verdict_field(name: Any, path: str, fields: list[dict[str, Any]], inspection: Inspection) -> str | None:
    """The field that says yes or no: the one that is named, or the one that can be meant."""
    booleans = [each["name"] for each in fields if each["type"] == "boolean"]
    if inspection.is_open(name):
        return None
    if name is not None:
        if isinstance(name, str) and name in booleans:
            return name
        hint = inspection.findings.did_you_mean(name, booleans) if isinstance(name, str) else None
        inspection.fault(path, f"must be a field of the form with type boolean, not {shown(name)}", hint)
        return None
    usual = [each for each in booleans if each in _VERDICT_NAMES]
    if not usual and len(booleans) > 1:
        inspection.fault(
            path,
            f"is required: {', '.join(booleans[:5])} are all true or false",
            "name the one that says yes or no",
        )
    return next(iter(usual or booleans), None)


def _check_reach(
    params: Mapping[str, Any],
    assignees: list[str],
    quorum: Quorum,
    deadlines: list[Deadline],
    inspection: Inspection,
) -> None:
    """Reports a quorum that the people asked cannot come to. How many a group has is not known here."""
    if not assignees or inspection.is_open([params["assignees"], params["quorum"], params.get("deadline")]):
        return
    escalated = [step.get("escalate") for step in raw_steps(params.get("deadline")) if isinstance(step, dict)]
    if not inspection.resolved and any(escalated):
        return
    people = {*assignees, *(each for step in deadlines if step.action == "escalate" for each in step.to)}
    if not all(map(is_user, people)):
        return
    common = max((weight for name, weight in quorum.weights.items() if not is_user(name)), default=1)
    reach = sum(max(quorum.weights.get(each, 1), common) for each in people)
    for key, needed, what in (
        ("required", quorum.required, "approvals"),
        ("rejections", quorum.rejections, "rejections"),
    ):
        if needed > reach:
            inspection.fault(
                at(inspection.path("quorum"), key),
                f"{needed} {what} are required, but only {_people(len(people), reach)}",
                "assign more, or a group",
            )


def _people(count: int, reach: int) -> str:
    told = "1 person is assigned" if count == 1 else f"{count} people are assigned"
    return told if count == reach else f"{told}, who weigh {reach} in all"


def _lists_of_names(params: Mapping[str, Any]) -> Iterator[Any]:
    quorum = params.get("quorum")
    listed = [params.get("assignees")]
    if isinstance(quorum, dict):
        weights = quorum.get("weights")
        listed += [list(weights) if isinstance(weights, dict) else None, quorum.get("veto")]
    for step in raw_steps(params.get("deadline"))[:MAX_STEPS]:
        if isinstance(step, dict):
            listed += [step.get("remind"), step.get("escalate")]
    return (each for each in listed if isinstance(each, list))


def _check_form(params: Mapping[str, Any], inspection: Inspection) -> None:
    """The constraints of a form may come from references: they are looked at again when these are known."""
    for index, misuse in form_misuses(params.get("inputFormat"), inspection.is_open):
        path = at(at(inspection.path("inputFormat"), index), misuse.key)
        inspection.fault(path, misuse.message, misuse.hint)
