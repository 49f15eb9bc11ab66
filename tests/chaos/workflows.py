"""What runs while things go wrong: something of everything that an execution can do."""

from collections.abc import Mapping
from typing import Any

_ASK = {"type": "human_in_the_loop", "form": {"approved": "boolean"}}


def workflows(desk: str) -> Mapping[str, Mapping[str, Any]]:
    """The definitions by their ids; each takes a ``ticket``.

    Args:
        desk: the URL of what notes tries.
    """
    note = {"type": "chaos.note", "with": {"url": f"{desk}/note"}}
    told = f"{desk.replace('http', 'json')}/told"
    call = {"type": "api", "url": f"{desk}/api", "method": "POST", "body": {"ticket": "<start.ticket>"}}
    blocks: dict[str, dict[str, Any]] = {
        "chaos-plain": {
            "call": {**call, "then": "tell"},
            "tell": {**note, "then": "last"},
            "last": {"type": "function", "code": "return <tell.attempt>"},
        },
        "chaos-fan": {
            "fan": {
                "type": "parallel",
                "count": 3,
                "blocks": {"tell": {**note, "then": "nap"}, "nap": {"type": "wait", "for": "500ms"}},
                "then": "call",
            },
            "call": {"type": "workflow", "workflow": "chaos-plain", "then": "last"},
            "last": {"type": "function", "code": "return <fan.results>.length"},
        },
        "chaos-approval": {
            "before": {**note, "then": "ask"},
            "ask": {**_ASK, "notify": [{"url": told, "on": ["opened"]}], "then": "after"},
            "after": {**note, "then": "nap"},
            "nap": {"type": "wait", "for": "500ms", "then": "last"},
            "last": {"type": "function", "code": "return <ask.approved>"},
        },
        "chaos-two": {
            "left": {**_ASK, "then": "left-done"},
            "right": {**_ASK, "then": "right-done"},
            "left-done": note,
            "right-done": note,
        },
        "chaos-family": {
            "call": {"type": "workflow", "workflow": "chaos-approval", "then": "last"},
            "last": note,
        },
    }
    starts = {"chaos-two": ["left", "right"]}
    return {
        name: {
            "workflow": name,
            "input": {"ticket": "string"},
            **({"start": starts[name]} if name in starts else {}),
            "blocks": those,
        }
        for name, those in blocks.items()
    }
