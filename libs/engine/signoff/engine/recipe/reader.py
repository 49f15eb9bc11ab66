"""Our own spelling, read into the internal form.

It reads like a recipe: blocks by name, edges where they leave (``then``, ``cases``, ``catch``), loops and
parallels hold their blocks, and the start block is ``input``. It is strict: an unknown key is a fault.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final

from signoff.engine.definitions.attributes import read_attributes
from signoff.engine.definitions.catalog import BLOCK_TYPES, CONTAINER_TYPES, is_trigger
from signoff.engine.definitions.definition import Block, Connection, Retry, Variable
from signoff.engine.definitions.faults import Findings, at
from signoff.engine.definitions.reading import BlockPlace, EdgePlace, Reading
from signoff.engine.recipe import containers, human, models, params, triggers
from signoff.engine.recipe.keys import BLOCK_KEYS, RETRY_KEYS, TOP_KEYS
from signoff.engine.recipe.spelling import Key, Spelling, Written, read_keys

SPELLINGS: Final[Mapping[str, Spelling]] = {
    **triggers.SPELLINGS,
    **params.SPELLINGS,
    **human.SPELLINGS,
    **models.SPELLINGS,
    **containers.SPELLINGS,
}
"""How each built-in type is written."""

REGISTERED: Final = {
    "with": Key(
        {"type": "object"}, "The block's parameters by name.", expected="an object: the parameters by name"
    )
}
"""What a registered Python block has besides the keys that every block has."""

_SIM_NAMES: Final = {"router_v2": "router", "workflow_input": "workflow", "generic_webhook": "webhook"}


def block_keys(spelling: Spelling | None) -> dict[str, Key]:
    """The keys of a block of a type; None: of a registered Python block."""
    if spelling is None:
        return BLOCK_KEYS | REGISTERED
    common = {name: key for name, key in BLOCK_KEYS.items() if name != "then" or not spelling.branching}
    return common | dict(spelling.keys)


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
    """Collects blocks, edges and containers while it walks the document."""

    def __init__(self, workflow_id: str, types: Collection[str], findings: Findings) -> None:
        self._types = types
        self._findings = findings
        self._reading = Reading(name=workflow_id, blocks=[], edges=[], variables=[], containers=[])

    def read(self, document: dict[str, Any]) -> Reading:
        fitting = read_keys(document, "", TOP_KEYS, self._findings)
        self._reading.name = fitting.get("workflow", self._reading.name)
        blocks = fitting.get("blocks", {})
        self._read_start(fitting, blocks)
        self._read_blocks(blocks, "blocks")
        for name, value in fitting.get("variables", {}).items():
            kind, initial = params.typed_value(value)
            self._reading.variables.append((Variable(name, name, kind, initial), at("variables", name)))
        self._reading.attributes = read_attributes(fitting.get("attributes"), self._findings)
        return self._reading

    def _read_start(self, fitting: dict[str, Any], blocks: dict[str, Any]) -> None:
        """Adds the start block that ``input`` is, unless the blocks hold a trigger of their own."""
        own = any(_starts(raw) for raw in blocks.values())
        if own and "input" not in fitting and "start" not in fitting:
            return
        written = Written()
        params.read_fields(fitting.get("input"), "input", written, self._findings)
        block = Block(id="start", type="start_trigger", name="Start", params=written.params, trigger=True)
        place = BlockPlace(id="input", type="input", name="input", params="input", renamed=written.renamed)
        self._reading.blocks.append((block, place))
        first = next((key for key, raw in blocks.items() if not _starts(raw)), None)
        self._connect("start", fitting.get("start", first), "start", "source")

    def _read_blocks(self, blocks: dict[str, Any], path: str) -> None:
        for key, raw in blocks.items():
            if isinstance(raw, dict):
                self._read_block(key, raw, at(path, key))
            else:
                self._findings.fault(at(path, key), "must be an object with a type")

    def _read_block(self, key: str, raw: dict[str, Any], path: str) -> None:
        spelled = raw.get("type")
        spelling = SPELLINGS.get(spelled) if isinstance(spelled, str) else None
        closed = spelling is not None or (isinstance(spelled, str) and spelled in self._types)
        fitting = read_keys(raw, path, block_keys(spelling), self._findings, closed=closed)
        block_type = self._type(fitting.get("type", ""), spelling, at(path, "type"))
        written = Written()
        if spelling is None:
            written.params = fitting.get("with", {})
        else:
            spelling.read(fitting, path, written, self._findings)
        block = Block(
            id=key,
            type=block_type,
            name=fitting.get("name", key),
            params=written.params,
            enabled=fitting.get("enabled", True),
            trigger=is_trigger(block_type, written.params),
            retry=self._read_retry(fitting.get("retry"), block_type, at(path, "retry")),
        )
        place = BlockPlace(
            id=path,
            type=at(path, "type"),
            name=at(path, "name") if "name" in fitting else path,
            params=path if spelling is not None else at(path, "with"),
            renamed=written.renamed,
        )
        self._reading.blocks.append((block, place))
        self._read_edges(key, block_type, fitting, written, path)
        if block_type in CONTAINER_TYPES:
            self._read_inside(key, block_type, raw=raw, fitting=fitting, path=path)

    def _type(self, spelled: str, spelling: Spelling | None, path: str) -> str:
        if spelling is not None:
            return spelling.type or spelled
        if spelled in _SIM_NAMES:
            self._findings.fault(path, f'"{spelled}" is Sim\'s name for it', f'write "{_SIM_NAMES[spelled]}"')
        return spelled

    def _read_edges(
        self, key: str, block_type: str, fitting: dict[str, Any], written: Written, path: str
    ) -> None:
        end = f"{block_type}-end-source" if block_type in CONTAINER_TYPES else "source"
        self._connect(key, fitting.get("then"), at(path, "then"), end)
        for handle, targets, branch_path in written.branches:
            self._connect(key, targets, branch_path, handle)
        self._connect(key, fitting.get("catch"), at(path, "catch"), "error")

    def _read_inside(
        self, key: str, block_type: str, *, raw: dict[str, Any], fitting: dict[str, Any], path: str
    ) -> None:
        self._reading.containers.append(
            containers.read_container(
                key, block_type, written=raw, fitting=fitting, path=path, findings=self._findings
            )
        )
        blocks = fitting.get("blocks", {})
        self._connect(
            key,
            fitting.get("start", next(iter(blocks), None)),
            at(path, "start"),
            f"{block_type}-start-source",
        )
        self._read_blocks(blocks, at(path, "blocks"))

    def _read_retry(self, raw: dict[str, Any] | None, block_type: str, path: str) -> Retry | None:
        if raw is None:
            return None
        if block_type in BLOCK_TYPES and not BLOCK_TYPES[block_type].retried:
            self._findings.fault(path, f"a block of type {block_type} is never retried")
            return None
        fitting = read_keys(raw, path, RETRY_KEYS, self._findings)
        if not fitting.get("enabled", True):
            return None
        return Retry(
            max_tries=fitting.get("maxTries", 3),
            wait_ms=fitting.get("waitBetweenTriesMs", 1000),
            backoff=float(fitting.get("backoff", 1)),
        )

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


def _starts(raw: Any) -> bool:
    kind = raw.get("type") if isinstance(raw, dict) else None
    return isinstance(kind, str) and kind in triggers.SPELLINGS
