"""The schemas of the types that events, commands and outcomes are made of.

They are a reader's: what is written always fits, and what a later version adds fits as well. So objects are
open, and so is a choice that may get another value.
"""

import re
from collections.abc import Iterable
from typing import Any, Final, get_args

import msgspec
from msgspec import NODEFAULT, Raw, Struct
from msgspec.structs import FieldInfo

from signoff.events.escapes import BLOB, MASK, SECRET
from signoff.events.schemas.structs import (
    Schema,
    StructType,
    described,
    mapped,
    raw_schema,
    structs_of,
    told_of,
    without_null,
)
from signoff.events.types import (
    COMMAND_TYPES,
    EVENT_TYPES,
    Command,
    CommandData,
    DeadlineAction,
    Event,
    EventData,
    Outcome,
    PauseKind,
    RecoveryChoice,
    Role,
)
from signoff.events.types.values import ActorType

REFERENCE: Final = "#/$defs/{name}"
"""How a definition refers to another one of its document."""

VALUE: Final = "Value"
"""The name of the definition of values whose shape is the workflow's."""

GROWING: Final = (ActorType, DeadlineAction, PauseKind, RecoveryChoice, Role)
"""Choices that a later version may add to: readers are told to expect other values."""

_GROWING_SETS: Final = [set(get_args(each)) for each in GROWING]
_FIELD_NAME: Final = re.compile(r"`([a-z]+(?:_[a-z]+)+)((?:\.[a-z_]+)*)`")
_FOR_US: Final = re.compile(r" ?\(ADR \d+\)| ?`TYPE` is its name on the wire\.|:\w+:")
_SAYS_NOTHING: Final = {"default", "description", "title"}

_BLOB_REFERENCE: Final[Schema] = {
    "title": "BlobReference",
    "description": "Stands for a value, or a part of one, that is kept in the object store: its digest, its "
    "size in bytes and its media type. `GET /api/executions/{executionId}/blobs/{digest}` has it.",
    "type": "object",
    "properties": {
        BLOB: {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"},
        "size": {"type": "integer", "minimum": 0},
        "mediaType": {"type": "string"},
    },
    "required": [BLOB, "size", "mediaType"],
}
_SECRET_REFERENCE: Final[Schema] = {
    "title": "SecretReference",
    "description": "Stands for what was typed into a form's field of type `secret`: the id of the record "
    "that holds it, which no consumer can read.",
    "type": "object",
    "properties": {SECRET: {"type": "string"}},
    "required": [SECRET],
}
_VALUE: Final[Schema] = {
    "title": VALUE,
    "description": "Any JSON value, of a shape that is the workflow's. Within it an object with `$blob` is a "
    "`BlobReference` and one with `$secret` a `SecretReference`; a name of the workflow's own that begins "
    "with `$` has one `$` more, so that neither can be forged: take one `$` away. The value of a "
    f"`{{{{NAME}}}}` of the environment is never there: `{MASK}` stands in its place.",
}


def definitions(kinds: Iterable[type[Struct]], *, reference: str = REFERENCE) -> dict[str, Schema]:
    """The schemas of these types and of all that they hold, by the names of their classes.

    Args:
        kinds: structs of the vocabulary; the data of envelopes is any object.
        reference: how a schema refers to another one, with ``{name}`` in it.
    """
    found = {
        each.__name__: _schema(each, reference)
        for each in structs_of(kinds)
        if each not in (EventData, CommandData)
    }
    shared = {
        VALUE: _value(reference),
        "BlobReference": _BLOB_REFERENCE,
        "SecretReference": _SECRET_REFERENCE,
    }
    used = shared if reference.format(name=VALUE) in _references(found) else {}
    return dict(sorted({**found, **used}.items()))


def _value(reference: str) -> Schema:
    def referring(name: str) -> Schema:
        return {"$ref": reference.format(name=name)}

    def holding(name: str) -> Schema:
        return {"type": "object", "required": [name]}

    return {
        **_VALUE,
        "if": holding(BLOB),
        "then": referring("BlobReference"),
        "else": {"if": holding(SECRET), "then": referring("SecretReference")},
        "items": referring(VALUE),
        "additionalProperties": referring(VALUE),
    }


def _schema(kind: StructType, reference: str) -> Schema:
    schema = described(raw_schema(_without_raw_defaults(kind), reference)[1], kind)
    schema["properties"] = {name: _field(each, kind) for name, each in schema["properties"].items()}
    schema["description"] = _wire_text(schema["description"])
    if not schema["required"]:
        del schema["required"]

    def read(each: Schema) -> Schema:
        return open_choice(_any_value(each, reference))

    return {"title": kind.__name__, **mapped(schema, read)}


def _without_raw_defaults(kind: StructType) -> StructType:
    """The type as msgspec can tell of it: of bytes that are passed on it cannot tell the default."""
    fields = msgspec.structs.fields(kind)
    if not any(isinstance(each.default, Raw) for each in fields):
        return kind
    told = [
        (each.name, Any if isinstance(each.default, Raw) else each.type, _told_default(each))
        for each in fields
    ]
    return msgspec.defstruct(kind.__name__, told, kw_only=True)


def _told_default(field: FieldInfo) -> Any:
    if isinstance(field.default, Raw):
        return msgspec.field(default=None, name=field.encode_name)
    if field.default_factory is not NODEFAULT:
        return msgspec.field(default_factory=field.default_factory, name=field.encode_name)
    if field.default is not NODEFAULT:
        return msgspec.field(default=field.default, name=field.encode_name)
    return msgspec.field(name=field.encode_name)


def _any_object(description: str) -> Schema:
    return {"type": "object", "additionalProperties": True, "description": description}


def _field(schema: Schema, kind: StructType) -> Schema:
    """A field as it is written: data are an object, and what is absent is not null."""
    if kind in (Event, Command) and schema.get("$ref", "").endswith("Data"):
        return _any_object("What it says: `type` names the schema.")
    if kind is Outcome and schema.keys() <= _SAYS_NOTHING:
        return _any_object("An event, as the schema of events has it.")
    if "default" in schema and schema["default"] is None:
        return without_null({name: value for name, value in schema.items() if name != "default"})
    return schema


def _any_value(schema: Schema, reference: str) -> Schema:
    """What says nothing holds a value, and so do the fields of an object that names none."""
    value = {"$ref": reference.format(name=VALUE)}
    if schema.keys() <= _SAYS_NOTHING:
        return {**schema, **value}
    if schema.get("type") == "object" and not schema.keys() & {"properties", "additionalProperties"}:
        return {**schema, "additionalProperties": value}
    return schema


def open_choice(schema: Schema) -> Schema:
    """A choice that may grow is any text, besides the values that there are today."""
    values = schema.get("enum")
    if values is None or set(values) not in _GROWING_SETS:
        return schema
    rest = {name: value for name, value in schema.items() if name not in ("enum", "type")}
    return {**rest, "anyOf": [{"enum": values}, {"type": "string"}]}


def about(kind: type[Struct]) -> str:
    """What a type is, for consumers: its docstring, in the words of the wire."""
    return _wire_text(told_of(kind)[0])


def _wire_text(text: str) -> str:
    """The text with fields by their names on the wire, and without what is for us alone."""

    def renamed(match: re.Match[str]) -> str:
        path = (match[1] + match[2]).split(".")
        return "`" + ".".join(_WIRE_NAMES.get(each, each) for each in path) + "`"

    return _FIELD_NAME.sub(renamed, _FOR_US.sub("", text)).replace("`None`", "absent").strip()


def _names_on_the_wire() -> dict[str, str]:
    tops = (Event, Command, Outcome, *EVENT_TYPES.values(), *COMMAND_TYPES.values())
    fields = [field for each in structs_of(tops) for field in msgspec.structs.fields(each)]
    return {field.name: field.encode_name for field in fields}


_WIRE_NAMES: Final = _names_on_the_wire()


def _references(schema: Any) -> set[str]:
    """Everything that is referred to within a value."""
    if isinstance(schema, dict):
        found = {schema["$ref"]} if isinstance(schema.get("$ref"), str) else set()
        return found.union(*map(_references, schema.values()))
    return set().union(*map(_references, schema)) if isinstance(schema, list) else set()
