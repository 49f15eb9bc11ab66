"""The one internal form of a workflow definition, whatever spelling it was written in.

A definition is immutable: each deploy makes a new version, and an execution is pinned to the version
that it started with. Parameters keep the names that Sim gives them.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import Struct

from signoff.events.types import Json

# Sim finds these two by their tool, not by their type.
_SIM_TOOLS = {"api": "http_request", "function": "function_execute"}


class Retry(Struct, frozen=True, kw_only=True):
    """How often and when a failed block is tried again.

    Attributes:
        max_tries: tries in all, 1 to 10.
        wait_ms: milliseconds before the second try, 0 to 60000.
        backoff: factor by which each further wait grows, 1 to 10.
    """

    max_tries: int = 3
    wait_ms: int = 1000
    backoff: float = 1.0


class Block(Struct, frozen=True, kw_only=True):
    """One block of the graph.

    Attributes:
        id: names the block in connections, events and URLs; unique in its definition.
        type: a built-in type of the catalog, or the name of a registered Python block.
        name: shown to people; normalised, it is the name that references use.
        params: the parameters, by Sim's names; values may hold references.
        enabled: a disabled block and its edges do not exist for a run.
        trigger: whether the block starts runs instead of being run by an edge.
        retry: None: one try only.
        outputs: the declared output fields, for types that declare none themselves.
    """

    id: str
    type: str
    name: str
    params: dict[str, Any]
    enabled: bool = True
    trigger: bool = False
    retry: Retry | None = None
    outputs: dict[str, Any] = {}


class Connection(Struct, frozen=True):
    """An edge between two blocks.

    Attributes:
        source: id of the block that it leaves.
        target: id of the block that it enters.
        handle: when it fires: ``source``, ``error``, ``condition-<case id>``, ``router-<route id>`` (of the
            old router: ``router-<target id>``), or a container's ``loop-start-source``,
            ``loop-end-source``, ``parallel-start-source``, ``parallel-end-source``.
    """

    source: str
    target: str
    handle: str = "source"


class Loop(Struct, frozen=True, kw_only=True):
    """How the loop block of this id repeats its children.

    Attributes:
        id: of the block of type ``loop``.
        nodes: ids of its direct children, containers in it included.
        kind: what ends it.
        iterations: how often a ``for`` runs, 1 to 1000; bounds a ``doWhile`` without a condition.
        items: of a ``forEach``: an array, an object, JSON text or a reference.
        condition: of a ``while`` or ``doWhile``: a JavaScript expression with references.
    """

    id: str
    nodes: tuple[str, ...]
    kind: Literal["for", "forEach", "while", "doWhile"] = "for"
    iterations: int = 1000
    items: Json = None
    condition: str = ""


class Parallel(Struct, frozen=True, kw_only=True):
    """How the parallel block of this id multiplies its children.

    Attributes:
        id: of the block of type ``parallel``.
        nodes: ids of its direct children, containers in it included.
        kind: whether a number or a collection says how many branches there are.
        count: how many, of kind ``count``; a number, or a text with a reference.
        items: of kind ``collection``, as of a ``forEach``.
        batch_size: branches that run at once, 1 to 20.
    """

    id: str
    nodes: tuple[str, ...]
    kind: Literal["count", "collection"] = "count"
    count: Json = 1
    items: Json = None
    batch_size: int = 20


class Variable(Struct, frozen=True):
    """A workflow variable as every run finds it at its start.

    Attributes:
        id: what a ``variables`` block may name it by.
        name: what references name it by.
        type: ``string``, ``plain``, ``number``, ``boolean``, ``object`` or ``array``.
        value: as written, often as text; `signoff.engine.definitions.values.parse_variable` reads it by type.
    """

    id: str
    name: str
    type: str
    value: Any


class Definition(Struct, frozen=True, kw_only=True):
    """A whole workflow, checked.

    Attributes:
        name: the workflow's name.
        blocks: in the order in which they were written.
        connections: in the order in which they were written.
        loops: one for each block of type ``loop``.
        parallels: one for each block of type ``parallel``.
        variables: initial values of the workflow's variables.
        attributes: names of the variables that executions are found by.
    """

    name: str
    blocks: tuple[Block, ...]
    connections: tuple[Connection, ...]
    loops: tuple[Loop, ...] = ()
    parallels: tuple[Parallel, ...] = ()
    variables: tuple[Variable, ...] = ()
    attributes: tuple[str, ...] = ()


def normalise_name(name: str) -> str:
    """Gives the form of a block's or variable's name that references use.

    Returns:
        The name in lower case without spaces and dots (Sim's format, section 6).
    """
    return name.lower().replace(" ", "").replace(".", "")


def encode(definition: Definition) -> dict[str, Any]:
    """Writes a definition as Sim's serialized workflow, with what is ours beside it.

    Returns:
        Plain JSON that `signoff.engine.definitions.parse.parse` reads back to an equal definition. It shares
        the definition's parameter values: do not change them.
    """
    encoded: dict[str, Any] = {
        "version": "1.0",
        "name": definition.name,
        "blocks": [_encode_block(block) for block in definition.blocks],
        "connections": [
            {"source": each.source, "target": each.target, "sourceHandle": each.handle}
            for each in definition.connections
        ],
        "loops": {each.id: _encode_loop(each) for each in definition.loops},
        "parallels": {each.id: _encode_parallel(each) for each in definition.parallels},
        "variables": {
            each.id: {"id": each.id, "name": each.name, "type": each.type, "value": each.value}
            for each in definition.variables
        },
    }
    # Left out where there are none: the digest of what was deployed before there were any stays.
    return encoded | ({"attributes": list(definition.attributes)} if definition.attributes else {})


def decode(document: Mapping[str, Any]) -> Definition:
    """Reads what `encode` wrote, without checks: a version that was deployed stays runnable.

    Raises:
        KeyError: the document was not written by `encode`.
    """
    return Definition(
        name=document["name"],
        blocks=tuple(_decode_block(each) for each in document["blocks"]),
        connections=tuple(
            Connection(each["source"], each["target"], each["sourceHandle"])
            for each in document["connections"]
        ),
        loops=tuple(_decode_loop(each) for each in document["loops"].values()),
        parallels=tuple(_decode_parallel(each) for each in document["parallels"].values()),
        variables=tuple(
            Variable(each["id"], each["name"], each["type"], each["value"])
            for each in document["variables"].values()
        ),
        attributes=tuple(document.get("attributes", ())),
    )


def digest(definition: Definition) -> str:
    """Names a definition by its content.

    Returns:
        ``sha256:<hex>`` of its serialized form with sorted keys and no white space.
    """
    canonical = msgspec.json.encode(encode(definition), order="sorted")
    return f"sha256:{hashlib.sha256(canonical).hexdigest()}"


def _encode_loop(loop: Loop) -> dict[str, Any]:
    condition = {"while": "whileCondition", "doWhile": "doWhileCondition"}.get(loop.kind)
    encoded: dict[str, Any] = {
        "id": loop.id,
        "nodes": list(loop.nodes),
        "loopType": loop.kind,
        "iterations": loop.iterations,
    }
    if loop.kind == "forEach":
        encoded["forEachItems"] = loop.items
    return encoded if condition is None else encoded | {condition: loop.condition}


def _decode_loop(encoded: Mapping[str, Any]) -> Loop:
    return Loop(
        id=encoded["id"],
        nodes=tuple(encoded["nodes"]),
        kind=encoded["loopType"],
        iterations=encoded["iterations"],
        items=encoded.get("forEachItems"),
        condition=encoded.get("whileCondition") or encoded.get("doWhileCondition") or "",
    )


def _encode_parallel(parallel: Parallel) -> dict[str, Any]:
    encoded = {
        "id": parallel.id,
        "nodes": list(parallel.nodes),
        "parallelType": parallel.kind,
        "batchSize": parallel.batch_size,
    }
    what = {"distribution": parallel.items} if parallel.kind == "collection" else {"count": parallel.count}
    return encoded | what


def _decode_parallel(encoded: Mapping[str, Any]) -> Parallel:
    return Parallel(
        id=encoded["id"],
        nodes=tuple(encoded["nodes"]),
        kind=encoded["parallelType"],
        count=encoded.get("count", 1),
        items=encoded.get("distribution"),
        batch_size=encoded["batchSize"],
    )


def _decode_block(encoded: Mapping[str, Any]) -> Block:
    retry = encoded.get("retry")
    return Block(
        id=encoded["id"],
        type=encoded["metadata"]["id"],
        name=encoded["metadata"]["name"],
        params=encoded["config"]["params"],
        enabled=encoded["enabled"],
        trigger=encoded["metadata"].get("category") == "triggers",
        retry=retry
        and Retry(max_tries=retry["maxTries"], wait_ms=retry["waitBetweenTriesMs"], backoff=retry["backoff"]),
        outputs=encoded["outputs"],
    )


def _encode_block(block: Block) -> dict[str, Any]:
    metadata = {"id": block.type, "name": block.name}
    if block.trigger:
        metadata["category"] = "triggers"
    encoded: dict[str, Any] = {
        "id": block.id,
        "enabled": block.enabled,
        "metadata": metadata,
        "config": {"tool": _SIM_TOOLS.get(block.type, ""), "params": block.params},
        "inputs": {},
        "outputs": block.outputs,
    }
    if block.retry is not None:
        encoded["retry"] = {
            "enabled": True,
            "maxTries": block.retry.max_tries,
            "waitBetweenTriesMs": block.retry.wait_ms,
            "backoff": block.retry.backoff,
        }
    return encoded
