"""Requests that are right, from the examples and the schemas of the OpenAPI document."""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import quote

METHODS: Final = ("get", "put", "post", "patch", "delete")
_SIMPLE: Final[Mapping[str, Any]] = {
    "string": "text", "integer": 1, "number": 1.5, "boolean": True, "object": {}, "array": [], "null": None,
}  # fmt: skip
_SELDOM: Final = 0.1
"""How often something is deleted: else there is soon nothing left to ask for."""

_NO_NAME_SERVER: Final = ("https://erp.example.org", "http://127.0.0.1:9")
"""What examples send webhooks to, and where nobody answers, at once: a look-up takes longer than all else."""

_EVERYWHERE: Final = ("Idempotency-Key", "If-None-Match", "If-Match", "Range", "Last-Event-ID", "Accept")


@dataclass(frozen=True)
class Request:
    """A request before it becomes bytes; ``path`` has its segments encoded already."""

    method: str
    path: tuple[str, ...]
    query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    parameters: Sequence[str] = ()
    fields: Sequence[str] = ()
    indices: Sequence[int] = field(default=())
    """Which segments of the path are somebody's id."""

    def with_header(self, name: str, value: str) -> "Request":
        """The request with one more header."""
        return replace(self, headers=(*self.headers, (name, value)))

    @property
    def target(self) -> str:
        """What stands in the first line between method and version."""
        query = "&".join(f"{name}={value}" for name, value in self.query)
        return "/" + "/".join(self.path) + (f"?{query}" if query else "")

    def encode(self) -> bytes:
        """The bytes on the wire: as long as its headers say nothing else, rightly framed."""
        lines = [
            f"{self.method} {self.target} HTTP/1.1",
            *(f"{name}: {value}" for name, value in self.headers),
        ]
        if self.body or self.method not in ("GET", "HEAD"):
            lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + self.body


class Valid:
    """Makes requests of a server.

    Args:
        document: OpenAPI.
        known: for each name in a path, values that are somebody's.
        key: that lets in.
        chance: decides.
    """

    def __init__(
        self,
        document: Mapping[str, Any],
        known: Mapping[str, Sequence[str]],
        key: str,
        chance: random.Random,
    ) -> None:
        self._document = document
        self._known = known
        self._key = key
        self._chance = chance
        self._operations = [
            (path, method, operation)
            for path, operations in document["paths"].items()
            for method, operation in operations.items()
            if method in METHODS
        ]
        self._weights = [_SELDOM if method == "delete" else 1.0 for _, method, _ in self._operations]

    def request(self) -> Request:
        """One request of any route."""
        path, method, operation = self._chance.choices(self._operations, self._weights)[0]
        parameters = operation.get("parameters", [])
        headers = [("Host", "127.0.0.1"), ("X-API-Key", self._key)]
        media, body = self._body(operation)
        if media:
            headers.append(("Content-Type", media))
        segments = path.removeprefix("/").split("/")
        query = [each for each in parameters if each["in"] == "query" and self._chance.random() < 0.3]
        return Request(
            method=method.upper(),
            path=tuple(self._segment(each) for each in segments),
            query=tuple((each["name"], quote(_text(self._value(each["schema"])))) for each in query),
            headers=tuple(headers),
            body=body,
            parameters=[each["name"] for each in parameters if each["in"] == "query"],
            fields=[*_EVERYWHERE, *(each["name"] for each in parameters if each["in"] == "header")],
            indices=[index for index, each in enumerate(segments) if each.startswith("{")],
        )

    def id(self) -> str:
        """An id of anything that there is."""
        return self._chance.choice(self._known[self._chance.choice(list(self._known))])

    def _segment(self, segment: str) -> str:
        if not segment.startswith("{"):
            return segment
        return quote(self._chance.choice(self._known.get(segment[1:-1], ["unknown"])), safe="")

    def _body(self, operation: Mapping[str, Any]) -> tuple[str, bytes]:
        contents = operation.get("requestBody", {}).get("content", {})
        if not contents:
            return "", b""
        media, content = self._chance.choice(list(contents.items()))
        if media.startswith("multipart/"):
            part = 'Content-Disposition: form-data; name="file"; filename="a.txt"'
            return f"{media}; boundary=edge", f"--edge\r\n{part}\r\n\r\nabc\r\n--edge--\r\n".encode()
        value = content.get("example", self._value(content.get("schema", {})))
        text = value if isinstance(value, str) else json.dumps(value)
        return media, text.replace(*_NO_NAME_SERVER).encode()

    def _value(self, schema: Mapping[str, Any], depth: int = 0) -> Any:
        """A value that a schema allows, more or less: what follows changes it anyway."""
        if "$ref" in schema:
            schema = self._document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        for name in ("anyOf", "oneOf"):
            if name in schema:
                return self._value(
                    {**schema, name: (), **self._chance.choice(schema[name])} if schema[name] else {}
                )
        if "enum" in schema:
            return self._chance.choice(schema["enum"])
        kind = schema.get("type", "string")
        kind = kind if isinstance(kind, str) else self._chance.choice(kind)
        if kind == "object" and depth < 4:
            return {name: self._value(each, depth + 1) for name, each in schema.get("properties", {}).items()}
        if kind == "array" and depth < 4:
            return [self._value(schema.get("items", {}), depth + 1)]
        return _SIMPLE[kind]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
