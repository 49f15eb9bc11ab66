"""The tools of an agent: what the model is told of them, and what runs when it calls one."""

import asyncio
import inspect
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol

import msgspec
from msgspec import Struct

from signoff.blocks import BlockSpec
from signoff.engine.definitions.catalog import (
    CUSTOM_TOOL,
    HTTP_TOOLS,
    TOOL_TYPES,
    tool_function,
    tool_variables,
)
from signoff.engine.definitions.definition import Block
from signoff.engine.definitions.references import Template, compile_code, compile_value, resolve, resolve_code
from signoff.engine.definitions.values import parse_json, to_text
from signoff.events.types import Json
from signoff.executor.blocks import api
from signoff.executor.blocks.base import BlockFailureError, Call, Tools, keeper
from signoff.executor.blocks.llm.params import invalid, list_of, number_of
from signoff.executor.blocks.registered import Registered
from signoff.sandbox.programs import Program

TOOL_TIMEOUT: Final = 300.0
"""Seconds that one call of a tool may take, where the tool sets no shorter limit."""

_NO_NAME: Final = re.compile(r"[^a-zA-Z0-9_-]")
_NAME_LENGTH: Final = 64
_NOTHING: Final[tuple[Any, ...]] = (None, "", [], {})

_HTTP_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "url": {"type": "string", "description": "http or https URL"},
        "method": {"type": "string", "enum": ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]},
        "params": {"type": "object", "description": "query parameters"},
        "headers": {"type": "object"},
        "body": {"type": ["object", "array", "string", "null"], "description": "JSON, or text"},
    },
    "required": ["url"],
}


class Tool(Struct, frozen=True):
    """A tool in one run of an agent.

    Attributes:
        name: as the model calls it.
        parameters: JSON Schema of what the model has to give.
        forced: whether the model has to call it once.
        run: runs it with the model's arguments and an idempotency key.
    """

    name: str
    description: str
    parameters: dict[str, Any]
    forced: bool
    run: Callable[[dict[str, Any], str], Awaitable[Json]]

    @property
    def described(self) -> dict[str, Any]:
        """The tool as the request has it."""
        function = {"name": self.name, "description": self.description, "parameters": self.parameters}
        return {"type": "function", "function": function}


class _Kind(Protocol):
    """A tool with its references found."""

    reads: frozenset[str]

    def ready(self, entry: Mapping[str, Any], call: Call, tools: Tools) -> Tool:
        """The tool for one run; ``entry`` has its references resolved."""
        ...


class Toolbox:
    """The tools of an agent block, their references found once.

    Args:
        given: the parameter ``tools``: a list of ``{"type", "title", "params", "usageControl"}``, or its JSON
            text.
        names: from ``references.block_names``.
        registry: the registered Python blocks.
    """

    def __init__(self, given: Any, names: Mapping[str, str], registry: Mapping[str, BlockSpec]) -> None:
        self._given = parse_json(given, given) if isinstance(given, str) else given
        entries = self._given if isinstance(self._given, list) else []
        self._tools = [_compiled(entry, names, registry) for entry in entries if _is_wanted(entry)]
        self.reads = frozenset[str]().union(*(kind.reads | entry.blocks for entry, kind in self._tools))

    def ready(self, call: Call, tools: Tools) -> list[Tool]:
        """The tools for one run, each under a name of its own.

        Raises:
            BlockFailureError: one is of a type that agents cannot use, or is described wrongly.
        """
        list_of(self._given, "tools")
        found = [kind.ready(resolve(entry, call.facts), call, tools) for entry, kind in self._tools]
        taken: set[str] = set()
        return [msgspec.structs.replace(tool, name=_unique(tool.name, taken)) for tool in found]


def _is_wanted(entry: Any) -> bool:
    return not (isinstance(entry, dict) and entry.get("usageControl") == "none")


def _compiled(
    entry: Any, names: Mapping[str, str], registry: Mapping[str, BlockSpec]
) -> tuple[Template, "_Kind"]:
    given = entry if isinstance(entry, dict) else {}
    kind = str(given.get("type", ""))
    template = compile_value({key: value for key, value in given.items() if key != "code"}, names)
    if kind == CUSTOM_TOOL:
        return template, _Custom(str(given.get("code") or ""), names)
    if kind in HTTP_TOOLS:
        return template, _Http()
    if kind in registry:
        return template, _Python(registry[kind])
    return template, _Unknown(kind, tuple(registry))


class _Custom:
    """JavaScript of the author's. References in it become bound values, never code."""

    def __init__(self, code: str, names: Mapping[str, str]) -> None:
        self._code = compile_code(code, names)
        self.reads = self._code.blocks

    def ready(self, entry: Mapping[str, Any], call: Call, tools: Tools) -> Tool:
        function = _function(entry)
        parameters = _object(function.get("parameters"))
        presets = _presets(entry)
        source, bindings = resolve_code(self._code, call.facts)
        milliseconds = number_of(entry, "timeout")
        limit = TOOL_TIMEOUT if milliseconds is None else min(max(milliseconds / 1000, 0.001), TOOL_TIMEOUT)
        bare = tool_variables(function)

        async def run(arguments: dict[str, Any], _: str) -> Json:
            params = arguments | presets
            own = {name: params.get(name) for name in bare}
            program = Program(
                kind="function", source=source, bindings={**own, "params": params, **bindings}, timeout=limit
            )
            return (await tools.sandbox.run(program, workspace=call.workspace_id)).value

        return _tool(entry, str(function["name"]), to_text(function.get("description")), parameters, run)


class _Http:
    """An HTTP request, as the `api` block makes it: behind the address guard, with an idempotency key."""

    reads: frozenset[str] = frozenset()

    def ready(self, entry: Mapping[str, Any], call: Call, tools: Tools) -> Tool:
        presets = _presets(entry)
        keep = keeper(call, tools)

        async def run(arguments: dict[str, Any], key: str) -> Json:
            return await api.request(
                arguments | presets,
                session=tools.http,
                idempotency_key=key,
                call_chain=call.call_chain,
                keep=keep,
            )

        title = to_text(entry.get("title"))
        description = f"{title}: make an HTTP request" if title else "Make an HTTP request"
        return _tool(entry, title or "http_request", description, _HTTP_SCHEMA, run)


class _Python:
    """A registered Python block."""

    reads: frozenset[str] = frozenset()

    def __init__(self, spec: BlockSpec) -> None:
        self._spec = spec
        block = Block(id=spec.name, type=spec.name, name=spec.name, params={})
        self._block = Registered(block, {}, spec=spec)

    def ready(self, entry: Mapping[str, Any], call: Call, tools: Tools) -> Tool:
        presets = _presets(entry)

        async def run(arguments: dict[str, Any], key: str) -> Json:
            own = msgspec.structs.replace(
                call, params=arguments | presets, idempotency_key=key, emit=_is_not_the_answer
            )
            limit = self._spec.timeout or TOOL_TIMEOUT
            try:
                async with asyncio.timeout(limit):
                    return (await self._block.run(own, tools)).output
            except TimeoutError as error:
                raise BlockFailureError(f"{self._spec.name} timed out after {limit:g} seconds") from error

        description = inspect.getdoc(self._spec.function) or to_text(entry.get("title"))
        return _tool(entry, self._spec.name, description, _root(self._spec.parameters_schema), run)


class _Unknown:
    """A type that agents cannot use: said when the agent runs, if deploying did not."""

    reads: frozenset[str] = frozenset()

    def __init__(self, kind: str, registered: tuple[str, ...]) -> None:
        self._kind = kind
        self._known = ", ".join([*TOOL_TYPES, *registered])

    def ready(self, entry: Mapping[str, Any], _call: Call, _tools: Tools) -> Tool:
        title = to_text(entry.get("title")) or "without a title"
        raise invalid(f'Tool {title}: an agent cannot use the type "{self._kind}". Use one of {self._known}.')


def _is_not_the_answer(_: str) -> None:
    """Where the text goes that a tool streams: what an agent streams is its answer."""


def _tool(
    entry: Mapping[str, Any],
    name: str,
    description: str,
    parameters: Mapping[str, Any],
    run: Callable[[dict[str, Any], str], Awaitable[Json]],
) -> Tool:
    return Tool(
        name=_NO_NAME.sub("_", name)[:_NAME_LENGTH],
        description=description,
        parameters=_without(parameters, _presets(entry)),
        forced=entry.get("usageControl") == "force",
        run=run,
    )


def _function(entry: Mapping[str, Any]) -> dict[str, Any]:
    function = tool_function(entry)
    if function is None or not isinstance(function.get("name"), str) or not function["name"]:
        raise invalid(
            f"Tool {to_text(entry.get('title')) or CUSTOM_TOOL}: schema must be "
            '{"type": "function", "function": {"name", "description", "parameters"}}'
        )
    return function


def _object(schema: Any) -> dict[str, Any]:
    """A schema of parameters; of an object without any where none is given."""
    given = schema if isinstance(schema, dict) else {}
    properties = given.get("properties")
    return {**given, "type": "object", "properties": properties if isinstance(properties, dict) else {}}


def _root(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema whose top is an object: what msgspec makes is a reference to a definition."""
    definitions = schema.get("$defs", {})
    top = definitions.get(str(schema.get("$ref", "")).removeprefix("#/$defs/"), schema)
    return _object({**top, "$defs": definitions} if definitions else top)


def _presets(entry: Mapping[str, Any]) -> dict[str, Any]:
    """What the author has filled in: the model neither sees nor changes it."""
    params = entry.get("params")
    given = params if isinstance(params, dict) else {}
    return {name: value for name, value in given.items() if value not in _NOTHING}


def _without(schema: Mapping[str, Any], names: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in schema["properties"].items() if name not in names}
    required = [name for name in schema.get("required", ()) if name in kept]
    return {**schema, "properties": kept, "required": required}


def _unique(name: str, taken: set[str]) -> str:
    number, unique = 2, name
    while unique in taken:
        unique = f"{name[: _NAME_LENGTH - 4]}_{number}"
        number += 1
    taken.add(unique)
    return unique
