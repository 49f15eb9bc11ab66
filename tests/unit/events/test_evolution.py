"""What is published grows and never changes: old logs stay readable, and so do new ones to old consumers.

``docs/schemas`` has every event, command and outcome as it is today; SIGNOFF_UPDATE_SCHEMA=1 writes what was
added. ``docs/schemas/released`` has them as they were released: what the test names as a change breaks those
who rely on them.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Literal

import jsonschema_rs
import msgspec
import pytest
from msgspec import Struct

from signoff.engine.evolve import evolve
from signoff.engine.state import State
from signoff.events.codec import broken_link, chain_hash, decode_command, decode_event, decode_outcome, encode
from signoff.events.errors import CodecError
from signoff.events.schemas import documents
from signoff.events.schemas.structs import Schema
from signoff.events.types import (
    SYSTEM,
    CancelExecution,
    Command,
    Event,
    EventData,
    Outcome,
    VariablesSet,
)
from signoff.events.types.values import ActorType
from support.compatibility import breaking

SCHEMAS: Final = Path(__file__).resolve().parents[3] / "docs" / "schemas"


@pytest.mark.parametrize(("name", "build"), documents.DOCUMENTS.items())
def test_nothing_released_is_taken_away_or_changed(name: str, build: Callable[[], Schema]) -> None:
    released = msgspec.json.decode((SCHEMAS / "released" / f"{name}.schema.json").read_bytes())

    assert breaking(released, build()) == [], "add a field or a type instead: see docs/topics.md"


@pytest.mark.parametrize(("name", "build"), documents.DOCUMENTS.items())
def test_what_was_added_is_written_down(name: str, build: Callable[[], Schema]) -> None:
    written = SCHEMAS / f"{name}.schema.json"
    if os.environ.get("SIGNOFF_UPDATE_SCHEMA"):
        written.write_bytes(documents.encode(build()))

    assert written.read_bytes() == documents.encode(build()), (
        "run this test with SIGNOFF_UPDATE_SCHEMA=1, and look at the diff"
    )


# What counts as a change ---------------------------------------------------------------------------------

Colour = Literal["red", "green"]


def thing(*fields: Any, name: str = "Thing") -> type[EventData]:
    """An event's data with these fields, as msgspec defines structs."""
    return msgspec.defstruct(
        name, fields, bases=(EventData,), frozen=True, kw_only=True, omit_defaults=True, rename="camel"
    )


def schema(**kinds: type[EventData]) -> Schema:
    """The document of a vocabulary."""
    return documents.events({f"thing:{name}": kind for name, kind in kinds.items()})


PART: Final = msgspec.defstruct("Part", [("colour", Colour)], rename="camel")
OTHER_PART: Final = msgspec.defstruct("Part", [("color", Colour)], rename="camel")
WAS: Final = thing(
    ("item_id", str), ("count", int), ("note", str | None, None), ("weight", int, 1), ("colour", Colour),
    ("by", ActorType), ("parts", list[PART], []),
)  # fmt: skip


def changed(**fields: Any) -> type[EventData]:
    """The same with some fields otherwise; ``None`` takes one away."""
    now = {each.name: (each.type, *default_of(each)) for each in msgspec.structs.fields(WAS)} | fields
    return thing(*((name, *field) for name, field in now.items() if field is not None))


def default_of(field: msgspec.structs.FieldInfo) -> tuple[Any, ...]:
    if field.default is not msgspec.NODEFAULT:
        return (field.default,)
    return () if field.default_factory is msgspec.NODEFAULT else ([],)


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (changed(item_id=None), "Thing.itemId is gone"),
        (changed(item_id=None, article_id=(str, "")), "Thing.itemId is gone"),
        (changed(count=(int, 0)), "Thing.count may be absent and never was"),
        (changed(note=(str,)), "Thing.note is required and was not"),
        (changed(later=(str,)), "Thing.later is required and was not"),
        (changed(count=(str,)), 'Thing.count was {"type": "integer"} and is {"type": "string"}'),
        (changed(count=(float,)), 'Thing.count was {"type": "integer"} and is {"type": "number"}'),
        (changed(count=(int | None,)), 'Thing.count was {"type": "integer"} and is {"anyOf"'),
        (changed(weight=(int, 2)), "Thing.weight meant 1 when it was absent, and means 2"),
        (changed(colour=(Literal["red", "green", "blue"],)), "Thing.colour may be blue, which nobody"),
        (changed(colour=(Literal["red"],)), "Thing.colour can no longer be green"),
        (changed(colour=(str,)), 'Thing.colour was {"enum": "a choice"} and is {"type": "string"}'),
        (changed(by=(Literal["user", "link"],)), 'Thing.by was {"anyOf": "an open choice"} and is {"enum"'),
        (changed(parts=(list[OTHER_PART], [])), "Part.colour is gone"),
        (changed(parts=(list[str], [])), 'Thing.parts[] was {"$ref": "#/$defs/Part"} and is'),
        (changed(parts=(PART | None, None)), "Thing.parts meant [] when it was absent, and means nothing"),
    ],
)  # fmt: skip
def test_a_change_that_breaks_a_reader_is_told(now: type[EventData], told: str) -> None:
    found = breaking(schema(done=WAS), schema(done=now))

    assert [each for each in found if each.startswith(told)] != [], found


def test_a_type_that_is_taken_away_or_renamed_is_told() -> None:
    assert "type thing:done is gone" in breaking(schema(done=WAS), schema())
    assert "type thing:done is gone" in breaking(schema(done=WAS), schema(ended=WAS))


def test_a_type_whose_data_are_others_is_told() -> None:
    told = breaking(schema(done=WAS), schema(done=thing(("item_id", str), name="Another"), ended=WAS))

    assert any(each.startswith("Event:thing:done.data was") for each in told)


def test_another_envelope_is_told() -> None:
    now = schema(done=WAS)
    del now["$defs"]["Event"]["properties"]["prev"]

    assert breaking(schema(done=WAS), now) == ["Event.prev is gone"]


def test_a_lost_value_of_an_open_choice_is_told() -> None:
    now = schema(done=WAS)
    now["$defs"]["Thing"]["properties"]["by"]["anyOf"][0]["enum"].remove("link")

    assert breaking(schema(done=WAS), now) == ["Thing.by can no longer be link"]


def test_a_change_of_outcomes_is_told() -> None:
    now = documents.outcomes()
    now["properties"]["outcome"]["enum"].append("lost")

    assert breaking(documents.outcomes(), now) == ["Outcome.outcome may be lost, which nobody expects"]


def test_what_a_reader_may_pass_over_is_let_through() -> None:
    more = changed(later=(str | None, None), more=(list[str], []))
    now = schema(done=more, begun=thing(("at", str), name="Begun"))
    now["$defs"]["Thing"]["properties"]["by"]["anyOf"][0]["enum"].append("robot")
    now["$defs"]["Thing"]["description"] = "Said better."

    assert breaking(schema(done=WAS), schema(done=WAS)) == []
    assert breaking(schema(done=WAS), now) == []


def test_what_is_let_through_fits_the_schema_of_yesterday() -> None:
    more: Struct = changed(later=(str | None, None))(
        item_id="1", count=1, colour="red", by="robot", later="!", parts=[PART(colour="green")]
    )
    envelope = {"eventId": 1, "workflowId": "w", "timestamp": "t", "causationId": "1", "hop": 1}
    reader = jsonschema_rs.Draft202012Validator(schema(done=WAS))

    assert reader.is_valid(envelope | {"type": "thing:done", "data": msgspec.to_builtins(more)})
    assert reader.is_valid(envelope | {"type": "thing:begun", "data": {"at": "now"}})
    assert not reader.is_valid(envelope | {"type": "thing:done", "data": {"itemId": "1"}})


# What a newer version writes, to this one ---------------------------------------------------------------


def an_event(version: int, prev: str | None = None) -> bytes:
    return encode(
        Event(
            type=VariablesSet.TYPE,
            event_id=version,
            workflow_id="refund",
            timestamp="2026-01-01T00:00:00.000000Z",
            causation_id="1",
            prev=prev,
            data=VariablesSet(values={"limit": version}),
        )
    )


def newer(raw: bytes) -> bytes:
    """An event of a type, and with a field in its envelope, that this version does not know."""
    return raw.replace(b"variables:set", b"later:invented").replace(b'"data"', b'"later":{"x":1},"data"')


def test_a_chain_with_a_newer_event_in_it_is_checked_like_any_other() -> None:
    first = an_event(1)
    second = newer(an_event(2, chain_hash(first)))
    third = an_event(3, chain_hash(second))

    assert broken_link([first, second, third]) is None
    assert broken_link([first, second.replace(b'"x":1', b'"x":2'), third]) == 2


def test_fields_that_are_not_known_are_passed_over() -> None:
    command = Command(
        command_id="1", type=CancelExecution.TYPE, execution_id="e", issued_at="now", actor=SYSTEM,
        data=CancelExecution(reason="r"),
    )  # fmt: skip
    outcome = Outcome(command_id="1", execution_id="e", outcome="accepted")

    assert decode_command(encode(command).replace(b'"reason"', b'"later":[1],"reason"')) == command
    assert decode_outcome(encode(outcome).replace(b'"outcome"', b'"later":[1],"outcome"')) == outcome


def test_a_command_of_an_unknown_type_is_refused_by_its_name() -> None:
    command = Command(
        command_id="1", type=CancelExecution.TYPE, execution_id="e", issued_at="now", actor=SYSTEM,
        data=CancelExecution(reason="r"),
    )  # fmt: skip

    with pytest.raises(CodecError, match="LaterInvented"):
        decode_command(encode(command).replace(b"CancelExecution", b"LaterInvented"))


def test_history_is_shown_past_a_newer_event() -> None:
    """The fold that shows an execution goes on; the one that decides does not (test_loading.py)."""
    state = State()
    for raw in (an_event(1), newer(an_event(2)), an_event(3)):
        evolve(state, decode_event(raw))

    assert (state.version, state.variables) == (3, {"limit": 3})


def test_old_data_is_read_through_its_upcast() -> None:
    old = an_event(1).replace(b'"values":', b'"set":')

    event = decode_event(old, upcasts={VariablesSet.TYPE: lambda data: {"values": data["set"]}})

    assert event.data == VariablesSet(values={"limit": 1})
