import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from signoff.gateway.errors import ApiError
from signoff.gateway.workflows.yaml_text import MAX_ALIASES, MAX_BYTES, decode_yaml


def refusal(text: str) -> ApiError:
    with pytest.raises(ApiError) as caught:
        decode_yaml(text.encode())
    return caught.value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: [1, -2, 1.5, .5, 1e3]", {"a": [1, -2, 1.5, 0.5, 1000.0]}),
        ("a: [true, False, null, ~]", {"a": [True, False, None, None]}),
        ("a:", {"a": None}),
        ("on: [yes, no, off]", {"on": ["yes", "no", "off"]}),
        ("due: 2026-01-01", {"due": "2026-01-01"}),
        ("a: ['1', \"true\", !!str 3]", {"a": ["1", "true", "3"]}),
        ("a: |\n  one\n  two\n", {"a": "one\ntwo\n"}),
        ("a: !!python/object:os.system x", {"a": "x"}),
        ("", None),
    ],
)
def test_values_are_read_by_the_core_schema(text: str, value: object) -> None:
    assert decode_yaml(text.encode()) == value


def test_an_alias_stands_for_what_it_names() -> None:
    assert decode_yaml(b"a: &x [1, 2]\nb: *x") == {"a": [1, 2], "b": [1, 2]}


def test_keys_that_stand_twice_are_refused_each_by_its_place() -> None:
    error = refusal("blocks:\n  a: {x: 1, x: 2}\n  a: {}\n")

    assert error.status == 422
    assert [each.path for each in error.details] == ["blocks.a.x", "blocks.a"]


@pytest.mark.parametrize(
    "text", ["a: [1", "a: *x", "a: &x [*x]", "{[1]: 2}", "a\n---\nb", "\t- a", "a: b: c"]
)
def test_what_is_no_single_plain_document_is_refused(text: str) -> None:
    assert refusal(text).status == 400


@pytest.mark.parametrize("text", ["[" * 100_000, "- " * 50_000, "a: " + "{a: " * 5_000])
def test_deep_nesting_is_refused_and_does_not_crash_the_process(text: str) -> None:
    assert refusal(text).status == 400


def test_too_many_aliases_are_refused() -> None:
    assert "aliases" in str(refusal("a: &x 1\nb: [" + "*x, " * (MAX_ALIASES + 1) + "]"))


def test_an_alias_bomb_is_never_unfolded() -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60)]

    value = decode_yaml("\n".join(lines).encode())

    assert value["a59"][0] is value["a59"][1]


def test_a_long_text_is_refused_before_it_is_read() -> None:
    assert refusal("a" * (MAX_BYTES + 1)).status == 413


# PyYAML writes YAML 1.1, where 0E0 is a text that needs no quotes; here, as in 1.2, it is a number.
texts = st.text().filter(lambda text: re.match(r"[-+.\d]", text) is None)
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**18), 10**18) | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
    max_leaves=20,
)


@given(plain)
def test_what_pyyaml_writes_of_json_values_is_read_back(value: object) -> None:
    text = yaml.dump(value, Dumper=yaml.SafeDumper, default_style='"' if isinstance(value, str) else None)

    assert decode_yaml(text.encode("utf-8", "surrogatepass")) == value
