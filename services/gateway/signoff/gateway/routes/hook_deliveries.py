"""``/api/hooks/{hookId}/deliveries`` and ``/replay``: what could not be delivered, and once more what was."""

from typing import Final
from uuid import UUID

from aiohttp import web
from msgspec import UNSET

from signoff.access.callers import Principal
from signoff.access.directory import Hook
from signoff.access.hooks import DEAD, PENDING, Pending, lane_of, read_dead, read_pending
from signoff.events.codec import decode_header
from signoff.events.records import Kept
from signoff.events.store.base import EventStore, ExecutionRow
from signoff.events.store.search import Place, Search
from signoff.events.times import from_iso, iso
from signoff.gateway.commands import request_digest
from signoff.gateway.errors import ApiError, bad_request
from signoff.gateway.executions.filters import read_cursor, write_cursor
from signoff.gateway.gateway import GATEWAY, Gateway
from signoff.gateway.hooks.schemas import (
    DeadQuery,
    DeliveriesQuery,
    Delivery,
    DeliveryList,
    Removed,
    ReplayBody,
    Replayed,
)
from signoff.gateway.http.bodies import convert, read_object
from signoff.gateway.http.first_answers import first_answer, keep_answer
from signoff.gateway.http.headers import CommandHeaders
from signoff.gateway.http.moments import read_moment
from signoff.gateway.http.queries import read_query
from signoff.gateway.http.responses import answer
from signoff.gateway.http.routing import Answer, Route
from signoff.gateway.routes.hooks import find_hook, kept_hooks

_PAGE: Final = 200
"""Executions, or dead letters, that one request deals with."""

_NEWEST: Final = UUID(int=0)


async def deliveries(request: web.Request, caller: Principal) -> web.Response:
    """``GET /api/hooks/{hook}/deliveries``: a page of what could not be delivered."""
    hook_id, _ = find_hook(request, caller)
    query = read_query(request, DeliveriesQuery)
    kind = PENDING if query.state == "pending" else DEAD
    kept = kept_hooks(request.app[GATEWAY])
    page = await kept.of_hook(kind, caller.workspace_id, hook_id, after=query.cursor, limit=query.limit + 1)
    shown = page[: query.limit]
    listed = [_pending(each) if query.state == "pending" else _dead(each) for each in shown]
    more = len(page) > query.limit
    return answer(DeliveryList(deliveries=listed, next_cursor=shown[-1].key if more else None))


def _pending(kept: Kept) -> Delivery:
    pending = read_pending(kept)
    return Delivery(
        id=f"{kept.key}/{pending.next_event}",
        state="pending",
        log_id=str(lane_of(kept.key)[1]),
        event_id=pending.next_event,
        type=None,
        attempts=pending.attempt,
        last_error=pending.last_error,
        at=iso(pending.due_at),
    )


def _dead(kept: Kept) -> Delivery:
    dead = read_dead(kept)
    return Delivery(
        id=kept.key,
        state="dead",
        log_id=str(lane_of(kept.key)[1]),
        event_id=int(kept.key.rpartition("/")[2]),
        type=dead.type,
        attempts=dead.attempts,
        last_error=dead.last_error,
        at=iso(dead.died_at),
    )


async def replay(request: web.Request, caller: Principal) -> web.Response:
    """``POST /api/hooks/{hook}/replay``: executors send it once more; nobody waits for it."""
    hook_id, hook = find_hook(request, caller)
    given = await read_object(request)
    body = convert(given, ReplayBody)
    digest = request_digest(hook_id, given)
    first = await first_answer(request, caller)
    if first is not None:
        return first.again(digest)
    if not hook.enabled:
        raise ApiError(409, "The webhook is disabled: enable it, then replay")
    replayed = await _replay(request.app[GATEWAY], caller, hook_id, hook, body)
    return await keep_answer(request, caller, answer(replayed, status=202), digest=digest)


async def _replay(
    gateway: Gateway, caller: Principal, hook_id: str, hook: Hook, body: ReplayBody
) -> Replayed:
    if body.deliveries is not UNSET and body.since is UNSET:
        return await _dig_up(gateway, caller.workspace_id, hook_id, body.deliveries)
    if body.since is not UNSET and body.deliveries is UNSET:
        since = read_moment("from", body.since)
        search = Search(
            workspace_id=caller.workspace_id,
            workflow_ids=tuple(hook.workflow_ids),
            order="updated",
            descending=False,
        )
        after = read_cursor(body.cursor, "updatedAt") or Place(since, _NEWEST)
        return await _rewind(gateway, hook_id, search, since=since, after=after)
    raise bad_request("Give either deliveries or from")


async def _dig_up(gateway: Gateway, workspace_id: UUID, hook_id: str, ids: list[str]) -> Replayed:
    kept, now, missing = kept_hooks(gateway), gateway.clock(), []
    for each in dict.fromkeys(ids):
        of_hook = each.startswith(f"{hook_id}/")
        if not of_hook or not await kept.dig_up(workspace_id, each, now=now):
            missing.append(each)
    return Replayed(replayed=len(set(ids)) - len(missing), missing=missing, next_cursor=None)


async def _rewind(gateway: Gateway, hook_id: str, search: Search, *, since: float, after: Place) -> Replayed:
    """Let executions go back to their first event since a moment: those that changed first come first."""
    store, kept, now = gateway.store, kept_hooks(gateway), gateway.clock()
    rows = await store.executions(search, after=after, limit=_PAGE + 1)
    for row in rows[:_PAGE]:
        pending = Pending(next_event=await _first_since(store, row, since), due_at=now)
        await kept.owe(search.workspace_id, hook_id, row.log_id, pending)
    more = len(rows) > _PAGE
    last = rows[_PAGE - 1] if more else None
    cursor = None if last is None else write_cursor("updatedAt", Place(last.updated_at, last.log_id))
    return Replayed(replayed=min(len(rows), _PAGE), missing=[], next_cursor=cursor)


async def _first_since(store: EventStore, row: ExecutionRow, since: float) -> int:
    """The first event of an execution since a moment; times only grow in a log."""
    first, last = 1, 1 if row.started_at >= since else row.version
    while first < last:
        middle = (first + last) // 2
        (recorded,) = await store.read(row.log_id, after=middle - 1, limit=1)
        if from_iso(decode_header(recorded.state).timestamp) >= since:
            last = middle
        else:
            first = middle + 1
    return first


async def remove_dead(request: web.Request, caller: Principal) -> web.Response:
    """``DELETE /api/hooks/{hook}/deliveries``: dead letters that nobody will replay."""
    hook_id, _ = find_hook(request, caller)
    wanted = read_query(request, DeadQuery).id
    kept = kept_hooks(request.app[GATEWAY])
    more = False
    if not wanted:
        page = await kept.of_hook(DEAD, caller.workspace_id, hook_id, after="", limit=_PAGE + 1)
        wanted, more = [each.key for each in page[:_PAGE]], len(page) > _PAGE
    removed = 0
    for each in dict.fromkeys(wanted[:_PAGE]):
        of_hook = each.startswith(f"{hook_id}/")
        removed += of_hook and await kept.records.remove(DEAD, caller.workspace_id, each)
    return answer(Removed(removed=removed, more=more or len(wanted) > _PAGE))


_ID: Final = "01997f3e-2a61-7c5b-9c1e-5f1d2a7b8c90/5b0f6d0e-6a0c-7d8e-9a51-2b8f0e9d7c11/6"
_NAMES: Final = {"hook": "The webhook's `hookId`."}
_NONE: Final = {404: "No such webhook."}
_TAG: Final = "Outgoing webhooks"

ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET", path="/api/hooks/{hook}/deliveries", handler=deliveries, operation="hooks:manage",
        name="listHookDeliveries", summary="What could not be delivered.", tag=_TAG, names=_NAMES,
        query=DeliveriesQuery,
        answers={
            200: Answer(
                body=DeliveryList, description="A page, by id.",
                example={
                    "deliveries": [
                        {
                            "id": _ID, "state": "dead", "logId": "5b0f6d0e-6a0c-7d8e-9a51-2b8f0e9d7c11",
                            "eventId": 6, "type": "execution:completed", "attempts": 31,
                            "lastError": "answered 503 Service Unavailable",
                            "at": "2026-05-05T09:30:00.000000Z",
                        }
                    ],
                    "nextCursor": None,
                },
            )
        },
        errors=_NONE,
    ),
    Route(
        method="DELETE", path="/api/hooks/{hook}/deliveries", handler=remove_dead, operation="hooks:manage",
        name="removeHookDeadLetters", summary="Remove dead letters.",
        description="Those that are named, or 200 at a time.", tag=_TAG, names=_NAMES, query=DeadQuery,
        answers={
            200: Answer(
                body=Removed, description="They are gone.", example={"removed": 1, "more": False}
            )
        },
        errors=_NONE,
    ),
    Route(
        method="POST", path="/api/hooks/{hook}/replay", handler=replay, operation="hooks:manage",
        name="replayHookDeliveries", summary="Send dead letters, or everything since a moment, once more.",
        description=(
            "The ids stay the same. Dead letters are tried once each. Since a moment, each execution goes "
            "back to its first event from then on and comes in order; 200 executions a request, those that "
            "changed first come first: ask again with `nextCursor` until there is none."
        ),
        tag=_TAG, names=_NAMES, headers=CommandHeaders, body=ReplayBody, body_required=True,
        body_example={"from": "2026-05-04T09:00:00Z"},
        answers={
            202: Answer(
                body=Replayed, description="It will be sent.",
                example={"replayed": 12, "missing": [], "nextCursor": None},
            )
        },
        errors={**_NONE, 409: "The webhook is disabled."},
    ),
)  # fmt: skip
