"""How our own spelling writes loops and parallels: they hold their blocks."""

from collections.abc import Collection
from typing import Any, Final

from signoff.engine.definitions.catalog import MAX_AT_ONCE, MAX_ITERATIONS
from signoff.engine.definitions.definition import Loop, Parallel
from signoff.engine.definitions.faults import Findings, at
from signoff.engine.definitions.reading import Container, ContainerPlace
from signoff.engine.recipe.keys import targets
from signoff.engine.recipe.params import expression
from signoff.engine.recipe.spelling import Key, Schema, Spelling, Written

_ITEMS: Final[Schema] = {"type": ["array", "object", "string"]}
_ITEMS_EXPECTED: Final = "a list, an object, or a reference that resolves to one"
_CONDITION: Final[Schema] = {"type": ["string", "boolean"], "pattern": "\\S"}
_CONDITION_EXPECTED: Final = "a JavaScript expression, as a text"
_LOOP_KINDS: Final = ("for", "forEach", "while", "doWhile")
_PARALLEL_KINDS: Final = ("count", "forEach")

_INSIDE: Final = {
    "blocks": Key(
        {"$ref": "#/$defs/blocks", "type": "object", "minProperties": 1},
        "The blocks inside, by name.",
        required=True,
        expected="an object with at least one block",
    ),
    "start": targets("The block, or the blocks, that each turn starts with; the first one by default."),
}


def read_container(
    container_id: str,
    block_type: str,
    *,
    written: Collection[str],
    fitting: dict[str, Any],
    path: str,
    findings: Findings,
) -> tuple[Container, ContainerPlace]:
    """Reads how a container goes about it.

    Args:
        container_id: its block's id.
        block_type: ``loop`` or ``parallel``.
        written: the keys of its block.
        fitting: those that are known and fit, with their values.
        path: where the block stands.
        findings: takes what it is told twice, or not at all.
    """
    kinds = _LOOP_KINDS if block_type == "loop" else _PARALLEL_KINDS
    given = [kind for kind in kinds if kind in written]
    if len(given) != 1:
        place = at(path, given[1]) if given else path
        findings.fault(place, f"a {block_type} needs exactly one of {', '.join(kinds)}")
    kind = next((each for each in given if each in fitting), kinds[0])
    nodes = tuple(fitting.get("blocks", ()))
    blocks = at(path, "blocks")
    place_of = ContainerPlace(
        entry=path,
        nodes=blocks,
        start=at(path, "start") if "start" in fitting else blocks,
        items=at(path, "forEach"),
        condition=at(path, kind),
        count=at(path, kind),
        node_paths={node: at(blocks, node) for node in nodes},
    )
    read = _read_loop if block_type == "loop" else _read_parallel
    return read(container_id, nodes, kind, fitting), place_of


def _read_loop(loop_id: str, nodes: tuple[str, ...], kind: str, fitting: dict[str, Any]) -> Loop:
    match kind:
        case "forEach":
            return Loop(id=loop_id, nodes=nodes, kind="forEach", items=fitting["forEach"])
        case "while":
            return Loop(id=loop_id, nodes=nodes, kind="while", condition=expression(fitting["while"]))
        case "doWhile":
            return Loop(id=loop_id, nodes=nodes, kind="doWhile", condition=expression(fitting["doWhile"]))
    return Loop(id=loop_id, nodes=nodes, kind="for", iterations=fitting.get("for", MAX_ITERATIONS))


def _read_parallel(parallel_id: str, nodes: tuple[str, ...], kind: str, fitting: dict[str, Any]) -> Parallel:
    at_once = fitting.get("concurrency", MAX_AT_ONCE)
    if kind == "forEach":
        return Parallel(
            id=parallel_id, nodes=nodes, kind="collection", items=fitting["forEach"], batch_size=at_once
        )
    return Parallel(id=parallel_id, nodes=nodes, count=fitting.get("count", 1), batch_size=at_once)


def _read_nothing(_: dict[str, Any], __: str, ___: Written, ____: Findings) -> None:
    """A container has no parameters: what it does is its entry, and what it holds is read as blocks."""


SPELLINGS: Final[dict[str, Spelling]] = {
    "loop": Spelling(
        about="Runs its blocks again and again, at most a thousand times. "
        "Inside, <loop.index>, <loop.currentItem> and <loop.items>; after it, <name.results>.",
        keys={
            "for": Key({"type": "integer", "minimum": 1, "maximum": MAX_ITERATIONS}, "How often."),
            "forEach": Key(_ITEMS, "Once for each of these.", expected=_ITEMS_EXPECTED),
            "while": Key(
                _CONDITION,
                "As long as this is true before an iteration.",
                expected=_CONDITION_EXPECTED,
                hint='such as "<loop.index> < 3"',
            ),
            "doWhile": Key(
                _CONDITION,
                "As long as this is true after an iteration.",
                expected=_CONDITION_EXPECTED,
                hint='such as "<loop.index> < 3"',
            ),
            **_INSIDE,
        },
        read=_read_nothing,
    ),
    "parallel": Spelling(
        about="Runs its blocks in branches side by side. "
        "Inside, <parallel.index>, <parallel.currentItem> and <parallel.items>; after it, <name.results>.",
        keys={
            "count": Key(
                {"type": ["integer", "string"], "minimum": 0},
                "How many branches: a number, or a reference to one.",
                expected="a whole number, or a reference to one",
            ),
            "forEach": Key(_ITEMS, "A branch for each of these.", expected=_ITEMS_EXPECTED),
            "concurrency": Key(
                {"type": "integer", "minimum": 1, "maximum": MAX_AT_ONCE, "default": MAX_AT_ONCE},
                "How many branches run at once.",
            ),
            **_INSIDE,
        },
        read=_read_nothing,
    ),
}
"""The spelling of both."""
