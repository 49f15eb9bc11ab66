"""The checks that both spellings share: what the parts of a definition mean together."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping

from signoff.engine.checks.containers import Nesting, check_containers, keep_edges
from signoff.engine.checks.params import check_params, check_variable
from signoff.engine.checks.references import check_references
from signoff.engine.definitions.attributes import check_attributes
from signoff.engine.definitions.catalog import BLOCK_TYPES, Fields, find_entry, handles
from signoff.engine.definitions.definition import (
    Block,
    Connection,
    Definition,
    Loop,
    Parallel,
    normalise_name,
)
from signoff.engine.definitions.faults import Findings, at, shorten
from signoff.engine.definitions.reading import BlockPlace, EdgePlace, Reading

_FORBIDDEN_NAMES = frozenset({"loop", "parallel", "variable"})
_MAX_ID = 200
# Naming every member of every cycle would cost the square of a hostile definition's size.
_SHOWN_CYCLES = 20
_SHOWN_MEMBERS = 8


def check(reading: Reading, types: Mapping[str, Fields], findings: Findings) -> Definition:
    """Checks a reading.

    Args:
        reading: a definition in either spelling, as it was read.
        types: the registered Python blocks, with the fields of their outputs.
        findings: takes every fault and warning.

    Returns:
        The definition; valid only if there is no fault.
    """
    _check_ids(reading, findings)
    _check_names(reading, findings)
    for block, place in reading.blocks:
        if block.enabled:
            _check_type(block, place, types, findings)
    _check_variables(reading, findings)
    check_attributes(reading, findings)
    nesting = check_containers(reading, findings)
    edges = keep_edges(reading, _check_edges(reading, findings), nesting, findings)
    _check_cycles(edges, findings)
    _check_reachable(reading, edges, nesting, findings)
    definition = Definition(
        name=reading.name,
        blocks=tuple(block for block, _ in reading.blocks),
        connections=tuple(connection for connection, _ in edges),
        loops=tuple(each for each, _ in reading.containers if isinstance(each, Loop)),
        parallels=tuple(each for each, _ in reading.containers if isinstance(each, Parallel)),
        variables=tuple(variable for variable, _ in reading.variables),
        attributes=tuple(name for name, _ in reading.attributes),
    )
    check_references(reading, definition, nesting, types, findings)
    return definition


def _check_ids(reading: Reading, findings: Findings) -> None:
    taken: dict[str, str] = {}
    for block, place in reading.blocks:
        if not block.id:
            findings.fault(place.id, "a block needs an id, as a text")
        elif block.id in taken:
            findings.fault(place.id, f'the id "{shorten(block.id)}" is already that of {taken[block.id]}')
        elif len(block.id) > _MAX_ID or "₍" in block.id or "₎" in block.id:
            findings.fault(place.id, f"an id has at most {_MAX_ID} characters and no ₍ or ₎")
        taken.setdefault(block.id, place.id)


def _check_names(reading: Reading, findings: Findings) -> None:
    taken: dict[str, str] = {}
    for block, place in reading.blocks:
        name = normalise_name(block.name)
        if name in _FORBIDDEN_NAMES:
            findings.fault(place.name, f'a block may not be called "{name}": references use that name')
        elif name in taken:
            findings.fault(
                place.name,
                f'the name "{shorten(block.name)}" is already that of {taken[name]}',
                "case, spaces and dots do not count",
            )
        elif not name and block.id:
            findings.fault(place.name, "a name needs more than spaces and dots")
        if name:
            taken.setdefault(name, place.name)


def _check_type(block: Block, place: BlockPlace, types: Collection[str], findings: Findings) -> None:
    if block.type in BLOCK_TYPES or (block.type and block.trigger):
        check_params(block, place, types, findings)
    elif block.type and block.type not in types:
        hint = findings.did_you_mean(block.type, (*BLOCK_TYPES, *types))
        findings.fault(place.type, f'the type "{shorten(block.type)}" is not registered', hint)


def _check_variables(reading: Reading, findings: Findings) -> None:
    taken: dict[str, str] = {}
    for variable, path in reading.variables:
        name = normalise_name(variable.name)
        if not name:
            findings.fault(at(path, "name"), "a variable needs a name")
        elif name in taken:
            findings.fault(path, f'the name "{shorten(variable.name)}" is already that of {taken[name]}')
        taken.setdefault(name, path)
        check_variable(variable.name, variable.type, variable.value, path, findings)


def _check_edges(reading: Reading, findings: Findings) -> list[tuple[Connection, EdgePlace]]:
    """Checks each edge by itself; gives those that lead from a block to a block, each once."""
    blocks = {block.id: block for block, _ in reading.blocks if block.id}
    allowed = {block_id: frozenset(handles(block)) for block_id, block in blocks.items()}
    kept: dict[Connection, EdgePlace] = {}
    for connection, place in reading.edges:
        source, target = blocks.get(connection.source), blocks.get(connection.target)
        if source is None:
            _dangling(connection.source, place.source, blocks, findings)
        elif source.enabled and not _leaves_by(connection.handle, source, allowed[source.id]):
            _bad_handle(connection.handle, source, place.handle, findings)
        if target is None:
            _dangling(connection.target, place.target, blocks, findings)
        if connection in kept:
            findings.warn(place.target, f'the edge to "{shorten(connection.target)}" is written twice')
        if source is not None and target is not None:
            kept.setdefault(connection, place)
    return list(kept.items())


def _leaves_by(handle: str, source: Block, allowed: Collection[str]) -> bool:
    """An old router's handles are made of its targets, which are checked as such."""
    return handle in allowed or (source.type == "router" and handle.startswith("router-"))


def _dangling(block_id: str, path: str, blocks: dict[str, Block], findings: Findings) -> None:
    if not block_id:
        findings.fault(path, "the id of a block is required, as a text")
    else:
        hint = findings.did_you_mean(block_id, blocks)
        findings.fault(path, f'there is no block "{shorten(block_id)}"', hint)


def _bad_handle(handle: str, source: Block, path: str, findings: Findings) -> None:
    entry = "route" if source.type == "router_v2" else "case"
    prefix = "router-" if source.type == "router_v2" else "condition-"
    if not handle:
        findings.fault(
            path, f"there is no {entry} left for this edge", f"name it, such as {prefix}<id of a {entry}>"
        )
        return
    hint = findings.did_you_mean(handle, handles(source))
    if source.type in {"condition", "router_v2"} and handle.startswith(prefix):
        findings.fault(path, f'there is no {entry} "{shorten(handle.removeprefix(prefix))}"', hint)
    else:
        message = f'a block of type {shorten(source.type)} has no handle "{shorten(handle)}"'
        findings.fault(path, message, hint)


def _check_cycles(edges: list[tuple[Connection, EdgePlace]], findings: Findings) -> None:
    """Reports each edge that closes a cycle (a depth-first walk, without recursion)."""
    leaving: dict[str, list[tuple[Connection, EdgePlace]]] = defaultdict(list)
    for edge in edges:
        leaving[edge[0].source].append(edge)
    finished: set[str] = set()
    cycles = 0
    for root in list(leaving):
        if root in finished:
            continue
        trail: dict[str, Iterator[tuple[Connection, EdgePlace]]] = {root: iter(leaving[root])}
        while trail:
            current = next(reversed(trail))
            step = next(trail[current], None)
            if step is None:
                trail.popitem()
                finished.add(current)
                continue
            connection, place = step
            if connection.target in trail:
                cycles += 1
                shown = _cycle(list(trail), connection.target) if cycles <= _SHOWN_CYCLES else ""
                findings.fault(place.target, f"leads back: {shown}" if shown else "leads back")
            elif connection.target not in finished:
                trail[connection.target] = iter(leaving.get(connection.target, ()))


def _cycle(trail: list[str], start: str) -> str:
    members = [shorten(each, 40) for each in trail[trail.index(start) :]]
    if len(members) > _SHOWN_MEMBERS:
        members[_SHOWN_MEMBERS // 2 : -_SHOWN_MEMBERS // 2] = ["…"]
    return " → ".join([*members, members[0]])


def _check_reachable(
    reading: Reading, edges: list[tuple[Connection, EdgePlace]], nesting: Nesting, findings: Findings
) -> None:
    """Warns of blocks that no trigger leads to; only what its own trigger leads to exists in a run."""
    entry = find_entry((block for block, _ in reading.blocks), "manual")
    if entry is None:
        findings.fault("blocks", "there is no start block", "add an enabled block of type start_trigger")
        return
    enabled = {block.id for block, _ in reading.blocks if block.enabled}
    following: dict[str, list[str]] = defaultdict(list)
    for connection, _ in edges:
        if connection.source in enabled and connection.target in enabled:
            following[connection.source].append(connection.target)
    reached = {block.id for block, _ in reading.blocks if block.enabled and block.trigger}
    waiting = list(reached)
    while waiting:
        fresh = [target for target in following[waiting.pop()] if target not in reached]
        reached.update(fresh)
        waiting.extend(fresh)
    for block, place in reading.blocks:
        exists = block.enabled and enabled.issuperset(nesting.around(block.id))
        if exists and block.id and block.id not in reached:
            findings.warn(place.id, f'"{shorten(block.name)}" is never reached from the start')
