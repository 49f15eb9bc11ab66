"""What is done to a request that is right: each changes one thing of it, and leaves its framing right."""

import gzip
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final, TypeAlias
from urllib.parse import quote

from fuzz import evil
from fuzz.valid import Request

_MOST_BODY: Final = 10 * 1024 * 1024

Mutation: TypeAlias = Callable[[Request, random.Random, str], Request]
"""Changes a request; the text is the id of some other thing."""


def mutated(request: Request, chance: random.Random, other: str) -> Request:
    """The request with up to four things changed, now and then with none."""
    for _ in range(chance.choice((0, 1, 1, 1, 2, 2, 3, 4))):
        request = chance.choice(_MUTATIONS)(request, chance, other)
    return request


def _method(request: Request, chance: random.Random, _: str) -> Request:
    return replace(request, method=chance.choice(evil.METHODS))


def _id(request: Request, chance: random.Random, other: str) -> Request:
    if not request.indices:
        return _segment(request, chance, other)
    text = chance.choice((other, chance.choice(evil.TEXTS)))
    return _at(request, chance.choice(request.indices), _quoted(text, chance))


def _segment(request: Request, chance: random.Random, _: str) -> Request:
    return _at(request, chance.randrange(len(request.path)), chance.choice(evil.SEGMENTS))


def _at(request: Request, index: int, segment: str) -> Request:
    return replace(request, path=(*request.path[:index], segment, *request.path[index + 1 :]))


def _more_path(request: Request, chance: random.Random, _: str) -> Request:
    path = list(request.path)
    path.insert(chance.randint(0, len(path)), chance.choice(evil.SEGMENTS))
    return replace(request, path=tuple(path))


def _query(request: Request, chance: random.Random, other: str) -> Request:
    name = chance.choice((*request.parameters, "cursor", "limit", "from", "workspaceId", "token", "x"))
    text = chance.choice((other, chance.choice(evil.TEXTS), chance.choice(evil.NUMBERS)))
    more = [(name, _quoted(text, chance))] * chance.choice((1, 1, 1, 2, 60))
    return replace(request, query=(*more, *request.query))


def _bare_query(request: Request, chance: random.Random, _: str) -> Request:
    return replace(request, query=((chance.choice(evil.SEGMENTS), chance.choice(evil.SEGMENTS)),))


def _field(request: Request, chance: random.Random, other: str) -> Request:
    text = chance.choice((other, chance.choice(evil.TEXTS), chance.choice(evil.NUMBERS)))
    return request.with_header(chance.choice(request.fields), _one_line(text))


def _header(request: Request, chance: random.Random, _: str) -> Request:
    return request.with_header(*chance.choice(evil.HEADERS))


def _other_header(request: Request, chance: random.Random, _: str) -> Request:
    name, text = chance.choice(evil.HEADERS)
    kept = [(known, value) for known, value in request.headers if known != name]
    return replace(request, headers=(*kept, (name, text)))


def _no_header(request: Request, chance: random.Random, _: str) -> Request:
    without = chance.choice(request.headers)
    return replace(request, headers=tuple(each for each in request.headers if each != without))


def _member(request: Request, chance: random.Random, other: str) -> Request:
    """Another value somewhere in a JSON body."""
    document = _document(request)
    if document is None:
        return replace(request, body=evil.written(chance, other).encode())
    marker = f"\x1amarker {chance.random()}"
    raw = json.dumps(_with(document, marker, chance))
    return replace(request, body=raw.replace(json.dumps(marker), evil.written(chance, other)).encode())


def _strange_key(request: Request, chance: random.Random, _: str) -> Request:
    document = _document(request)
    if not isinstance(document, dict):
        return request
    return replace(
        request, body=json.dumps({**document, chance.choice(evil.TEXTS): evil.value(chance)}).encode()
    )


def _no_key(request: Request, chance: random.Random, _: str) -> Request:
    document = _document(request)
    if not isinstance(document, dict) or not document:
        return request
    del document[chance.choice(list(document))]
    return replace(request, body=json.dumps(document).encode())


def _twice(request: Request, chance: random.Random, other: str) -> Request:
    """A key that stands twice."""
    document = _document(request)
    if not isinstance(document, dict) or not document:
        return request
    again = f"{{{json.dumps(chance.choice(list(document)))}:{evil.written(chance, other)},"
    return replace(request, body=again.encode() + request.body.lstrip()[1:])


def _body(request: Request, chance: random.Random, _: str) -> Request:
    return replace(request, body=chance.choice(evil.BYTES))


def _cut_body(request: Request, chance: random.Random, _: str) -> Request:
    return replace(request, body=request.body[: chance.randint(0, len(request.body))])


def _other_encoding(request: Request, chance: random.Random, _: str) -> Request:
    text = request.body.decode("utf-8", "replace")
    return replace(request, body=text.encode(chance.choice(("utf-16", "utf-32", "utf-7"))))


def _compressed(request: Request, chance: random.Random, _: str) -> Request:
    raw = chance.choice((request.body, b"[" + b"0," * 3_000_000 + b"0]", b"no gzip"))
    packed = raw if raw == b"no gzip" else gzip.compress(raw, 1)
    return replace(request.with_header("Content-Encoding", "gzip"), body=packed)


def _too_large(request: Request, chance: random.Random, _: str) -> Request:
    """Seldom: it takes as long as hundreds of others."""
    if chance.random() > 0.02:
        return request
    return replace(request, body=b'{"input":"' + b"x" * _MOST_BODY + b'"}')


_MUTATIONS: Final[Sequence[Mutation]] = (
    *(_method, _id, _id, _segment, _more_path, _query, _query, _bare_query, _field, _field, _header, _header),
    *(_other_header, _no_header, _member, _member, _member, _member, _strange_key, _no_key, _twice),
    *(_body, _cut_body, _other_encoding, _compressed, _too_large),
)


def _document(request: Request) -> Any:
    try:
        return json.loads(request.body)
    except (ValueError, RecursionError):
        return None


def _with(value: Any, marker: str, chance: random.Random) -> Any:
    """The value with the marker in the place of itself or of something in it."""
    if isinstance(value, dict) and value and chance.random() < 0.8:
        name = chance.choice(list(value))
        return {**value, name: _with(value[name], marker, chance)}
    if isinstance(value, list) and value and chance.random() < 0.8:
        index = chance.randrange(len(value))
        return [*value[:index], _with(value[index], marker, chance), *value[index + 1 :]]
    return marker


def _quoted(text: str, chance: random.Random) -> str:
    """As a part of an address: encoded, or as it is where that does not end the line."""
    encoded = quote(text, safe="", errors="surrogatepass")
    return encoded if chance.random() < 0.8 else "".join(_one_line(text).split())


def _one_line(text: str) -> str:
    return text.replace("\r", "").replace("\n", "").encode("utf-8", "replace").decode()
