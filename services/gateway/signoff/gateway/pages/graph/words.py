"""What a drawing says: kinds of blocks, and the names of their exits."""

import unicodedata
from collections.abc import Collection, Mapping
from typing import Final, Literal

import msgspec
from msgspec import Struct

from signoff.engine.definitions.definition import Block, Loop, Parallel
from signoff.engine.definitions.graph import CONDITION, ERROR, ROUTER
from signoff.events.types import Json

HUMAN: Final = "human_in_the_loop"
"""The type of blocks in which somebody decides."""

KINDS: Final[Mapping[str, str]] = {
    "start_trigger": "Start",
    "api_trigger": "Start by API",
    "input_trigger": "Start with input",
    "starter": "Start",
    "manual_trigger": "Start by hand",
    "chat_trigger": "Start by chat",
    "schedule": "Schedule",
    "webhook": "Webhook",
    "generic_webhook": "Webhook",
    "condition": "Condition",
    "router": "Router",
    "router_v2": "Router",
    "function": "Function",
    "api": "HTTP request",
    "agent": "Agent",
    "evaluator": "Evaluator",
    "variables": "Variables",
    "wait": "Wait",
    HUMAN: "Decision",
    "workflow": "Workflow",
    "workflow_input": "Workflow",
    "loop": "Loop",
    "parallel": "Parallel",
    "response": "Response",
}
"""Built-in types in words; other types are shown by their own name."""

_LONGEST: Final = 120
_WHOLE: Final = 1_000
"""Characters of an expression in titles and lists."""

_CHARACTER: Final = 7.2
"""Pixels of a character on average, in the size of a block's texts (graph.css)."""


class Exit(Struct, frozen=True, kw_only=True):
    """A way out of a block that has a name.

    Attributes:
        handle: of its connections.
        label: a name that is short.
        title: all there is to say.
        tone: ``error`` where the block has failed.
    """

    handle: str
    label: str
    title: str
    tone: Literal["", "error"] = ""


def kind_of(block: Block, settings: Loop | Parallel | None) -> str:
    """The type of a block in words; of a container also how it goes about it, by its settings."""
    kind = KINDS.get(block.type, block.type)
    return kind if settings is None else f"{kind} · {_turns(settings)}"


def _turns(settings: Loop | Parallel) -> str:
    match settings:
        case Loop(kind="forEach") | Parallel(kind="collection"):
            return f"for each of {_short(settings.items)}"
        case Loop(kind="for"):
            return f"{settings.iterations} times"
        case Loop():
            return f"{'while' if settings.kind == 'while' else 'do while'} {settings.condition[:_LONGEST]}"
        case Parallel():
            return f"{_short(settings.count)} at once"


def _short(value: Json) -> str:
    return value[:_LONGEST] if isinstance(value, str) else msgspec.json.encode(value).decode()[:_LONGEST]


def exits_of(block: Block, used: Collection[tuple[str, str]]) -> list[Exit]:
    """The named exits of a block: each case of a condition and route of a router, and what failures take.

    Args:
        block: as it was deployed.
        used: sources and handles of the connections that are drawn; exits without any are shown for
            conditions and routers only.
    """
    found: list[Exit] = []
    if block.type == "condition":
        found = [_case(each) for each in _entries(block.params.get("conditions"))]
    elif block.type == "router_v2":
        found = [_way(each) for each in _entries(block.params.get("routes"))]
    if (block.id, ERROR) in used:
        found.append(Exit(handle=ERROR, label="on failure", title="on failure", tone="error"))
    return found


def _case(entry: Mapping[str, Json]) -> Exit:
    value, title = str(entry.get("value") or "")[:_WHOLE], str(entry.get("title") or "")
    said = value if title != "else" else "else"
    return Exit(handle=f"{CONDITION}{entry['id']}", label=said or title, title=said or title)


def _way(entry: Mapping[str, Json]) -> Exit:
    value, title = str(entry.get("value") or "")[:_WHOLE], str(entry.get("title") or "")
    both = ": ".join(dict.fromkeys(each for each in (title, value) if each))
    return Exit(handle=f"{ROUTER}{entry['id']}", label=title or value, title=both)


def _entries(entries: Json) -> list[Mapping[str, Json]]:
    listed = entries if isinstance(entries, list) else []
    return [each for each in listed if isinstance(each, dict) and isinstance(each.get("id"), str)]


def width_of(text: str) -> float:
    """About how wide a text is, in pixels."""
    return sum(map(_units, text[:_LONGEST])) * _CHARACTER


def shortened(text: str, width: float) -> str:
    """As much of a text as has room."""
    left = width / _CHARACTER
    for index, character in enumerate(text[: _LONGEST + 1]):
        left -= _units(character)
        if left < 0:
            return f"{text[: max(1, index - 1)]}…"
    return text[:_LONGEST]


def _units(character: str) -> float:
    return 1.7 if unicodedata.east_asian_width(character) in "WF" else 1.0
