"""The JSON Schemas (2020-12) of events, commands and outcomes, as files and routes have them."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Final, TypeAlias

import msgspec
from msgspec import Struct

from signoff.events.schemas.structs import Schema
from signoff.events.schemas.vocabulary import REFERENCE, about, definitions
from signoff.events.types import (
    COMMAND_TYPES,
    EVENT_TYPES,
    Command,
    CommandData,
    Event,
    EventData,
    Outcome,
)

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
URN: Final = "urn:signoff:schema:"
"""How every `$id` begins; it stays the same from version to version."""

Kinds: TypeAlias = Mapping[str, type[Struct]]
"""Types of data by their names on the wire."""

_LATER: Final = (
    "A later version may add fields anywhere and types besides these: pass over what you do not know."
)


def events(kinds: Mapping[str, type[EventData]] = EVENT_TYPES) -> Schema:
    """The schema of every event; `type` tells which. An event of another type fits by its envelope."""
    return _all("events", "Every event of Signoff: the envelope, and the data by its `type`.", Event, kinds)


def commands(kinds: Mapping[str, type[CommandData]] = COMMAND_TYPES) -> Schema:
    """The schema of every command; `type` tells which."""
    return _all(
        "commands", "Every command to Signoff: the envelope, and the data by its `type`.", Command, kinds
    )


def outcomes() -> Schema:
    """The schema of outcomes."""
    found = definitions([Outcome])
    return {
        "$schema": DIALECT,
        "$id": f"{URN}outcomes",
        **found.pop(Outcome.__name__),
        "$defs": found,
    }


def event(name: str) -> Schema:
    """The schema of the events of one type, such as ``block:completed``, complete in itself.

    Raises:
        KeyError: there is no such type.
    """
    return _one("event", Event, name, EVENT_TYPES[name])


def command(name: str) -> Schema:
    """The schema of the commands of one type, such as ``StartExecution``, complete in itself.

    Raises:
        KeyError: there is no such type.
    """
    return _one("command", Command, name, COMMAND_TYPES[name])


DOCUMENTS: Final[Mapping[str, Callable[[], Schema]]] = {
    "events": events,
    "commands": commands,
    "outcomes": outcomes,
}
"""The documents that are published as files, too, by name."""


def find(name: str) -> bytes | None:
    """A schema as it is served.

    Args:
        name: ``events``, ``commands``, ``outcomes``, or a type of event or command.
    """
    known = name in DOCUMENTS or name in EVENT_TYPES or name in COMMAND_TYPES
    return _encoded(name) if known else None


@cache  # of known names alone: anybody may ask for any other
def _encoded(name: str) -> bytes:
    if name in DOCUMENTS:
        return encode(DOCUMENTS[name]())
    return encode(event(name) if name in EVENT_TYPES else command(name))


def encode(document: Schema) -> bytes:
    """A document as it is served and kept: the same bytes for the same types."""
    return msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"


def typed(envelope: str, name: str, kind: type[Struct], reference: str = REFERENCE) -> Schema:
    """What an envelope is, once its type is known.

    Args:
        envelope: the name of its definition.
        name: the type's, on the wire.
        kind: of the data.
        reference: how definitions are referred to.
    """
    return {
        "title": name,
        "description": about(kind),
        "allOf": [{"$ref": reference.format(name=envelope)}],
        "properties": {"type": {"const": name}, "data": {"$ref": reference.format(name=kind.__name__)}},
    }


def _all(name: str, description: str, envelope: type[Struct], kinds: Kinds) -> Schema:
    names = {each: f"{envelope.__name__}:{each}" for each in kinds}
    whole = {names[each]: typed(envelope.__name__, each, kind) for each, kind in kinds.items()}
    places = {each: REFERENCE.format(name=name) for each, name in names.items()}
    return {
        "$schema": DIALECT,
        "$id": URN + name,
        "title": name,
        "description": f"{description} {_LATER}",
        "$ref": REFERENCE.format(name=envelope.__name__),
        "discriminator": {"propertyName": "type", "mapping": places},
        "allOf": [
            {"if": {"properties": {"type": {"const": each}}}, "then": {"$ref": place}}
            for each, place in places.items()
        ],
        "$defs": {**definitions([envelope, *kinds.values()]), **whole},
    }


def _one(name: str, envelope: type[Struct], kind_name: str, kind: type[Struct]) -> Schema:
    found = definitions([envelope, kind])
    whole = found.pop(envelope.__name__)
    data = {"$ref": REFERENCE.format(name=kind.__name__)}
    return {
        "$schema": DIALECT,
        "$id": f"{URN}{name}:{kind_name}",
        **whole,
        "title": kind_name,
        "description": f"{about(kind)} {_LATER}",
        "properties": {**whole["properties"], "type": {"const": kind_name}, "data": data},
        "$defs": found,
    }
