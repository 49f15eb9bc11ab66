"""Every answer of a gateway under test is held against the OpenAPI document.

A server from `support.gateways` collects what does not fit, and fails its test at the end. What a
``response`` block answers is the workflow's own: its header tells it, and whether it may be there is checked.
"""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

import jsonschema_rs
import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from signoff.gateway.executions.answers import BLOCK_HEADER
from signoff.gateway.openapi.document import build
from signoff.gateway.openapi.elsewhere import ELSEWHERE
from signoff.gateway.openapi.errors import RATES
from signoff.gateway.pages import routes as pages
from signoff.gateway.pages import serving
from signoff.gateway.routes import ALL

_JSON: Final = "application/json"
_ANY_JSON: Final = {"$ref": "#/components/schemas/JsonValue"}
_ALLOW: Final = {"Allow": {"required": True}}
_UNTOLD: Final = frozenset({"x-content-type-options", "x-accel-buffering", *map(str.lower, RATES)})
"""Headers for browsers, proxies and meters, which any answer may have."""


class Contract:
    """What the document allows.

    Args:
        document: OpenAPI 3.1.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._validators: dict[str, Any] = {}

    def violations(
        self, method: str, path: str, status: int, headers: Mapping[str, str], body: bytes | None
    ) -> list[str]:
        """What is wrong with an answer.

        Args:
            method: of the request.
            path: as the document spells it; one that it does not have can only be refused.
            status: of the answer.
            headers: of the answer, names in any case.
            body: of the answer; ``None`` where it was streamed.
        """
        told = {name.lower(): value for name, value in headers.items()}
        responses = self._responses(method, path)
        response = _response(responses, status, passed=BLOCK_HEADER.lower() in told)
        if response is None:
            return [f"the status {status} is not in the document"]
        return [*_headers(response, told), *self._content(response, method, told, body)]

    def _responses(self, method: str, path: str) -> Mapping[str, Any]:
        operation = self._document["paths"].get(path, {}).get("get" if method == "HEAD" else method.lower())
        if operation is not None:
            responses: Mapping[str, Any] = operation["responses"]
            return responses
        error = "ErrorAnswer" if path.startswith("/api/v2") else "Error"
        content = {_JSON: {"schema": {"$ref": f"#/components/schemas/{error}"}}}
        return {"404": {"content": content}, "405": {"content": content, "headers": _ALLOW}}

    def _content(
        self, response: Mapping[str, Any], method: str, headers: Mapping[str, str], body: bytes | None
    ) -> Iterator[str]:
        content = response.get("content", {})
        if not content:
            if body:
                yield "there is a body, and the document has none"
            return
        media = headers.get("content-type", "").partition(";")[0]
        told = content.get(media) or content.get("*/*")
        if told is None:
            yield f"the media type {media or 'none'} is not in the document"
        elif media == _JSON and body is not None and method != "HEAD" and "*/*" not in content:
            yield from self._faults(told["schema"], body)

    def _faults(self, schema: Mapping[str, Any], body: bytes) -> Iterator[str]:
        ours = [each for each in schema.get("anyOf", ()) if each != _ANY_JSON]
        validator = self._validator({"anyOf": ours} if ours else schema)
        for error in validator.iter_errors(msgspec.json.decode(body)):
            yield f"/{'/'.join(map(str, error.instance_path))}: {error.message}"[:1000]

    def _validator(self, schema: Mapping[str, Any]) -> Any:
        key = msgspec.json.encode(schema, order="deterministic").decode()
        if key not in self._validators:
            self._validators[key] = jsonschema_rs.Draft202012Validator(
                {**schema, "components": {"schemas": self._document["components"]["schemas"]}}
            )
        return self._validators[key]


def _response(responses: Mapping[str, Any], status: int, *, passed: bool) -> Mapping[str, Any] | None:
    response: Mapping[str, Any] | None = responses.get(f"{status // 100}XX" if passed else str(status))
    return response


def _is_page(path: str) -> bool:
    """Whether a path is of a page, or of a file that pages load: the document does not have them."""
    return path == serving.PATH or any(path == each.path for each in pages.ALL)


def _headers(response: Mapping[str, Any], told: Mapping[str, str]) -> Iterator[str]:
    documented = response.get("headers", {})
    for name, header in documented.items():
        if header.get("required") and name.lower() not in told:
            yield f"the header {name} is missing"
    if BLOCK_HEADER in documented:
        return  # the others are the workflow's
    known = {name.lower() for name in documented} | _UNTOLD
    yield from (
        f"the header {name} is not in the document" for name in told if name[:2] == "x-" and name not in known
    )


CONTRACT: Final = Contract(build((*ALL, *ELSEWHERE)))
"""The contract of the gateway as it is."""


def checking(allowed: Contract, found: list[str]) -> Middleware:
    """A middleware that notes in ``found`` what is wrong with the answers that pass through it."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if request.method == "OPTIONS" or response.status == HTTPStatus.SWITCHING_PROTOCOLS:
            return response
        resource = request.match_info.route.resource
        if resource is None and not request.path.startswith("/api/"):
            return response  # a page says that there is none
        if resource is not None and _is_page(resource.canonical):
            return response
        body = response.body if isinstance(response, web.Response) else None
        faults = allowed.violations(
            request.method,
            request.path if resource is None else resource.canonical,
            response.status,
            response.headers,
            body if isinstance(body, bytes) else None,
        )
        found.extend(f"{request.method} {request.path} {response.status}: {fault}" for fault in faults)
        return response

    return check
