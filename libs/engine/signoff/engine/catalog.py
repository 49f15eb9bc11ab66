"""The built-in block types: which there are, how their edges leave them, what fields their outputs have."""

from collections.abc import Iterable
from typing import Any, Final

from msgspec import Struct

from signoff.engine.definition import Block

ENTRY_TYPES: Final = ("start_trigger", "api_trigger", "input_trigger", "starter", "manual_trigger")
"""Triggers that a call may start with, the first that a definition has before the others."""

STEERING_NAMES: Final = frozenset({"error", "selectedOption", "selectedRoute", "_pauseMetadata"})
"""Output fields that the engine acts on, so that no field of a user may be called so."""


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

BLOCK_TYPES: Final[dict[str, BlockType]] = dict.fromkeys(ENTRY_TYPES, _TRIGGER) | {
    "function": BlockType(fields=("result", "stdout")),
    "condition": BlockType(fields=("conditionResult", "selectedPath", "selectedOption")),
    "variables": BlockType(fields=()),
    "wait": BlockType(fields=("waitDuration", "status", "resumeAt")),
    "api": BlockType(fields=("data", "status", "headers")),
    "response": BlockType(fields=("data", "status", "headers")),
    "human_in_the_loop": BlockType(
        fields=(
            "url",
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


def find_entry(blocks: Iterable[Block]) -> Block | None:
    """Finds the block that a call starts with: the first enabled one of the foremost entry type."""
    enabled = [block for block in blocks if block.enabled and block.type in ENTRY_TYPES]
    return min(enabled, key=lambda block: ENTRY_TYPES.index(block.type), default=None)


def handles(block: Block) -> tuple[str, ...]:
    """The handles by which a connection may leave a block."""
    if block.type != "condition":
        return ("source", "error")
    return (
        "source",
        "error",
        *(f"condition-{each}" for each in _texts(block.params.get("conditions"), "id")),
    )


def output_fields(block: Block) -> tuple[str, ...] | None:
    """The fields that the output of a block has, for the check of references.

    Returns:
        The names in order; None where the output may have any field.
    """
    known = BLOCK_TYPES.get(block.type)
    if known is None:
        return tuple(block.outputs) or None
    own = _own_fields(block)
    if known.trigger and not own:
        return None
    return tuple(dict.fromkeys((*own, *known.fields)))


def _own_fields(block: Block) -> list[str]:
    """The fields that a block adds to those of its type."""
    if block.type == "variables":
        return _texts(block.params.get("variables"), "variableName")
    if block.type in ENTRY_TYPES or block.type == "human_in_the_loop":
        return _texts(block.params.get("inputFormat"), "name")
    return []


def _texts(entries: object, key: str) -> list[str]:
    values = (
        [each.get(key) for each in entries if isinstance(each, dict)] if isinstance(entries, list) else []
    )
    return [value for value in values if isinstance(value, str)]
