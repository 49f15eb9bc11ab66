"""``POST /inbox/decisions``: one answer to several pause points, each with a result of its own."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Literal, TypeAlias, get_args

from aiohttp import web
from msgspec import UNSET, Struct

from signoff.access.callers import Principal
from signoff.engine.state import PausePoint
from signoff.events.store.base import ExecutionRow
from signoff.events.types import ClaimPause, Json, ReleasePause
from signoff.gateway.errors import ApiError, bad_field
from signoff.gateway.executions.deciding import maker
from signoff.gateway.executions.history import fold
from signoff.gateway.gateway import GATEWAY, Gateway, find_execution, shown_id
from signoff.gateway.http.bodies import read_form
from signoff.gateway.http.responses import as_refusal
from signoff.gateway.inbox.asked import asked_of
from signoff.gateway.inbox.asking import asking_of, recorded
from signoff.gateway.inbox.bulk import MOST, DecisionResult, OneDecision, decide_all
from signoff.gateway.inbox.point import MISSING, resolve_point
from signoff.gateway.inbox.reasons import MAX_REASON
from signoff.gateway.pages.front import local_path
from signoff.gateway.pages.headings import heading
from signoff.gateway.pages.inbox.points import ShownPoint, point_key, read_value, resume_path
from signoff.gateway.pages.inbox.verdicts import Answer, fill
from signoff.gateway.pages.inbox.views import PATH
from signoff.gateway.pages.messages import Message
from signoff.gateway.pages.once import key_of
from signoff.gateway.pages.site import render, see_other

Verb: TypeAlias = Literal["approve", "reject", "claim", "release"]

AT_ONCE: Final = 10
"""Points that are read, or asked something of, at a time."""

DONE: Final = {"approve": "Approved", "reject": "Rejected", "claim": "Claimed", "release": "Released"}


class Sent(Struct, frozen=True, kw_only=True):
    """What a form asks for.

    Attributes:
        verb: what is to be done.
        points: with what was shown of each.
        filled_in: the keys of those whose sender was told what their forms fill in.
        reason: why; may be empty.
        key: makes the same form, sent again, the same decisions.
        back: where its sender was.
        in_place: a script shows the results where it is.
    """

    verb: Verb
    points: list[ShownPoint]
    filled_in: frozenset[str]
    reason: str
    key: str
    back: str
    in_place: bool


class Result(Struct, frozen=True, kw_only=True):
    """What became of one point.

    Attributes:
        title: of the point; its id where it could not be read.
        href: where it is looked at; empty where nobody can.
        text: what became of it.
        done: it was done.
    """

    key: str
    title: str
    text: str
    done: bool
    href: str = ""


class Look(Struct, frozen=True):
    """A pause point that something is asked of.

    Attributes:
        row: of its execution.
        title: what is decided.
    """

    row: ExecutionRow
    context_id: str
    title: str

    def result(self, text: str, *, done: bool = False) -> Result:
        """What became of it."""
        execution_id = shown_id(self.row)
        return Result(
            key=point_key(execution_id, self.context_id),
            title=self.title,
            href=resume_path(self.row.workflow_id, execution_id, self.context_id),
            text=text,
            done=done,
        )


async def submit(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``POST /inbox/decisions``."""
    sent = await _read(request)
    results = await _bounded(sent.points, lambda point: _take(request, caller, sent, point))
    ok = [result for result in results if result.done]
    if len(ok) == len(results) and not sent.in_place:
        told = ok[0].title if len(ok) == 1 else f"{len(ok)} decisions"
        return see_other(request, sent.back, Message(f"{DONE[sent.verb]}: {told}"))
    context = {
        "title": f"{len(ok)} of {len(results)} {DONE[sent.verb].lower()}",
        "results": results,
        "back": sent.back,
        "path": PATH,
    }
    return await render(request, "inbox/results.html", context)


async def _read(request: web.Request) -> Sent:
    given = await read_form(request)
    verb, reason = str(given.get("verb", "")), str(given.get("reason", "")).strip()
    points = [read_value(str(each)) for each in given.getall("point", [])]
    if verb not in get_args(Verb):
        raise bad_field("verb", "must be approve, reject, claim or release")
    if not points:
        raise bad_field("point", "is missing: choose what to decide first")
    if len(points) > MOST:
        raise bad_field("point", f"stands {len(points)} times: choose at most {MOST} at once")
    if len(reason) > MAX_REASON:
        raise bad_field("reason", f"has {len(reason):,} characters: at most {MAX_REASON:,} are taken")
    key = key_of(given)
    if key is None:
        raise bad_field("key", "is missing: load the inbox again")
    back = local_path(str(given.get("back", "")) or None)
    return Sent(
        verb=verb,  # type: ignore[arg-type]  # it is among them
        points=list(dict.fromkeys(points)),
        filled_in=frozenset(map(str, given.getall("filledIn", []))),
        reason=reason,
        key=key,
        back=back,
        in_place=bool(given.get("inPlace")),
    )


async def _bounded(
    points: Sequence[ShownPoint], take: Callable[[ShownPoint], Awaitable[Result]]
) -> list[Result]:
    room = asyncio.Semaphore(AT_ONCE)

    async def one(point: ShownPoint) -> Result:
        async with room:
            return await take(point)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(point)) for point in points]
    return [task.result() for task in tasks]


async def _take(request: web.Request, caller: Principal, sent: Sent, shown: ShownPoint) -> Result:
    try:
        if sent.verb == "claim":
            return await _ask(request, caller, sent, shown, ClaimPause)
        if sent.verb == "release":
            return await _ask(request, caller, sent, shown, ReleasePause)
        return await _decide(request, caller, sent, shown)
    except Exception as error:  # noqa: BLE001 - whatever this one meets, what became of the others is told
        refusal = as_refusal(request, error)
        return Result(key=shown.key, title=shown.context_id, text=str(refusal), done=False)


async def _ask(
    request: web.Request,
    caller: Principal,
    sent: Sent,
    shown: ShownPoint,
    kind: type[ClaimPause] | type[ReleasePause],
) -> Result:
    look = await _look(request.app[GATEWAY], caller, shown)
    ask = asking_of(request, caller, look.row, shown.context_id, sent.verb, body=None)
    try:
        await recorded(request, ask, kind(context_id=shown.context_id, maker=maker(request, caller)))
    except ApiError as error:
        return look.result(str(error))
    return look.result(f"{DONE[sent.verb]}.", done=True)


async def _decide(request: web.Request, caller: Principal, sent: Sent, shown: ShownPoint) -> Result:
    look = await _look(request.app[GATEWAY], caller, shown)
    answer: Answer = "approve" if sent.verb == "approve" else "reject"
    filled = fill(await _point(request.app[GATEWAY], look.row, look.context_id), answer, sent.reason)
    if filled.wanting:
        return look.result(f"Open it: {filled.wanting}.")
    if filled.defaults and shown.key not in sent.filled_in:
        named = ", ".join(each.name for each in filled.defaults)
        return look.result(f"Open it: its form fills in what you have not seen: {named}.")
    given: dict[str, Json] = {"submission": filled.values}
    if sent.reason and not filled.takes_reason:
        given["reason"] = sent.reason  # kept with the decision, and only with it
    decision = OneDecision(
        execution_id=shown_id(look.row),
        context_id=shown.context_id,
        input=given,
        content_digest=shown.digest,
        idempotency_key=sent.key,
    )
    [result] = await decide_all(request, caller, [decision])
    return look.result(_told(answer, result), done=result.status != "refused")


async def _look(gateway: Gateway, caller: Principal, shown: ShownPoint) -> Look:
    """An execution, and what its point is called.

    Raises:
        ApiError: 404, there is none that the caller may know of.
    """
    row = await find_execution(gateway, caller, shown.execution_id, missing=MISSING)
    asked = (await asked_of(gateway.store, row.log_id, [shown.context_id])).get(shown.context_id)
    if asked is None:
        raise ApiError(404, MISSING)
    if asked.title is not None:
        return Look(row, shown.context_id, asked.title)
    listed = await gateway.store.point(row.log_id, shown.context_id)
    workflow = await gateway.store.workflow(row.workspace_id, row.workflow_id)
    name = (None if workflow is None else workflow.name) or row.workflow_id
    block = asked.block_id if listed is None else listed.title
    return Look(row, shown.context_id, heading(None, name, block))


async def _point(gateway: Gateway, row: ExecutionRow, context_id: str) -> PausePoint:
    """A point as its log tells it, its large values in their places.

    Raises:
        ApiError: 404, there is none.
        BlobError: what it shows cannot be read.
    """
    folded = await fold(gateway.store, row.log_id)
    point = folded.state.points.get(context_id)
    if point is None:
        raise ApiError(404, MISSING)
    if folded.large:
        await resolve_point(gateway, row, folded.state, point)
    return point


def _told(answer: Answer, result: DecisionResult) -> str:
    if result.status == "refused":
        return _refused(result)
    if result.status == "recorded":
        return f"{DONE[answer]}: {result.approvals} of {result.required} are for it. It waits for others."
    if result.status == "queued":
        return f"{DONE[answer]}. Its run begins when another one has ended."
    return f"{DONE[answer]}."


def _refused(result: DecisionResult) -> str:
    if result.http_status == 412:
        return "What it shows has changed since you saw it. Open it, and look again."
    if result.resumed_by is not UNSET:
        return f"{result.resumed_by.name or 'Somebody'} has decided it before you."
    if result.claimed_by is not UNSET:
        return f"{result.claimed_by.name} has claimed it."
    if result.outcome == "unknown":
        return "Nobody can say yet whether it was taken. Look at it in a moment."
    details = [] if result.details is UNSET else [each.message for each in result.details]
    return ": ".join([str(result.error), *details])
