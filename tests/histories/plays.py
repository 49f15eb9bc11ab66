"""What is recorded of each version: workflows, and what people do with their executions.

Each play runs twice: one execution to its end, and one that is left where it waits, for later versions to
go on with.
"""

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

Document = Mapping[str, Any]

PEOPLE: Final = "0.4"
"""The first version in which named people decide."""


class Step(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that is done with an execution.

    Attributes:
        do: ``decide`` on the open point of ``block``, ``cancel``, ``retry``, or an act of the inbox, by the
            last word of its route; ``await`` the event ``event``.
        block: whose point.
        input: the decision, or the body.
        by: whose key (support.cast); the server's own without.
        child: the point is in the execution that this block called.
        event: the type of the event that is awaited.
    """

    do: str
    block: str = ""
    input: Any = None
    by: str | None = None
    child: str | None = None
    event: str = ""


class Play(Struct, frozen=True, kw_only=True):
    """A workflow and what is done with its executions.

    Attributes:
        name: of the play, and of its workflow.
        definition: in Signoff's own spelling.
        input: of both executions.
        before: what is done with both.
        after: what is done with one of them only; the other is left before it.
        others: workflows that this one calls.
        snapshot: its log is so long that a snapshot is kept: it is recorded once, in the embedded server.
        since: the first version that has all that it needs.
    """

    name: str
    definition: Document
    input: Mapping[str, Any] = {}
    before: tuple[Step, ...] = ()
    after: tuple[Step, ...] = ()
    others: Mapping[str, Document] = {}
    snapshot: bool = False
    since: str = "0.1"


def decide(block: str, *, by: str | None = None, child: str | None = None, **given: Any) -> Step:
    """A decision on an open point."""
    return Step(do="decide", block=block, input=given, by=by, child=child)


def awaits(event: str) -> Step:
    """Nothing is done before the log holds an event of this type."""
    return Step(do="await", event=event)


def asks(then: str | None = None, **more: Any) -> Document:
    """A pause with one field."""
    form = {"approved": {"type": "boolean", "required": True}}
    block = {"type": "human_in_the_loop", "show": {"Amount": "<start.amount>"}, "form": form, **more}
    return block if then is None else {**block, "then": then}


def tells(**data: Any) -> Document:
    """The answer."""
    return {"type": "response", "data": data}


_AMOUNT: Final = {"amount": {"type": "number", "required": True}}
_LONG: Final = 252
"""Blocks of the execution that is long enough for a snapshot: two events each."""

_LARGE: Final = "return {text: 'large '.repeat(50000)}"
"""300,000 characters: over what an event holds itself."""

_REFUND: Final = Play(
    name="refund",
    definition={
        "input": _AMOUNT,
        "variables": {"limit": 100},
        "blocks": {
            "check": {
                "type": "condition",
                "cases": [{"when": "<start.amount> <= <variable.limit>", "then": "pay"}, {"else": "ask"}],
            },
            "ask": asks("pay"),
            "pay": {
                "type": "function",
                "code": "return {receipt: `{{TOKEN}}`.length * <start.amount>}",
                "then": "kept",
            },
            "kept": {"type": "variables", "set": {"limit": "<pay.result.receipt>"}, "then": "told"},
            "told": tells(paid="<pay.result.receipt>", said="<ask.approved>", limit="<variable.limit>"),
        },
    },
    input={"amount": 250},
    after=(decide("ask", approved=True),),
)

_BOTH: Final = Play(
    name="both",
    definition={
        "input": _AMOUNT,
        "start": ["left", "right"],
        "blocks": {
            "left": asks("told"),
            "right": asks("told"),
            "told": tells(left="<left.approved>", right="<right.approved>"),
        },
    },
    input={"amount": 1},
    before=(decide("right", approved=False), awaits("execution:paused")),
    after=(decide("left", approved=True),),
)

_CHAIN: Final = Play(
    name="chain",
    definition={
        "input": _AMOUNT,
        "blocks": {
            "first": asks("second"),
            "second": asks("told"),
            "told": tells(first="<first.approved>", second="<second.approved>"),
        },
    },
    input={"amount": 2},
    before=(decide("first", approved=True),),
    after=(decide("second", approved=False),),
)

_NAP: Final = Play(
    name="nap",
    definition={
        "blocks": {
            "rest": {"type": "wait", "for": "4s", "then": "told"},
            "told": tells(status="<rest.status>"),
        },
    },
    before=(awaits("timer:set"),),
    after=(awaits("execution:completed"),),
)

_PAUSED_NAP: Final = Play(
    name="paused-nap",
    definition={
        "blocks": {
            "rest": {"type": "wait", "for": "4s", "async": True, "then": "told"},
            "told": tells(status="<rest.status>"),
        },
    },
    before=(awaits("execution:paused"),),
    after=(awaits("execution:completed"),),
)

_TRIES: Final = Play(
    name="tries",
    definition={
        "blocks": {
            "try": {
                "type": "histories.flaky",
                "with": {"fails": 1},
                "retry": {"maxTries": 2, "waitBetweenTriesMs": 4000},
                "then": "told",
            },
            "told": tells(tries="<try>"),
        },
    },
    before=(awaits("block:retrying"),),
    after=(awaits("execution:completed"),),
)

_CAUGHT: Final = Play(
    name="caught",
    definition={
        "input": _AMOUNT,
        "blocks": {
            "fail": {"type": "function", "code": "throw new Error('no')", "then": "never", "catch": "ask"},
            "never": tells(never=True),
            "ask": asks("told"),
            "told": tells(said="<ask.approved>"),
        },
    },
    input={"amount": 3},
    after=(decide("ask", approved=True),),
)

_FAILED: Final = Play(
    name="failed",
    definition={
        "input": _AMOUNT,
        "blocks": {
            "ask": asks("fail"),
            "fail": {"type": "function", "code": "throw new Error('no')"},
        },
    },
    input={"amount": 4},
    after=(decide("ask", approved=True),),
)

_CANCELLED: Final = Play(
    name="cancelled",
    definition={"input": _AMOUNT, "blocks": {"ask": asks()}},
    input={"amount": 5},
    after=(Step(do="cancel"),),
)

_SPOKEN: Final = Play(
    name="spoken",
    definition={
        "input": _AMOUNT,
        "blocks": {
            "say": {"type": "histories.say", "with": {"text": "not all is said"}, "then": "ask"},
            "ask": asks("told"),
            "told": tells(said="<say>", approved="<ask.approved>"),
        },
    },
    input={"amount": 6},
    after=(decide("ask", approved=True),),
)

_LOOP: Final = Play(
    name="loop",
    since="0.2",
    definition={
        "input": _AMOUNT,
        "blocks": {
            "turns": {"type": "loop", "for": 3, "blocks": {"ask": asks()}, "then": "told"},
            "told": tells(results="<turns.results[2][0].approved>"),
        },
    },
    input={"amount": 7},
    before=(decide("ask", approved=True),),
    after=(decide("ask", approved=False), decide("ask", approved=True)),
)

_BRANCHES: Final = Play(
    name="branches",
    since="0.2",
    definition={
        "input": _AMOUNT,
        "blocks": {
            "each": {"type": "parallel", "forEach": ["a", "b"], "blocks": {"ask": asks()}, "then": "told"},
            "told": tells(results="<each.results[1][0].approved>"),
        },
    },
    input={"amount": 8},
    after=(decide("ask", approved=True), decide("ask", approved=True)),
)

_CALLER: Final = Play(
    name="caller",
    since="0.2",
    definition={
        "input": _AMOUNT,
        "blocks": {
            "call": {"type": "workflow", "workflow": "callee", "input": {"amount": 9}, "then": "told"},
            "told": tells(said="<call.result.data.said>"),
        },
    },
    others={
        "callee": {"input": _AMOUNT, "blocks": {"ask": asks("told"), "told": tells(said="<ask.approved>")}}
    },
    input={"amount": 9},
    after=(decide("ask", child="call", approved=True),),
)

_RETRIED: Final = Play(
    name="retried",
    since="0.2",
    definition={
        "blocks": {"try": {"type": "histories.flaky", "with": {"fails": 1}, "then": "told"}, "told": tells()}
    },
    before=(awaits("execution:error"),),
    after=(Step(do="retry"), awaits("execution:completed")),
)

_CLOCK: Final = Play(
    name="clock",
    since="0.2",
    definition={
        "input": _AMOUNT,
        "start": "ask",
        "blocks": {
            "yearly": {"type": "schedule", "cron": "0 0 1 1 *", "catchUp": "none", "then": "ask"},
            "ask": asks("told"),
            "told": tells(said="<ask.approved>"),
        },
    },
    input={"amount": 10},
    after=(decide("ask", approved=True),),
)

_QUORUM: Final = Play(
    name="quorum",
    definition={
        "input": _AMOUNT,
        "blocks": {
            "ask": asks(
                "told",
                title="Pay <start.amount>",
                assignees=["group:finance"],
                quorum={"required": 2},
                priority="high",
                deadline={"steps": [{"after": "100ms", "remind": True}, {"after": "365d", "fail": True}]},
            ),
            "told": tells(said="<ask.approved>"),
        },
    },
    input={"amount": 11},
    since=PEOPLE,
    before=(
        awaits("pause:reminded"),
        decide("ask", by="ann", approved=True),
        awaits("decision:recorded"),
    ),
    after=(decide("ask", by="ben", approved=True),),
)

_CLAIMED: Final = Play(
    name="claimed",
    definition={
        "input": _AMOUNT,
        "blocks": {
            "ask": asks("told", assignees=["group:finance"]),
            "told": tells(said="<ask.approved>"),
        },
    },
    input={"amount": 13},
    since=PEOPLE,
    before=(
        Step(do="claim", block="ask", by="ann"),
        Step(do="comment", block="ask", input={"text": "I look at it"}, by="ben"),
        Step(do="release", block="ask", by="ann"),
        Step(do="claim", block="ask", by="ben"),
    ),
    after=(decide("ask", by="ben", approved=True),),
)

_LENGTHY: Final = Play(
    name="long",
    snapshot=True,
    definition={
        "input": _AMOUNT,
        "blocks": {
            **{
                f"n{at}": {
                    "type": "variables",
                    "set": {"at": at},
                    "then": f"n{at + 1}" if at < _LONG - 1 else "large",
                }
                for at in range(_LONG)
            },
            "large": {"type": "function", "code": _LARGE, "then": "ask"},
            "ask": asks("told"),
            "told": tells(said="<ask.approved>", at="<variable.at>"),
        },
    },
    input={"amount": 12},
    after=(decide("ask", approved=True),),
)

PLAYS: Final = (
    *(_LENGTHY, _REFUND, _BOTH, _CHAIN, _CAUGHT, _FAILED, _CANCELLED, _SPOKEN, _LOOP, _BRANCHES, _CALLER),
    *(_RETRIED, _CLOCK, _CLAIMED, _QUORUM, _TRIES, _NAP, _PAUSED_NAP),
)
"""In this order: what goes on by itself is left last, so that it still waits when the server stops."""

BY_PEOPLE: Final = frozenset(play.name for play in PLAYS if play.since == PEOPLE)
"""What members of the workspace decide, each with a key of their own."""
