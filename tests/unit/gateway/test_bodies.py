import time
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, Struct, json

from signoff.gateway.errors import ApiError
from signoff.gateway.http.bodies import convert, decode_json, nests_deeper


def refusal(raw: bytes) -> ApiError:
    with pytest.raises(ApiError) as caught:
        decode_json(raw)
    assert caught.value.status == 400
    return caught.value


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (b'{"input":{"amount":NaN}}', "input.amount"),
        (b'{"input":[1,-Infinity]}', "input[1]"),
        (b'{"input":{"name":"\\ud800"}}', "input.name"),
        (b'{"n":18446744073709551616}', "n"),
    ],
)
def test_a_value_that_the_log_cannot_hold_is_refused_by_its_place(raw: bytes, path: str) -> None:
    assert [each.path for each in refusal(raw).details] == [path]


@pytest.mark.parametrize("raw", [b"{", b"nope", b'{"a":1,}', b"\xff\xfe", b'{"a":1} {"b":2}'])
def test_what_is_not_json_is_refused(raw: bytes) -> None:
    assert "not JSON" in str(refusal(raw))


@pytest.mark.parametrize("depth", [101, 900, 2_000, 100_000])
def test_a_value_nested_too_deep_is_refused_by_its_outermost_field(depth: int) -> None:
    raw = b'{"fine":[{"other":1}],"input":' + b"[" * depth + b"]" * depth + b"}"

    error = refusal(raw)

    assert [each.path for each in error.details] == ["input"]
    assert "nested over 100 levels" in str(error)


def test_a_value_of_just_a_hundred_levels_is_taken() -> None:
    assert decode_json(b"[" * 100 + b"]" * 100) is not None


def test_brackets_in_texts_are_no_levels() -> None:
    assert decode_json(json.encode(["[" * 500, '"{' * 300])) == ["[" * 500, '"{' * 300]


def test_a_large_shallow_body_is_measured_in_a_moment() -> None:
    raw = json.encode([{"a": [1, {"b": "]["}]}] * 100_000)
    began = time.process_time()

    assert not nests_deeper(raw, 100)

    assert time.process_time() - began < 5


values = st.recursive(
    st.none() | st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


def depth_of(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    return 1 + max(map(depth_of, value), default=0) if isinstance(value, list) else 0


@given(values)
def test_depth_is_measured_as_by_walking(value: object) -> None:
    raw = json.encode(value)
    limits = range(1, 8)

    assert [nests_deeper(raw, limit) for limit in limits] == [depth_of(value) > limit for limit in limits]


class Body(Struct):
    stream: bool = False
    names: list[str] = []


@pytest.mark.parametrize(("body", "path"), [({"stream": "yes"}, "stream"), ({"names": ["a", 1]}, "names[1]")])
def test_a_field_of_the_wrong_type_is_named(body: object, path: str) -> None:
    with pytest.raises(ApiError) as caught:
        convert(body, Body)

    assert [each.path for each in caught.value.details] == [path]


class Strict(Struct, forbid_unknown_fields=True):
    name: str
    inner: "Strict | None" = None


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "name"),
        ({"name": "a", "nme": "b"}, "nme"),
        ({"name": "a", "inner": {}}, "inner.name"),
        ({"name": "a", "inner": {"name": "b", "x": 1}}, "inner.x"),
        ({"name": "a", "x" * 1_000_000: 1}, "x" * 100),
    ],
)
def test_a_field_that_is_missing_or_unknown_is_named(body: object, path: str) -> None:
    with pytest.raises(ApiError) as caught:
        convert(body, Strict)

    assert [each.path for each in caught.value.details] == [path]
    assert len(str(caught.value)) < 200


class Sorted(Struct, rename="camel"):
    by: Literal["due", "opened"] | None = None
    of_kinds: Annotated[list[Literal["low", "high"]], Meta(max_length=3)] = []
    inner: "list[Sorted]" = []


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"by": "x"}, "by must be one of due, opened"),
        ({"ofKinds": ["low", "x"]}, "ofKinds[1] must be one of high, low"),
        ({"inner": [{}, {"by": "x"}]}, "inner[1].by must be one of due, opened"),
    ],
)
def test_where_there_is_a_choice_the_refusal_names_all_that_may_be_chosen(given: Any, text: str) -> None:
    with pytest.raises(ApiError) as caught:
        convert(given, Sorted)

    assert (caught.value.status, str(caught.value)) == (400, text)
