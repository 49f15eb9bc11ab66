"""Reading a definition: any document in, a definition or all its faults out."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from msgspec import Struct

from signoff.engine.checks.definition import check
from signoff.engine.definitions.catalog import Fields
from signoff.engine.definitions.codes import Code, find_codes
from signoff.engine.definitions.definition import Definition
from signoff.engine.definitions.faults import Fault, Findings
from signoff.engine.definitions.plain import Copier
from signoff.engine.definitions.reading import Reading
from signoff.engine.definitions.references import block_names
from signoff.engine.recipe.reader import read_recipe
from signoff.engine.sim.serialized import read_sim
from signoff.engine.sim.state import is_state, read_state

# The internal form nests a value up to four levels deeper than our own spelling and Sim's state do.
_MARGIN: Final = 4


class Parsed(Struct, frozen=True):
    """What became of a document.

    Attributes:
        definition: None if there is any fault.
        faults: everything that keeps the definition from being deployed.
        warnings: what is allowed but probably not meant, such as references to unknown names.
        codes: the code in it, which only a sandbox can check; whatever the faults.
    """

    definition: Definition | None
    faults: list[Fault]
    warnings: list[Fault]
    codes: list[Code] = []


def parse(document: object, *, types: Mapping[str, Fields] | None = None, workflow_id: str) -> Parsed:
    """Reads a workflow definition: in our own spelling, Sim's serialized workflow, or Sim's exported state.

    Args:
        document: what a JSON or YAML reader gave; nothing in it makes this function raise.
        types: the registered Python blocks, which are block types too, with the fields of their outputs.
        workflow_id: the workflow's name where the document has none.
    """
    findings = Findings()
    listed = isinstance(document, dict) and isinstance(document.get("blocks"), list)
    copier = Copier(findings)
    clean = copier.copy(document, "", 0 if listed else _MARGIN)
    types = types or {}
    reading = None if copier.overflowed else _read(clean, types, workflow_id, findings)
    findings.settle()
    if reading is None:
        return Parsed(None, findings.faults, findings.warnings)
    definition = check(reading, types, findings)
    codes = find_codes(reading, block_names(definition))
    return Parsed(None if findings.faults else definition, findings.faults, findings.warnings, codes)


def _read(document: Any, types: Collection[str], workflow_id: str, findings: Findings) -> Reading | None:
    if not isinstance(document, dict):
        findings.fault("", "a workflow definition must be an object")
        return None
    blocks = document.get("blocks")
    if isinstance(blocks, list):
        return read_sim(document, workflow_id=workflow_id, findings=findings)
    if is_state(document):
        return read_state(document, workflow_id=workflow_id, findings=findings)
    if "workflow" in document or "blocks" in document:
        return read_recipe(document, workflow_id=workflow_id, types=types, findings=findings)
    findings.fault("blocks", "is required: a workflow has blocks, by name or as a list")
    return None
