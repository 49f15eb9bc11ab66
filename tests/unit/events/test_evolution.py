"""The vocabulary grows and never changes: what is in a log stays readable, and means what it meant.

``vocabulary.json`` is every event, command and outcome as it was released. What is added is written there
with SIGNOFF_UPDATE_SCHEMA=1; what the test names as a change makes old logs unreadable, or say something
else.
"""

import os
import re
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from msgspec import NODEFAULT, Raw, Struct
from msgspec.structs import FieldInfo

from signoff.engine.evolve import evolve
from signoff.engine.state import State
from signoff.events.codec import broken_link, chain_hash, decode_command, decode_event, decode_outcome, encode
from signoff.events.errors import CodecError
from signoff.events.types import (
    COMMAND_TYPES,
    EVENT_TYPES,
    SYSTEM,
    CancelExecution,
    Command,
    Event,
    Outcome,
    VariablesSet,
)

Fields = dict[str, dict[str, Any]]
"""By name on the wire: ``{"type"}``, and the ``"default"`` where there is one."""

_GOLDEN: Final = Path(__file__).with_name("vocabulary.json")


def fields_of(kind: type[Struct]) -> Fields:
    """What a struct is on the wire."""
    hints = typing.get_type_hints(kind)
    return {each.encode_name: described(each, hints[each.name]) for each in msgspec.structs.fields(kind)}


def described(field: FieldInfo, hint: object) -> dict[str, Any]:
    kind = {"type": named(hint)}
    if isinstance(field.default, Raw):
        return kind | {"default": bytes(field.default).decode()}
    if field.default is not NODEFAULT:
        return kind | {"default": msgspec.to_builtins(field.default)}
    if field.default_factory is not NODEFAULT:
        return kind | {"default": msgspec.to_builtins(field.default_factory())}
    return kind


def named(hint: object) -> str:
    """A type in short: where its class stands is no part of it."""
    return re.sub(r"(?:\w+\.)+(\w+)", r"\1", re.sub(r"<class '(.*)'>", r"\1", str(hint)))


def vocabulary() -> dict[str, Fields]:
    """Every struct that is in a log or a topic, by its name on the wire or its own."""
    tops: dict[str, type[Struct]] = {**EVENT_TYPES, **COMMAND_TYPES}
    tops |= {"(event)": Event, "(command)": Command, "(outcome)": Outcome}
    found = {name: fields_of(kind) for name, kind in tops.items()}
    inner = {kind for top in tops.values() for kind in parts_of(top)} - {*tops.values()}
    return found | {each.__name__: fields_of(each) for each in inner}


def parts_of(kind: type[Struct]) -> Iterator[type[Struct]]:
    """The structs within a struct, at any depth."""
    for hint in typing.get_type_hints(kind).values():
        for each in structs_in(hint):
            yield each
            yield from parts_of(each)


def structs_in(hint: object) -> Iterator[type[Struct]]:
    if isinstance(hint, type) and issubclass(hint, Struct):
        yield hint
    for argument in typing.get_args(hint):
        yield from structs_in(argument)


def changes(was: Mapping[str, Fields], now: Mapping[str, Fields]) -> list[str]:
    """What makes an old record unreadable, or say something else than it did."""
    found = [f"{name} is gone" for name in was if name not in now]
    for name, fields in was.items():
        today = now.get(name, {})
        found += [f"{name}.{each} is gone" for each in fields if today and each not in today]
        found += [
            f"{name}.{each} was {fields[each]} and is {today[each]}"
            for each in fields
            if each in today and not is_same(fields[each], today[each])
        ]
        found += [
            f"{name}.{each} is new and has no default"
            for each, kind in today.items()
            if each not in fields and "default" not in kind
        ]
    return found


def is_same(was: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Whether what was written reads as it did. A choice may gain a value; it never loses one."""
    chosen, choices = (re.findall(r"'[^']*'", each["type"]) for each in (was, now))
    before, after = (re.sub(r"'[^']*'(, )?", "", each["type"]) for each in (was, now))
    return set(chosen) <= set(choices) and {**was, "type": before} == {**now, "type": after}


@pytest.fixture(scope="module")
def golden() -> dict[str, Fields]:
    """The vocabulary as it was released."""
    if os.environ.get("SIGNOFF_UPDATE_SCHEMA"):
        known = msgspec.json.decode(_GOLDEN.read_bytes()) if _GOLDEN.exists() else {}
        assert not changes(known, vocabulary())
        text = msgspec.json.format(msgspec.json.encode(vocabulary(), order="sorted"), indent=1)
        _GOLDEN.write_bytes(text + b"\n")
    return msgspec.json.decode(_GOLDEN.read_bytes(), type=dict[str, Fields])


def test_nothing_released_is_taken_away_or_changed(golden: dict[str, Fields]) -> None:
    assert changes(golden, vocabulary()) == [], "add a field or a type instead: see docs/upgrades.md"


def test_what_was_added_is_written_down(golden: dict[str, Fields]) -> None:
    assert msgspec.json.decode(msgspec.json.encode(vocabulary())) == golden, (
        "run this test with SIGNOFF_UPDATE_SCHEMA=1, and look at the diff"
    )


@pytest.mark.parametrize(
    ("now", "told"),
    [
        ({}, "a:b is gone"),
        ({"a:b": {"y": {"type": "int", "default": 0}}}, "a:b.x is gone"),
        ({"a:b": {"x": {"type": "str"}}}, "a:b.x was {'type': 'int'} and is {'type': 'str'}"),
        ({"a:b": {"x": {"type": "int", "default": 1}}}, "is {'type': 'int', 'default': 1}"),
        ({"a:b": {"x": {"type": "int"}, "z": {"type": "int"}}}, "a:b.z is new and has no default"),
    ],
)  # fmt: skip
def test_a_change_is_told(now: dict[str, Fields], told: str) -> None:
    found = changes({"a:b": {"x": {"type": "int"}}}, now)

    assert found[0].endswith(told)


def test_an_addition_is_none() -> None:
    was: dict[str, Fields] = {"a:b": {"x": {"type": "Literal['one']"}}}
    more: Fields = {"x": {"type": "Literal['one', 'two']"}, "y": {"type": "int", "default": 0}}

    assert changes(was, {"a:b": more, "c:d": {}}) == []
    assert changes({"a:b": more}, was) != []


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
