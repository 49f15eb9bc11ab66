"""What a form demands of its values beside their types."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signoff.engine.definitions.constraints import MAX_MATCHED, MAX_PATTERNS
from signoff.engine.definitions.faults import Fault
from signoff.engine.definitions.forms import check_form, form_fields
from signoff.engine.definitions.parse import Parsed, parse


def fields(*specs: dict[str, Any]) -> list[dict[str, Any]]:
    return form_fields({"inputFormat": [{"name": f"x{index}"} | each for index, each in enumerate(specs)]})


def told(spec: dict[str, Any], value: Any) -> list[str]:
    return [fault.message for fault in check_form(fields(spec), {"x0": value})[1]]


PDF = {"name": "a.PDF", "type": "application/pdf"}
PHOTO = {"name": "b", "type": "image/png"}


@pytest.mark.parametrize(
    ("spec", "fitting", "others", "message"),
    [
        ({"type": "number", "min": 2}, [2, "2.5", 9], [1, "1.9"], "must be at least 2"),
        ({"type": "number", "max": "2"}, [2, -1], [3, "2.1"], "must be at most 2"),
        ({"minLength": 2}, ["ab", "äöü", 12, ""], ["a"], "must have at least 2 characters"),
        ({"maxLength": 2}, ["ab", "😀😀"], ["abc", 123], "must have at most 2 characters"),
        ({"type": "secret", "maxLength": 1}, ["a"], ["ab"], "must have at most 1 character"),
        ({"pattern": "[A-Z]{2}\\d+"}, ["AB1"], ["AB", "xAB1", "AB1x", "AB1\n", "ab1"], None),
        ({"pattern": "a|b"}, ["a", "b"], ["ab", "xb", "ax"], "must match the pattern a|b"),
        ({"pattern": ".*"}, ["a" * MAX_MATCHED], ["a" * (MAX_MATCHED + 1)], None),
        ({"type": "array", "minItems": 2}, [[1, 2], "[1,2]"], [[], [1]], "must have at least 2 entries"),
        ({"type": "files", "maxItems": 1}, [[], [PDF]], [[PDF, PHOTO]], "must have at most 1 entry"),
        ({"type": "files", "accept": [".pdf"]}, [[PDF]], [[PHOTO], [PDF, PHOTO], ["a.pdf"]], None),
        ({"type": "files", "accept": ["image/*", "application/pdf"]}, [[PDF, PHOTO]], [[{}]], None),
        ({"options": [{"value": "s", "label": "Small"}, "m"]}, ["s", "m"], ["Small", "l"], None),
        ({"type": "number", "options": ["1", 2]}, [1, "2"], [3], "must be one of: 1, 2"),
        ({"options": [1, True]}, [1, "true"], ["x"], "must be one of: 1, true"),
    ],
)
def test_a_value_fits_its_field(
    spec: dict[str, Any], fitting: list[Any], others: list[Any], message: str | None
) -> None:
    assert [told(spec, each) for each in fitting] == [[] for _ in fitting]
    for each in others:
        assert len(told(spec, each)) == 1
        assert message is None or told(spec, each) == [f'"x0" {message}']


def test_each_field_is_told_of_once() -> None:
    form = fields({"minLength": 5, "pattern": "[a-z]+", "options": ["hello"]}, {"type": "number", "min": 1})

    assert [fault.path for fault in check_form(form, {"x0": "A", "x1": "x"})[1]] == ["x0", "x1"]


def test_what_is_left_empty_breaks_nothing() -> None:
    assert told({"minLength": 5, "pattern": "x", "options": ["xxxxx"]}, "") == []


@pytest.mark.parametrize("spec", [{"maxLength": 5}, {"pattern": "x"}, {"options": ["x"]}])
def test_a_text_that_is_kept_beside_its_event_is_too_large_for_a_field_with_bounds(
    spec: dict[str, Any],
) -> None:
    large = {"$blob": "sha256:0", "size": 300_000}

    assert told(spec, large) == ['"x0" is too large']
    assert told({"minLength": 5}, large) == []


def test_a_sealed_secret_was_checked_before() -> None:
    assert told({"type": "secret", "maxLength": 5, "pattern": "x"}, {"$secret": "1"}) == []


def test_a_form_shows_what_it_demands() -> None:
    spec = {"type": "number", "min": "1", "max": 5.5, "pattern": "x"}
    text = {"maxLength": 3, "pattern": "x", "multiline": True, "min": 1}

    shown = fields(spec, text, {"type": "files", "accept": " .PDF", "maxItems": None})

    own = [{key: each[key] for key in each if key not in {"id", "name", "label"}} for each in shown]
    assert own == [
        {"type": "number", "required": False, "min": 1, "max": 5.5},
        {"type": "string", "required": False, "maxLength": 3, "pattern": "x", "multiline": True},
        {"type": "files", "required": False, "accept": [".pdf"]},
    ]


def test_a_pattern_that_would_be_tried_for_years_is_matched_within_the_time_of_a_test() -> None:
    form = fields(*[{"pattern": "(a|a)*(a|a)*(a|a)*b"}] * MAX_PATTERNS)

    faults = check_form(form, {field["name"]: "a" * MAX_MATCHED for field in form})[1]

    assert len(faults) == MAX_PATTERNS


# --- When it is deployed ---


def deployed(**form: Any) -> Parsed:
    return parse({"blocks": {"ask": {"type": "human_in_the_loop", "form": form}}}, workflow_id="w")


@pytest.mark.parametrize(
    ("spec", "place", "message"),
    [
        ({"type": "number", "min": 3, "max": 2}, ".min", "is greater than max: no value fits both"),
        ({"minLength": 3, "maxLength": 2}, ".minLength", "is greater than maxLength: no value fits both"),
        ({"type": "number", "min": "few"}, ".min", "must be a number"),
        ({"type": "number", "maxLength": 2}, ".maxLength", "does not go with a field of type number"),
        ({"min": 2}, ".min", "does not go with a field of type string"),
        ({"type": "array", "accept": [".pdf"]}, ".accept", "does not go with a field of type array"),
        ({"maxLength": 50_001}, ".maxLength", "must be a whole number from 0 to 50000"),
        ({"maxLength": -1}, ".maxLength", "must be a whole number from 0 to 50000"),
        ({"minLength": 1.5}, ".minLength", "must be a whole number from 0 to 50000"),
        ({"pattern": ""}, ".pattern", "must be a regular expression, as a text"),
        ({"pattern": "x" * 501}, ".pattern", "must be a regular expression of at most 500 characters"),
        ({"type": "files", "accept": ["pdf"]}, ".accept", None),
        ({"type": "files", "accept": []}, ".accept", None),
        ({"multiline": "yes"}, ".multiline", None),
        ({"options": [{"text": "x"}]}, ".options", None),
        ({"options": [None]}, ".options", None),
        ({"options": ["a", "b"], "minLength": 2}, ".options", "leave no choice: none of them fits minLength"),
        (
            {"maxLength": 2, "default": "abc"},
            "",
            'the default does not fit: "x" must have at most 2 characters',
        ),
        ({"type": "number", "default": "x"}, "", 'the default does not fit: "x" must be a number'),
        ({"options": ["a"], "default": "b"}, "", 'the default does not fit: "x" must be one of: a'),
    ],
)
def test_a_field_that_nothing_fits_is_a_fault(spec: dict[str, Any], place: str, message: str | None) -> None:
    faults = deployed(x=spec).faults

    assert [fault.path for fault in faults] == [f"blocks.ask.form.x{place}"]
    assert message in (None, faults[0].message)


@pytest.mark.parametrize("pattern", ["(", "a)|(b", "(?=a)", "(a)\\1", "a{1000}{1000}", "[b-a]", "*"])
def test_a_pattern_that_cannot_be_matched_in_linear_time_is_a_fault(pattern: str) -> None:
    assert [fault.path for fault in deployed(x={"pattern": pattern}).faults] == ["blocks.ask.form.x.pattern"]


def test_a_constraint_on_another_type_is_told_those_that_the_type_has() -> None:
    [fault] = deployed(x={"type": "number", "maxLength": 2}).faults

    assert fault.hint == "it may have min, max"


def test_a_form_has_so_many_patterns_and_no_more() -> None:
    form = {f"x{index}": {"pattern": f"a{index}"} for index in range(MAX_PATTERNS + 1)}

    assert [each.path for each in deployed(**form).faults] == [f"blocks.ask.form.x{MAX_PATTERNS}.pattern"]


def test_constraints_may_come_from_references() -> None:
    parsed = parse(
        {
            "input": {"most": "number", "sizes": "array"},
            "blocks": {
                "ask": {
                    "type": "human_in_the_loop",
                    "form": {
                        "paid": {"type": "number", "min": 5, "max": "<start.most>", "default": 9},
                        "size": {"options": ["<start.sizes>", "m"], "default": "s"},
                    },
                }
            },
        },
        workflow_id="w",
    )

    assert (parsed.faults, parsed.warnings) == ([], [])


def test_what_a_trigger_asks_for_is_checked_and_its_defaults_only_warned_of() -> None:
    parsed = parse(
        {"input": {"a": {"type": "number", "min": 5, "default": 1}}, "blocks": {"r": {"type": "response"}}},
        workflow_id="w",
    )

    assert parsed.faults == []
    assert parsed.warnings == [Fault("input.a", 'the default does not fit: "a" must be at least 5')]


def test_the_spelling_of_sim_is_checked_by_the_same_rules() -> None:
    params = {"inputFormat": [{"name": "a"}, {"name": "b", "type": "number", "min": 2, "max": 1}]}
    blocks = [
        {"id": "s", "metadata": {"id": "start_trigger"}},
        {"id": "h", "metadata": {"id": "human_in_the_loop"}, "config": {"params": params}},
    ]

    faults = parse({"blocks": blocks, "connections": []}, workflow_id="w").faults

    assert [fault.path for fault in faults] == ["blocks[1].config.params.inputFormat[1].min"]


# --- What holds of every form ---

SPECS = st.one_of(
    st.fixed_dictionaries(
        {"type": st.just("number")},
        optional={"min": st.integers(-5, 5), "max": st.integers(-5, 5), "value": st.sampled_from([1, "2"])},
    ),
    st.fixed_dictionaries(
        {"type": st.just("string")},
        optional={
            "minLength": st.integers(0, 4),
            "maxLength": st.integers(0, 4),
            "pattern": st.sampled_from(["[a-z]*", "\\d+", "tr?ue"]),
            "options": st.lists(st.sampled_from(["a", 1, {"value": "true"}]), max_size=3),
        },
    ),
    st.fixed_dictionaries({"type": st.just("boolean")}, optional={"value": st.sampled_from([True, "false"])}),
    st.fixed_dictionaries({"type": st.just("array")}, optional={"maxItems": st.integers(0, 2)}),
    st.fixed_dictionaries({"type": st.just("object")}),
)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-6, 6),
    st.floats(-6, 6),
    st.sampled_from(["", "true", "0", "1", "5", "abc", "[1]", "{}", '{"a": 1}', "[]", "tue"]),
    st.lists(st.integers(0, 2), max_size=3),
    st.dictionaries(st.sampled_from("ab"), st.integers(), max_size=2),
)


@given(
    st.lists(SPECS, max_size=3),
    st.dictionaries(st.sampled_from(["x0", "x1", "x2", "more"]), VALUES),
    st.booleans(),
)
def test_what_passes_passes_again_as_it_was_read(
    specs: list[dict[str, Any]], submission: dict[str, Any], required: bool
) -> None:
    form = fields(*(spec | {"required": required} for spec in specs))

    values, faults = check_form(form, submission)

    if not faults:
        assert check_form(form, values) == (values, [])
    assert submission.keys() <= values.keys()
    assert values.get("more") == submission.get("more")
