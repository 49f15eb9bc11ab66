"""Fields that a caller or a person fills in: a start block's input and the form of a pause."""

from collections.abc import Mapping
from typing import Any, Final

from signoff.engine.definitions.catalog import EXTERNAL_TYPES, gives_run_metadata
from signoff.engine.definitions.constraints import broken, read_constraints
from signoff.engine.definitions.definition import Block
from signoff.engine.definitions.faults import Fault
from signoff.engine.definitions.values import SECRET_TYPE, coerce_value, to_text
from signoff.events.escapes import is_reference

MAX_SECRET: Final = 32 * 1024
"""Bytes of UTF-8 that a field of type ``secret`` takes."""

_SMALL_TYPES = frozenset({"number", "boolean"})  # never so large that they are kept by reference
_NESTED_INPUT_TYPES = frozenset({"api_trigger", "input_trigger", "starter"})
_EXPECTED: dict[str, tuple[str, type | tuple[type, ...]]] = {
    "string": ("a text", str),
    SECRET_TYPE: ("a text", str),
    "number": ("a number", (int, float)),
    "boolean": ("true or false", bool),
    "object": ("an object", dict),
    "array": ("a list", list),
    "files": ("a list of files", list),
    "file[]": ("a list of files", list),
}


def coerce_fields(input_format: Any, body: Any) -> dict[str, Any]:
    """Reads the fields of an ``inputFormat`` from a body (Sim's format, section 3).

    Args:
        input_format: fields ``{"name", "type", "value"}``; those without a name are left out.
        body: the input of the run. A field is looked for in ``body.input`` first, then in the body.

    Returns:
        The values by field name, in the fields' types where they can be read so. A field that is
        missing or null takes its default; without one a missing field stays missing, null stays null.
    """
    record = body if isinstance(body, dict) else {}
    nested = record.get("input")
    sources = [nested, record] if isinstance(nested, dict) else [record]
    values: dict[str, Any] = {}
    for field in input_format if isinstance(input_format, list) else []:
        name = _field_name(field)
        if name is None:
            continue
        given = next((source for source in sources if name in source), None)
        value = None if given is None else given[name]
        if value is None:
            value = field.get("value")
        if value is not None or given is not None or "value" in field:
            values[name] = coerce_value(field.get("type"), value)
    return values


def start_output(block: Block, body: Any, metadata: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Builds the output of the trigger that a run starts with (Sim's format, section 3).

    Args:
        block: the trigger.
        body: the input of the run, any JSON value.
        metadata: of the run, for a trigger that tells it. Nothing in the input can stand in its place.
    """
    output = _input_of(block, body)
    return output if metadata is None or not gives_run_metadata(block) else output | {"metadata": metadata}


def _input_of(block: Block, body: Any) -> dict[str, Any]:
    typed = coerce_fields(block.params.get("inputFormat"), body)
    if block.type in EXTERNAL_TYPES and isinstance(body, dict):
        return typed | body
    if block.type in _NESTED_INPUT_TYPES:
        return _nested_output(typed, body)
    if not isinstance(body, dict):
        return typed if body is None else typed | {"input": body}
    return typed | {key: value for key, value in body.items() if key not in typed}


def _nested_output(typed: dict[str, Any], body: Any) -> dict[str, Any]:
    given = body["input"] if isinstance(body, dict) and "input" in body else body
    final = typed or given
    output = {**final, "input": final} if isinstance(final, dict) else {"input": final}
    for key in ("conversationId", "files"):
        if isinstance(body, dict) and body.get(key):
            output[key] = body[key]
    return output


def form_fields(params: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Normalises the fields of a form (Sim's format, section 4, ``human_in_the_loop``).

    Args:
        params: a block's parameters; ``inputFormat`` holds the fields.

    Returns:
        ``{"id", "name", "label", "type", "description"?, "placeholder"?, "value"?, "required",
        "options"?}`` each, and what else it demands of its value, by the names of
        `signoff.engine.definitions.constraints.TYPES`. Fields without a name are dropped, blank texts left
        out.
    """
    fields = params.get("inputFormat")
    return [
        _form_field(index, name, field)
        for index, field in enumerate(fields if isinstance(fields, list) else [])
        if (name := _field_name(field)) is not None
    ]


def secret_names(fields: list[dict[str, Any]]) -> set[str]:
    """The names of the fields of a form whose values stand in no log."""
    return {field["name"] for field in fields if field.get("type") == SECRET_TYPE}


def check_form(
    fields: list[dict[str, Any]], submission: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Fault]]:
    """Reads a submission by the fields of its form, then checks it.

    Args:
        fields: as `form_fields` gives them.
        submission: what was sent, by field name.

    Returns:
        The values, in the fields' types, defaults filled in, unknown keys kept; and a fault per
        field that does not fit, its path being the field's name.
    """
    values = dict(submission)
    faults: list[Fault] = []
    for field in fields:
        name = field["name"]
        value = values.get(name)
        if value is None:
            value = field.get("value")
        value = coerce_value(field["type"], value)
        if value is not None or name in values:
            values[name] = value
        message = _misfit(field, value)
        if message is not None:
            faults.append(Fault(name, message))
    return values, faults


def _field_name(field: Any) -> str | None:
    name = field.get("name") if isinstance(field, dict) else None
    return name.strip() or None if isinstance(name, str) else None


def _form_field(index: int, name: str, field: dict[str, Any]) -> dict[str, Any]:
    normalised: dict[str, Any] = {
        "id": _text(field, "id") or f"field_{index}",
        "name": name,
        "label": _text(field, "label") or name,
        "type": _text(field, "type") or "string",
    }
    for key in ("description", "placeholder"):
        if text := _text(field, key):
            normalised[key] = text
    if "value" in field:
        normalised["value"] = field["value"]
    normalised["required"] = field.get("required") is True
    if isinstance(field.get("options"), list):
        normalised["options"] = field["options"]
    return normalised | read_constraints(field | {"type": normalised["type"]})


def _text(field: dict[str, Any], key: str) -> str | None:
    text = field.get(key)
    return text.strip() or None if isinstance(text, str) else None


def _misfit(field: dict[str, Any], value: Any) -> str | None:
    name = field["name"]
    if value is None or value == "":
        return f'"{name}" is required' if field["required"] else None
    if not is_reference(value) or field["type"] in _SMALL_TYPES:
        message = _wrong_type(field, value)
        if message is not None:
            return message
    message = broken(field, value)
    return None if message is None else f'"{name}" {message}'


def _wrong_type(field: dict[str, Any], value: Any) -> str | None:
    name = field["name"]
    expected, kinds = _EXPECTED.get(field["type"], ("", object))
    if not isinstance(value, kinds) or (field["type"] == "number" and isinstance(value, bool)):
        return f'"{name}" must be {expected}'
    if field["type"] == SECRET_TYPE and len(to_text(value).encode()) > MAX_SECRET:
        return f'"{name}" must be at most {MAX_SECRET} bytes of UTF-8'
    return None
