"""Sim's exported state, turned into its serialized workflow (Sim's format, section 2).

Both the export file, whose ``state`` holds it, and the bare state are read. What the serialized form is
found to be wrong with is reported where it stands in the state (`_Relocation`).
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from signoff.engine.definitions.catalog import CONTAINER_TYPES
from signoff.engine.definitions.faults import Findings, at
from signoff.engine.definitions.reading import BlockPlace, ContainerPlace, EdgePlace, Reading
from signoff.engine.sim.serialized import read_sim

_LOOP_DATA: Final = {"loopType": "loopType", "count": "iterations", "collection": "forEachItems"} | {
    key: key for key in ("whileCondition", "doWhileCondition")
}
_PARALLEL_DATA: Final = {"collection": "distribution"} | {
    key: key for key in ("parallelType", "count", "batchSize")
}
_CONTAINER_DATA: Final = {"loop": _LOOP_DATA, "parallel": _PARALLEL_DATA}
# The editor hides a field unless another one has one of these values, and its value does not count then.
_SHOWN_IF: Final[dict[str, dict[str, tuple[str, tuple[Any, ...]]]]] = {
    "wait": {"timeUnit": ("async", (None, False)), "timeUnitLong": ("async", (True,))},
    "response": {
        "builderData": ("dataMode", (None, "", "structured")),
        "data": ("dataMode", ("json",)),
    },
    "human_in_the_loop": dict.fromkeys(("dataMode", "data", "status", "headers"), ("operation", ("api",))),
    "agent": {
        "conversationId": ("memoryType", ("conversation", "sliding_window", "sliding_window_tokens")),
        "slidingWindowSize": ("memoryType", ("sliding_window",)),
        "slidingWindowTokens": ("memoryType", ("sliding_window_tokens",)),
    },
}


def is_state(document: Mapping[str, Any]) -> bool:
    """Tells the export file and the bare state from other documents."""
    return "state" in document or "edges" in document


def read_state(document: dict[str, Any], *, workflow_id: str, findings: Findings) -> Reading:
    """Reads Sim's export file or its bare state.

    Args:
        document: one of both.
        workflow_id: the workflow's name where the document has none.
        findings: takes what cannot be read, by its place in the document.
    """
    path = "state" if "state" in document else ""
    state = document["state"] if path else document
    if not isinstance(state, dict):
        findings.fault(path, "must be an object: Sim's state of a workflow")
        state = {}
    converter = _Converter(path, findings)
    serialized = converter.convert(state, _name(document, state))
    inner = Findings()
    reading = read_sim(serialized, workflow_id=workflow_id, findings=inner)
    relocation = _Relocation(converter.moved, converter.renamed)
    for fault in inner.faults:
        findings.fault(relocation.path(fault.path), fault.message, fault.hint)
    return relocation.reading(reading)


def _name(document: Mapping[str, Any], state: Mapping[str, Any]) -> Any:
    for holder in (document.get("workflow"), state.get("metadata")):
        if isinstance(holder, dict) and holder.get("name"):
            return holder["name"]
    return None


class _Converter:
    """Builds the serialized workflow, and remembers where each part of it stood."""

    def __init__(self, path: str, findings: Findings) -> None:
        self._path = path
        self._findings = findings
        self.moved: dict[str, str] = {}
        self.renamed: dict[str, dict[str, str]] = {}

    def convert(self, state: dict[str, Any], name: Any) -> dict[str, Any]:
        blocks = self._object(state, "blocks")
        serialized: dict[str, Any] = {
            "name": name,
            "blocks": [],
            "connections": self._connections(state.get("edges")),
            **self._containers(state, blocks),
            "variables": state.get("variables"),
        }
        self.moved["variables"] = self._at("variables")
        for index, (key, raw) in enumerate(blocks.items()):
            path, place = at(self._at("blocks"), key), at("blocks", index)
            self.moved[place] = path
            serialized["blocks"].append(self._block(key, raw, path, place))
        return serialized

    def _at(self, key: str) -> str:
        return at(self._path, key)

    def _object(self, raw: dict[str, Any], key: str) -> dict[str, Any]:
        value = raw.get(key)
        if isinstance(value, dict):
            return value
        if value is not None or key == "blocks":
            self._findings.fault(self._at(key), "must be an object")
        return {}

    def _block(self, key: str, raw: Any, path: str, place: str) -> Any:
        if not isinstance(raw, dict):
            return raw
        block_type, subs = raw.get("type"), raw.get("subBlocks")
        if not isinstance(subs, dict | None):
            self._findings.fault(at(path, "subBlocks"), "must be an object")
        params = _values(subs if isinstance(subs, dict) else {}) | {
            mode: True for mode in ("triggerMode", "advancedMode") if raw.get(mode) is True
        }
        params = _shown(block_type, params)
        if block_type == "agent" and not params.get("messages"):
            params = self._with_messages(params, at(path, "subBlocks"), f"{place}.config.params")
        params_path = f"{place}.config.params"
        self.moved |= {
            f"{place}.metadata": path,
            f"{place}.metadata.id": at(path, "type"),
            f"{place}.metadata.name": at(path, "name"),
            f"{place}.config.params": at(path, "subBlocks"),
            **{at(params_path, name): at(at(at(path, "subBlocks"), name), "value") for name in params},
            **{at(params_path, mode): at(path, mode) for mode in ("triggerMode", "advancedMode")},
        }
        return {
            "id": raw.get("id", key),
            "enabled": raw.get("enabled", True),
            "metadata": {"id": block_type, "name": raw.get("name")},
            "config": {"params": params},
            "outputs": raw.get("outputs"),
            "retry": raw.get("retry"),
        }

    def _with_messages(self, params: dict[str, Any], subs: str, place: str) -> dict[str, Any]:
        """Gives an agent of Sim's first kind, with one prompt or two, the messages that they are."""
        renamed = self.renamed[place] = {"messages": at(subs, "messages")}
        messages: list[dict[str, Any]] = []
        for role, key in (("system", "systemPrompt"), ("user", "userPrompt")):
            if params.get(key):
                written = at(at(subs, key), "value")
                entry = f"messages[{len(messages)}]"
                renamed |= {"messages": written, entry: written, f"{entry}.content": written}
                messages.append({"role": role, "content": params[key]})
        rest = {key: value for key, value in params.items() if key not in {"systemPrompt", "userPrompt"}}
        return rest | ({"messages": messages} if messages else {})

    def _connections(self, edges: Any) -> list[Any]:
        if edges is None:
            return []
        if not isinstance(edges, list):
            self._findings.fault(self._at("edges"), "must be a list")
            return []
        self.moved["connections"] = self._at("edges")
        return edges

    def _containers(self, state: dict[str, Any], blocks: dict[str, Any]) -> dict[str, Any]:
        """Computes the entries from the blocks; the stored ones only count where no block is a container."""
        found = {key: raw for key, raw in blocks.items() if _type_of(raw) in CONTAINER_TYPES}
        if not found:
            self.moved |= {key: self._at(key) for key in ("loops", "parallels")}
            return {key: state.get(key) for key in ("loops", "parallels")}
        children = self._children(blocks)
        entries: dict[str, Any] = {"loops": {}, "parallels": {}}
        for key, raw in found.items():
            container_id, kind = raw.get("id", key), str(raw["type"])
            if isinstance(container_id, str):
                entries[f"{kind}s"][container_id] = self._entry(
                    container_id, kind, raw, at(self._at("blocks"), key), children.get(container_id, {})
                )
        return entries

    def _children(self, blocks: dict[str, Any]) -> dict[str, dict[str, str]]:
        """The blocks in each container, by its id, with the paths of what says so."""
        children: dict[str, dict[str, str]] = {}
        for key, raw in blocks.items():
            data = raw.get("data") if isinstance(raw, dict) else None
            parent = data.get("parentId") if isinstance(data, dict) else None
            child = raw.get("id", key) if isinstance(raw, dict) else None
            if isinstance(parent, str) and isinstance(child, str) and _type_of(raw) != "note":
                path = at(self._at("blocks"), key)
                children.setdefault(parent, {})[child] = at(at(path, "data"), "parentId")
        return children

    def _entry(
        self, container_id: str, kind: str, raw: dict[str, Any], path: str, children: dict[str, str]
    ) -> dict[str, Any]:
        data = raw.get("data")
        if not isinstance(data, dict | None):
            self._findings.fault(at(path, "data"), "must be an object")
        values = data if isinstance(data, dict) else {}
        place = at(f"{kind}s", container_id)
        names = _CONTAINER_DATA[kind]
        self.moved[place] = path
        self.moved |= {at(place, name): at(at(path, "data"), key) for key, name in names.items()}
        self.moved |= {at(at(place, "nodes"), index): each for index, each in enumerate(children.values())}
        entry = {name: values[key] for key, name in names.items() if values.get(key) is not None}
        if kind == "loop":
            # What the editor shows, and so what the author means, where nothing was entered.
            entry.setdefault("iterations", 5)
        elif values.get("parallelType") != "collection":
            entry = {"count": 5, **entry, "distribution": None}
        return entry | {"nodes": list(children)}


def _type_of(raw: Any) -> Any:
    kind = raw.get("type") if isinstance(raw, dict) else None
    return kind if isinstance(kind, str) else None


def _values(subs: Mapping[str, Any]) -> dict[str, Any]:
    values = {key: sub.get("value") for key, sub in subs.items() if isinstance(sub, dict)}
    return {key: value for key, value in values.items() if value is not None}


def _shown(block_type: Any, params: dict[str, Any]) -> dict[str, Any]:
    rules = _SHOWN_IF.get(block_type, {}) if isinstance(block_type, str) else {}
    hidden = {key for key, (other, values) in rules.items() if params.get(other) not in values}
    return {key: value for key, value in params.items() if key not in hidden}


class _Relocation:
    """Says where in the state a part of the serialized workflow stands.

    Args:
        moved: places in the state by places in the serialized workflow; the longest one that leads counts.
        renamed: what the state calls otherwise, by the place of a block's parameters.
    """

    def __init__(self, moved: Mapping[str, str], renamed: Mapping[str, dict[str, str]]) -> None:
        self._moved = moved
        self._renamed = renamed
        self._longest = max(map(len, moved), default=0)

    def path(self, path: str) -> str:
        """The place in the state of a place in the serialized workflow."""
        for end in self._ends(path):
            known = self._moved.get(path[:end])
            if known is not None:
                return known + path[end:]
        return path

    def _ends(self, path: str) -> Iterator[int]:
        """Where keys of a path end, the last first."""
        if len(path) <= self._longest:
            yield len(path)
        for end in range(min(len(path) - 1, self._longest), 0, -1):
            if path[end] in ".[":
                yield end

    def reading(self, reading: Reading) -> Reading:
        """A reading with all its places in the state."""
        return Reading(
            name=reading.name,
            blocks=[(block, self._block(place)) for block, place in reading.blocks],
            edges=[(edge, self._edge(place)) for edge, place in reading.edges],
            variables=[(variable, self.path(path)) for variable, path in reading.variables],
            containers=[(each, self._container(place, each.nodes)) for each, place in reading.containers],
        )

    def _block(self, place: BlockPlace) -> BlockPlace:
        return BlockPlace(
            id=self.path(place.id),
            type=self.path(place.type),
            name=self.path(place.name),
            params=self.path(place.params),
            value_key="value",
            renamed=self._renamed.get(place.params, {}),
        )

    def _edge(self, place: EdgePlace) -> EdgePlace:
        return EdgePlace(
            source=self.path(place.source), target=self.path(place.target), handle=self.path(place.handle)
        )

    def _container(self, place: ContainerPlace, nodes: tuple[str, ...]) -> ContainerPlace:
        return ContainerPlace(
            entry=self.path(place.entry),
            nodes=self.path(place.nodes),
            start=self.path(place.start),
            items=self.path(place.items),
            condition=self.path(place.condition),
            count=self.path(place.count),
            node_paths={node: self.path(place.node(index, node)) for index, node in enumerate(nodes)},
        )
