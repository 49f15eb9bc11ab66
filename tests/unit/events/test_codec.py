"""Bytes to events and back."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from signoff.events.codec import (
    MAX_DEPTH,
    broken_link,
    chain_hash,
    check_value,
    decode_command,
    decode_event,
    decode_outcome,
    encode,
)
from signoff.events.errors import CodecError, ValueNotStorableError
from signoff.events.times import from_iso, iso
from signoff.events.types import SYSTEM, CancelExecution, Command, Event, Outcome, Unknown, VariablesSet

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
)
values = st.recursive(
    scalars | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)


def an_event(version: int = 1, *, prev: str | None = None, **values: object) -> Event:
    return Event(
        type=VariablesSet.TYPE,
        event_id=version,
        workflow_id="refund",
        timestamp="2026-01-01T00:00:00.000000Z",
        causation_id="1",
        prev=prev,
        data=VariablesSet(values=values),
    )


@given(values)
def test_an_event_comes_back_and_has_the_same_bytes_again(value: object) -> None:
    raw = encode(an_event(amount=value))

    again = decode_event(raw)

    assert again == an_event(amount=value)
    assert encode(again) == raw


def test_an_event_of_an_unknown_type_keeps_its_data_untouched() -> None:
    raw = (
        encode(an_event())
        .replace(b"variables:set", b"later:invented")
        .replace(b'{"values":{}}', b'{"x": [1]}')
    )

    event = decode_event(raw)

    assert isinstance(event.data, Unknown)
    assert bytes(event.data.raw) == b'{"x": [1]}'


def test_a_field_of_a_later_version_is_passed_over() -> None:
    raw = encode(an_event(a=1)).replace(b'"data":{', b'"later":true,"data":{"more":2,')

    assert decode_event(raw) == an_event(a=1)


def test_an_older_versions_data_is_upcast() -> None:
    raw = encode(an_event()).replace(b'{"values":{}}', b'{"vars":{"a":1}}')

    event = decode_event(raw, upcasts={VariablesSet.TYPE: lambda data: {"values": data["vars"]}})

    assert event == an_event(a=1)


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'{"type":"variables:set"}', b"\xff\xfe"])
def test_what_is_no_event_is_an_error_of_ours(raw: bytes) -> None:
    with pytest.raises(CodecError):
        decode_event(raw)


def test_data_that_does_not_fit_its_type_is_an_error_that_names_the_event() -> None:
    with pytest.raises(CodecError, match="event 1"):
        decode_event(encode(an_event()).replace(b'{"values":{}}', b'{"values":3}'))


def test_a_command_comes_back_and_one_of_an_unknown_type_does_not() -> None:
    command = Command(
        command_id="c",
        type=CancelExecution.TYPE,
        execution_id="e",
        issued_at="2026-01-01T00:00:00.000000Z",
        actor=SYSTEM,
        data=CancelExecution(reason="enough"),
    )
    raw = encode(command)

    assert decode_command(raw) == command
    with pytest.raises(CodecError, match="Unheard"):
        decode_command(raw.replace(b"CancelExecution", b"Unheard"))


def a_chain(length: int) -> list[bytes]:
    raws: list[bytes] = []
    for version in range(1, length + 1):
        raws.append(encode(an_event(version, prev=chain_hash(raws[-1]) if raws else None)))
    return raws


def test_an_unbroken_chain_has_no_broken_link() -> None:
    raws = a_chain(5)

    assert broken_link(raws) is None
    assert broken_link(raws[2:], prev=chain_hash(raws[1]), version=2) is None


def test_a_changed_event_breaks_the_chain_after_it() -> None:
    raws = a_chain(5)
    raws[2] = raws[2].replace(b"refund", b"refumd")

    assert broken_link(raws) == 3


def test_a_missing_event_breaks_the_chain() -> None:
    raws = a_chain(5)
    del raws[2]

    assert broken_link(raws) == 2


@given(st.integers(0, 4_102_444_800_000_000))
def test_a_time_comes_back_to_the_microsecond(microseconds: int) -> None:
    assert from_iso(iso(microseconds / 1_000_000)) == microseconds / 1_000_000


def test_a_time_without_a_zone_is_utc_and_no_time_is_an_error() -> None:
    assert from_iso("1970-01-01T00:00:10") == from_iso("1970-01-01T02:00:10+02:00") == 10.0
    with pytest.raises(CodecError):
        from_iso("tomorrow")


@given(values)
def test_what_json_can_say_is_storable(value: object) -> None:
    assert check_value(value) is value
    assert msgspec.json.decode(msgspec.json.encode(value)) == value


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"a": [1, float("nan")]}, "$.a[1]"),
        ({"a": float("-inf")}, "$.a"),
        (["\ud800"], "$[0]"),
        ({"\udfff": 1}, "$"),
        ({"a": {1: 2}}, "$.a"),
        ([b"bytes"], "$[0]"),
        ([2**64], "$[0]"),
    ],
)
def test_what_the_log_cannot_hold_is_named_by_its_place(value: object, path: str) -> None:
    with pytest.raises(ValueNotStorableError) as refused:
        check_value(value)

    assert refused.value.path == path


def test_a_value_may_nest_so_deep_and_no_deeper() -> None:
    def nested(depth: int) -> object:
        value: object = 1
        for _ in range(depth):
            value = [value]
        return value

    check_value(nested(MAX_DEPTH))
    with pytest.raises(ValueNotStorableError, match="deep"):
        check_value(nested(MAX_DEPTH + 1))


# Outcomes -------------------------------------------------------------------------------------------


def test_an_outcome_carries_an_event_byte_for_byte() -> None:
    raw = encode(an_event(1, note="é"))
    outcome = Outcome(command_id="c", execution_id="e", outcome="ended", event_id=1, event=Raw(raw))

    assert bytes(decode_outcome(encode(outcome)).event) == raw


def test_an_outcome_without_an_event_is_as_older_versions_wrote_it() -> None:
    older = b'{"commandId":"c","executionId":"e","outcome":"ended","eventId":1}'

    outcome = decode_outcome(older)

    assert outcome == Outcome(command_id="c", execution_id="e", outcome="ended", event_id=1)
    assert encode(outcome) == older
