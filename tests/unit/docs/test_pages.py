"""The YAML of every page can be deployed: a definition as it stands, a fragment as the blocks of one."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator

from signoff.engine.definitions.faults import Fault
from signoff.engine.definitions.parse import parse
from signoff.engine.recipe.keys import FIELD_KEYS, RETRY_KEYS, TOP_KEYS
from signoff.engine.recipe.reader import SPELLINGS, block_keys
from signoff.engine.recipe.schema import definition_schema
from signoff.gateway.workflows.yaml_text import decode_yaml

ROOT: Final = Path(__file__).resolve().parents[3]
FORMAT: Final = ROOT / "docs" / "workflow-format.md"
PAGES: Final = [
    ROOT / "README.md",
    *sorted(ROOT.glob("docs/*.md")),
    *sorted(ROOT.glob("examples/*/README.md")),
]
SCHEMA: Final = Draft202012Validator(definition_schema())
REGISTERED: Final[Mapping[str, None]] = {"payments.refund": None}
"""The Python blocks that pages speak of."""

_SHOWN: Final = re.compile(r"^```yaml(?P<fragment> fragment)?\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
_ABSENT: Final = re.compile(r"there is no block \"|names no block|there is no variable|is never reached")
"""What is said of a fragment because the rest of its definition is not there."""


def shown(page: Path, *, fragments: bool) -> Iterator[tuple[str, Any]]:
    """The YAML of a page with its line: whole definitions, or what is marked as a fragment."""
    text = page.read_text(encoding="utf-8")
    for match in _SHOWN.finditer(text):
        if bool(match["fragment"]) is fragments:
            line = text.count("\n", 0, match.start()) + 1
            yield f"{page.relative_to(ROOT)}:{line}", decode_yaml(match["text"].encode())


def cases(*, fragments: bool) -> list[Any]:
    # The fragments of docs/semantics.md are not marked; each of its rules is run by tests/semantics.
    pages = [page for page in PAGES if page.name != "semantics.md"]
    found = [case for page in pages for case in shown(page, fragments=fragments)]
    return [pytest.param(document, id=place) for place, document in found if document is not None]


@pytest.mark.parametrize("document", cases(fragments=False))
def test_a_definition_on_a_page_has_neither_fault_nor_warning(document: Any) -> None:
    parsed = parse(document, types=REGISTERED, workflow_id="shown")

    assert (parsed.faults, parsed.warnings) == ([], [])
    assert [error.message for error in SCHEMA.iter_errors(document)] == []


@pytest.mark.parametrize("blocks", cases(fragments=True))
def test_a_fragment_on_a_page_is_right_as_far_as_it_goes(blocks: Any) -> None:
    document = {"input": {}, "blocks": blocks}

    parsed = parse(document, types=REGISTERED, workflow_id="shown")

    assert [each for each in (*parsed.faults, *parsed.warnings) if not is_absent(each)] == []
    assert [error.message for error in SCHEMA.iter_errors(document)] == []


def is_absent(fault: Fault) -> bool:
    return _ABSENT.search(fault.message) is not None


def test_every_page_has_its_definitions_found() -> None:
    assert len(cases(fragments=False)) >= 4
    assert len(cases(fragments=True)) >= 8


@pytest.mark.parametrize("block_type", SPELLINGS)
def test_the_page_of_the_format_names_every_key_of_a_type(block_type: str) -> None:
    page = FORMAT.read_text(encoding="utf-8")

    assert f"`{block_type}`" in page
    assert [key for key in block_keys(SPELLINGS[block_type]) if not is_named(key, page)] == []


@pytest.mark.parametrize("keys", [TOP_KEYS, FIELD_KEYS, RETRY_KEYS], ids=["top", "field", "retry"])
def test_the_page_of_the_format_names_every_other_key(keys: Mapping[str, Any]) -> None:
    page = FORMAT.read_text(encoding="utf-8")

    assert [key for key in keys if not is_named(key, page)] == []


def is_named(key: str, page: str) -> bool:
    """Whether a key stands in code: in a list of keys, or as the key of an example."""
    return re.search(rf"`[^`\n]*\b{key}\b[^`\n]*`|\b{key}:", page) is not None


def test_every_key_of_the_format_is_used_in_its_examples() -> None:
    documents = [
        document for fragments in (False, True) for _, document in shown(FORMAT, fragments=fragments)
    ]
    every = {*TOP_KEYS, *FIELD_KEYS, *RETRY_KEYS, *block_keys(None)}
    every.update(key for spelling in SPELLINGS.values() for key in spelling.keys)

    assert sorted(every - set(keys_in(documents))) == []


def keys_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from keys_in(each)


def test_the_schema_that_editors_are_sent_to_is_where_the_examples_say() -> None:
    for file in ROOT.glob("examples/*/workflow.yaml"):
        modeline = file.read_text(encoding="utf-8").splitlines()[0]
        where = modeline.removeprefix("# yaml-language-server: $schema=")

        assert json.loads((file.parent / where).read_text())["title"] == "Signoff workflow"
