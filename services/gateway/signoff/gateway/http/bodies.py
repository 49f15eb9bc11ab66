"""Bodies in: read within limits, decoded, and refused by the place that is at fault."""

import asyncio
import json
import re
from typing import Any, Final, TypeVar

import msgspec
from aiohttp import web
from multidict import MultiDictProxy

from signoff.events.codec import MAX_DEPTH, check_value
from signoff.events.errors import ValueNotStorableError
from signoff.events.types import Json
from signoff.gateway.errors import ApiError, Detail, bad_field, bad_request
from signoff.gateway.http import timing
from signoff.gateway.http.choices import choices_at

READ_LIMIT: Final = 30.0
"""Seconds within which a body must have arrived."""

MAX_FIELDS: Final = 1_000
"""Fields of a form."""

URLENCODED: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data"

T = TypeVar("T")

_LONG_NUMBER: Final = re.compile(rb"\d{19}")
_TEXT: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_BRACKETS: Final = bytes.maketrans(b"{}", b"[]")
_NOT_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_TOKEN: Final = re.compile(rb'"(?P<key>(?:[^"\\]|\\.)*+)"\s*+:|"(?:[^"\\]|\\.)*+"|[\[\]{}]', re.DOTALL)
_PLACE: Final = re.compile(r"(?s)(.*) - at `\$\.?(.*)`$")
_FIELD: Final = re.compile(r"(?s)Object (missing required|contains unknown) field `(.*)`")
_NO_CHOICE: Final = "Invalid enum value"
_SHOWN: Final = 100
_FIELD_FAULTS: Final = {"missing required": "must be given", "contains unknown": "is unknown; leave it out"}


async def read_bytes(request: web.Request) -> bytes:
    """The body as it came.

    Raises:
        ApiError: 408 when it did not arrive in time, 400 when its framing is broken.
    """
    try:
        if request.content.is_eof():  # it came with the head: there is nothing to wait for
            return await request.read()
        with timing.receiving():
            async with asyncio.timeout(READ_LIMIT):
                return await request.read()
    except TimeoutError:
        raise ApiError(408, f"The body did not arrive within {READ_LIMIT:g} s") from None
    except web.RequestPayloadError as error:
        raise bad_request("The body could not be read to its end") from error


async def read_json(request: web.Request) -> Json:
    """The body as JSON; an empty one is ``{}``.

    Raises:
        ApiError: 400 names the place that is at fault.
    """
    raw = await read_bytes(request)
    return decode_json(raw) if raw.strip() else {}


async def read_object(request: web.Request) -> dict[str, Json]:
    """The body as a JSON object; an empty one is ``{}``.

    Raises:
        ApiError: 400 names the place that is at fault.
    """
    body = await read_json(request)
    if not isinstance(body, dict):
        raise bad_request("The body must be a JSON object")
    return body


async def read_form(
    request: web.Request, *, most: int | None = None
) -> MultiDictProxy[str | bytes | bytearray | web.FileField]:
    """The fields of a form, as a browser sends them. The one way to read one: it waits for a bounded time.

    Args:
        request: of the browser; it may be read again.
        most: bytes of a form without files (``application/x-www-form-urlencoded``); ``None``: whatever a
            body may have, with files or without.

    Raises:
        ApiError: 408 when they did not arrive in time, 400 when their framing is broken, 411 when their
            length is not told, 413 when they are too many or too large, 415 when it is another kind of form.
    """
    if most is not None and request.can_read_body:
        _check_small(request, most)
    try:
        with timing.receiving():
            async with asyncio.timeout(READ_LIMIT):
                return await request.post()
    except TimeoutError:
        raise ApiError(408, f"The form did not arrive within {READ_LIMIT:g} s") from None
    except web.HTTPRequestEntityTooLarge as error:
        limit = request.client_max_size - 1
        raise ApiError(413, f"A form has at most {limit:,} bytes and {MAX_FIELDS:,} fields") from error
    except (web.RequestPayloadError, ValueError) as error:
        raise bad_request("The form could not be read to its end") from error


def _check_small(request: web.Request, most: int) -> None:
    """Make sure that a form is short before any of it is read: browsers tell its length."""
    if request.content_type != URLENCODED or "Content-Encoding" in request.headers:
        raise ApiError(415, f"Send this form as {URLENCODED}")
    if request.content_length is None:
        raise ApiError(411, "Tell the length of this form (Content-Length)")
    if request.content_length > most:
        raise ApiError(413, f"This form has at most {most:,} bytes")


def decode_json(raw: bytes) -> Json:
    """JSON that the log can hold.

    Raises:
        ApiError: 400, for text that is no JSON, NaN, Infinity, lone surrogates, numbers over 64 bits
            and values nested over 100 levels deep; names the place.
    """
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _not_json(raw, error) from error
    except RecursionError:
        raise _too_deep(raw) from None
    if nests_deeper(raw, MAX_DEPTH):
        raise _too_deep(raw)
    if _LONG_NUMBER.search(raw):
        check_storable(value)
    return value


def check_storable(value: Json) -> Json:
    """The value, if JSON and the log can hold it.

    Raises:
        ApiError: 400 names the place.
    """
    try:
        return check_value(value)
    except ValueNotStorableError as error:
        raise _at(error.path, error.reason) from error


def convert(value: Json, kind: type[T], *, strict: bool = True) -> T:
    """A decoded body as a struct.

    Args:
        value: as it was read.
        kind: what it must be.
        strict: texts are no numbers; a query or a header has nothing but texts.

    Raises:
        ApiError: 400 names the field.
    """
    try:
        return msgspec.convert(value, kind, strict=strict)
    except msgspec.ValidationError as error:
        raise _unfit(str(error), kind) from error


def nests_deeper(raw: bytes, limit: int) -> bool:
    """Whether valid JSON nests deeper than ``limit`` levels, without looking at each value in Python.

    Texts are cut out, then the innermost pairs of brackets, once for each level.
    """
    if raw.count(b"[") + raw.count(b"{") <= limit:
        return False
    brackets = _TEXT.sub(b"", raw).translate(_BRACKETS, _NOT_BRACKETS)
    for _ in range(limit):
        if not brackets:
            return False
        brackets = brackets.replace(b"[]", b"")
    return bool(brackets)


def _unfit(text: str, kind: Any) -> ApiError:
    """What msgspec finds at fault, named by its place: a field that is unknown or missing by its own."""
    match = _PLACE.match(text)
    reason, place = (match[1], match[2]) if match else (text, "")
    field = _FIELD.fullmatch(reason)
    if field is not None:
        name = field[2][:_SHOWN]
        return bad_field(f"{place}.{name}" if place else name, _FIELD_FAULTS[field[1]])
    choices = choices_at(kind, place) if reason.startswith(_NO_CHOICE) else []
    if choices:
        return bad_field(place, f"must be one of {', '.join(map(str, choices))}")
    return _at(place, reason) if match else bad_request(reason)


def _at(path: str, reason: str) -> ApiError:
    place = path.removeprefix("$").removeprefix(".")
    where = place or "The body"
    return bad_request(f"{where}: {reason}", Detail(place, reason))


def _not_json(raw: bytes, error: Exception) -> ApiError:
    """Python's own reader takes NaN, Infinity and lone surrogates: then the place can be named."""
    try:
        check_value(json.loads(raw))
    except ValueNotStorableError as fault:
        return _at(fault.path, fault.reason)
    except (ValueError, RecursionError):
        pass  # not even that: what msgspec said is all that can be said
    return bad_request(f"The body is not JSON: {error}")


def _too_deep(raw: bytes) -> ApiError:
    """Names the outermost field that nests too deep."""
    field, depth = "", 0
    for token in _TOKEN.finditer(raw):
        if token["key"] is not None:
            field = token["key"].decode() if depth == 1 else field
        elif token[0] in b"[{":
            depth += 1
        elif token[0] in b"]}":
            depth -= 1
        if depth > MAX_DEPTH:
            break
    return _at(field, f"nested over {MAX_DEPTH} levels deep")
