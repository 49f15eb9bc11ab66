"""``signoff schema``."""

import json
import sys
from collections.abc import Collection

from signoff.cli.exits import CommandError, Exit
from signoff.engine.recipe.schema import definition_schema
from signoff.events.schemas import documents
from signoff.events.types import COMMAND_TYPES, EVENT_TYPES
from signoff.gateway.openapi import topics
from signoff.gateway.openapi.document import build, encode
from signoff.gateway.openapi.elsewhere import ELSEWHERE
from signoff.gateway.routes import ALL


def definition() -> Exit:
    """Print the JSON Schema of workflow definitions, for editors."""
    # Indented also where no terminal is: it is a file, not a record.
    json.dump(definition_schema(), sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")
    return Exit.OK


def openapi() -> Exit:
    """Print the OpenAPI document of the HTTP API."""
    sys.stdout.buffer.write(encode(build((*ALL, *ELSEWHERE))))
    return Exit.OK


def asyncapi() -> Exit:
    """Print the AsyncAPI document of the topics."""
    return _print(documents.encode(topics.build()))


def events(*, type: str | None = None) -> Exit:  # noqa: A002 - as it is typed
    """Print the JSON Schema of every event.

    Args:
        type: Only of the events of this type, such as block:completed.
    """
    return _print(_schema("events", type, EVENT_TYPES))


def commands(*, type: str | None = None) -> Exit:  # noqa: A002 - as it is typed
    """Print the JSON Schema of every command.

    Args:
        type: Only of the commands of this type, such as StartExecution.
    """
    return _print(_schema("commands", type, COMMAND_TYPES))


def outcomes() -> Exit:
    """Print the JSON Schema of outcomes."""
    return _print(_schema("outcomes", None, ()))


def _schema(document: str, name: str | None, known: Collection[str]) -> bytes:
    found = documents.find(document if name is None else name)
    if found is None or (name is not None and name not in known):
        raise CommandError(f"there is no type {name!r} among {document}: `signoff schema {document}` has all")
    return found


def _print(document: bytes) -> Exit:
    sys.stdout.buffer.write(document)
    return Exit.OK
