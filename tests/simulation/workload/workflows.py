"""What runs in the simulated world: small workflows that have something of everything between them."""

from collections.abc import Mapping
from typing import Any, Final

_RETRY: Final = {"maxTries": 3, "waitBetweenTriesMs": 300, "backoff": 1}
_ASK: Final = {"type": "human_in_the_loop", "form": {"approved": "boolean"}}


def _act(then: str | None = None, **given: Any) -> dict[str, Any]:
    block = {"type": "act", "with": given, "retry": _RETRY}
    return block if then is None else {**block, "then": then}


_BLOCKS: Final[Mapping[str, Mapping[str, Any]]] = {
    "straight": {
        "first": _act("second", give=1),
        "second": _act("last", fail=1, give=2),
        "last": {"type": "function", "code": "return <first.result> + <second.result>"},
    },
    "choice": {
        "which": {
            "type": "condition",
            "cases": [{"when": "<start.amount> > 50", "then": "much"}, {"else": "little"}],
        },
        "much": _act(),
        "little": {"type": "variables", "set": {"paid": "<start.amount>"}, "then": "pay"},
        "pay": {
            "type": "api", "url": "http://outside/pay", "method": "POST", "retry": _RETRY, "catch": "sorry",
        },
        "sorry": _act(),
    },
    "fan": {
        "each": {
            "type": "parallel", "count": 3,
            "blocks": {"do": _act("nap"), "nap": {"type": "wait", "for": "400ms"}},
            "then": "again",
        },
        "again": {"type": "loop", "for": 2, "blocks": {"step": _act()}, "then": "last"},
        "last": _act(),
    },
    "failing": {"first": _act("bad"), "bad": {**_act(fail=9), "catch": "mend"}, "mend": _act("worse"),
                "worse": _act(fail=9)},
    "approval": {
        "before": _act("ask"),
        "ask": {**_ASK, "then": "after"},
        "after": _act("nap"),
        "nap": {"type": "wait", "for": "700ms", "then": "last"},
        "last": {"type": "variables", "set": {"approved": "<ask.approved>"}},
    },
    "two": {
        "left": {**_ASK, "then": "left-done"},
        "right": {**_ASK, "then": "right-done"},
        "left-done": _act("join"),
        "right-done": _act("join"),
        "join": _act(),
    },
    "quorum": {
        "ask": {
            **_ASK, "quorum": {"required": 2}, "deadline": {"after": "9s", "default": {}}, "then": "after",
        },
        "after": _act(),
    },
    "deadline": {
        "ask": {**_ASK, "deadline": {"after": "4s", "default": {"approved": False}}, "then": "after"},
        "after": _act(),
    },
    "sleeper": {"nap": {"type": "wait", "for": "6s", "async": True, "then": "after"}, "after": _act()},
    "parent": {
        "before": _act("call"),
        "call": {"type": "workflow", "workflow": "approval", "then": "after"},
        "after": _act(),
    },
    "caller": {"call": {"type": "workflow", "workflow": "straight", "then": "after"}, "after": _act()},
    "rounds": {
        "each": {
            "type": "loop", "for": 2,
            "blocks": {"ask": {**_ASK, "then": "do"}, "do": _act()},
            "then": "last",
        },
        "last": _act(),
    },
    "spread": {
        "each": {"type": "parallel", "count": 2, "blocks": {"ask": {**_ASK, "then": "do"}, "do": _act()}},
    },
    "ladder": {
        "ask": {
            **_ASK,
            "deadline": {
                "steps": [
                    {"after": "1s", "remind": True},
                    {"after": "3s", "escalate": ["role:admin"]},
                    {"after": "6s", "fail": True},
                ],
            },
            "then": "after", "catch": "late",
        },
        "after": _act(),
        "late": _act(),
    },
    "minutely": {
        "tick": {"type": "schedule", "cron": "* * * * *", "catchUp": "last", "then": "do"},
        "do": _act(),
    },
}  # fmt: skip

_STARTS: Final = {"two": ["left", "right"], "minutely": ["do"]}

NEEDS: Final[Mapping[str, str]] = {"parent": "approval", "caller": "straight"}
"""Workflows that call another one."""

QUORUM: Final = "quorum"
"""The workflow whose point several must decide on."""

NAMES: Final = tuple(_BLOCKS)
"""All of them."""


def definition(name: str) -> dict[str, Any]:
    """A workflow as it is deployed; each takes the ``ticket`` of its start, and an ``amount``."""
    starts = {"start": _STARTS[name]} if name in _STARTS else {}
    given = {"ticket": "string", "amount": "number"}
    return {"workflow": name, "input": given, **starts, "blocks": _BLOCKS[name]}
