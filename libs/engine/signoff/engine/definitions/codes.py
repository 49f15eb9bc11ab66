"""The code that a definition holds: what there is for a sandbox to check, and where its author wrote it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Literal, TypeAlias

from msgspec import Struct

from signoff.engine.checks.choices import is_else
from signoff.engine.definitions.catalog import CUSTOM_TOOL, tool_function, tool_variables
from signoff.engine.definitions.definition import Block, Loop
from signoff.engine.definitions.faults import at, shorten
from signoff.engine.definitions.reading import BlockPlace, Reading
from signoff.engine.definitions.references import compile_code

CodeLanguage: TypeAlias = Literal["javascript", "python"]
CodeKind: TypeAlias = Literal["function", "condition"]

CODE_LANGUAGES: Final[tuple[CodeLanguage, ...]] = ("javascript", "python")
"""What a function may be written in."""

_BOUND: Final = re.compile(r"__ref_*\d+", re.ASCII)


class Code(Struct, frozen=True, kw_only=True):
    """One piece of code, as it will run.

    Attributes:
        path: where it stands in the document.
        source: its text with each reference replaced by the name of a variable, line by line as written; it
            ends with its last line that is not blank, where what is missing at the end is then noticed.
        language: what it is written in.
        kind: the body of a function, or an expression that is true or not.
        names: the variables that will be bound.
        references: the references behind those of these names that replace one, as they were written.
    """

    path: str
    source: str
    language: CodeLanguage = "javascript"
    kind: CodeKind = "function"
    names: frozenset[str]
    references: Mapping[str, str]

    def as_written(self, message: str) -> str:
        """What is said of `source`, with references in place of the variables that replace them."""
        return _BOUND.sub(lambda match: shorten(self.references.get(match[0], match[0])), message)


def find_codes(reading: Reading, names: Mapping[str, str]) -> list[Code]:
    """Finds the code of all enabled blocks and loops. What is blank, or at fault otherwise, is left out.

    Args:
        reading: what was read.
        names: what references may call blocks by, from `signoff.engine.definitions.references.block_names`.
    """
    blocks = [(block, place) for block, place in reading.blocks if block.enabled and not block.trigger]
    loops = {block.id for block, _ in blocks if block.type == "loop"}
    found = [code for block, place in blocks for code in _of_block(block, place, names)]
    for container, place in reading.containers:
        if isinstance(container, Loop) and container.id in loops:
            found += _code(container.condition, place.condition, names, kind="condition")
    return found


def _of_block(block: Block, place: BlockPlace, names: Mapping[str, str]) -> Iterable[Code]:
    match block.type:
        case "function":
            return _of_function(block.params, place, names)
        case "condition":
            return _of_condition(block.params, place, names)
        case "agent":
            return _of_agent(block.params, place, names)
    return ()


def _of_function(params: dict[str, Any], place: BlockPlace, names: Mapping[str, str]) -> Iterator[Code]:
    given = params.get("language") or "javascript"
    for language in CODE_LANGUAGES:
        if given == language:
            yield from _code(params.get("code"), place.param("code"), names, language=language)


def _of_condition(params: dict[str, Any], place: BlockPlace, names: Mapping[str, str]) -> Iterator[Code]:
    for index, case in enumerate(_objects(params.get("conditions"))):
        if is_else(case):
            return  # what stands there and after it is never tested
        path = place.part("conditions", index, "value")
        yield from _code(case.get("value"), path, names, kind="condition", given=("context",))


def _of_agent(params: dict[str, Any], place: BlockPlace, names: Mapping[str, str]) -> Iterator[Code]:
    for index, tool in enumerate(_objects(params.get("tools"))):
        if tool.get("type") == CUSTOM_TOOL and tool.get("usageControl") != "none":
            given = ("params", *tool_variables(tool_function(tool) or {}))
            yield from _code(tool.get("code"), at(place.item("tools", index), "code"), names, given=given)


def _objects(entries: object) -> list[dict[str, Any]]:
    """The entries of a list; one that is no object, which is a fault, counts as an empty one."""
    given = entries if isinstance(entries, list) else []
    return [each if isinstance(each, dict) else {} for each in given]


def _code(
    text: object,
    path: str,
    names: Mapping[str, str],
    *,
    language: CodeLanguage = "javascript",
    kind: CodeKind = "function",
    given: Iterable[str] = (),
) -> Iterator[Code]:
    """Yields a text as code, unless it is none or blank."""
    if not isinstance(text, str) or not text.strip():
        return
    template = compile_code(text, names)
    references = {name: reference.text for name, reference in template.slots.items()}
    yield Code(
        path=path,
        source=template.source.rstrip(),
        language=language,
        kind=kind,
        names=frozenset((*references, *given)),
        references=references,
    )
