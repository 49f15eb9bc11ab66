"""What a decision would cause: tried out in memory where its maker may, else read from the graph."""

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any, Final, TypeAlias

import msgspec
from aiohttp import web
from msgspec import Struct
from msgspec.structs import replace

from signoff.access.callers import Principal
from signoff.audit.life.what_if import DryRun
from signoff.engine.definitions.constraints import choices_of
from signoff.engine.definitions.definition import Block, decode
from signoff.engine.definitions.forms import check_form, secret_names
from signoff.engine.definitions.graph import Graph, compile_graph
from signoff.engine.points.pauses import form_of
from signoff.events.escapes import escape
from signoff.events.types import BlockCompleted, BlockError, BlockStarted, Json, PauseOpened
from signoff.gateway.errors import ApiError
from signoff.gateway.executions.deciding import maker
from signoff.gateway.executions.file_inputs import file_fields
from signoff.gateway.executions.forking import try_out
from signoff.gateway.executions.life_schemas import ForkBody, ForkDecisionBody
from signoff.gateway.gateway import GATEWAY, Gateway, find_definition
from signoff.gateway.inbox.point import ReadPoint
from signoff.gateway.pages.fields import Posted, sent_values
from signoff.gateway.pages.headings import heading
from signoff.gateway.pages.kept import Kept
from signoff.gateway.pages.resume.reading import Reading
from signoff.gateway.pages.resume.verdicts import verdict_field

MOST: Final = 30
"""Blocks that are named."""

_NOT_TRIED: Final = frozenset({400, 401, 403, 404, 409, 412, 422, 428, 503})
"""Statuses with which a dry run is refused; the graph tells more than that."""


class Follower(Struct, frozen=True, kw_only=True):
    """A block that a decision leads to. ``acts``: it does something outside, and so was not tried out."""

    id: str
    name: str
    type: str
    acts: bool = False


class Outcome(Struct, frozen=True, kw_only=True):
    """What follows a decision.

    Attributes:
        condition: which decision, such as ``If you approve``.
        blocks: that run, in their order; of the graph: that may run.
        more: blocks that are not named.
        ending: what comes then, in a sentence.
    """

    condition: str
    blocks: list[Follower]
    more: int = 0
    ending: str = ""


class Outcomes(Struct, frozen=True):
    """What may follow.

    Attributes:
        outcomes: of each decision.
        tried: whether it was tried out; else it was read from the graph.
        filled_in: with what the form was filled in with; else with what it begins with.
        may_try: whether its reader may try things out.
    """

    outcomes: list[Outcome]
    tried: bool
    filled_in: bool = False
    may_try: bool = True


OUTCOMES: Final = web.AppKey("outcomes", Kept[list[Outcome]])
"""Those that were tried out lately: of one state of an execution, and one maker, they are always the same."""

_Fields: TypeAlias = list[dict[str, Any]]
_VERDICTS: Final = ((True, "If you approve"), (False, "If you reject"))


async def outcomes_of(
    request: web.Request, caller: Principal, reading: Reading, posted: Posted | None = None
) -> Outcomes:
    """What the decision on a pause point would cause; nothing is written, nothing acts.

    Args:
        request: asks for it.
        caller: who would decide.
        reading: of the point.
        posted: what the form was filled in with; what does not fit it counts as not filled in.
    """
    read = reading.read
    fields = form_of(read.point.response)
    may_try = caller.may("executions:start") and caller.may("pauses:decide")
    if may_try and _can_be_tried(request, fields):
        begun = {field["name"]: _sample(field) for field in fields if field.get("required")}
        filled = None if posted is None else {**begun, **sent_values(fields, posted)}
        if filled is not None and not check_form(fields, escape(filled))[1]:
            tried = await _tried(request, caller, reading, filled)
            if tried is not None:
                return Outcomes(tried, tried=True, filled_in=True)
        tried = await _tried(request, caller, reading, begun)
        if tried is not None:
            return Outcomes(tried, tried=True)
    return Outcomes([await _by_graph(request.app[GATEWAY], read)], tried=False, may_try=may_try)


def _can_be_tried(request: web.Request, fields: _Fields) -> bool:
    holds_more = secret_names(fields) or file_fields(fields)
    return not holds_more and request.app[GATEWAY].what_if is not None


async def _tried(
    request: web.Request, caller: Principal, reading: Reading, given: dict[str, Json]
) -> list[Outcome] | None:
    """What was tried out; ``None``: it cannot be, or not now."""
    who = (caller.actor, replace(maker(request, caller), address=None))
    read = reading.read
    what = (read.row.log_id, read.state.version, read.point.context_id, who, given)
    name = sha256(msgspec.json.encode(what)).hexdigest()
    try:
        return await request.app[OUTCOMES].get(name, lambda: _all_tried(request, caller, reading, given))
    except ApiError as error:
        if error.status not in _NOT_TRIED:
            raise
        return None


async def _all_tried(
    request: web.Request, caller: Principal, reading: Reading, given: dict[str, Json]
) -> list[Outcome]:
    read = reading.read
    verdict = verdict_field(read.point, form_of(read.point.response))
    inputs = [("Then", given)]
    if verdict is not None:
        inputs = [(told, {**given, verdict: yes}) for yes, told in _VERDICTS]
    point, event_id = read.point.context_id, read.state.version
    bodies = [
        ForkBody(
            event_id=event_id,
            decision=ForkDecisionBody(context_id=point, input={"submission": submission}),
        )
        for _, submission in inputs
    ]
    told = await try_out(request, caller, read.row, bodies)
    return [_outcome(condition, each, reading) for (condition, _), each in zip(inputs, told, strict=True)]


def _sample(field: Mapping[str, Any]) -> Json:
    """Something for a field that must be filled in: its default, else what is easy."""
    if field.get("value") not in (None, ""):
        return field["value"]
    choices = choices_of(field) or []
    easy: Mapping[str, Json] = {
        "array": choices[: int(field.get("minItems") or 1)],
        "boolean": False,
        "number": next(iter(choices), field.get("min", field.get("max", 0))),
        "object": {},
    }
    return easy.get(field["type"], next(iter(choices), "…" * int(field.get("minLength") or 1)))


def _outcome(condition: str, told: DryRun, reading: Reading) -> Outcome:
    read = reading.read
    context_id = read.point.context_id
    if told.end.points[context_id].entry_id is None:
        ending = "Your decision counts, and it waits for others: nothing runs before they have decided."
        return Outcome(condition=condition, blocks=[], ending=ending)
    found = {each.id: each for each in _run(told, read.point.block_id)}
    found |= {
        each.block_id: Follower(id=each.block_id, name=each.block_name, type=each.block_type, acts=True)
        for each in told.would_run
    }
    blocks = list(found.values())
    return Outcome(
        condition=condition,
        blocks=blocks[:MOST],
        more=max(0, len(blocks) - MOST),
        ending=_ending(told, reading),
    )


def _run(told: DryRun, paused: str) -> Iterator[Follower]:
    """The blocks that ran in memory, but for the one that waits."""
    for event in told.events:
        data = event.data
        if isinstance(data, (BlockStarted, BlockCompleted, BlockError)) and data.block_id != paused:
            yield Follower(id=data.block_id, name=data.block_name, type=data.block_type)


def _ending(told: DryRun, reading: Reading) -> str:
    match told.stopped:
        case "ended":
            return {
                "completed": "Then the execution is completed.",
                "failed": "Then the execution fails.",
            }.get(told.end.status, "Then the execution ends.")
        case "paused":
            opened = [each.data for each in told.events if isinstance(each.data, PauseOpened)]
            names = {each.id: each.name for each in _run(told, paused="")}
            asked = [
                heading(each.title, reading.workflow, names.get(each.block_id, each.block_id))
                for each in opened
                if each.context_id not in reading.read.state.points
            ]
            return f"Then people are asked: {', '.join(asked[:5])}." if asked else "Then it goes on waiting."
        case "effects":
            return "What follows them depends on what they give."
        case "limit":
            return "And more: it was too long to try out to its end."


async def _by_graph(gateway: Gateway, read: ReadPoint) -> Outcome:
    """The blocks that the graph leads to from a pause point."""
    state = read.state
    document = await find_definition(
        gateway, read.row.workspace_id, state.workflow_id, state.workflow_version
    )
    if not isinstance(document, dict):
        return Outcome(condition="Then these may run", blocks=[])
    blocks = await asyncio.to_thread(_after, document, state.trigger_block_id, read.point.block_id)
    return Outcome(
        condition="Blocks that may run then",
        blocks=[Follower(id=each.id, name=each.name, type=each.type) for each in blocks[:MOST]],
        more=max(0, len(blocks) - MOST),
        ending="" if blocks else "No block follows: this branch of the execution ends.",
    )


def _after(document: Mapping[str, Any], trigger_block_id: str | None, block_id: str) -> list[Block]:
    graph = compile_graph(decode(document), trigger_block_id)
    return [graph.nodes[each].block for each in _downstream(graph, block_id)]


def _downstream(graph: Graph, block_id: str) -> list[str]:
    """What a block leads to, the nearest first, out of the containers around it, too."""
    if block_id not in graph.nodes:
        return []
    found = dict.fromkeys((block_id, *reversed(graph.nodes[block_id].around)))
    waiting = deque(found)
    while waiting:
        fresh = [edge.target for edge in graph.nodes[waiting.popleft()].edges if edge.target not in found]
        found |= dict.fromkeys(fresh)
        waiting.extend(fresh)
    return list(found)[1 + len(graph.nodes[block_id].around) :]
