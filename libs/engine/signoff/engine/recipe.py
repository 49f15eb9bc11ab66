"""Our own spelling, read into the internal form.

It reads like a recipe: blocks by name, edges where they leave (``then``, ``cases``, ``catch``), and the
start block is ``input``. It is strict: an unknown key is a fault.
"""

from collections.abc import Collection, Iterable
from typing import Any, Final

from signoff.engine.catalog import BLOCK_TYPES, ENTRY_TYPES, is_trigger
from signoff.engine.definition import Block, Connection, Retry, Variable
from signoff.engine.faults import Findings, at
from signoff.engine.reading import BlockPlace, EdgePlace, Reading
from signoff.engine.recipe_params import PARAMS, Written, read_fields, typed_value

_TOP_KEYS: Final = ("workflow", "input", "start", "blocks", "variables")
_BLOCK_KEYS: Final = ("type", "name", "enabled", "then", "catch", "retry")
_RETRY_LIMITS: Final = {
    "maxTries": (3, 1, 10),
    "waitBetweenTriesMs": (1000, 0, 60_000),
    "backoff": (1, 1, 10),
}


def read_recipe(
    document: dict[str, Any], *, workflow_id: str, types: Collection[str], findings: Findings
) -> Reading:
    """Reads a definition in our own spelling.

    Args:
        document: an object with ``workflow`` or with ``blocks`` by name.
        workflow_id: the workflow's name where the document has none.
        types: names of the registered Python blocks.
        findings: takes what cannot be read; what the parts mean together is checked later.
    """
    return _Reader(workflow_id, types, findings).read(document)


class _Reader:
    """Collects blocks and edges while it walks the document."""

    def __init__(self, workflow_id: str, types: Collection[str], findings: Findings) -> None:
        self._types = types
        self._findings = findings
        self._reading = Reading(name=workflow_id, blocks=[], edges=[], variables=[])

    def read(self, document: dict[str, Any]) -> Reading:
        self._refuse_unknown(document, "", _TOP_KEYS)
        if "workflow" in document:
            self._reading.name = self._text(document["workflow"], "workflow") or self._reading.name
        blocks = document.get("blocks")
        if not isinstance(blocks, dict) or not blocks:
            self._findings.fault("blocks", "must be an object with at least one block")
            blocks = {}
        self._read_start(document, blocks)
        for key, raw in blocks.items():
            if isinstance(raw, dict):
                self._read_block(key, raw)
            else:
                self._findings.fault(at("blocks", key), "must be an object with a type")
        self._read_variables(document.get("variables"))
        return self._reading

    def _read_start(self, document: dict[str, Any], blocks: dict[str, Any]) -> None:
        """Adds the start block that ``input`` is, unless the blocks hold a trigger of their own."""
        own = any(isinstance(raw, dict) and raw.get("type") in ENTRY_TYPES for raw in blocks.values())
        if own and "input" not in document and "start" not in document:
            return
        written = Written()
        read_fields(document.get("input"), "input", written, self._findings)
        block = Block(id="start", type="start_trigger", name="Start", params=written.params, trigger=True)
        place = BlockPlace(id="input", type="input", name="input", params="input", renamed=written.renamed)
        self._reading.blocks.append((block, place))
        first = next((key for key, raw in blocks.items() if isinstance(raw, dict)), None)
        self._connect("start", document.get("start", first), "start", "source")

    def _read_block(self, key: str, raw: dict[str, Any]) -> None:
        path = at("blocks", key)
        block_type = self._text(raw.get("type"), at(path, "type"))
        written = self._read_params(block_type, raw, path)
        enabled = raw.get("enabled", True)
        if not isinstance(enabled, bool):
            self._findings.fault(at(path, "enabled"), "must be true or false")
        block = Block(
            id=key,
            type=block_type,
            name=(self._text(raw["name"], at(path, "name")) if "name" in raw else "") or key,
            params=written.params,
            enabled=enabled is True,
            trigger=is_trigger(block_type, written.params),
            retry=self._read_retry(raw.get("retry"), block_type, at(path, "retry")),
        )
        place = BlockPlace(
            id=path,
            type=at(path, "type"),
            name=at(path, "name") if "name" in raw else path,
            params=path if block_type in BLOCK_TYPES else at(path, "with"),
            renamed=written.renamed,
        )
        self._reading.blocks.append((block, place))
        self._connect(key, raw.get("then"), at(path, "then"), "source")
        for case_id, targets, case_path in written.branches:
            self._connect(key, targets, case_path, f"condition-{case_id}")
        self._connect(key, raw.get("catch"), at(path, "catch"), "error")

    def _read_params(self, block_type: str, raw: dict[str, Any], path: str) -> Written:
        written = Written()
        spelling = PARAMS.get(block_type)
        if spelling is not None:
            keys: tuple[str, ...] = (*_BLOCK_KEYS, *spelling.keys)
            if block_type == "condition":
                keys = tuple(key for key in keys if key != "then")
            self._refuse_unknown(raw, path, keys)
            spelling.read(raw, path, written, self._findings)
        elif block_type in self._types:
            self._refuse_unknown(raw, path, (*_BLOCK_KEYS, "with"))
            given = raw.get("with", {})
            if isinstance(given, dict):
                written.params = given
            else:
                self._findings.fault(at(path, "with"), "must be an object: the parameters by name")
        return written

    def _read_retry(self, raw: Any, block_type: str, path: str) -> Retry | None:
        if raw is None:
            return None
        if not isinstance(raw, dict):
            self._findings.fault(path, "must be an object", "such as {maxTries: 5}")
            return None
        if block_type in BLOCK_TYPES and not BLOCK_TYPES[block_type].retried:
            self._findings.fault(path, f"a block of type {block_type} is never retried")
            return None
        self._refuse_unknown(raw, path, (*_RETRY_LIMITS, "enabled"))
        if raw.get("enabled", True) is not True:
            return None
        numbers = {key: self._limited(raw, key, path) for key in _RETRY_LIMITS}
        return Retry(
            max_tries=int(numbers["maxTries"]),
            wait_ms=int(numbers["waitBetweenTriesMs"]),
            backoff=float(numbers["backoff"]),
        )

    def _limited(self, raw: dict[str, Any], key: str, path: str) -> int | float:
        default, low, high = _RETRY_LIMITS[key]
        value = raw.get(key, default)
        number = value if isinstance(value, int | float) and not isinstance(value, bool) else None
        whole = key == "backoff" or isinstance(number, int)
        if number is None or not whole or not low <= number <= high:
            kind = "a number" if key == "backoff" else "a whole number"
            self._findings.fault(at(path, key), f"must be {kind} from {low} to {high}")
            return default
        return number

    def _connect(self, source: str, targets: Any, path: str, handle: str) -> None:
        """Adds an edge to each target: a block's name or a list of names."""
        if targets is None:
            return
        listed = isinstance(targets, list)
        for index, target in enumerate(targets if listed else [targets]):
            target_path = at(path, index) if listed else path
            if isinstance(target, str) and target:
                place = EdgePlace(source=path, target=target_path, handle=path)
                self._reading.edges.append((Connection(source, target, handle), place))
            else:
                self._findings.fault(target_path, "must be the name of a block, or a list of names")

    def _read_variables(self, raw: Any) -> None:
        if raw is None:
            return
        if not isinstance(raw, dict):
            self._findings.fault("variables", "must be an object: the values by name")
            return
        for name, value in raw.items():
            kind, initial = typed_value(value)
            self._reading.variables.append((Variable(name, name, kind, initial), at("variables", name)))

    def _text(self, value: Any, path: str) -> str:
        if isinstance(value, str) and value:
            return value
        self._findings.fault(path, "is required, as a text" if value is None else "must be a text")
        return ""

    def _refuse_unknown(self, raw: dict[str, Any], path: str, known: Iterable[str]) -> None:
        for key in [each for each in raw if each not in known]:
            self._findings.fault(at(path, key), "is not known here", self._findings.did_you_mean(key, known))
