"""Sim's loops and parallels, read into the internal form (Sim's format, section 1)."""

from collections.abc import Callable, Collection
from typing import Any, Final, Literal, TypeAlias, TypeVar

from signoff.engine.checks.values import shown
from signoff.engine.definitions.catalog import MAX_AT_ONCE, MAX_ITERATIONS, too_many
from signoff.engine.definitions.definition import Loop, Parallel
from signoff.engine.definitions.faults import Findings, at
from signoff.engine.definitions.reading import Container, ContainerPlace
from signoff.engine.definitions.values import parse_number

_LoopKind: TypeAlias = Literal["for", "forEach", "while", "doWhile"]
_ParallelKind: TypeAlias = Literal["count", "collection"]
_Kind = TypeVar("_Kind", bound=str)

_LOOPS: Final[tuple[_LoopKind, ...]] = ("for", "forEach", "while", "doWhile")
_PARALLELS: Final[tuple[_ParallelKind, ...]] = ("count", "collection")


def read_containers(
    document: dict[str, Any], notes: Collection[str], findings: Findings
) -> list[tuple[Container, ContainerPlace]]:
    """Reads the entries under ``loops`` and ``parallels``.

    Args:
        document: Sim's serialized workflow.
        notes: ids of the blocks that were dropped: they are dropped from what holds them too.
        findings: takes what cannot be read; what the parts mean together is checked later.
    """
    readers: tuple[
        tuple[str, Callable[[str, tuple[str, ...], dict[str, Any], str, Findings], Container]], ...
    ]
    readers = (("loops", _read_loop), ("parallels", _read_parallel))
    containers: list[tuple[Container, ContainerPlace]] = []
    for key, read in readers:
        for container_id, raw in _entries(document, key, findings):
            path = at(key, container_id)
            if not isinstance(raw, dict):
                findings.fault(path, "must be an object")
                continue
            nodes = _read_nodes(raw.get("nodes"), at(path, "nodes"), notes, findings)
            container = read(container_id, nodes, raw, path, findings)
            containers.append((container, _place(container, path)))
    return containers


def _entries(document: dict[str, Any], key: str, findings: Findings) -> list[tuple[str, Any]]:
    entries = document.get(key)
    if not isinstance(entries, dict | None):
        findings.fault(key, "must be an object: the entries by the ids of their blocks")
    return list(entries.items()) if isinstance(entries, dict) else []


def _place(container: Container, path: str) -> ContainerPlace:
    loop = isinstance(container, Loop)
    return ContainerPlace(
        entry=path,
        nodes=at(path, "nodes"),
        start=at(path, "nodes"),
        items=at(path, "forEachItems" if loop else "distribution"),
        condition=at(path, "doWhileCondition" if container.kind == "doWhile" else "whileCondition"),
        count=at(path, "iterations" if loop else "count"),
    )


def _read_nodes(raw: Any, path: str, notes: Collection[str], findings: Findings) -> tuple[str, ...]:
    if not isinstance(raw, list | None):
        findings.fault(path, "must be a list of the ids of blocks")
    nodes: list[str] = []
    for index, node in enumerate(raw if isinstance(raw, list) else []):
        if not isinstance(node, str) or not node:
            findings.fault(at(path, index), "must be the id of a block, as a text")
        elif node not in notes:
            nodes.append(node)
    return tuple(nodes)


def _read_loop(
    loop_id: str, nodes: tuple[str, ...], raw: dict[str, Any], path: str, findings: Findings
) -> Loop:
    kind = _kind(raw, "loopType", _LOOPS, path, findings)
    condition = raw.get(f"{kind}Condition") if kind in {"while", "doWhile"} else None
    if not isinstance(condition, str | None):
        findings.fault(at(path, f"{kind}Condition"), "must be a JavaScript expression, as a text")
    return Loop(
        id=loop_id,
        nodes=nodes,
        kind=kind,
        iterations=_iterations(raw.get("iterations"), loop_id, at(path, "iterations"), findings)
        if kind == "for" or (kind == "doWhile" and not condition)
        else MAX_ITERATIONS,
        items=raw.get("forEachItems") if kind == "forEach" else None,
        condition=condition if isinstance(condition, str) else "",
    )


def _read_parallel(
    parallel_id: str, nodes: tuple[str, ...], raw: dict[str, Any], path: str, findings: Findings
) -> Parallel:
    kind = _kind(raw, "parallelType", _PARALLELS, path, findings)
    count = raw.get("count") if kind == "count" else None
    number = parse_number(count) if isinstance(count, str) else None
    return Parallel(
        id=parallel_id,
        nodes=nodes,
        kind=kind,
        count=1 if count is None or count == "" else count if number is None else number,
        items=raw.get("distribution") if kind == "collection" else None,
        batch_size=_batch_size(raw.get("batchSize"), at(path, "batchSize"), findings),
    )


def _kind(raw: dict[str, Any], key: str, kinds: tuple[_Kind, ...], path: str, findings: Findings) -> _Kind:
    given = raw.get(key) or kinds[0]
    known = next((kind for kind in kinds if kind == given), None)
    if known is None:
        hint = findings.did_you_mean(given, kinds) if isinstance(given, str) else None
        findings.fault(at(path, key), f"must be one of {', '.join(kinds)}, not {shown(given)}", hint)
    return known or kinds[0]


def _iterations(value: Any, loop_id: str, path: str, findings: Findings) -> int:
    number = parse_number(value) if isinstance(value, str) else value
    if value is None or value == "" or (number == 0 and not isinstance(number, bool)):
        return MAX_ITERATIONS
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    if isinstance(number, bool) or not isinstance(number, int) or number < 0:
        findings.fault(path, f"must be a whole number from 1 to {MAX_ITERATIONS}, not {shown(value)}")
    elif number > MAX_ITERATIONS:
        findings.fault(path, too_many(loop_id))
    else:
        return number
    return MAX_ITERATIONS


def _batch_size(value: Any, path: str, findings: Findings) -> int:
    number = parse_number(value) if isinstance(value, str) else value
    if value is None or value == "":
        return MAX_AT_ONCE
    if isinstance(number, bool) or not isinstance(number, int | float):
        findings.fault(path, f"must be a number from 1 to {MAX_AT_ONCE}, not {shown(value)}")
        return MAX_AT_ONCE
    return min(max(int(number), 1), MAX_AT_ONCE)
