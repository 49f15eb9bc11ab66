"""The built-in block types: which there are, how their edges leave them, what fields their outputs have."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, TypeAlias

from msgspec import Struct

from signoff.engine.definitions.definition import Block
from signoff.engine.definitions.faults import shorten
from signoff.engine.definitions.values import parse_json

TriggerKind: TypeAlias = Literal["api", "manual", "workflow", "chat", "schedule", "webhook"]
"""What starts a run: a call, a person, a parent's block, a message, the clock, another system."""

Fields: TypeAlias = tuple[str, ...] | None
"""What references may read of an output; None: anything."""

ENTRY_TYPES: Final = ("start_trigger", "api_trigger", "input_trigger", "starter", "manual_trigger")
"""Triggers that a call may start with, the first that a definition has before the others."""

EXTERNAL_TYPES: Final = ("chat_trigger", "schedule", "webhook", "generic_webhook")
"""Built-in triggers that something else than a call starts."""

CONTAINER_TYPES: Final = ("loop", "parallel")
"""Blocks that hold blocks."""

MAX_ITERATIONS: Final = 1000
"""Iterations that a loop may have."""

MAX_AT_ONCE: Final = 20
"""Branches of a parallel that may run at once."""

STEERING_NAMES: Final = frozenset({"error", "selectedOption", "selectedRoute", "_pauseMetadata"})
"""Output fields that the engine acts on, so that no field of a user may be called so."""

CUSTOM_TOOL: Final = "custom-tool"
"""An agent's tool that is the author's own JavaScript."""

HTTP_TOOLS: Final = ("api", "http_request")
"""An agent's tools that make HTTP requests; Sim has both names."""

TOOL_TYPES: Final = (CUSTOM_TOOL, *HTTP_TOOLS)
"""Types of an agent's tools, besides the names of registered Python blocks. Workflows, MCP servers and Sim's
integrations are none of them."""

_ENTRIES: Final[dict[str, tuple[str, ...]]] = {
    "api": ENTRY_TYPES,
    "manual": ENTRY_TYPES,
    "workflow": ("start_trigger", "input_trigger", "starter"),
    "chat": ("start_trigger", "chat_trigger", "starter"),
    "schedule": ("schedule",),
    "webhook": ("webhook", "generic_webhook"),
}
_IDENTIFIER: Final = re.compile(r"[A-Za-z_$][\w$]*", re.ASCII)


class BlockType(Struct, frozen=True, kw_only=True):
    """What the engine knows of a type.

    Attributes:
        fields: output fields that every block of the type has.
        trigger: it starts runs.
        retried: its failures may be retried.
    """

    fields: tuple[str, ...]
    trigger: bool = False
    retried: bool = True


_TRIGGER = BlockType(fields=("input", "conversationId", "files"), trigger=True, retried=False)
_CONTAINER = BlockType(fields=("results",), retried=False)
_CHILD = BlockType(fields=("success", "childWorkflowName", "childWorkflowId", "result"))

BLOCK_TYPES: Final[dict[str, BlockType]] = {
    **dict.fromkeys((*ENTRY_TYPES, *EXTERNAL_TYPES), _TRIGGER),
    **dict.fromkeys(CONTAINER_TYPES, _CONTAINER),
    "function": BlockType(fields=("result", "stdout")),
    "condition": BlockType(fields=("conditionResult", "selectedPath", "selectedOption")),
    "router": BlockType(fields=("prompt", "model", "tokens", "cost", "selectedPath", "selectedRoute")),
    "router_v2": BlockType(
        fields=("context", "model", "tokens", "cost", "selectedRoute", "reasoning", "selectedPath")
    ),
    "agent": BlockType(fields=("content", "model", "tokens", "toolCalls", "cost")),
    "evaluator": BlockType(fields=("content", "model", "tokens", "cost")),
    "variables": BlockType(fields=()),
    "wait": BlockType(fields=("waitDuration", "status", "resumeAt")),
    "api": BlockType(fields=("data", "status", "headers")),
    "workflow": _CHILD,
    "workflow_input": _CHILD,
    "response": BlockType(fields=("data", "status", "headers")),
    "human_in_the_loop": BlockType(
        fields=(
            "url",
            "link",
            "resumeEndpoint",
            "response",
            "submission",
            "resumeInput",
            "submittedAt",
            "submittedBy",
            "notificationResults",
        ),
        retried=False,
    ),
}
"""The built-in types by name. What is neither here nor registered is refused at deploy."""


def is_trigger(block_type: str, params: dict[str, Any], category: object = None) -> bool:
    """Tells whether a block starts runs (Sim's format, section 1).

    Args:
        block_type: its type.
        params: its parameters; ``triggerMode`` makes any block a trigger.
        category: Sim's ``metadata.category``, which counts for types that are not built in.
    """
    known = BLOCK_TYPES.get(block_type)
    if params.get("triggerMode") is True:
        return True
    return known.trigger if known is not None else category == "triggers"


def find_entry(
    blocks: Iterable[Block], trigger: TriggerKind = "api", block_id: str | None = None
) -> Block | None:
    """Finds the block that a run starts with (Sim's format, section 3).

    **Here** a call may also start at a ``manual_trigger``: nothing else starts one without an editor.

    Args:
        blocks: of the definition.
        trigger: what starts the run.
        block_id: the trigger that was meant, where a definition may hold several, as for ``schedule`` and
            ``webhook``.

    Returns:
        The first enabled block of the foremost type that such a run starts with; with ``block_id`` that
        block, if it is an enabled trigger. None where there is none.
    """
    enabled = [block for block in blocks if block.enabled]
    if block_id is not None:
        return next((block for block in enabled if block.id == block_id and block.trigger), None)
    types = _ENTRIES[trigger]
    fitting = [block for block in enabled if block.type in types]
    entry = min(fitting, key=lambda block: types.index(block.type), default=None)
    if entry is None and trigger in {"manual", "webhook"}:
        return next((block for block in enabled if block.trigger and _is_external(block, trigger)), None)
    return entry


def _is_external(block: Block, trigger: TriggerKind) -> bool:
    """Whether another system starts it: a trigger that is not built in. By hand any trigger may be tried."""
    return trigger == "manual" or block.type not in (*ENTRY_TYPES, *EXTERNAL_TYPES)


def too_many(name: str) -> str:
    """The text of a loop that has, or would have, more than `MAX_ITERATIONS`."""
    return f'Loop "{shorten(name)}" exceeds the maximum of {MAX_ITERATIONS} iterations'


def handles(block: Block) -> tuple[str, ...]:
    """The handles by which a connection may leave a block, those of an old router apart.

    That one has a handle ``router-<target>`` for each of its connections.
    """
    if block.type in CONTAINER_TYPES:
        return (f"{block.type}-start-source", f"{block.type}-end-source", "source", "error")
    if block.type == "condition":
        return ("source", "error", *_prefixed("condition-", block.params.get("conditions")))
    if block.type == "router_v2":
        return ("source", "error", *_prefixed("router-", block.params.get("routes")))
    return ("source", "error")


def output_fields(block: Block, registered: Mapping[str, Fields]) -> Fields:
    """The fields that the output of a block has, for the check of references.

    Args:
        block: of a checked definition.
        registered: the fields of registered Python blocks, by type.

    Returns:
        The names in order; None where the output may have any field.
    """
    if block.type in registered and not block.trigger:
        return registered[block.type]
    known = BLOCK_TYPES.get(block.type)
    if known is None or (block.trigger and not known.trigger):
        return None if block.trigger else tuple(block.outputs) or None
    if block.type == "agent" and block.params.get("responseFormat"):
        return _formatted_fields(block.params["responseFormat"])
    own = _own_fields(block)
    if known.trigger and (not own or block.type in EXTERNAL_TYPES):
        return None
    told = ("metadata",) if gives_run_metadata(block) else ()
    return tuple(dict.fromkeys((*own, *told, *known.fields)))


def gives_run_metadata(block: Block) -> bool:
    """Whether a start block's output tells about the run, under ``metadata``."""
    return block.type == "start_trigger" and block.params.get("runMetadata") is True


def response_schema(response_format: object) -> dict[str, Any] | None:
    """The JSON Schema of an agent's ``responseFormat``, bare or in ``{name, schema, strict}``.

    Returns:
        None where it is not an object: a text that is known only when the block runs, or a fault.
    """
    if not isinstance(response_format, dict):
        return None
    schema = response_format.get("schema", response_format)
    return schema if isinstance(schema, dict) else None


def tool_function(tool: Mapping[str, Any]) -> dict[str, Any] | None:
    """The function that a custom tool's ``schema`` describes: OpenAI's, with or without its envelope.

    Returns:
        ``{name, description, parameters}`` as written; None where the schema is none.
    """
    schema = tool.get("schema")
    schema = parse_json(schema, None) if isinstance(schema, str) else schema
    function = schema.get("function", schema) if isinstance(schema, dict) else None
    return function if isinstance(function, dict) else None


def tool_variables(function: Mapping[str, Any]) -> list[str]:
    """The parameters of a custom tool that its code finds as variables: all are in ``params``, too."""
    parameters = function.get("parameters")
    properties = parameters.get("properties") if isinstance(parameters, dict) else None
    return (
        [name for name in properties if _IDENTIFIER.fullmatch(name)] if isinstance(properties, dict) else []
    )


def _formatted_fields(response_format: object) -> tuple[str, ...] | None:
    schema = response_schema(response_format)
    properties = None if schema is None else schema.get("properties")
    if not isinstance(properties, dict):
        return None
    return tuple(dict.fromkeys((*properties, "model", "tokens", "toolCalls", "cost")))


def _own_fields(block: Block) -> list[str]:
    """The fields that a block adds to those of its type."""
    if block.type == "variables":
        return _texts(block.params.get("variables"), "variableName")
    if block.type == "evaluator":
        return [name.lower() for name in _texts(block.params.get("metrics"), "name")]
    if block.type in ENTRY_TYPES or block.type == "human_in_the_loop":
        together = ["decisions"] if block.params.get("quorum") is not None else []
        return [*together, *_texts(block.params.get("inputFormat"), "name")]
    return []


def _prefixed(prefix: str, entries: object) -> list[str]:
    return [f"{prefix}{each}" for each in _texts(entries, "id")]


def _texts(entries: object, key: str) -> list[str]:
    values = (
        [each.get(key) for each in entries if isinstance(each, dict)] if isinstance(entries, list) else []
    )
    return [value for value in values if isinstance(value, str)]
