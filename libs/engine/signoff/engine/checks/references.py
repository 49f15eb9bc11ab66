"""Warnings of references that will stay text, or fail, when their block runs."""

from collections.abc import Iterator, Mapping
from typing import Any

from signoff.engine.checks.containers import Nesting
from signoff.engine.definitions.attributes import variable_names
from signoff.engine.definitions.catalog import Fields, output_fields
from signoff.engine.definitions.definition import Definition, Loop, normalise_name
from signoff.engine.definitions.faults import Findings, at, shorten
from signoff.engine.definitions.reading import BlockPlace, Container, ContainerPlace, Reading
from signoff.engine.definitions.references import (
    TURN_FIELDS,
    BlockReference,
    TurnReference,
    Unknown,
    VariableReference,
    block_names,
    find_references,
)


def check_references(
    reading: Reading,
    definition: Definition,
    nesting: Nesting,
    types: Mapping[str, Fields],
    findings: Findings,
) -> None:
    """Looks at every text of every enabled block and container.

    Args:
        reading: where the texts stand.
        definition: what they refer to.
        nesting: which containers each block is in.
        types: the registered Python blocks, with the fields of their outputs.
        findings: takes the warnings; when it is full the rest is not looked at.
    """
    checker = _ReferenceCheck(definition, nesting, types, findings)
    for block, place in reading.blocks:
        if block.enabled:
            around = nesting.around(block.id)
            for name, value in block.params.items():
                checker.check(_texts(value, name, place), around)
    for container, container_place in reading.containers:
        for texts, around in _container_texts(container, container_place, nesting):
            checker.check(texts, around)


def _container_texts(
    container: Container, place: ContainerPlace, nesting: Nesting
) -> Iterator[tuple[Iterator[tuple[str, str]], list[str]]]:
    """A condition is asked in every turn; what there is to go over is known before the first."""
    around = nesting.around(container.id)
    yield _nested(container.items, place.items), around
    if isinstance(container, Loop):
        yield _nested(container.condition, place.condition), [container.id, *around]
    else:
        yield _nested(container.count, place.count), around


def _texts(value: Any, name: str, place: BlockPlace) -> Iterator[tuple[str, str]]:
    """Yields the texts of a parameter with the paths that the author knows them by."""
    if isinstance(value, list) and f"{name}[0]" in place.renamed:
        for index, entry in enumerate(value):
            for key, each in entry.items() if isinstance(entry, dict) else ():
                exact = place.renamed.get(f"{name}[{index}].{key}")
                path = place.item(name, index) if exact is None else exact
                yield from _nested(each, path)
    else:
        yield from _nested(value, place.param(name))


def _nested(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _nested(each, at(path, key))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _nested(each, at(path, index))


class _ReferenceCheck:
    def __init__(
        self, definition: Definition, nesting: Nesting, types: Mapping[str, Fields], findings: Findings
    ) -> None:
        self._findings = findings
        self._nesting = nesting
        self._names = block_names(definition)
        # A condition passes the fields of the block before it on: nobody knows them here.
        self._fields = {
            block.id: None if block.type == "condition" else output_fields(block, types)
            for block in definition.blocks
        }
        self._variables = set(map(normalise_name, variable_names(definition.variables, definition.blocks)))

    def check(self, texts: Iterator[tuple[str, str]], around: list[str]) -> None:
        """Checks texts, given with their paths, that stand inside the containers ``around``."""
        for path, text in texts:
            if self._findings.full:
                return
            if "<" in text:
                self._check_text(text, path, around)

    def _check_text(self, text: str, path: str, around: list[str]) -> None:
        for found in find_references(text, self._names):
            match found:
                case BlockReference():
                    self._check_field(found, path, around)
                case TurnReference():
                    self._check_turn(found, path, around)
                case VariableReference() if found.name not in self._variables:
                    hint = self._findings.did_you_mean(found.name, self._variables)
                    self._findings.warn(path, f'there is no variable "{shorten(found.name)}"', hint)
                case Unknown():
                    self._check_unknown(found, path)
                case _:
                    pass
            if self._findings.full:
                return

    def _check_field(self, reference: BlockReference, path: str, around: list[str]) -> None:
        declared = self._fields.get(reference.block)
        if not reference.path or declared is None or reference.path[0] in {*declared, "error"}:
            return
        if reference.block in around and reference.path[0] in TURN_FIELDS:
            return
        hint = self._findings.did_you_mean(reference.path[0], declared)
        self._findings.warn(path, f"{shorten(reference.text)}: the block has no such field", hint)

    def _check_turn(self, reference: TurnReference, path: str, around: list[str]) -> None:
        if all(self._nesting.kinds[each] != reference.kind for each in around):
            self._findings.warn(
                path, f"{shorten(reference.text)} stands outside any {reference.kind} and stays as text"
            )
        elif reference.path[0] not in TURN_FIELDS:
            hint = self._findings.did_you_mean(reference.path[0], TURN_FIELDS)
            self._findings.warn(path, f"{shorten(reference.text)}: a turn has no such field", hint)

    def _check_unknown(self, unknown: Unknown, path: str) -> None:
        """Warns of an unknown name. Without a path it may be HTML: only a near miss counts."""
        hint = self._findings.did_you_mean(normalise_name(unknown.name), self._names)
        if "." in unknown.text or hint is not None:
            self._findings.warn(path, f"{shorten(unknown.text)} names no block and stays as text", hint)
