"""The document: what each endpoint takes and answers, as OpenAPI 3.1 has it."""

from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import version
from typing import Any, Final

import msgspec

from signoff.access.signing_in.sessions import COOKIE
from signoff.events.schemas.structs import Schema
from signoff.events.types import Json
from signoff.gateway.executions.answers import BLOCK_HEADER
from signoff.gateway.http.routing import Answer, Endpoint, check_distinct
from signoff.gateway.openapi.components import JSON_VALUE, REFERENCE, Components
from signoff.gateway.openapi.errors import errors_of
from signoff.gateway.openapi.parameters import parameters_of

TAGS: Final[Mapping[str, str]] = {
    "Workflows": "Definitions, deployed as versions that never change.",
    "Executions": "Runs of a workflow: started, looked at, stopped, tried again.",
    "Pauses": "What executions wait for, and decisions.",
    "Streams": "Events as they happen.",
    "Files": "Contents of any size, for workflows to work on.",
    "Webhooks": "What other systems send.",
    "Service": "Health, metrics, and this reference.",
}
"""The chapters, in their order; others follow as their first routes do."""

_DESCRIPTION: Final = (
    "Workflows that stop for people, and a record that proves what happened.\n\n"
    "In the place of an execution's id, that of one of its runs does as well. `GET` routes answer `HEAD`, "
    "too; a method that a path does not have is 405 with `Allow`, an `Expect` other than "
    "`100-continue` 417, and what is no HTTP 400. Times are UTC, ISO 8601. Durations are in "
    "milliseconds, or in the unit of their name."
)
_JSON: Final = "application/json"
_EVENT_STREAM: Final = "text/event-stream"
_SECURITY: Final[list[dict[str, list[str]]]] = [{"apiKey": []}, {"bearer": []}, {"session": []}]
_SCHEMES: Final[Schema] = {
    "apiKey": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "A personal or workspace key.",
    },
    "bearer": {"type": "http", "scheme": "bearer", "description": "The same key, as a bearer token."},
    "session": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "A browser's session."},
    "streamToken": {
        "type": "apiKey",
        "in": "query",
        "name": "token",
        "description": "A token for one stream, since a browser's `EventSource` sends no headers.",
    },
    "decisionLink": {
        "type": "apiKey",
        "in": "query",
        "name": "token",
        "description": "The token of a decision link, for its one pause point; also as a bearer token.",
    },
}


def build(endpoints: Iterable[Endpoint], *, public_url: str | None = None) -> Schema:
    """The document.

    Args:
        endpoints: in the order in which a chapter lists them.
        public_url: where the server is reached; without it, wherever the document is from.

    Raises:
        GatewayError: two endpoints clash, or a parameter of one is not described.
    """
    endpoints = list(endpoints)
    check_distinct(endpoints)
    components = Components()
    operations = [(endpoint, _operation(endpoint, components)) for endpoint in endpoints]
    schemas, rename = components.schemas()
    paths: dict[str, Schema] = {}
    for endpoint, operation in operations:
        for content in operation.get("requestBody", {}).get("content", {}).values():
            if "schema" in content:
                content["schema"] = rename(content["schema"])
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Signoff",
            "version": version("signoff"),
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": public_url or "/"}],
        "tags": list(_tags(endpoints)),
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": _SCHEMES},
    }


def encode(document: Schema) -> bytes:
    """The document as it is served and kept: the same bytes for the same routes."""
    return msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"


def _tags(endpoints: Iterable[Endpoint]) -> Iterator[Schema]:
    used = dict.fromkeys(endpoint.tag for endpoint in endpoints)
    for name, description in TAGS.items():
        if name in used:
            yield {"name": name, "description": description}
    yield from ({"name": name} for name in used if name not in TAGS)


def _operation(endpoint: Endpoint, components: Components) -> Schema:
    operation: Schema = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "description": _description(endpoint),
        "tags": [endpoint.tag],
        "security": _security(endpoint),
        "parameters": parameters_of(endpoint),
    }
    if endpoint.body is not None or endpoint.body_note:
        operation["requestBody"] = _body(endpoint, components)
    operation["responses"] = dict(_responses(endpoint, components))
    return {name: value for name, value in operation.items() if value not in ("", [])}


def _description(endpoint: Endpoint) -> str:
    needed = f"Needs `{endpoint.operation}`." if endpoint.operation is not None else ""
    return " ".join(filter(None, (endpoint.description, needed)))


def _security(endpoint: Endpoint) -> list[dict[str, list[str]]]:
    if endpoint.operation is None:
        return [{}]
    further: list[dict[str, list[str]]] = []
    if endpoint.takes_stream_token:
        further.append({"streamToken": []})
    if endpoint.takes_link:
        further.append({"decisionLink": []})
    return [*_SECURITY, *further]


def _body(endpoint: Endpoint, components: Components) -> Schema:
    content: Schema = {}
    if endpoint.body is not None:
        content["schema"] = components.body(endpoint.body)
    if endpoint.body_example is not None:
        content["example"] = endpoint.body_example
    also = {endpoint.body_also: {"schema": {"type": "string"}}} if endpoint.body_also else {}
    body = {"content": {endpoint.body_media: content, **also}, "required": endpoint.body_required}
    return {"description": endpoint.body_note, **body} if endpoint.body_note else body


def _responses(endpoint: Endpoint, components: Components) -> Iterator[tuple[str, Schema]]:
    errors = errors_of(endpoint)
    for code in sorted({*endpoint.answers, *errors}):
        told = [each for each in (endpoint.answers.get(code), errors.get(code)) if each is not None]
        yield str(code), _response(endpoint, told, components)
    if endpoint.answered_by_blocks:
        for codes in ("2XX", "3XX", "4XX", "5XX"):
            yield codes, _block_response()


def _response(endpoint: Endpoint, told: list[Answer], components: Components) -> Schema:
    """One status; an answer and an error may share it."""
    response: Schema = {"description": " Or: ".join(each.description for each in told)}
    headers = _shown_headers(told)
    if headers:
        response["headers"] = headers
    content: dict[str, Schema] = {}
    for each in told:
        for media, shown in _content(each, components):
            known = content.get(media)
            content[media] = shown if known is None else _either(known, shown)
    if content:
        if endpoint.answered_by_blocks and _JSON in content and told[0].streamed:
            content[_JSON] = _either(content[_JSON], {"schema": {"$ref": REFERENCE.format(name=JSON_VALUE)}})
        response["content"] = content
    return response


def _either(one: Schema, other: Schema) -> Schema:
    members = [
        each for content in (one, other) for each in content["schema"].get("anyOf", [content["schema"]])
    ]
    return {**one, **other, "schema": {"anyOf": members}, **{k: v for k, v in one.items() if k == "example"}}


def _content(answer: Answer, components: Components) -> Iterator[tuple[str, Schema]]:
    if answer.body is not None:
        example: dict[str, Json] = {} if answer.example is None else {"example": answer.example}
        yield answer.media, {"schema": components.answer(answer.body), **example}
    elif answer.media == _EVENT_STREAM:
        yield _EVENT_STREAM, {"schema": _server_sent_event(answer.description)}
    elif answer.media != _JSON:
        binary = {} if answer.media.startswith("text/") else {"format": "binary"}
        yield answer.media, {"schema": {"type": "string", **binary}}
    if answer.streamed:
        yield _EVENT_STREAM, {"schema": _server_sent_event(answer.streamed)}


def _server_sent_event(description: str) -> Schema:
    """The schema of each event of a stream: before `itemSchema` (OpenAPI 3.2), readers take `schema` so."""
    fields = {
        "id": "The cursor of the event, in streams that have cursors.",
        "data": "What the event says.",
    }
    return {
        "title": "ServerSentEvent",
        "description": description,
        "type": "object",
        "properties": {name: {"type": "string", "description": text} for name, text in fields.items()},
        "required": ["data"],
    }


def _shown_headers(told: list[Answer]) -> dict[str, Any]:
    always: dict[str, str] = {}
    at_times: dict[str, str] = {}
    for each in told:
        always |= each.headers
        at_times |= each.may_have
    # What only one of two answers of a status has is not in each of them.
    sure = {name for name in always if all(name in each.headers for each in told)}
    return {
        name: {"description": text, "required": name in sure, "schema": {"type": "string"}}
        for name, text in (always | at_times).items()
    }


def _block_response() -> Schema:
    return {
        "description": "The answer of a `response` block: its own status and data.",
        "headers": {
            BLOCK_HEADER: {
                "description": "`true` in these answers only.",
                "required": True,
                "schema": {"type": "string"},
            }
        },
        "content": {"*/*": {"schema": {"$ref": REFERENCE.format(name=JSON_VALUE)}}},
    }
