"""Checks of the parameters of each built-in block type."""

from collections.abc import Callable, Iterable
from typing import Any, Final

from signoff.engine.catalog import ENTRY_TYPES, STEERING_NAMES
from signoff.engine.definition import Block
from signoff.engine.errors import InvalidValueError
from signoff.engine.faults import Findings, at, shorten
from signoff.engine.forms import check_form, form_fields
from signoff.engine.reading import BlockPlace
from signoff.engine.values import (
    FIELD_TYPES,
    VARIABLE_TYPES,
    duration_ms,
    parse_number,
    parse_variable,
    to_text,
    wait_ms,
)

_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
# The default time limit of an asynchronous run: nothing in it can take longer.
_MAX_TIMEOUT_MS: Final = 5_400_000
_TITLES: Final = ("if", "else if", "else")


def check_params(block: Block, place: BlockPlace, findings: Findings) -> None:
    """Reports what is wrong with the parameters of a block of a built-in type."""
    _CHECKS[block.type](block.params, place, findings)


def _is_open(value: Any) -> bool:
    """Whether a value can be known only when the block runs."""
    if isinstance(value, str):
        return "<" in value or "{{" in value
    if isinstance(value, list):
        return any(map(_is_open, value))
    return isinstance(value, dict) and any(map(_is_open, value.values()))


def _check_choice(value: Any, choices: Iterable[str], path: str, findings: Findings) -> None:
    known = list(choices)
    if _is_open(value) or (isinstance(value, str) and value in known):
        return
    hint = findings.did_you_mean(value, known) if isinstance(value, str) else None
    findings.fault(path, f"must be one of {', '.join(known)}, not {_shown(value)}", hint)


def _check_number(
    params: dict[str, Any], key: str, between: tuple[float, float], place: BlockPlace, findings: Findings
) -> None:
    value, (low, high) = params.get(key), between
    if value is None or value == "" or _is_open(value):
        return
    number = parse_number(value) if isinstance(value, str) else value
    if isinstance(number, bool) or not isinstance(number, int | float) or not low <= number <= high:
        findings.fault(place.param(key), f"must be a number from {low:g} to {high:g}, not {_shown(value)}")


def _shown(value: Any) -> str:
    return f'"{shorten(value)}"' if isinstance(value, str) else shorten(to_text(value)) or "null"


def _check_fields(params: dict[str, Any], place: BlockPlace, findings: Findings) -> None:
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
        _check_output_name(name, path, findings)
        if name.strip() in taken:
            findings.fault(path, f'the name "{shorten(name)}" is used twice')
        taken.add(name.strip())
        _check_field(field, path, findings)


def _check_field(field: dict[str, Any], path: str, findings: Findings) -> None:
    if field.get("type") is not None:
        _check_choice(field["type"], FIELD_TYPES, at(path, "type"), findings)
    if field.get("options") is not None and not isinstance(field["options"], list):
        findings.fault(at(path, "options"), "must be a list")
    normalised = form_fields({"inputFormat": [field | {"required": False}]})
    if not _is_open(field.get("value")):
        for misfit in check_form(normalised, {})[1]:
            findings.warn(path, f"the default does not fit: {shorten(misfit.message)}")


def _check_output_name(name: str, path: str, findings: Findings) -> None:
    if name.strip() in STEERING_NAMES:
        findings.fault(
            path, f'"{name.strip()}" steers the engine and cannot be the name of a field', "use another name"
        )


def _check_function(params: dict[str, Any], place: BlockPlace, findings: Findings) -> None:
    if not isinstance(params.get("code"), str):
        findings.fault(place.param("code"), "code is required, as a text")
    language = params.get("language") or "javascript"
    if language != "javascript":
        findings.fault(
            place.param("language"), f"language {_shown(language)} is not available here", "use javascript"
        )
    _check_number(params, "timeout", (1, _MAX_TIMEOUT_MS), place, findings)


def _check_condition(params: dict[str, Any], place: BlockPlace, findings: Findings) -> None:
    conditions = params.get("conditions")
    if not isinstance(conditions, list) or not conditions:
        findings.fault(
            place.param("conditions"), "Invalid conditions format: a list of at least one case is needed"
        )
        return
    taken: set[str] = set()
    for index, case in enumerate(conditions):
        path = place.item("conditions", index)
        if not isinstance(case, dict):
            findings.fault(
                path, "Invalid conditions format: a case must be an object with id, title and value"
            )
            continue
        _check_case(case, path, taken, findings)
        if _is_else(case) and index + 1 < len(conditions):
            findings.warn(path, "the cases after else are never tested")


def _check_case(case: dict[str, Any], path: str, taken: set[str], findings: Findings) -> None:
    case_id, title, value = case.get("id"), case.get("title"), case.get("value")
    if not isinstance(case_id, str) or not case_id:
        findings.fault(at(path, "id"), "a case needs an id, as a text")
    elif case_id in taken:
        findings.fault(at(path, "id"), f'the id "{shorten(case_id)}" is used twice')
    else:
        taken.add(case_id)
    if title is not None and (not isinstance(title, str) or title.strip().lower() not in _TITLES):
        findings.fault(at(path, "title"), f"must be if, else if or else, not {_shown(title)}")
    if value is not None and not isinstance(value, str):
        findings.fault(at(path, "value"), "must be a JavaScript expression, as a text")


def _is_else(case: dict[str, Any]) -> bool:
    title = case.get("title")
    return isinstance(title, str) and title.strip().lower() == "else"


def _check_variables(params: dict[str, Any], place: BlockPlace, findings: Findings) -> None:
    assignments = params.get("variables")
    if not isinstance(assignments, list):
        findings.fault(place.param("variables"), "must be a list of assignments")
        return
    for index, each in enumerate(assignments):
        path = place.item("variables", index)
        name = each.get("variableName") if isinstance(each, dict) else None
        if not isinstance(name, str) or not name.strip():
            findings.fault(path, "must be an object with a variableName")
            continue
        _check_output_name(name, path, findings)
        check_variable(name, each.get("type"), each.get("value"), path, findings)


def check_variable(name: str, variable_type: Any, value: Any, path: str, findings: Findings) -> None:
    """Reports a variable whose type is unknown or whose value cannot be read as that type."""
    if variable_type is not None and variable_type not in VARIABLE_TYPES:
        _check_choice(variable_type, VARIABLE_TYPES, at(path, "type"), findings)
    elif not _is_open(value):
        try:
            parse_variable(shorten(name), variable_type, value)
        except InvalidValueError as error:
            findings.fault(path, shorten(str(error), 300))


def _check_wait(params: dict[str, Any], place: BlockPlace, findings: Findings) -> None:
    if any(_is_open(params.get(key)) for key in ("timeValue", "timeUnit", "timeUnitLong")):
        return
    try:
        wait_ms(params)
    except InvalidValueError as error:
        findings.fault(place.param("timeValue"), shorten(str(error), 300))


def _check_api(params: dict[str, Any], place: BlockPlace, findings: Findings) -> None:
    url = params.get("url")
    if not isinstance(url, str | None):
        findings.fault(place.param("url"), "must be a text")
    elif url and not _is_open(url) and not url.strip().lower().startswith(("http://", "https://")):
        findings.fault(place.param("url"), f"must begin with http:// or https://, not {_shown(url)}")
    method = params.get("method")
    if method:
        _check_choice(
            method.upper() if isinstance(method, str) else method, _METHODS, place.param("method"), findings
        )
    for key in ("params", "headers"):
        _check_table(params, key, place, findings)
    _check_number(params, "timeout", (1, _MAX_TIMEOUT_MS), place, findings)
    _check_number(params, "retries", (0, 10), place, findings)
    for key in ("retryDelayMs", "retryMaxDelayMs"):
        _check_number(params, key, (0, 60_000), place, findings)


def _check_table(params: dict[str, Any], key: str, place: BlockPlace, findings: Findings) -> None:
    value = params.get(key)
    if not isinstance(value, list | dict | None) and value != "" and not _is_open(value):
        findings.fault(place.param(key), "must be a table of keys and values")


def _check_response(params: dict[str, Any], place: BlockPlace, findings: Findings) -> None:
    if params.get("dataMode"):
        _check_choice(params["dataMode"], ("structured", "json"), place.param("dataMode"), findings)
    builder_data = params.get("builderData")
    if builder_data and not isinstance(builder_data, list) and not _is_open(builder_data):
        findings.fault(
            place.param("builderData"), "must be a list of entries with a name, a type and a value"
        )
    _check_table(params, "headers", place, findings)


def _check_human(params: dict[str, Any], place: BlockPlace, findings: Findings) -> None:
    if params.get("operation"):
        _check_choice(params["operation"], ("human", "api"), place.param("operation"), findings)
    _check_response(params, place, findings)
    _check_fields(params, place, findings)
    if not isinstance(params.get("notification"), list | None):
        findings.fault(place.param("notification"), "must be a list")
    _check_assignees(params.get("assignees"), place, findings)
    _check_deadline(params, place, findings)


def _check_assignees(assignees: Any, place: BlockPlace, findings: Findings) -> None:
    if assignees is None:
        return
    if not isinstance(assignees, list) or not assignees:
        findings.fault(
            place.param("assignees"), "must be a list of users and groups", 'such as ["group:finance"]'
        )
        return
    for index, each in enumerate(assignees):
        if not isinstance(each, str) or not each.strip():
            findings.fault(place.item("assignees", index), "must be the name of a user or a group, as a text")


def _check_deadline(params: dict[str, Any], place: BlockPlace, findings: Findings) -> None:
    deadline, path = params.get("deadline"), place.param("deadline")
    if deadline is None:
        return
    if not isinstance(deadline, dict):
        findings.fault(path, "must be an object with after and default")
        return
    for key in [each for each in deadline if each not in {"after", "default"}]:
        findings.fault(at(path, key), "is not known here", findings.did_you_mean(key, ("after", "default")))
    after = deadline.get("after")
    if not _is_open(after) and (not isinstance(after, str) or not duration_ms(after)):
        findings.fault(at(path, "after"), "must be a duration longer than nothing", "such as 30m, 12h or 2d")
    default = deadline.get("default")
    if default is None or _is_open(default):
        return
    if not isinstance(default, dict):
        findings.fault(at(path, "default"), "must be an object: the decision that is taken then, by field")
        return
    for misfit in check_form(form_fields(params), default)[1]:
        findings.fault(at(at(path, "default"), misfit.path), shorten(misfit.message))


_CHECKS: Final[dict[str, Callable[[dict[str, Any], BlockPlace, Findings], None]]] = {
    **dict.fromkeys(ENTRY_TYPES, _check_fields),
    "function": _check_function,
    "condition": _check_condition,
    "variables": _check_variables,
    "wait": _check_wait,
    "api": _check_api,
    "response": _check_response,
    "human_in_the_loop": _check_human,
}
