"""What a workflow takes and what a decision takes, as JSON Schema, which models read."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from signoff.engine.definitions.catalog import find_entry
from signoff.engine.definitions.definition import Definition
from signoff.engine.definitions.forms import form_fields

_TYPES: Final[Mapping[str, dict[str, Any]]] = {
    "string": {"type": "string"},
    "secret": {"type": "string", "description": "kept sealed, and shown to nobody"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "object": {"type": "object"},
    "array": {"type": "array"},
    "files": {"type": "array", "description": "files, as `POST /api/files` answers them"},
    "file[]": {"type": "array", "description": "files, as `POST /api/files` answers them"},
}

_CONSTRAINTS: Final[Mapping[str, str]] = {
    "min": "minimum",
    "max": "maximum",
    "minLength": "minLength",
    "maxLength": "maxLength",
    "minItems": "minItems",
    "maxItems": "maxItems",
}
"""What JSON Schema calls the constraints of a form's field."""


def input_schema(definition: Definition) -> dict[str, Any]:
    """What the block that a call starts with asks for; anything, where it names no fields."""
    entry = find_entry(definition.blocks)
    return schema_of(() if entry is None else form_fields(entry.params))


def schema_of(fields: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The schema of a form: what else is given is kept, as the server keeps it.

    Args:
        fields: ``{"name", "type", "label"?, "description"?, "value"?, "required"?, "options"?}`` each.
    """
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {each["name"]: _property(each) for each in fields},
    }
    required = [each["name"] for each in fields if each.get("required")]
    return schema | ({"required": required} if required else {})


def _property(field: Mapping[str, Any]) -> dict[str, Any]:
    schema = dict(_TYPES.get(field.get("type", "string"), {}))
    label = field.get("label")
    told = [str(label)] if label and label != field["name"] else []
    told += [str(field[name]) for name in ("description", "placeholder") if field.get(name)]
    if told:
        schema["description"] = ". ".join(told)
    options = field.get("options")
    if options and all(isinstance(each, str | int | float) for each in options):
        schema["enum"] = list(options)
    if field.get("value") is not None:
        schema["default"] = field["value"]
    return schema | _constraints(field)


def _constraints(field: Mapping[str, Any]) -> dict[str, Any]:
    schema = {_CONSTRAINTS[key]: field[key] for key in _CONSTRAINTS if key in field}
    if "pattern" in field:
        schema["pattern"] = f"^(?:{field['pattern']})$"  # ours are of the whole text
    return schema
