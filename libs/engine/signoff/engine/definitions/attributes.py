"""Attributes: the workflow variables by whose values executions are found.

A definition names them; their values at a start, a pause, a resume and an end stand in the execution's row.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias, TypeGuard

from signoff.engine.definitions.catalog import output_fields
from signoff.engine.definitions.definition import Block, Definition, Variable, normalise_name
from signoff.engine.definitions.faults import Findings, at, shorten
from signoff.engine.definitions.reading import Reading
from signoff.events.types import Json

MOST_ATTRIBUTES: Final = 20
LONGEST_TEXT: Final = 256
"""Characters of a text that is kept as an attribute."""

Attribute: TypeAlias = str | int | float | bool
"""A value that executions are found by."""

# A search writes a name and a value with one of these between them.
_NAME: Final = re.compile(r"[^:<>=]{1,100}")


def read_attributes(raw: Any, findings: Findings) -> list[tuple[str, str]]:
    """Reads the names of a document's ``attributes``, each with its path.

    Args:
        raw: the member, in either spelling; ``None`` where there is none.
        findings: takes what is no list of texts.
    """
    if not isinstance(raw, list | None):
        findings.fault("attributes", "must be a list of names of variables", 'such as ["customer"]')
        return []
    names: list[tuple[str, str]] = []
    for index, name in enumerate(raw or ()):
        path = at("attributes", index)
        if isinstance(name, str):
            names.append((name, path))
        else:
            findings.fault(path, "must be the name of a variable, as a text")
    return names


def check_attributes(reading: Reading, findings: Findings) -> None:
    """Checks that each attribute names a variable of the workflow, and none does so twice."""
    if len(reading.attributes) > MOST_ATTRIBUTES:
        findings.fault("attributes", f"must have at most {MOST_ATTRIBUTES} names")
        return
    written = variable_names(
        (variable for variable, _ in reading.variables), (block for block, _ in reading.blocks)
    )
    variables = {normalise_name(name): name for name in written}
    taken: dict[str, str] = {}
    for attribute, path in reading.attributes:
        name = normalise_name(attribute)
        if name not in variables:
            hint = findings.did_you_mean(attribute, variables.values())
            findings.fault(path, f'there is no variable "{shorten(attribute)}"', hint)
        elif name in taken:
            findings.fault(path, f'the attribute "{shorten(attribute)}" is already that of {taken[name]}')
        elif not _NAME.fullmatch(attribute):
            findings.fault(
                path,
                "an attribute's name has 1 to 100 characters and no colon, <, > or =",
                "rename the variable",
            )
        taken.setdefault(name, path)


def variable_names(variables: Iterable[Variable], blocks: Iterable[Block]) -> Iterator[str]:
    """The names, as they are written, of the variables that runs begin with or blocks assign."""
    for variable in variables:
        yield variable.name
    for block in blocks:
        if block.type == "variables":
            yield from output_fields(block, {}) or ()


def attribute_values(definition: Definition, variables: Mapping[str, Json]) -> dict[str, Attribute]:
    """What an execution is found by now.

    Args:
        definition: names the attributes.
        variables: their values by name, as the execution has them.

    Returns:
        By name the texts that are not too long, numbers, and true or false; other values are left out.
    """
    if not definition.attributes:
        return {}
    values = {normalise_name(name): value for name, value in variables.items()}
    found = ((name, values.get(normalise_name(name))) for name in definition.attributes)
    return {name: value for name, value in found if _is_attribute(value)}


def _is_attribute(value: Json) -> TypeGuard[Attribute]:
    return isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) <= LONGEST_TEXT)
