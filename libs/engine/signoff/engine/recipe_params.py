"""How our own spelling writes the parameters of each built-in block type."""

from collections.abc import Callable
from typing import Any, Final

from msgspec import Struct, field

from signoff.engine.catalog import ENTRY_TYPES
from signoff.engine.faults import Findings, at
from signoff.engine.values import VARIABLE_TYPES, duration_ms, parse_duration

_FIELD_KEYS: Final = ("type", "required", "default", "label", "description", "placeholder", "options")
_DURATION_HINT: Final = "such as 500ms, 10s, 30m, 12h or 2d"


class Written(Struct):
    """The parameters of one block as they are read.

    Attributes:
        params: by Sim's names.
        renamed: where those stand that the document calls otherwise; see `BlockPlace`.
        branches: the cases of a condition: id, target or targets, and path of these.
    """

    params: dict[str, Any] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    branches: list[tuple[str, Any, str]] = field(default_factory=list)


class Spelling(Struct, frozen=True):
    """How a block type is written.

    Attributes:
        keys: those that it has besides the keys that every block has.
        read: reads them from a block at a path.
    """

    keys: tuple[str, ...]
    read: Callable[[dict[str, Any], str, Written, Findings], None]


def typed_value(value: Any) -> tuple[str, Any]:
    """Reads a variable: ``{type, value}``, or a plain value that tells its type."""
    if isinstance(value, dict) and value.keys() == {"type", "value"} and value["type"] in VARIABLE_TYPES:
        return value["type"], value["value"]
    if isinstance(value, bool):
        return "boolean", value
    if isinstance(value, int | float):
        return "number", value
    if isinstance(value, dict):
        return "object", value
    return ("array" if isinstance(value, list) else "string"), value


def read_fields(raw: Any, path: str, written: Written, findings: Findings) -> None:
    """Reads fields of an input or a form: ``name: type`` or ``name: {type, required, default, …}``."""
    if raw is None:
        return
    written.renamed["inputFormat"] = path
    if not isinstance(raw, dict):
        findings.fault(path, "must be an object: the fields by name")
        return
    fields: list[dict[str, Any]] = []
    for name, spec in raw.items():
        field_path = at(path, name)
        if not isinstance(spec, str | dict):
            findings.fault(field_path, "must be a type, or an object with one", "such as string")
            continue
        written.renamed[f"inputFormat[{len(fields)}]"] = field_path
        fields.append(
            _read_field(name, {"type": spec} if isinstance(spec, str) else spec, field_path, findings)
        )
    written.params["inputFormat"] = fields


def _read_field(name: str, spec: dict[str, Any], path: str, findings: Findings) -> dict[str, Any]:
    for key in [each for each in spec if each not in _FIELD_KEYS]:
        findings.fault(at(path, key), "is not known here", findings.did_you_mean(key, _FIELD_KEYS))
    if not isinstance(spec.get("required", False), bool):
        findings.fault(at(path, "required"), "must be true or false")
    for key in ("label", "description", "placeholder"):
        if not isinstance(spec.get(key), str | None):
            findings.fault(at(path, key), "must be a text")
    read = {"id": name, "name": name, "type": "string"} | {
        key: spec[key] for key in _FIELD_KEYS if key in spec
    }
    if "default" in read:
        read["value"] = read.pop("default")
    return read


def _copy(raw: dict[str, Any], keys: tuple[str, ...], written: Written) -> None:
    written.params |= {key: raw[key] for key in keys if key in raw}


def _require(raw: dict[str, Any], key: str, path: str, findings: Findings) -> bool:
    if raw.get(key) is None:
        findings.fault(at(path, key), "is required")
    return raw.get(key) is not None


def _read_trigger(raw: dict[str, Any], path: str, written: Written, findings: Findings) -> None:
    read_fields(raw.get("input"), at(path, "input"), written, findings)


def _read_timeout(raw: dict[str, Any], path: str, written: Written, findings: Findings) -> None:
    timeout = raw.get("timeout")
    if timeout is None:
        return
    milliseconds = duration_ms(timeout) if isinstance(timeout, str) else None
    if milliseconds is None:
        findings.fault(at(path, "timeout"), "must be a duration", _DURATION_HINT)
    else:
        written.params["timeout"] = milliseconds


def _read_function(raw: dict[str, Any], path: str, written: Written, findings: Findings) -> None:
    _copy(raw, ("code", "language"), written)
    _read_timeout(raw, path, written, findings)


def _read_api(raw: dict[str, Any], path: str, written: Written, findings: Findings) -> None:
    _require(raw, "url", path, findings)
    _copy(raw, ("method", "url", "params", "headers", "body"), written)
    _read_timeout(raw, path, written, findings)


def _read_condition(raw: dict[str, Any], path: str, written: Written, findings: Findings) -> None:
    cases, path = raw.get("cases"), at(path, "cases")
    written.renamed["conditions"] = path
    conditions: list[dict[str, str]] = []
    written.params["conditions"] = conditions
    if not isinstance(cases, list):
        findings.fault(
            path, "must be a list of cases", "such as [{when: <start.amount> <= 100, then: pay}, {else: ask}]"
        )
        # The list of this document is wrong, not empty: the check of the parameters adds nothing.
        conditions.append({"id": "else", "title": "else", "value": ""})
        return
    for index, case in enumerate(cases):
        case_path = at(path, index)
        if not isinstance(case, dict):
            findings.fault(case_path, "must be an object with when and then, or with else")
        elif "else" in case:
            _refuse_other_keys(case, case_path, ("else",), findings)
            # Only the last case may be an else; one that is not still needs an id of its own.
            case_id = "else" if index + 1 == len(cases) else f"else-{index + 1}"
            conditions.append({"id": case_id, "title": "else", "value": ""})
            written.branches.append((case_id, case["else"], at(case_path, "else")))
        else:
            _refuse_other_keys(case, case_path, ("when", "then"), findings)
            title, case_id = "else if" if conditions else "if", f"case-{index + 1}"
            expression = _expression(case.get("when"), at(case_path, "when"), findings)
            conditions.append({"id": case_id, "title": title, "value": expression})
            written.branches.append((case_id, case.get("then"), at(case_path, "then")))


def _expression(when: Any, path: str, findings: Findings) -> str:
    if isinstance(when, bool):
        return "true" if when else "false"
    if isinstance(when, str) and when.strip():
        return when
    findings.fault(path, "must be a JavaScript expression, as a text", 'such as "<start.amount> <= 100"')
    return ""


def _refuse_other_keys(raw: dict[str, Any], path: str, known: tuple[str, ...], findings: Findings) -> None:
    for key in [each for each in raw if each not in known]:
        findings.fault(at(path, key), "is not known here", findings.did_you_mean(key, known))


def _read_variables(raw: dict[str, Any], path: str, written: Written, findings: Findings) -> None:
    assignments, path = raw.get("set"), at(path, "set")
    written.renamed["variables"] = path
    rows: list[dict[str, Any]] = []
    written.params["variables"] = rows
    if not isinstance(assignments, dict):
        findings.fault(path, "must be an object: the values by name", "such as {limit: 100}")
        return
    for name, value in assignments.items():
        written.renamed[f"variables[{len(rows)}]"] = at(path, name)
        kind, assigned = typed_value(value)
        row = {"variableName": name, "type": kind, "value": assigned}
        if isinstance(value, str) and "<" in value:
            # A reference that is alone keeps the type of what it refers to.
            del row["type"]
        rows.append(row)


def _read_wait(raw: dict[str, Any], path: str, written: Written, findings: Findings) -> None:
    written.renamed["timeValue"] = at(path, "for")
    duration = parse_duration(raw["for"]) if isinstance(raw.get("for"), str) else None
    if duration is None:
        findings.fault(at(path, "for"), "must be a duration", _DURATION_HINT)
    else:
        written.params |= {"timeValue": duration[0], "timeUnit": duration[1]}
    if not isinstance(raw.get("async", False), bool):
        findings.fault(at(path, "async"), "must be true or false")
    _copy(raw, ("async",), written)


def _read_response(raw: dict[str, Any], path: str, written: Written, findings: Findings) -> None:
    written.params["dataMode"] = "json"
    _copy(raw, ("data", "status", "headers"), written)
    status = raw.get("status", 200)
    if not isinstance(status, str) and (
        isinstance(status, bool) or not isinstance(status, int) or not 100 <= status <= 599
    ):
        findings.fault(at(path, "status"), "must be a whole number from 100 to 599")


def _read_human(raw: dict[str, Any], path: str, written: Written, findings: Findings) -> None:
    shown = raw.get("show", {})
    written.renamed["builderData"] = at(path, "show")
    if isinstance(shown, dict):
        written.params["builderData"] = [
            {"id": name, "name": name, "value": value} for name, value in shown.items()
        ]
        written.renamed |= {
            f"builderData[{index}]": at(at(path, "show"), name) for index, name in enumerate(shown)
        }
    else:
        findings.fault(at(path, "show"), "must be an object: what is shown, by name")
    read_fields(raw.get("form"), at(path, "form"), written, findings)
    _copy(raw, ("assignees", "deadline"), written)


PARAMS: Final[dict[str, Spelling]] = dict.fromkeys(ENTRY_TYPES, Spelling(("input",), _read_trigger)) | {
    "function": Spelling(("code", "language", "timeout"), _read_function),
    "condition": Spelling(("cases",), _read_condition),
    "variables": Spelling(("set",), _read_variables),
    "wait": Spelling(("for", "async"), _read_wait),
    "api": Spelling(("method", "url", "params", "headers", "body", "timeout"), _read_api),
    "response": Spelling(("data", "status", "headers"), _read_response),
    "human_in_the_loop": Spelling(("show", "form", "assignees", "deadline"), _read_human),
}
"""The spelling of each built-in type."""
