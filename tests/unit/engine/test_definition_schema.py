"""The published JSON Schema says what the reader does."""

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from signoff.engine.definitions.parse import parse
from signoff.engine.recipe.keys import FIELD_KEYS, RETRY_KEYS, TOP_KEYS
from signoff.engine.recipe.reader import SPELLINGS, block_keys
from signoff.engine.recipe.schema import definition_schema

from .definition_documents import EVERYTHING

ROOT = Path(__file__).resolve().parents[3]
PUBLISHED = ROOT / "docs" / "schemas" / "definition.schema.json"
VALIDATOR = Draft202012Validator(definition_schema())
KEYS = sorted(
    {*TOP_KEYS, *FIELD_KEYS, *RETRY_KEYS, *(key for each in SPELLINGS.values() for key in each.keys)}
)
VALUES = st.recursive(
    st.sampled_from(
        [
            None,
            True,
            False,
            0,
            1,
            3,
            -1,
            1.5,
            2000,
            "",
            " ",
            "x",
            "10s",
            "<start.x>",
            "{{X}}",
            "number",
            "python",
        ]
    ),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from([*KEYS, "when", "then", "else", "role", "content"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)


def test_the_published_schema_is_up_to_date() -> None:
    published = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    assert published == definition_schema(), (
        "run `signoff schema definition > docs/schemas/definition.schema.json`"
    )


def test_it_is_a_schema_that_describes_every_key() -> None:
    Draft202012Validator.check_schema(definition_schema())
    for block_type, spelling in SPELLINGS.items():
        assert spelling.about.endswith("."), block_type
        for name, key in block_keys(spelling).items():
            assert key.about.endswith("."), (block_type, name)


@pytest.mark.parametrize(
    "file", sorted(ROOT.glob("examples/*/workflow.yaml")), ids=lambda file: file.parent.name
)
def test_the_examples_are_valid(file: Path) -> None:
    assert list(VALIDATOR.iter_errors(yaml.safe_load(file.read_text(encoding="utf-8")))) == []


def test_a_definition_that_uses_every_key_is_valid_and_read() -> None:
    assert [error.message for error in VALIDATOR.iter_errors(EVERYTHING)] == []
    parsed = parse(EVERYTHING, workflow_id="w")
    assert (parsed.faults, parsed.warnings) == ([], [])
    used = {block["type"]: set(block) for block in EVERYTHING["blocks"].values()}
    for block_type, keys in used.items():
        own = set(SPELLINGS[block_type].keys) - {
            "messages",
            "for",
            "forEach",
            "while",
            "doWhile",
            "input",
            "start",
        }
        assert own <= keys | {"count"}, block_type


def test_what_a_disabled_block_lacks_is_not_asked_for() -> None:
    document = {"blocks": {"a": {"type": "response"}, "b": {"type": "slack", "enabled": False}}}
    assert VALIDATOR.is_valid(document)
    assert parse(document, workflow_id="w").definition is not None


@pytest.mark.parametrize(
    "change",
    [
        lambda document: document.pop("blocks"),
        lambda document: document.update(blocks={}),
        lambda document: document.update(inputs={}),
        lambda document: document["blocks"]["call"].pop("url"),
        lambda document: document["blocks"]["call"].update(uri="x"),
        lambda document: document["blocks"]["call"]["retry"].update(maxTries=50),
        lambda document: document["blocks"]["check"].update(then="ask"),
        lambda document: document["blocks"]["nap"].update({"for": "soon"}),
        lambda document: document["blocks"]["each"]["blocks"]["two"].pop("code"),
        lambda document: document["blocks"]["until"].update({"for": 1001}),
        lambda document: document["input"].update(who="text"),
        lambda document: document["blocks"]["route"]["routes"][0].pop("when"),
    ],
)
def test_what_is_wrong_is_refused_by_the_schema_and_by_the_reader(change: Any) -> None:
    document = copy.deepcopy(EVERYTHING)
    change(document)
    assert not VALIDATOR.is_valid(document)
    assert parse(document, workflow_id="w").faults


@st.composite
def near_documents(draw: st.DrawFn) -> dict[str, Any]:
    """Something close to a definition: blocks of the real types with some of their keys."""
    blocks: dict[str, Any] = {"end": {"type": "response"}}
    for name in draw(st.lists(st.sampled_from("abc"), max_size=2, unique=True)):
        block_type = draw(st.sampled_from([*SPELLINGS, "charge", "nobody"]))
        keys = list(block_keys(SPELLINGS.get(block_type)))
        template = next((each for each in EVERYTHING["blocks"].values() if each["type"] == block_type), {})
        block = {key: value for key, value in copy.deepcopy(template).items() if key not in {"then", "catch"}}
        block |= draw(st.dictionaries(st.sampled_from(keys), VALUES, max_size=2))
        blocks[name] = block | {"type": block_type}
    return {"blocks": blocks, **draw(st.dictionaries(st.sampled_from([*TOP_KEYS, "x"]), VALUES, max_size=1))}


@given(near_documents())
def test_what_the_schema_refuses_the_reader_refuses_too(document: dict[str, Any]) -> None:
    if not VALIDATOR.is_valid(document):
        errors = [f"{error.json_path}: {error.message}" for error in VALIDATOR.iter_errors(document)]
        assert parse(document, types={"charge": None}, workflow_id="w").faults, errors


def test_the_definitions_of_the_documentation_are_valid_and_read() -> None:
    text = (ROOT / "docs" / "workflow-format.md").read_text(encoding="utf-8")
    documents = [yaml.safe_load(each) for each in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]
    assert len(documents) == 2
    for document in documents:
        assert [error.message for error in VALIDATOR.iter_errors(document)] == []
        parsed = parse(document, workflow_id="w")
        assert (parsed.faults, parsed.warnings) == ([], [])
