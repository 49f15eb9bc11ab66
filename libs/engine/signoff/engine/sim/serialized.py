"""Sim's serialized workflow, read into the internal form (Sim's format, sections 1 to 5)."""

from typing import Any, Final

from signoff.engine.definitions.attributes import read_attributes
from signoff.engine.definitions.catalog import BLOCK_TYPES, CONTAINER_TYPES, is_trigger
from signoff.engine.definitions.definition import Block, Connection, Retry, Variable
from signoff.engine.definitions.faults import Findings, at
from signoff.engine.definitions.reading import BlockPlace, EdgePlace, Reading
from signoff.engine.definitions.values import parse_number
from signoff.engine.sim.containers import read_containers
from signoff.engine.sim.params import read_params

_OLD_SOURCES: Final = frozenset({"source-right", "source-left", "source-top", "source-bottom"})
# A missing handle of these is that of the case, or the route, at the connection's position.
_COMPLETED: Final = {"condition": ("condition-", "conditions"), "router_v2": ("router-", "routes")}


def read_sim(document: dict[str, Any], *, workflow_id: str, findings: Findings) -> Reading:
    """Reads Sim's serialized workflow.

    Args:
        document: an object whose ``blocks`` is a list.
        workflow_id: the workflow's name where the document has none.
        findings: takes what cannot be read; what the parts mean together is checked later.
    """
    blocks: list[tuple[Block, BlockPlace]] = []
    notes: set[str] = set()
    for index, raw in enumerate(document["blocks"]):
        path = at("blocks", index)
        if not _is_object(raw, path, findings):
            continue
        if _is_note(raw):
            notes.update(each for each in (raw.get("id"),) if isinstance(each, str))
        else:
            blocks.append(_read_block(raw, path, findings))
    return Reading(
        name=_text(document, "name", "", findings) or workflow_id,
        blocks=blocks,
        edges=_read_connections(document, {block.id: block for block, _ in blocks}, findings),
        variables=_read_variables(document, findings),
        containers=read_containers(document, notes, findings),
        attributes=read_attributes(document.get("attributes"), findings),
    )


def _is_object(raw: Any, path: str, findings: Findings) -> bool:
    if not isinstance(raw, dict):
        findings.fault(path, "must be an object")
    return isinstance(raw, dict)


def _is_note(raw: dict[str, Any]) -> bool:
    """Tells the editor's notes, which Sim keeps among the blocks and drops when it runs."""
    metadata = raw.get("metadata")
    return isinstance(metadata, dict) and metadata.get("id") == "note"


def _object(raw: dict[str, Any], key: str, path: str, findings: Findings) -> dict[str, Any]:
    value = raw.get(key)
    if value is None:
        return {}
    return value if _is_object(value, at(path, key), findings) else {}


def _text(raw: dict[str, Any], key: str, path: str, findings: Findings) -> str:
    value = raw.get(key)
    if not isinstance(value, str | None):
        findings.fault(at(path, key), "must be a text")
        return ""
    return value or ""


def _read_block(raw: dict[str, Any], path: str, findings: Findings) -> tuple[Block, BlockPlace]:
    metadata = _object(raw, "metadata", path, findings)
    metadata_path = at(path, "metadata")
    config = _object(raw, "config", path, findings)
    block_id = _text(raw, "id", path, findings)
    block_type = _text(metadata, "id", metadata_path, findings)
    if not block_type:
        findings.fault(at(metadata_path, "id"), "a block needs a type")
    params_path = f"{path}.config.params"
    params = read_params(
        block_type, _object(config, "params", at(path, "config"), findings), params_path, findings
    )
    enabled = raw.get("enabled", True)
    if not isinstance(enabled, bool):
        findings.fault(at(path, "enabled"), "must be true or false")
    retried = block_type not in BLOCK_TYPES or BLOCK_TYPES[block_type].retried
    block = Block(
        id=block_id,
        type=block_type,
        name=_text(metadata, "name", metadata_path, findings) or block_id,
        params=params,
        enabled=enabled is True,
        trigger=is_trigger(block_type, params, metadata.get("category")),
        retry=_read_retry(raw, path, findings) if retried else None,
        outputs=_object(raw, "outputs", path, findings),
    )
    place = BlockPlace(
        id=at(path, "id"),
        type=at(metadata_path, "id"),
        name=at(metadata_path, "name"),
        params=params_path,
    )
    return block, place


def _read_retry(raw: dict[str, Any], path: str, findings: Findings) -> Retry | None:
    retry = _object(raw, "retry", path, findings)
    if retry.get("enabled") is not True:
        return None
    path = at(path, "retry")
    return Retry(
        max_tries=int(_clamped(retry, "maxTries", (3, 1, 10), path, findings)),
        wait_ms=int(_clamped(retry, "waitBetweenTriesMs", (1000, 0, 60_000), path, findings)),
        backoff=float(_clamped(retry, "backoff", (1, 1, 10), path, findings)),
    )


def _clamped(
    retry: dict[str, Any], key: str, default_low_high: tuple[int, int, int], path: str, findings: Findings
) -> int | float:
    default, low, high = default_low_high
    value = retry.get(key)
    number = parse_number(value) if isinstance(value, str) else value
    if value is None or value == "":
        return default
    if isinstance(number, bool) or not isinstance(number, int | float):
        findings.fault(at(path, key), "must be a number")
        return default
    return min(max(number, low), high)


def _read_connections(
    document: dict[str, Any], blocks: dict[str, Block], findings: Findings
) -> list[tuple[Connection, EdgePlace]]:
    connections = document.get("connections")
    if not isinstance(connections, list):
        findings.fault("connections", "must be a list")
        return []
    edges: list[tuple[Connection, EdgePlace]] = []
    positions: dict[str, int] = {}
    for index, raw in enumerate(connections):
        path = at("connections", index)
        if not _is_object(raw, path, findings):
            continue
        source = _text(raw, "source", path, findings)
        position = positions[source] = positions.get(source, -1) + 1
        target = _text(raw, "target", path, findings)
        handle = _text(raw, "sourceHandle", path, findings)
        full = _full_handle(handle, blocks.get(source), target, position)
        connection = Connection(source, target, full)
        place = EdgePlace(
            source=at(path, "source"), target=at(path, "target"), handle=at(path, "sourceHandle")
        )
        edges.append((connection, place))
    return edges


def _full_handle(handle: str, source: Block | None, target: str, position: int) -> str:
    """Completes a handle: a missing one by its position, that of an old router by its target."""
    if handle in _OLD_SOURCES:
        handle = "source"
    kind = None if source is None else source.type
    if kind == "router" and handle != "error":
        return f"router-{target}"
    if kind in CONTAINER_TYPES and handle in {"", "source"}:
        return f"{kind}-end-source"
    if handle or source is None or source.type not in _COMPLETED:
        return handle or "source"
    prefix, param = _COMPLETED[source.type]
    entries = source.params.get(param)
    entry = entries[position] if isinstance(entries, list) and position < len(entries) else None
    entry_id = entry.get("id") if isinstance(entry, dict) else None
    return f"{prefix}{entry_id}" if isinstance(entry_id, str) else ""


def _read_variables(document: dict[str, Any], findings: Findings) -> list[tuple[Variable, str]]:
    variables: list[tuple[Variable, str]] = []
    for key, raw in _object(document, "variables", "", findings).items():
        path = at("variables", key)
        if _is_object(raw, path, findings):
            name = _text(raw, "name", path, findings)
            kind = _text(raw, "type", path, findings) or "plain"
            variables.append((Variable(key, name, kind, raw.get("value")), path))
    return variables
