"""Sim's serialized workflow, read into the internal form (Sim's format, sections 1 to 5)."""

from typing import Any, Final

from signoff.engine.catalog import BLOCK_TYPES, is_trigger
from signoff.engine.definition import Block, Connection, Retry, Variable
from signoff.engine.faults import Findings, at
from signoff.engine.plain import Copier
from signoff.engine.reading import BlockPlace, EdgePlace, Reading
from signoff.engine.values import parse_json, parse_number

_OLD_SOURCES: Final = frozenset({"source-right", "source-left", "source-top", "source-bottom"})
# blocks, block, config, params and the document itself stand around the conditions.
_CONDITIONS_DEPTH: Final = 5


def read_sim(document: dict[str, Any], *, workflow_id: str, findings: Findings) -> Reading:
    """Reads Sim's serialized workflow.

    Args:
        document: an object whose ``blocks`` is a list.
        workflow_id: the workflow's name where the document has none.
        findings: takes what cannot be read; what the parts mean together is checked later.
    """
    blocks = [
        _read_block(raw, at("blocks", index), findings)
        for index, raw in enumerate(document["blocks"])
        if _is_object(raw, at("blocks", index), findings) and not _is_note(raw)
    ]
    for key in ("loops", "parallels"):
        _refuse_containers(document, key, findings)
    return Reading(
        name=_text(document, "name", "", findings) or workflow_id,
        blocks=blocks,
        edges=_read_connections(document, {block.id: block for block, _ in blocks}, findings),
        variables=_read_variables(document, findings),
    )


def _is_object(raw: Any, path: str, findings: Findings) -> bool:
    if not isinstance(raw, dict):
        findings.fault(path, "must be an object")
    return isinstance(raw, dict)


def _is_note(raw: dict[str, Any]) -> bool:
    """Sim keeps the editor's notes among the blocks and drops them when it runs."""
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
    params = _read_params(
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


def _read_params(block_type: str, params: dict[str, Any], path: str, findings: Findings) -> dict[str, Any]:
    """Opens what Sim keeps as text in text: the engine never parses it again."""
    conditions = params.get("conditions")
    if block_type == "condition" and isinstance(conditions, str):
        opened = parse_json(conditions, conditions)
        return params | {
            "conditions": Copier(findings).copy(opened, at(path, "conditions"), _CONDITIONS_DEPTH)
        }
    code = params.get("code")
    if block_type == "function" and isinstance(code, list):
        lines = [each.get("content") if isinstance(each, dict) else None for each in code]
        if all(isinstance(line, str) for line in lines):
            return params | {"code": "\n".join(filter(None, lines))}
    return params


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
        handle = _text(raw, "sourceHandle", path, findings)
        connection = Connection(
            source, _text(raw, "target", path, findings), _full_handle(handle, blocks.get(source), position)
        )
        place = EdgePlace(
            source=at(path, "source"), target=at(path, "target"), handle=at(path, "sourceHandle")
        )
        edges.append((connection, place))
    return edges


def _full_handle(handle: str, source: Block | None, position: int) -> str:
    """Completes a missing handle: that of the n-th connection of a condition is its n-th case."""
    if handle in _OLD_SOURCES:
        return "source"
    if handle or source is None or source.type != "condition":
        return handle or "source"
    cases = source.params.get("conditions")
    case = cases[position] if isinstance(cases, list) and position < len(cases) else None
    case_id = case.get("id") if isinstance(case, dict) else None
    return f"condition-{case_id}" if isinstance(case_id, str) else ""


def _read_variables(document: dict[str, Any], findings: Findings) -> list[tuple[Variable, str]]:
    variables: list[tuple[Variable, str]] = []
    for key, raw in _object(document, "variables", "", findings).items():
        path = at("variables", key)
        if _is_object(raw, path, findings):
            name = _text(raw, "name", path, findings)
            kind = _text(raw, "type", path, findings) or "plain"
            variables.append((Variable(key, name, kind, raw.get("value")), path))
    return variables


def _refuse_containers(document: dict[str, Any], key: str, findings: Findings) -> None:
    for container in _object(document, key, "", findings):
        findings.fault(at(key, container), f"{key} are not available here")
