"""YAML in, as JSON values: within limits, without surprises.

Values follow the core schema of YAML 1.2, so that ``no``, ``on`` and dates stay texts. The events of
libyaml are read one by one: PyYAML's own composer recurses in C, and deep input would crash the process.
"""

import re
from collections.abc import Iterator
from typing import Final

import yaml
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceStartEvent,
)

from signoff.engine.definitions.faults import at
from signoff.events.codec import MAX_DEPTH
from signoff.events.types import Json
from signoff.gateway.errors import ApiError, Detail, bad_request, keys_stand_twice

MAX_BYTES: Final = 1024 * 1024
"""Of YAML text; it is read a hundred times slower than JSON."""

MAX_ALIASES: Final = 1000

_Loader: Final = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
_INTEGER: Final = re.compile(r"[-+]?[0-9]{1,19}", re.ASCII)
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?", re.ASCII)
_WORDS: Final[dict[str, Json]] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip


def decode_yaml(raw: bytes) -> Json:
    """The one document of a YAML text.

    Raises:
        ApiError: 413 for over 1 MiB, 422 for keys that stand twice, 400 for anything else that is wrong.
    """
    if len(raw) > MAX_BYTES:
        raise ApiError(413, f"A YAML body may have {MAX_BYTES} bytes; send JSON instead")
    try:
        reader = _Reader(yaml.parse(raw.decode(), Loader=_Loader))
        return reader.document()
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise bad_request(f"The body is not YAML: {error}") from error


class _Reader:
    """Builds values from events. What an alias names is shared, never copied."""

    def __init__(self, events: Iterator[Event]) -> None:
        self._events = events
        self._anchors: dict[str, Json] = {}
        self._aliases = 0
        self._duplicates: list[str] = []

    def document(self) -> Json:
        value: Json = None
        documents = 0
        for event in self._events:
            documents += isinstance(event, DocumentStartEvent)
            if documents > 1:
                raise bad_request("The body holds more than one YAML document")
            if isinstance(event, NodeEvent):
                value = self._value(event, "", 0)
        if self._duplicates:
            raise keys_stand_twice(self._duplicates)
        return value

    def _value(self, event: Event, path: str, depth: int) -> Json:
        value: Json
        match event:
            case AliasEvent():
                return self._aliased(event, path)
            case ScalarEvent():
                value = _scalar(event)
            case SequenceStartEvent() if depth < MAX_DEPTH:
                value = [
                    self._value(each, f"{path}[{index}]", depth + 1)
                    for index, each in enumerate(self._items())
                ]
            case MappingStartEvent() if depth < MAX_DEPTH:
                value = self._mapping(path, depth)
            case _:
                reason = f"nested over {MAX_DEPTH} levels deep"
                raise bad_request(f"{path[:80]}: {reason}", Detail(path[:80], reason))
        if event.anchor is not None:
            self._anchors[event.anchor] = value
        return value

    def _aliased(self, event: AliasEvent, path: str) -> Json:
        self._aliases += 1
        if self._aliases > MAX_ALIASES:
            raise bad_request(f"The body has over {MAX_ALIASES} aliases")
        if event.anchor not in self._anchors:
            raise bad_request(f"{path}: *{event.anchor} names nothing that was written before it")
        return self._anchors[event.anchor]

    def _items(self) -> Iterator[Event]:
        for event in self._events:
            if isinstance(event, CollectionEndEvent):
                return
            yield event

    def _mapping(self, path: str, depth: int) -> dict[str, Json]:
        mapping: dict[str, Json] = {}
        for event in self._items():
            if not isinstance(event, ScalarEvent):
                raise bad_request(
                    f"{path or 'The body'}: a key must be a text", Detail(path, "a key must be a text")
                )
            key = event.value
            place = at(path, key)
            if key in mapping:
                self._duplicates.append(place)
            mapping[key] = self._value(next(self._events), place, depth + 1)
        return mapping


def _scalar(event: ScalarEvent) -> Json:
    text: str = event.value
    if not event.implicit[0]:
        return text  # quoted, or tagged; no tag makes anything else of it
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text
