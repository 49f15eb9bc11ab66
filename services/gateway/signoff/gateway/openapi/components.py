"""The schemas of bodies and answers, from their types: every field named, every value described.

What comes in stays open where the reader lets unknown fields be; what goes out is closed, and has all of its
fields always, but those that may be unset. Events are the exception: their vocabulary grows, so that whoever
reads them must let what is new be.
"""

import types
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, Final, TypeAlias, Union, get_args, get_origin

import msgspec
from msgspec import UNSET, Struct

from signoff.events.schemas.structs import (
    Schema,
    StructType,
    described,
    mapped,
    plain,
    raw_schema,
    structs_of,
    without_null,
)
from signoff.events.schemas.vocabulary import open_choice
from signoff.events.types import ACCESS_FACTS, DIRECTORY_FACTS, EVENT_TYPES, Event, EventData
from signoff.gateway.errors import GatewayError

REFERENCE: Final = "#/components/schemas/{name}"
JSON_VALUE: Final = "JsonValue"
ANY_JSON: Final[Schema] = {
    "title": JSON_VALUE,
    "description": "Any JSON value: its shape is not ours, but that of the workflow and of who calls it.",
    "type": ["object", "array", "string", "number", "boolean", "null"],
}

EVENT_SCHEMAS: Final = "/api/schemas/events"
"""Where the JSON Schema of events is."""

_Told: TypeAlias = Callable[[Schema, StructType], Schema]

_INPUT: Final = "Input"
_SAYS_NOTHING: Final = {"default", "description", "title"}


class Components:
    """Collects types, and gives their schemas.

    Bodies and answers are told apart: a type that is both has two schemas where these differ.
    """

    def __init__(self) -> None:
        self._bodies: dict[str, Schema] = {}
        self._answers: dict[str, Schema] = {}
        self._types: dict[str, object] = {}
        self._references: dict[str, str] = {}

    def body(self, kind: object) -> Schema:
        """The schema of what is sent to us.

        Raises:
            GatewayError: another type has the same name.
        """
        return self._add(kind, self._bodies, _opened)

    def answer(self, kind: object) -> Schema:
        """The schema of what we send.

        Raises:
            GatewayError: another type has the same name.
        """
        return self._add(kind, self._answers, _closed)

    def fields(self, kind: type[Struct]) -> dict[str, Schema]:
        """The schemas of a struct's fields by name, such as those of a query; all told in place."""
        schemas: dict[str, Schema] = {}
        self._add(kind, schemas, _opened)
        properties: dict[str, Schema] = schemas[_name(kind)]["properties"]
        return properties

    def schemas(self) -> tuple[dict[str, Schema], Callable[[Schema], Schema]]:
        """All schemas by name, and what turns a schema of a body into one that names them right."""
        both = self._bodies.keys() & self._answers.keys()
        inputs = {name: name + _INPUT for name in both if self._bodies[name] != self._answers[name]}
        references = {_reference(name): _reference(other) for name, other in inputs.items()}

        def renamed(schema: Schema) -> Schema:
            return mapped(schema, lambda each: _referring(each, references))

        bodies = {inputs.get(name, name): renamed(schema) for name, schema in self._bodies.items()}
        return dict(sorted({**bodies, **self._answers, JSON_VALUE: ANY_JSON}.items())), renamed

    def _add(self, kind: object, into: dict[str, Schema], told: _Told) -> Schema:
        kinds = _members(kind)
        found = list(structs_of(kinds))
        events = list(structs_of(_events())) if Event in found else []
        structs = [each for each in (*found, *events) if each is not EventData]
        for each in structs:
            self._claim(each)
        new = {_name(each): each for each in structs if _name(each) not in into}
        for name, each in new.items():
            into[name] = self._complete(told(described(self._schema(each), each), each))
        if Event.__name__ in new:
            _tell_events(into[Event.__name__])
        members = [
            self._complete(each) for each in msgspec.json.schema_components(kinds, ref_template=REFERENCE)[0]
        ]
        return members[0] if len(members) == 1 else {"anyOf": members}

    def _claim(self, kind: StructType) -> None:
        """Take a type's name for it alone."""
        name = _name(kind)
        if self._types.setdefault(name, kind) != kind:
            raise GatewayError(
                f"{self._types[name]} and {kind} are both called {name} in the API; rename one"
            )
        raw, _ = raw_schema(kind, REFERENCE)
        self._references[raw] = _reference(name)

    def _schema(self, kind: StructType) -> Schema:
        return {**raw_schema(kind, REFERENCE)[1], "title": _name(kind)}

    def _complete(self, schema: Schema) -> Schema:
        return mapped(schema, lambda each: _any_json(_referring(each, self._references)))


def _members(kind: object) -> list[Any]:
    """The types of a union, which may be structs that nothing but their fields tells apart."""
    return list(get_args(kind)) if get_origin(kind) in (Union, types.UnionType) else [kind]


def _name(kind: object) -> str:
    """What a type is called in the document: one that is made of others has their names in its own."""
    origin = get_origin(kind)
    if origin is None:
        return str(getattr(kind, "__name__", kind))
    return ("ListOf" if origin is list else str(origin.__name__)) + "".join(map(_name, get_args(kind)))


def _referring(schema: Schema, references: Mapping[str, str]) -> Schema:
    reference = schema.get("$ref", "")
    return {**schema, "$ref": references[reference]} if reference in references else schema


def _opened(schema: Schema, _: StructType) -> Schema:
    """A body: what msgspec says of it is how it is read."""
    return (
        schema
        if schema["required"]
        else {name: value for name, value in schema.items() if name != "required"}
    )


def _closed(schema: Schema, kind: StructType) -> Schema:
    """An answer: with all fields that are not left out, and with no other."""
    config = plain(kind).__struct_config__
    required = [
        field.encode_name
        for field in msgspec.structs.fields(kind)
        if field.required or not (config.omit_defaults or field.default is UNSET)
    ]
    if config.tag_field is not None:
        required.insert(0, config.tag_field)
    properties = {
        name: _sent(each, omitted=config.omit_defaults) for name, each in schema["properties"].items()
    }
    told = {**schema, "properties": properties, "required": required}
    if kind in _of_events():
        return mapped(told, open_choice)
    return {**told, "additionalProperties": False}


def _sent(schema: Schema, *, omitted: bool) -> Schema:
    """A field of an answer: a default is nothing to who reads it, and one that is left out is never there."""
    sent = {key: value for key, value in schema.items() if key != "default"}
    return without_null(sent) if omitted and "default" in schema else sent


def _events() -> Iterator[type[EventData]]:
    """What the events of executions and workflows say."""
    return (kind for kind in EVENT_TYPES.values() if kind not in (*DIRECTORY_FACTS, *ACCESS_FACTS))


@cache
def _of_events() -> frozenset[StructType]:
    """Whatever an event may hold: it may get further fields."""
    return frozenset(structs_of((Event, *_events())))


def _tell_events(schema: Schema) -> None:
    """Name the types of events, and what each may say; others may come, and no reader need know them."""
    kinds = list(_events())
    schema["externalDocs"] = {"description": "The JSON Schema of every event.", "url": EVENT_SCHEMAS}
    schema["properties"]["type"] = {
        "description": "These, and others that a later version adds.",
        "anyOf": [{"type": "string", "enum": [kind.TYPE for kind in kinds]}, {"type": "string"}],
    }
    schema["properties"]["data"] = {
        "description": "What events of this type say; of a type that the reader does not know, any object.",
        "anyOf": [
            *({"$ref": _reference(kind.__name__)} for kind in kinds),
            {"type": "object", "additionalProperties": {"$ref": _reference(JSON_VALUE)}},
        ],
    }


def _reference(name: str) -> str:
    return REFERENCE.format(name=name)


def _any_json(schema: Schema) -> Schema:
    """A schema that says nothing names `JsonValue`, so that a reader sees that this is meant."""
    if schema.keys() <= _SAYS_NOTHING:
        return {"$ref": _reference(JSON_VALUE), **schema}
    if schema.get("type") == "object" and not schema.keys() & {"properties", "additionalProperties"}:
        return {**schema, "additionalProperties": {"$ref": _reference(JSON_VALUE)}}
    if schema.get("type") == "array" and not schema.keys() & {"items", "prefixItems"}:
        return {**schema, "items": {"$ref": _reference(JSON_VALUE)}}
    return schema
