"""References are found once and resolved as the rules say."""

from collections.abc import Collection, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signoff.engine.definitions.definition import Block, Definition
from signoff.engine.definitions.references import (
    MISSING,
    block_names,
    compile_code,
    compile_value,
    resolve,
    resolve_code,
)
from signoff.engine.errors import UnknownFieldError

NAMES = {"start": "s1", "doubleit": "d1", "d1": "d1", "idle": "i1"}


class Facts:
    """A scope that holds what it was made with."""

    def __init__(self) -> None:
        self.outputs: dict[str, dict[str, Any]] = {
            "s1": {
                "amount": 12.0,
                "list": [{"x": 1}, "two"],
                "who": {"mail": "a@b.c", "0": "zero"},
                "none": None,
            },
            "d1": {"result": "<start.amount> {{SECRET}}"},
        }
        self.declared: dict[str, Collection[str]] = {"d1": ("result", "stdout")}
        self.variables: dict[str, Any] = {"maxlimit": {"eur": 5}}
        self.turns: dict[str, Mapping[str, Any]] = {}

    def output(self, block_id: str) -> dict[str, Any] | None:
        return self.outputs.get(block_id)

    def reveal(self, value: Any) -> Any:
        return value

    def fields(self, block_id: str) -> Collection[str] | None:
        return self.declared.get(block_id)

    def variable(self, name: str) -> Any:
        return self.variables.get(name, MISSING)

    def turn(self, container: str | None, kind: str | None) -> Mapping[str, Any] | None:
        return self.turns.get(container or kind or "")

    def environment(self, name: str) -> str | None:
        return {"HOST": "example.org", "SECRET": "s3cret"}.get(name)


def resolved(value: Any) -> Any:
    return resolve(compile_value(value, NAMES), Facts())


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("<start.amount>", 12.0),
        ("<start.list>", [{"x": 1}, "two"]),
        ("<start.list[0].x>", 1),
        ("<start.list.1>", "two"),
        ("<start.list[9]>", None),
        ("<start.who.0>", "zero"),
        ("<start.who.mail.deeper>", None),
        ("<start.none>", None),
        ("<START.amount>", 12.0),
        ("<Double It.result>", "<start.amount> {{SECRET}}"),
        ("<d1.result>", "<start.amount> {{SECRET}}"),
        ("<d1>", {"result": "<start.amount> {{SECRET}}"}),
        ("<variable.Max.eur>", "<variable.Max.eur>"),
        ("<variable.MaxLimit.eur>", 5),
        ("{{HOST}}", "example.org"),
        ("{{ HOST }}", "example.org"),
    ],
)
def test_a_reference_alone_in_its_text_keeps_its_type(text: str, value: Any) -> None:
    assert resolved(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("n=<start.amount>", "n=12"),
        ("<start.list>!", '[{"x":1},"two"]!'),
        ("<start.who.mail>, <start.amount>", "a@b.c, 12"),
        ("[<start.none>|<idle.x>]", "[|]"),
        ("https://{{HOST}}/x", "https://example.org/x"),
    ],
)
def test_within_text_values_stand_as_text(text: str, value: str) -> None:
    assert resolved(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "a < b",
        "<3",
        "<br/>",
        "1 < 2 > 0",
        "< start.amount>",
        "<start.amount + 1>",
        "<start. amount>",
        "<start.amount",
        "<start..amount>",
        "<nobody.amount>",
        "<loop.index>",
        "<parallel.index>",
        "<variable.unknown>",
        "<variable>",
        "a<start.amount&&d>e",
        "{{UNKNOWN}}",
        "{{}}",
        "{{ }}",
        "<>",
    ],
)
def test_what_is_no_reference_stays_as_it_was_written(text: str) -> None:
    assert resolved(text) == text


def test_a_reference_right_after_a_bracket_is_found() -> None:
    assert resolved("<3 <start.amount>") == "<3 12"


def test_values_are_never_searched_for_references() -> None:
    assert resolved("x <doubleit.result>") == "x <start.amount> {{SECRET}}"


def test_a_block_that_did_not_run_gives_null() -> None:
    assert resolved("<idle.anything.at[0].all>") is None


def test_an_unknown_field_of_a_block_that_ran_is_an_error_with_the_fields_that_there_are() -> None:
    with pytest.raises(UnknownFieldError) as caught:
        resolved("<doubleit.x>")
    assert str(caught.value) == '"x" doesn\'t exist on block "doubleit". Available fields: result, stdout'


def test_a_declared_field_that_is_absent_gives_null() -> None:
    assert resolved("<doubleit.stdout>") is None


def test_the_error_of_a_block_that_succeeded_is_null() -> None:
    assert resolved("<doubleit.error>") is None


def test_a_block_that_declares_no_fields_gives_null_for_any() -> None:
    assert resolved("<start.whatever>") is None


def test_references_are_resolved_in_lists_and_objects_but_not_in_keys() -> None:
    value = {"<start.amount>": [1, "<start.amount>", {"deep": "<start.who.mail>"}], "same": {"a": 1}}
    assert resolved(value) == {"<start.amount>": [1, 12.0, {"deep": "a@b.c"}], "same": {"a": 1}}
    assert list(resolved({"b": "<start.amount>", "a": 1})) == ["b", "a"]


def test_resolving_leaves_the_template_as_it_was() -> None:
    template = compile_value({"a": ["<start.amount>"]}, NAMES)
    resolve(template, Facts())["a"].append("more")
    assert resolve(template, Facts()) == {"a": [12.0]}


def test_a_template_names_the_blocks_that_it_refers_to() -> None:
    template = compile_value({"a": ["<start.amount> <d1>"], "b": "<idle.x>", "c": "{{HOST}}"}, NAMES)
    assert template.blocks == {"s1", "d1", "i1"}
    assert not template.constant


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_characters="<{")),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_a_value_without_references_is_given_back_itself(value: Any) -> None:
    template = compile_value(value, NAMES)
    assert template.constant
    assert not template.blocks
    assert resolve(template, Facts()) is value


@given(st.text(st.sampled_from("<>{}.[] start0amountHOSTvariable+")))
def test_no_text_breaks_the_search(text: str) -> None:
    resolve(compile_value(text, NAMES), Facts())
    resolve_code(compile_code(text, NAMES), Facts())


def test_references_in_code_become_bound_variables() -> None:
    template = compile_code("return <start.amount> > <start.list[1]> && <start.amount>", NAMES)
    source, bindings = resolve_code(template, Facts())
    assert source == "return __ref0 > __ref1 && __ref0"
    assert bindings == {"__ref0": 12.0, "__ref1": "two"}
    assert template.blocks == {"s1"}


def test_the_source_is_the_same_for_all_executions() -> None:
    template = compile_code("return <start.amount>", NAMES)
    other = Facts()
    other.outputs["s1"]["amount"] = "1); evil("
    assert resolve_code(template, Facts())[0] is resolve_code(template, other)[0]


def test_unknown_variables_stay_in_the_code() -> None:
    source, bindings = resolve_code(
        compile_code("<variable.nope> + <start.amount> + '{{NOPE}}'", NAMES), Facts()
    )
    assert source == "<variable.nope> + __ref1 + '{{NOPE}}'"
    assert bindings == {"__ref1": 12.0}


def test_environment_values_are_bound_with_or_without_quotes_around_them() -> None:
    source, bindings = resolve_code(compile_code("f({{HOST}}, \"{{HOST}}\", '{{SECRET}}')", NAMES), Facts())
    assert [bindings[name] for name in source[2:-1].split(", ")] == ["example.org", "example.org", "s3cret"]


def test_bound_names_do_not_meet_names_in_the_code() -> None:
    source, bindings = resolve_code(compile_code("__ref0 + <start.amount>", NAMES), Facts())
    assert source == "__ref0 + __ref_0"
    assert bindings == {"__ref_0": 12.0}


def test_an_unknown_field_in_code_is_an_error_too() -> None:
    with pytest.raises(UnknownFieldError):
        resolve_code(compile_code("return <doubleit.x.y>", NAMES), Facts())


def block(block_id: str, name: str, block_type: str = "function") -> Block:
    return Block(id=block_id, type=block_type, name=name, params={})


def test_a_block_is_known_by_its_name_and_by_its_id() -> None:
    definition = Definition(name="w", blocks=(block("id-1", "Double It"),), connections=())
    assert block_names(definition) == {"id-1": "id-1", "doubleit": "id-1"}


def test_a_name_goes_before_the_id_of_another_block() -> None:
    definition = Definition(name="w", blocks=(block("a", "B"), block("b", "A")), connections=())
    assert block_names(definition) == {"a": "b", "b": "a"}


def test_the_start_block_is_called_start_unless_another_is() -> None:
    begin = block("x", "Begin", "start_trigger")
    assert block_names(Definition(name="w", blocks=(begin,), connections=()))["start"] == "x"
    other = block("y", "Start")
    assert block_names(Definition(name="w", blocks=(begin, other), connections=()))["start"] == "y"


TURN = {"index": 2, "currentItem": {"name": "Ada"}, "items": [0, 1, {"name": "Ada"}]}


def turning(value: Any, **turns: Mapping[str, Any]) -> Any:
    facts = Facts()
    facts.turns.update(turns)
    facts.outputs["each"] = {"results": [[{"index": 7}]]}
    facts.declared["each"] = ("results",)
    return resolve(compile_value(value, NAMES | {"each": "each"}), facts)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("<loop.index>", 2),
        ("<Loop.currentItem.name>", "Ada"),
        ("<loop.items[2].name>", "Ada"),
        ("<loop.items[9]>", None),
        ("<each.index>", 2),
        ("<each.currentItem.name>", "Ada"),
        ("<each.results[0][0].index>", 7),
        ("item <loop.index> of <loop.items>", 'item 2 of [0,1,{"name":"Ada"}]'),
        ("<parallel.index>", "<parallel.index>"),
        ("<loop>", "<loop>"),
    ],
)
def test_inside_a_container_its_turn_is_read(text: str, value: Any) -> None:
    assert turning(text, loop=TURN, each=TURN) == value


def test_the_innermost_container_of_a_kind_is_meant() -> None:
    assert turning(["<loop.index>", "<parallel.index>"], loop={"index": 1}, parallel={"index": 5}) == [1, 5]


def test_a_turn_without_items_has_null_for_them() -> None:
    assert turning("<loop.currentItem>", loop={"index": 1}) is None


def test_outside_a_container_its_output_is_read() -> None:
    assert turning("<each.results>") == [[{"index": 7}]]
    with pytest.raises(UnknownFieldError, match="Available fields: results"):
        turning("<each.index>")


def test_an_unknown_field_of_a_turn_is_an_error() -> None:
    with pytest.raises(UnknownFieldError, match="Available fields: index, currentItem, items"):
        turning("<loop.size>", loop=TURN)


def test_turns_are_bound_in_code_and_stay_text_outside() -> None:
    template = compile_code("return <loop.index> + <parallel.index>", NAMES)
    facts = Facts()
    facts.turns["loop"] = TURN
    source, bindings = resolve_code(template, facts)
    assert source == "return __ref0 + <parallel.index>"
    assert bindings == {"__ref0": 2}


def test_a_reference_of_over_a_thousand_characters_is_text() -> None:
    text = f"<d1.{'x' * 2000}>"
    assert resolved(text) == text
