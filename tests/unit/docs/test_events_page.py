"""docs/events.md tells of every event, with every field and an example that can be read."""

import json
import re
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from signoff.events.codec import decode_event, encode
from signoff.events.types import EVENT_TYPES, Event, EventData, Placed

PAGE: Final = (Path(__file__).resolve().parents[3] / "docs" / "events.md").read_text(encoding="utf-8")
SECTIONS: Final = {
    match["type"]: match
    for match in re.finditer(
        r"^### `(?P<type>[^`]+)`\n\n[^\n]+\n\nData: (?P<fields>[^\n]+)\n\n```json\n(?P<example>.*?)^```$",
        PAGE,
        re.DOTALL | re.MULTILINE,
    )
}
ITS_PLACE: Final = " and [its place](#where-it-happened)"


def fields_of(kind: type[EventData]) -> str:
    """The fields as the page lists them: in order, optional ones with a question mark."""
    placed = issubclass(kind, Placed)
    shown = [
        f"`{field.encode_name}{'' if field.required else '?'}`"
        for field in msgspec.structs.fields(kind)
        if not (placed and field.name in Placed.__struct_fields__)
    ]
    return ", ".join(shown) + (ITS_PLACE if placed else "")


def as_event(kind: str, data: Any) -> bytes:
    """The bytes of an event with some data."""
    envelope = {
        "type": kind, "eventId": 1, "workflowId": "w", "timestamp": "2026-03-02T09:00:00.000000Z",
        "causationId": "1", "data": data,
    }  # fmt: skip
    return json.dumps(envelope).encode()


def test_the_page_tells_of_every_event_and_of_no_other() -> None:
    assert sorted(SECTIONS) == sorted(EVENT_TYPES)


@pytest.mark.parametrize("kind", EVENT_TYPES)
def test_the_page_lists_the_fields_of_an_event_in_their_order(kind: str) -> None:
    assert SECTIONS[kind]["fields"] == fields_of(EVENT_TYPES[kind])


@pytest.mark.parametrize("kind", EVENT_TYPES)
def test_the_example_of_an_event_is_one_field_by_field(kind: str) -> None:
    example = json.loads(SECTIONS[kind]["example"])

    read = decode_event(as_event(kind, example))

    assert type(read.data) is EVENT_TYPES[kind]
    assert list(json.loads(encode(read))["data"].items()) == list(example.items())


def test_the_page_names_every_field_of_the_envelope_and_of_a_place() -> None:
    envelope = [field.encode_name for field in msgspec.structs.fields(Event)]
    place = [field.encode_name for field in msgspec.structs.fields(Placed)]

    assert [name for name in envelope if f'"{name}"' not in PAGE and f"| `{name}` |" not in PAGE] == []
    assert [name for name in place if f"`{name}`" not in PAGE] == []
