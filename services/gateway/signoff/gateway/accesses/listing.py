"""The access log, page by page: who read what, and who was turned away."""

from datetime import date
from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from aiohttp import web
from msgspec import UNSET, Meta, Struct, UnsetType, field

from signoff.access.callers import Principal
from signoff.audit.accesses.reading import DAYS, Reached, Wanted, read_page
from signoff.events.codec import encode_json
from signoff.events.topics import PARTITIONS
from signoff.events.types import AccessFact, Actor, Event, Json, Sighted
from signoff.gateway.accesses.witness import ACCESSES
from signoff.gateway.errors import ApiError
from signoff.gateway.executions.history import fold
from signoff.gateway.gateway import GATEWAY, Gateway, find_execution, shown_id
from signoff.gateway.http.moments import Moment, read_moment
from signoff.gateway.http.queries import ByCommas
from signoff.gateway.http.windows import between
from signoff.gateway.v2.cursors import bad_cursor, read_cursor, write_cursor

AccessType: TypeAlias = Literal[
    "access:read",
    "access:ended",
    "access:exported",
    "access:verified",
    "access:refused",
    "access:dropped",
    "decision:refused",
]

_DAY: Final = 86_400.0
_LATEST: Final = 4e9
"""Seconds since the epoch that no access comes near."""

_FIRST_DAY: Final = date(1970, 1, 1)
_LAST_DAY: Final = date(2100, 1, 1)


class AccessQuery(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Which accesses are listed, the newest first.

    Attributes:
        type: Of these kinds, by commas.
        actor: By the user of this id, also by their keys, or by the key of this id.
        execution_id: To this execution.
        made_from: At this moment or later; 30 days before `to` by default.
        made_to: At this moment or earlier; now by default.
        limit: Accesses on a page.
        cursor: The `nextCursor` of the page before, with the same filter.
    """

    type: ByCommas[AccessType] = []
    actor: str | None = None
    execution_id: str | None = None
    made_from: Moment | None = field(default=None, name="from")
    made_to: Moment | None = field(default=None, name="to")
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100
    cursor: str = ""


class AccessEntry(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One fact of the access log; what does not apply to its type is left out.

    Attributes:
        id: Its log and its number there: the `ce_id` of its record on the topic.
        type: What it is.
        recorded_at: When an executor recorded it.
        workspace_id: Where it was.
        actor: Who; left out where nobody knows them.
        auth_method: How they proved it.
        link_id: The decision link that they came by.
        address: Of their client, where that is recorded.
        operation: What was asked for, by its name in this document.
        about: What it shows, and which.
        first_at: When, or when for the first time.
        last_at: When for the last time.
        count: How often within a few seconds; once where it is left out.
        permission: What a refused caller would have had to be allowed to do.
        status: Of the answer.
        code: Why, for programs.
        reason: Why, for people.
        hidden: It is another workspace's, and was answered as if it had never been.
        command: What was asked of a pause point.
        execution_id: The execution of the refused decision.
        workflow_id: Its workflow.
        context_id: The pause point.
        winning_event_id: The event of the execution that came first.
        reads: How many accesses were not recorded, since too many waited.
        refusals: How many refusals were not.
        observer: The process that saw it.
        batch: Which of that process's batches it came with.
    """

    id: str
    type: str
    recorded_at: str
    workspace_id: str
    actor: Actor | UnsetType = UNSET
    auth_method: str | UnsetType = UNSET
    link_id: str | UnsetType = UNSET
    address: str | UnsetType = UNSET
    operation: str | UnsetType = UNSET
    about: Sighted | UnsetType = UNSET
    first_at: str | UnsetType = UNSET
    last_at: str | UnsetType = UNSET
    count: int | UnsetType = UNSET
    permission: str | UnsetType = UNSET
    status: int | UnsetType = UNSET
    code: str | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    hidden: bool | UnsetType = UNSET
    command: str | UnsetType = UNSET
    execution_id: str | UnsetType = UNSET
    workflow_id: str | UnsetType = UNSET
    context_id: str | UnsetType = UNSET
    winning_event_id: int | UnsetType = UNSET
    reads: int | UnsetType = UNSET
    refusals: int | UnsetType = UNSET
    observer: str | UnsetType = UNSET
    batch: int | UnsetType = UNSET


class AccessList(Struct, frozen=True, kw_only=True, rename="camel"):
    """A page of accesses. It may be short, or empty, and have another one after it."""

    accesses: list[AccessEntry]
    next_cursor: str | None


async def accesses_of(request: web.Request, caller: Principal, query: AccessQuery) -> AccessList:
    """A page of the access log of the caller's workspace.

    Raises:
        ApiError: 400, the times do not fit together, or the cursor is none.
    """
    gateway = request.app[GATEWAY]
    first, end = between(read_moment("from", query.made_from), read_moment("to", query.made_to), name="from")
    end = min(request.app[ACCESSES].now() + 1 if end is None else end, _LATEST)
    first = max(end - (DAYS - 1) * _DAY if first is None else first, 0.0)
    wanted = Wanted(
        workspace_id=str(caller.workspace_id),
        types=query.type,
        actor_id=query.actor,
        execution_ids=await _ids_of(gateway, caller, query.execution_id) if query.execution_id else (),
        first=first,
        end=max(end, 0.0),
        limit=query.limit,
    )
    events, reached = await read_page(gateway.store, wanted, _read_reached(query.cursor))
    entries = [_entry(event, event.data) for event in events if isinstance(event.data, AccessFact)]
    return AccessList(accesses=entries, next_cursor=None if reached is None else write_cursor(reached))


async def _ids_of(gateway: Gateway, caller: Principal, execution_id: str) -> frozenset[str]:
    """Every id by which the execution of an id was asked for: its own and its runs'."""
    try:
        row = await find_execution(gateway, caller, execution_id, missing="Execution not found")
    except ApiError:
        return frozenset({execution_id})  # somebody may have been refused it although it never was
    runs = (await fold(gateway.store, row.log_id)).state.runs
    return frozenset({execution_id, shown_id(row), str(row.log_id), *runs})


def _read_reached(cursor: str) -> Reached | None:
    if not cursor:
        return None
    reached = read_cursor(cursor, Reached)
    try:
        is_day = _FIRST_DAY <= date.fromisoformat(reached.day) <= _LAST_DAY
    except ValueError:
        is_day = False
    known = all(
        name.isdecimal() and len(name) < 6 and int(name) < PARTITIONS and 0 < version < 2**62
        for name, version in (reached.before or {}).items()
    )
    if not (is_day and known):
        raise bad_cursor()
    return reached


def _entry(event: Event, data: AccessFact) -> AccessEntry:
    told: dict[str, Json] = msgspec.json.decode(encode_json(data))
    return msgspec.convert(
        {**told, "id": f"{event.log_id}/{event.event_id}", "type": event.type, "recordedAt": event.timestamp},
        AccessEntry,
    )
