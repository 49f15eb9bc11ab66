"""Checks of single parameters, whatever block they belong to."""

from collections.abc import Collection
from typing import Any, Final

from signoff.engine.definitions.catalog import STEERING_NAMES
from signoff.engine.definitions.constraints import form_misuses
from signoff.engine.definitions.faults import Findings, at, shorten
from signoff.engine.definitions.forms import check_form, form_fields
from signoff.engine.definitions.reading import BlockPlace
from signoff.engine.definitions.values import FIELD_TYPES, FORM_TYPES, SECRET_TYPE, parse_number, to_text

_SHOWN: Final = 80


def is_open(value: Any) -> bool:
    """Tells whether a value can be known only when the block runs: it holds something like a reference."""
    if isinstance(value, str):
        return "<" in value or "{{" in value
    if isinstance(value, list):
        return any(map(is_open, value))
    return isinstance(value, dict) and any(map(is_open, value.values()))


def shown(value: Any) -> str:
    """A value as a message repeats it: short."""
    return f'"{shorten(value)}"' if isinstance(value, str) else shorten(to_text(value), _SHOWN) or "null"


def check_choice(value: Any, choices: Collection[str], path: str, findings: Findings) -> None:
    """Reports a value that is none of the choices."""
    if isinstance(value, str) and value in choices:
        return
    hint = findings.did_you_mean(value, choices) if isinstance(value, str) else None
    findings.fault(path, f"must be one of {', '.join(choices)}, not {shown(value)}", hint)


def check_number(value: Any, between: tuple[float, float], path: str, findings: Findings) -> None:
    """Reports what is neither a number within its limits nor a text that holds one; blank is no value."""
    low, high = between
    if value is None or value == "" or is_open(value):
        return
    number = parse_number(value) if isinstance(value, str) else value
    if isinstance(number, bool) or not isinstance(number, int | float) or not low <= number <= high:
        findings.fault(path, f"must be a number from {low:g} to {high:g}, not {shown(value)}")


def check_text(value: Any, path: str, findings: Findings) -> None:
    """Reports what is no text, where a value is given."""
    if not isinstance(value, str | None):
        findings.fault(path, f"must be a text, not {shown(value)}")


def check_list(value: Any, what: str, path: str, findings: Findings) -> list[Any]:
    """Reports what is no list, where a value is given; gives the list, or an empty one."""
    if value is None or value == "" or is_open(value):
        return value if isinstance(value, list) else []
    if not isinstance(value, list):
        findings.fault(path, f"must be a list of {what}")
        return []
    return value


def check_table(params: dict[str, Any], key: str, place: BlockPlace, findings: Findings) -> None:
    """Reports what is no table of keys and values."""
    value = params.get(key)
    if not isinstance(value, list | dict | None) and value != "" and not is_open(value):
        findings.fault(place.param(key), "must be a table of keys and values")


def check_output_name(name: str, path: str, findings: Findings) -> None:
    """Reports a field of an output that the engine would act on."""
    if name.strip() in STEERING_NAMES:
        findings.fault(
            path, f'"{name.strip()}" steers the engine and cannot be the name of a field', "use another name"
        )


def check_fields(
    params: dict[str, Any], place: BlockPlace, findings: Findings, *, form: bool = False
) -> None:
    """Reports what is wrong with an ``inputFormat``, of a trigger or of a form.

    A form may ask for secrets, and a default that it would not take is a fault; a trigger takes anything.
    """
    fields = params.get("inputFormat")
    if fields is None or fields == "":
        return
    if not isinstance(fields, list):
        findings.fault(place.param("inputFormat"), "must be a list of fields")
        return
    taken: set[str] = set()
    for index, field in enumerate(fields):
        path = place.item("inputFormat", index)
        if not isinstance(field, dict):
            findings.fault(path, "must be an object with a name and a type")
            continue
        name = field.get("name")
        if not isinstance(name, str) or not name.strip():
            findings.warn(path, "has no name and is left out")
            continue
        check_output_name(name, path, findings)
        if name.strip() in taken:
            findings.fault(path, f'the name "{shorten(name)}" is used twice')
        taken.add(name.strip())
        _check_field(field, path, findings, form=form)
    for index, misuse in form_misuses(fields, is_open, bounded=form):
        findings.fault(at(place.item("inputFormat", index), misuse.key), misuse.message, misuse.hint)


def _check_field(field: dict[str, Any], path: str, findings: Findings, *, form: bool) -> None:
    if field.get("type") is not None:
        check_choice(field["type"], FORM_TYPES if form else FIELD_TYPES, at(path, "type"), findings)
    if field.get("type") == SECRET_TYPE and field.get("value") not in (None, ""):
        findings.fault(path, "has a default, which would be a secret that everybody can read", "leave it out")
        return
    if field.get("options") is not None and not isinstance(field["options"], list):
        findings.fault(at(path, "options"), "must be a list")
    if is_open(field.get("value")) or is_open(field.get("options")):
        return
    report = findings.fault if form else findings.warn
    for misfit in check_form(form_fields({"inputFormat": [field | {"required": False}]}), {})[1]:
        report(path, f"the default does not fit: {shorten(misfit.message)}")
