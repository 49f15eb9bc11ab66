"""What could not be delivered to a webhook, and once more what was."""

from typing import Final
from uuid import UUID

from aiohttp import web
from msgspec import UNSET, to_builtins

from signoff.access.callers import Principal
from signoff.access.directory.fold import Hook
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
    DeliveriesQuery,
    Delivery,
    DeliveryList,
    Removed,
    ReplayBody,
    Replayed,
)
from signoff.gateway.hooks.setting import find_hook, kept_hooks
from signoff.gateway.http.first_answers import told_once
from signoff.gateway.http.moments import read_moment

_PAGE: Final = 200
"""Executions, or dead letters, that one request deals with."""

_NEWEST: Final = UUID(int=0)


async def deliveries_of(request: web.Request, caller: Principal, query: DeliveriesQuery) -> DeliveryList:
    """A page of what could not be delivered to the webhook that a path names by ``hook``.

    Raises:
        ApiError: 404.
    """
    hook_id, _ = find_hook(request, caller)
    kind = PENDING if query.state == "pending" else DEAD
    kept = kept_hooks(request.app[GATEWAY])
    page = await kept.of_hook(kind, caller.workspace_id, hook_id, after=query.cursor, limit=query.limit + 1)
    shown = page[: query.limit]
    listed = [_pending(each) if query.state == "pending" else _dead(each) for each in shown]
    more = len(page) > query.limit
    return DeliveryList(deliveries=listed, next_cursor=shown[-1].key if more else None)


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


async def replay_deliveries(request: web.Request, caller: Principal, body: ReplayBody) -> Replayed:
    """Let executors send once more what a body names, to the webhook that a path names by ``hook``.

    With an ``Idempotency-Key`` it is done once however often it is asked for.

    Raises:
        ApiError: 404; 400, the body names neither or both; 409, the webhook is disabled.
    """
    hook_id, hook = find_hook(request, caller)
    asked = request_digest(hook_id, to_builtins(body))
    return await told_once(
        request, caller, lambda: _replay(request, caller, hook_id, hook, body), Replayed, digest=asked
    )


async def _replay(
    request: web.Request, caller: Principal, hook_id: str, hook: Hook, body: ReplayBody
) -> Replayed:
    gateway = request.app[GATEWAY]
    if not hook.enabled:
        raise ApiError(409, "The webhook is disabled: enable it, then replay")
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


async def remove_letters(request: web.Request, caller: Principal, wanted: list[str]) -> Removed:
    """Remove dead letters of the webhook that a path names by ``hook``: those wanted, or the first 200.

    Raises:
        ApiError: 404.
    """
    hook_id, _ = find_hook(request, caller)
    kept = kept_hooks(request.app[GATEWAY])
    more = False
    if not wanted:
        page = await kept.of_hook(DEAD, caller.workspace_id, hook_id, after="", limit=_PAGE + 1)
        wanted, more = [each.key for each in page[:_PAGE]], len(page) > _PAGE
    removed = 0
    for each in dict.fromkeys(wanted[:_PAGE]):
        of_hook = each.startswith(f"{hook_id}/")
        removed += of_hook and await kept.records.remove(DEAD, caller.workspace_id, each)
    return Removed(removed=removed, more=more or len(wanted) > _PAGE)
