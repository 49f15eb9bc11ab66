"""The deadline of a pause point, as its author writes it: what happens when nobody decides.

It is a ladder of steps, in order of time: remind, ask others too, at last decide by default or fail.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgspec import Struct

from signoff.engine.checks.values import is_open, shown
from signoff.engine.definitions.faults import at, shorten
from signoff.engine.definitions.forms import check_form, secret_names
from signoff.engine.definitions.inspection import Inspection
from signoff.engine.definitions.values import WAIT_UNITS, parse_duration
from signoff.engine.errors import InvalidValueError
from signoff.engine.points.calendars import MAX_DAYS, Calendar, add_business, read_calendar
from signoff.engine.points.naming import read_people
from signoff.events.times import iso, recordable
from signoff.events.types import Deadline, DeadlineAction

MAX_STEPS: Final = 20
MAX_ASKED: Final = 100
"""People that one list may name."""

_KEYS: Final = ("calendar", "after", "default", "steps")
_HINT: Final = "such as {after: 2d, default: {approved: false}}"
_ACTIONS: Final[tuple[DeadlineAction, ...]] = ("remind", "escalate", "decide", "fail")
_STEP_KEYS: Final = ("after", *_ACTIONS)
_STEP_HINT: Final = "such as {after: 1d, remind: true}"
_DURATION_HINT: Final = "such as 30m, 12h or 2d"


class Circumstances(Struct, frozen=True, kw_only=True):
    """What the steps of a deadline are read by.

    Attributes:
        fields: of the form, as `signoff.engine.definitions.forms.form_fields` gives them.
        keys: of the people, by name as written; ``None`` when the workflow is deployed.
        opened_at: when the point opens, in seconds since the epoch.
    """

    fields: list[dict[str, Any]]
    keys: Mapping[str, str] | None
    opened_at: float


class _Duration(Struct, frozen=True):
    amount: float
    unit: str

    @property
    def seconds(self) -> float:
        return self.amount * WAIT_UNITS[self.unit] / 1000


class _Step(Struct, frozen=True, kw_only=True):
    path: str
    after: _Duration
    action: DeadlineAction
    to: list[str]
    input: Any


def raw_steps(deadline: Any) -> list[Any]:
    """The steps of a deadline as they are written, in its long or its short form; nothing is checked."""
    if not isinstance(deadline, dict):
        return []
    steps = deadline.get("steps")
    return steps if isinstance(steps, list) else []


def read_deadlines(
    value: Any, path: str, circumstances: Circumstances, inspection: Inspection
) -> list[Deadline]:
    """Reads a deadline.

    Args:
        value: as an author wrote it.
        path: where it stands.
        circumstances: of the pause point.
        inspection: takes what is wrong.

    Returns:
        The steps with their moments, the earliest first; none before the references are resolved.
    """
    written = inspection.object_of(value, path, _KEYS, _HINT)
    if written is None:
        return []
    calendar = read_calendar(written.get("calendar"), at(path, "calendar"), inspection)
    business = written.get("calendar") is not None
    steps = list(_read_steps(written, path, circumstances, inspection))
    _check_order(steps, business, inspection)
    return _timed(steps, calendar, circumstances.opened_at, inspection) if inspection.resolved else []


def _read_steps(
    written: dict[str, Any], path: str, circumstances: Circumstances, inspection: Inspection
) -> Iterator[_Step]:
    if written.get("steps") is None:
        after, default, default_path = written.get("after"), written.get("default"), at(path, "default")
        if default is None:
            _read_duration(after, at(path, "after"), inspection)
            inspection.fault(default_path, "is required: the decision that is taken then", _HINT)
            return
        yield from _read_step(
            {"after": after, "decide": default}, path, default_path, circumstances, inspection
        )
        return
    for key in ("after", "default"):
        if written.get(key) is not None:
            inspection.fault(at(path, key), "cannot stand beside steps", "make it the last of the steps")
    for step_path, raw in inspection.items(written["steps"], at(path, "steps"), MAX_STEPS, _STEP_HINT):
        step = inspection.object_of(raw, step_path, _STEP_KEYS, _STEP_HINT)
        if step is not None:
            yield from _read_step(step, step_path, at(step_path, "decide"), circumstances, inspection)


def _read_step(
    step: dict[str, Any], path: str, default_path: str, circumstances: Circumstances, inspection: Inspection
) -> Iterator[_Step]:
    after = _read_duration(step.get("after"), at(path, "after"), inspection)
    given = [each for each in _ACTIONS if step.get(each) is not None]
    if len(given) != 1:
        inspection.fault(path, f"must have one of {', '.join(_ACTIONS)}, and no two", _STEP_HINT)
        return
    action, value, action_path = given[0], step[given[0]], at(path, given[0])
    to: list[str] = []
    if action == "decide":
        _check_default(value, default_path, circumstances, inspection)
    elif action == "escalate" or (action == "remind" and isinstance(value, list)):
        to = read_people(value, action_path, most=MAX_ASKED, keys=circumstances.keys, inspection=inspection)
    elif inspection.flag(value, action_path) is False:
        inspection.fault(action_path, "must be true", "leave the step out if it is not wanted")
    if after is not None:
        yield _Step(path=path, after=after, action=action, to=to, input=value if action == "decide" else None)


def _read_duration(value: Any, path: str, inspection: Inspection) -> _Duration | None:
    if inspection.is_open(value):
        return None
    read = parse_duration(value) if isinstance(value, str) else None
    if read is None or read[0] <= 0:
        inspection.fault(path, "must be a duration longer than nothing", _DURATION_HINT)
        return None
    duration = _Duration(*read)
    if duration.seconds > MAX_DAYS * 86_400:
        inspection.fault(path, f"is longer than {MAX_DAYS} days: {shown(value)}")
        return None
    return duration


def _check_default(value: Any, path: str, circumstances: Circumstances, inspection: Inspection) -> None:
    if inspection.is_open(value):
        return
    if not isinstance(value, dict):
        inspection.fault(path, "must be an object: the decision that is taken then, by field")
        return
    for name in sorted(secret_names(circumstances.fields) & value.keys()):
        inspection.fault(at(path, name), "would be a secret that everybody can read", "leave it out")
    known = [each for each in circumstances.fields if inspection.resolved or not is_open(each)]
    for misfit in check_form(known, value)[1]:
        inspection.fault(at(path, misfit.path), shorten(misfit.message))


def _check_order(steps: list[_Step], business: bool, inspection: Inspection) -> None:
    """Business days and hours of business time have no order of their own: their moments will tell."""
    last: dict[bool, _Duration] = {}
    for index, step in enumerate(steps):
        counted = business and step.after.unit == "days"
        before = last.get(counted)
        if before is not None and step.after.seconds < before.seconds:
            inspection.fault(at(step.path, "after"), "is earlier than the step before it", "put it in front")
        last[counted] = step.after
        if business and counted and step.after.amount != int(step.after.amount):
            inspection.fault(at(step.path, "after"), "business time has whole days only", "write hours")
        if index + 1 < len(steps) and step.action in ("decide", "fail"):
            told = "decides" if step.action == "decide" else "fails"
            inspection.fault(steps[index + 1].path, f"never comes: the step before it {told}")


def _timed(
    steps: list[_Step], calendar: Calendar | None, opened_at: float, inspection: Inspection
) -> list[Deadline]:
    """The moments of the steps.

    One of business days may come out before one of business hours in front of it: it waits for that.
    """
    deadlines: list[Deadline] = []
    latest = opened_at
    for step in steps:
        latest = max(latest, _moment(step, calendar, opened_at, inspection))
        moment = iso(recordable(latest))
        deadlines.append(Deadline(at=moment, action=step.action, to=step.to, input=step.input))
    return deadlines


def _moment(step: _Step, calendar: Calendar | None, opened_at: float, inspection: Inspection) -> float:
    if calendar is None:
        return opened_at + step.after.seconds
    try:
        return add_business(opened_at, step.after.amount, step.after.unit, calendar)
    except InvalidValueError as error:
        inspection.fault(at(step.path, "after"), str(error))
        raise
