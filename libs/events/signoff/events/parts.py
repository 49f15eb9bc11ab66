"""Stored values and their large parts: what moves to the object store, and how it comes back. No I/O."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from operator import itemgetter
from typing import Final, TypeAlias

import msgspec
from msgspec import Struct

from signoff.events.codec import encode_json
from signoff.events.escapes import BLOB, SECRET, escape, is_reference
from signoff.events.types import Json

Reveal: TypeAlias = Callable[[str], Json]
"""Gives what stands for a secret, by its id."""

JSON_MEDIA_TYPE: Final = "application/json"

STORED_MEDIA_TYPE: Final = "application/vnd.signoff.stored+json"
"""Of parts that name secrets: they are kept in the form that events have."""

_SMALLEST: Final = 512  # below, a reference saves nothing worth a round trip
_MOVABLE: Final = (str, dict, list, tuple)
_PARTS: Final = (JSON_MEDIA_TYPE, STORED_MEDIA_TYPE)
_NAMES_SECRET: Final = b'{"$secret":'  # in a stored value nothing else is written so


class Plan(Struct, frozen=True):
    """What an event will hold, and the parts to store before, by digest."""

    fields: dict[str, Json]
    parts: dict[str, bytes]


def make_plan(fields: Mapping[str, Json], budget: int, always_over: int) -> Plan:
    """How values as users gave them fit into an event; arguments as those of `fit`."""
    return fit({name: _escaped(value) for name, value in fields.items()}, budget, always_over)


def fit(escaped: Mapping[str, Json], budget: int, always_over: int) -> Plan:
    """How stored values that are whole fit into an event.

    Args:
        escaped: the values by a name of ours.
        budget: bytes that all of the encoded result may take.
        always_over: a part of more bytes moves in any case.
    """
    limit = always_over
    while True:
        parts: dict[str, bytes] = {}
        shrunk = {name: _shrunk(value, limit, parts) for name, value in escaped.items()}
        limit //= 2
        if limit < _SMALLEST or sum(len(encode_json(value)) for value in shrunk.values()) <= budget:
            return Plan(shrunk, parts)


def _escaped(value: Json) -> Json:
    """The value escaped; most have nothing to escape, and large ones are not walked through for that."""
    return escape(value) if may_need_escapes(encode_json(value)) else value


def _shrunk(value: Json, limit: int, parts: dict[str, bytes]) -> Json:
    """The escaped value within the limit: what is over it is moved to ``parts``, children before parents."""
    if not isinstance(value, _MOVABLE) or len(encode_json(value)) <= limit:
        return value
    if isinstance(value, str):
        return move_whole(value, parts)
    kept = dict(value) if isinstance(value, dict) else list(value)
    inner: dict[Json, dict[str, bytes]] = {}  # by the key or index of a child
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(item, _MOVABLE) and len(encode_json(item)) >= _SMALLEST:
            inner[key] = {}
            kept[key] = _shrunk(item, limit, inner[key])
    size = len(encode_json(kept))
    if size > limit:
        size = _move_largest(value, kept, size - limit, inner)
    if size > limit:
        return move_whole(value, parts)  # whole, so that what is stored names no other part
    for child in inner.values():
        parts.update(child)
    return kept


def _move_largest(value: Json, kept: Json, excess: int, inner: dict[Json, dict[str, bytes]]) -> int:
    """Move the largest children until the excess is gone; gives the size of what is kept."""
    sizes = {key: len(encode_json(kept[key])) for key in inner}
    for key in sorted(sizes, key=sizes.__getitem__, reverse=True):
        if excess <= 0 or sizes[key] < _SMALLEST:
            break
        inner[key] = {}
        kept[key] = move_whole(value[key], inner[key])
        excess -= sizes[key] - len(encode_json(kept[key]))
    return len(encode_json(kept))


def move_whole(value: Json, parts: dict[str, bytes]) -> dict[str, Json]:
    """The reference to a stored value that is whole; its bytes are put among the parts, by digest."""
    raw, media_type = encode_json(value), JSON_MEDIA_TYPE
    if _NAMES_SECRET in raw:
        media_type = STORED_MEDIA_TYPE
    elif may_need_escapes(raw):
        raw = encode_json(restored(value, {}, _never))
    digest = digest_of(raw)
    parts[digest] = raw
    return reference_to(digest, len(raw), media_type)


def is_object(value: Json) -> bool:
    """Whether a stored value is an object of the user's."""
    return isinstance(value, dict) and not is_reference(value)


def largest_parts(values: Mapping[str, Json]) -> list[tuple[int, str, str | None]]:
    """What may move of stored values, the largest first: its size, the value's name, and the field's."""
    parts = [
        (len(encode_json(part)), name, key)
        for name, value in values.items()
        for key, part in (value.items() if is_object(value) else [(None, value)])
        if isinstance(part, _MOVABLE) and not is_reference(part)
    ]
    return sorted((part for part in parts if part[0] >= _SMALLEST), key=itemgetter(0), reverse=True)


def may_need_escapes(raw: bytes) -> bool:
    """Whether some key may begin with ``$``: one scan; a text that begins so is a false alarm."""
    return b'"$' in raw


def restored(value: Json, parts: Mapping[str, bytes], reveal: Reveal) -> Json:
    """The value without escapes, with parts and secrets in place of references to them."""
    if isinstance(value, dict):
        if BLOB in value:
            return _restored_part(value, parts, reveal)
        if SECRET in value:
            return reveal(value[SECRET])
        return {key.removeprefix("$"): restored(item, parts, reveal) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [restored(item, parts, reveal) for item in value]
    return value


def _restored_part(reference: Json, parts: Mapping[str, bytes], reveal: Reveal) -> Json:
    if not _is_part(reference):
        return reference
    part = msgspec.json.decode(parts[reference[BLOB]])
    return part if reference["mediaType"] == JSON_MEDIA_TYPE else restored(part, {}, reveal)


def with_parts(value: Json, parts: Mapping[str, bytes]) -> Json:
    """The stored value with parts in place of references to them; escapes and secrets as they are."""
    if isinstance(value, dict):
        if not _is_part(value):
            return {key: with_parts(item, parts) for key, item in value.items()}
        part = msgspec.json.decode(parts[value[BLOB]])
        return escape(part) if value["mediaType"] == JSON_MEDIA_TYPE else part
    if isinstance(value, list | tuple):
        return [with_parts(item, parts) for item in value]
    return value


def _never(secret_id: str) -> Json:
    raise ValueError(f"secret {secret_id} stands in a value that was said to name none")


def references(value: Json) -> Iterator[str]:
    """The digests of all references to parts of a value."""
    if isinstance(value, dict):
        if _is_part(value):
            yield value[BLOB]
            return
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from references(item)


def _is_part(value: Mapping[str, Json]) -> bool:
    """Whether a stored value is a reference to a value of ours, which is JSON."""
    return BLOB in value and value.get("mediaType") in _PARTS


def reference_to(digest: str, size: int, media_type: str) -> dict[str, Json]:
    """The reference to a large value of so many bytes."""
    return {"$blob": digest, "size": size, "mediaType": media_type}


def digest_of(value: bytes) -> str:
    """What names a large value."""
    return f"sha256:{hashlib.sha256(value).hexdigest()}"
