"""How our own spelling writes the blocks that compute, call, wait and answer, and the fields of an input."""

from typing import Any, Final

from signoff.engine.checks.values import shown
from signoff.engine.definitions.faults import Findings, at
from signoff.engine.definitions.values import FORM_TYPES, VARIABLE_TYPES, duration_ms, parse_duration
from signoff.engine.recipe.keys import FIELD_KEYS, anything, listed, targets, text
from signoff.engine.recipe.spelling import (
    DURATION,
    DURATION_HINT,
    Key,
    Schema,
    Spelling,
    Written,
    object_schema,
    read_keys,
)

_BY_NAME: Final[Schema] = {"type": "object"}
_OPEN_NUMBER: Final[Schema] = {"type": ["integer", "string"], "minimum": 100, "maximum": 599}
_TABLE: Final[Schema] = {"type": ["object", "array", "string"]}


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


def read_fields(raw: dict[str, Any] | None, path: str, written: Written, findings: Findings) -> None:
    """Reads fields of an input or a form: ``name: type`` or ``name: {type, required, default, …}``."""
    written.renamed["inputFormat"] = path
    if raw is None:
        return
    fields: list[dict[str, Any]] = []
    for name, spec in raw.items():
        field_path = at(path, name)
        if not isinstance(spec, str | dict):
            findings.fault(field_path, "must be a type, or an object with one", "such as string")
            continue
        place = f"inputFormat[{len(fields)}]"
        written.renamed |= {
            place: field_path,
            f"{place}.value": at(field_path, "default"),
            **{f"{place}.{key}": at(field_path, key) for key in ("label", "description", "placeholder")},
        }
        fields.append(_read_field(name, spec, field_path, findings))
    written.params["inputFormat"] = fields


def _read_field(name: str, spec: str | dict[str, Any], path: str, findings: Findings) -> dict[str, Any]:
    if isinstance(spec, str):
        if spec in FORM_TYPES:
            return {"id": name, "name": name, "type": spec}
        hint = findings.did_you_mean(spec, FORM_TYPES)
        findings.fault(path, f"must be one of {', '.join(FORM_TYPES)}, not {shown(spec)}", hint)
        return {"id": name, "name": name, "type": "string"}
    fitting = read_keys(spec, path, FIELD_KEYS, findings)
    read = {"id": name, "name": name, "type": "string"} | {
        key: fitting[key] for key in FIELD_KEYS if key in fitting
    }
    if "default" in read:
        read["value"] = read.pop("default")
    return read


def read_input(raw: dict[str, Any], path: str, written: Written, findings: Findings) -> None:
    """Reads what every trigger may have: the fields of its input."""
    read_fields(raw.get("input"), at(path, "input"), written, findings)


def copy(raw: dict[str, Any], keys: tuple[str, ...], written: Written) -> None:
    """Takes parameters over that Sim calls the same."""
    written.params |= {key: raw[key] for key in keys if key in raw}


def _read_timeout(raw: dict[str, Any], written: Written) -> None:
    if "timeout" in raw:
        written.params["timeout"] = duration_ms(raw["timeout"])


def _read_function(raw: dict[str, Any], _: str, written: Written, __: Findings) -> None:
    copy(raw, ("code", "language"), written)
    _read_timeout(raw, written)


def _read_api(raw: dict[str, Any], _: str, written: Written, __: Findings) -> None:
    copy(raw, ("method", "url", "params", "headers", "body"), written)
    _read_timeout(raw, written)


_WHEN: Final = Key(
    {"type": ["string", "boolean"], "pattern": "\\S"},
    "A JavaScript expression; the first case whose expression is true is taken.",
    required=True,
    expected="a JavaScript expression, as a text",
    hint='such as "<start.amount> <= 100"',
)
_CASE_KEYS: Final = {"when": _WHEN, "then": targets("Where it goes on if this case is taken.")}
_ELSE_KEYS: Final = {"else": targets("Where it goes on if no case before was taken.")}


def expression(value: str | bool) -> str:
    """A JavaScript expression; ``true`` and ``false`` need no quotes."""
    return value if isinstance(value, str) else str(value).lower()


def _read_condition(raw: dict[str, Any], path: str, written: Written, findings: Findings) -> None:
    path = at(path, "cases")
    written.renamed["conditions"] = path
    conditions: list[dict[str, str]] = []
    written.params["conditions"] = conditions
    cases = raw.get("cases", [])
    for index, case in enumerate(cases):
        case_path = at(path, index)
        written.renamed[f"conditions[{len(conditions)}]"] = case_path
        if not isinstance(case, dict):
            findings.fault(case_path, "must be an object with when and then, or with else")
        elif "else" in case:
            read_keys(case, case_path, _ELSE_KEYS, findings)
            # Only the last case may be an else; one that is not still needs an id of its own.
            case_id = "else" if index + 1 == len(cases) else f"else-{index + 1}"
            conditions.append({"id": case_id, "title": "else", "value": ""})
            written.branches.append((f"condition-{case_id}", case["else"], at(case_path, "else")))
        else:
            written.renamed[f"conditions[{len(conditions)}].value"] = at(case_path, "when")
            when = read_keys(case, case_path, _CASE_KEYS, findings).get("when", "false")
            title, case_id = "else if" if conditions else "if", f"case-{index + 1}"
            conditions.append({"id": case_id, "title": title, "value": expression(when)})
            written.branches.append((f"condition-{case_id}", case.get("then"), at(case_path, "then")))


def _read_variables(raw: dict[str, Any], path: str, written: Written, _: Findings) -> None:
    path = at(path, "set")
    written.renamed["variables"] = path
    rows: list[dict[str, Any]] = []
    written.params["variables"] = rows
    for name, value in raw.get("set", {}).items():
        place = f"variables[{len(rows)}]"
        written.renamed |= {place: at(path, name), f"{place}.value": at(path, name)}
        kind, assigned = typed_value(value)
        row = {"variableName": name, "type": kind, "value": assigned}
        if isinstance(value, str) and "<" in value:
            # A reference that is alone keeps the type of what it refers to.
            del row["type"]
        rows.append(row)


def _read_wait(raw: dict[str, Any], path: str, written: Written, _: Findings) -> None:
    written.renamed["timeValue"] = at(path, "for")
    duration = parse_duration(raw["for"]) if "for" in raw else None
    if duration is not None:
        written.params |= {"timeValue": duration[0], "timeUnit": duration[1]}
    copy(raw, ("async",), written)


def _read_workflow(raw: dict[str, Any], path: str, written: Written, _: Findings) -> None:
    written.renamed["workflowId"] = at(path, "workflow")
    if "workflow" in raw:
        written.params["workflowId"] = raw["workflow"]
    copy(raw, ("input",), written)


def _read_response(raw: dict[str, Any], _: str, written: Written, __: Findings) -> None:
    written.params["dataMode"] = "json"
    copy(raw, ("data", "status", "headers"), written)


_CODE: Final = Key(
    {"type": "string"},
    "The body of a function: its value is what it returns. References in it become values, without quotes.",
    required=True,
    hint='such as "return <start.amount> * 2"',
)
_TIMEOUT: Final = Key(DURATION, "How long one try may take.", expected="a duration", hint=DURATION_HINT)
SPELLINGS: Final[dict[str, Spelling]] = {
    "function": Spelling(
        about="Runs code in a sandbox.",
        keys={
            "code": _CODE,
            "language": Key({"enum": ["javascript", "python"]}, "What the code is written in: javascript."),
            "timeout": _TIMEOUT,
        },
        read=_read_function,
    ),
    "condition": Spelling(
        about="Goes on by the first case that is true.",
        keys={
            "cases": listed(
                {"anyOf": [object_schema(_CASE_KEYS), object_schema(_ELSE_KEYS, required=["else"])]},
                "The cases in order: {when, then} each, at last perhaps {else}.",
                "a list of cases",
                "such as [{when: <start.amount> <= 100, then: pay}, {else: ask}]",
                required=True,
            )
        },
        read=_read_condition,
        branching=True,
    ),
    "variables": Spelling(
        about="Sets variables of the workflow, for the rest of the run.",
        keys={
            "set": Key(
                _BY_NAME,
                "The new values by name.",
                required=True,
                expected="an object: the values by name",
                hint="such as {limit: 100}",
            )
        },
        read=_read_variables,
    ),
    "wait": Spelling(
        about="Waits by a durable timer: a restart changes nothing.",
        keys={
            "for": Key(
                DURATION,
                "How long: 1 ms to 30 days.",
                required=True,
                expected="a duration",
                hint=DURATION_HINT,
            ),
            "async": Key({"type": "boolean"}, "true: the caller is told of a pause instead of waiting too."),
        },
        read=_read_wait,
    ),
    "api": Spelling(
        about="Makes an HTTP request. Anything but 2xx fails.",
        keys={
            "url": Key({"type": "string"}, "Where to.", required=True),
            "method": Key(
                {"type": "string"}, "GET, POST, PUT, PATCH, DELETE, HEAD or OPTIONS; GET by default."
            ),
            "params": Key(_TABLE, "What stands in the URL after the question mark, by name."),
            "headers": Key(_TABLE, "The request's headers by name."),
            "body": anything("What is sent: a value as JSON, or a text."),
            "timeout": _TIMEOUT,
        },
        read=_read_api,
    ),
    "workflow": Spelling(
        about="Runs another workflow as a child, with a log of its own, and waits for its end.",
        keys={
            "workflow": text("The id that it is deployed under.", required=True),
            "input": anything("The child's input."),
        },
        read=_read_workflow,
    ),
    "response": Spelling(
        about="Answers the caller. The first one that is reached ends the execution.",
        keys={
            "data": anything("The body."),
            "status": Key(
                _OPEN_NUMBER, "The HTTP status; 200 by default.", expected="a whole number from 100 to 599"
            ),
            "headers": Key(_TABLE, "The answer's headers by name."),
        },
        read=_read_response,
    ),
}
"""The spelling of each of these types."""
