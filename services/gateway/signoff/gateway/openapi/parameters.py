"""What a request says in its path, its query and its headers."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from signoff.access.gate import WORKSPACE_HEADER
from signoff.access.secrets.environment import NAME
from signoff.events.schemas.structs import Schema
from signoff.gateway.errors import GatewayError
from signoff.gateway.http.headers import CODE, CODE_HEADER, IDENTIFIER
from signoff.gateway.http.queries import list_separators
from signoff.gateway.http.routing import Endpoint
from signoff.gateway.openapi.components import Components

_TEXT: Final[Schema] = {"type": "string", "minLength": 1}
_WORKFLOW: Final = "The workflow's id, as it was deployed."
_EXECUTION: Final = "The execution's id, or that of one of its runs."
_CONTEXT: Final = "The pause point's id in its execution."
_VALUE: Final = "The value's name."
_BLOCK: Final = "The block's id in the workflow."

PATH_NAMES: Final[Mapping[str, str]] = {
    "id": _WORKFLOW,
    "workflowId": _WORKFLOW,
    "execution": _EXECUTION,
    "executionId": _EXECUTION,
    "run": "The run's id.",
    "runId": "The run's id.",
    "context": _CONTEXT,
    "contextId": _CONTEXT,
    "block": _BLOCK,
    "blockId": _BLOCK,
    "key": "The file's key.",
    "digest": "The value's SHA-256 in hex, with or without `sha256:` before it.",
    "workspaceId": "The workspace's id.",
    "hookId": "The outgoing webhook's id.",
    "userId": "The user's id.",
    "groupId": "The group's id.",
    "keyId": "The API key's id.",
    "name": _VALUE,
}
"""What a name in a path means, wherever a route does not say something else."""

_PATTERNS: Final = {_WORKFLOW: IDENTIFIER, _VALUE: NAME}
"""What callers may call things."""

_WORKSPACE: Final[Schema] = {
    "name": WORKSPACE_HEADER,
    "in": "header",
    "description": "The workspace that the request is about, for callers who are in several. Without it, or "
    "with an empty one, what the path names decides, and else it is the caller's first.",
    "required": False,
    "schema": {"type": "string"},
}


_CODE: Final[Schema] = {
    "name": CODE_HEADER,
    "in": "header",
    "description": "With a decision link: the code that its person was sent, where the pause wants one.",
    "required": False,
    "schema": {"type": "string", "pattern": CODE.pattern},
}


def parameters_of(endpoint: Endpoint) -> list[Schema]:
    """The parameters of an endpoint: path, query, headers.

    Raises:
        GatewayError: nobody says what a name in the path means.
    """
    found = [*_path(endpoint), *_query(endpoint.query), *_headers(endpoint.headers)]
    if endpoint.takes_link and endpoint.method != "GET":
        found.append(_CODE)
    return [*found, _WORKSPACE] if endpoint.operation is not None else found


def _path(endpoint: Endpoint) -> Iterator[Schema]:
    for name in endpoint.path_names:
        meaning = endpoint.names.get(name) or PATH_NAMES.get(name)
        if meaning is None:
            raise GatewayError(f"{endpoint.path}: say what {{{name}}} means in the route's names")
        pattern = _PATTERNS.get(meaning)
        schema = _TEXT if pattern is None else {"type": "string", "pattern": f"^{pattern.pattern}$"}
        yield {"name": name, "in": "path", "description": meaning, "required": True, "schema": schema}


def _query(kind: type[Struct] | None) -> Iterator[Schema]:
    if kind is None:
        return
    separators = list_separators(kind)
    for parameter in _parameters(kind, "query"):
        if separators[parameter["name"]] is not None:
            parameter |= {"style": "form", "explode": not separators[parameter["name"]]}
        yield parameter


def _headers(kind: type[Struct] | None) -> Iterator[Schema]:
    return iter(()) if kind is None else _parameters(kind, "header")


def _parameters(kind: type[Struct], where: str) -> Iterator[Schema]:
    schemas = Components().fields(kind)
    for field in msgspec.structs.fields(kind):
        name = field.encode_name
        schema = _present(schemas[name])
        description = schema.pop("description", None)
        if description is None:
            raise GatewayError(f"{kind.__name__}: say in its docstring what {name} means")
        yield {
            "name": name,
            "in": where,
            "description": description,
            "required": field.required,
            "schema": schema,
        }


def _present(schema: Schema) -> dict[str, Any]:
    """The schema of a parameter that is there: none is null, or empty to mean something."""
    if "anyOf" in schema:
        members = [each for each in schema["anyOf"] if each != {"type": "null"}]
        if len(members) == 1:
            schema = {**members[0], **{key: value for key, value in schema.items() if key != "anyOf"}}
    return {key: value for key, value in schema.items() if key != "default" or value not in (None, "", [])}
