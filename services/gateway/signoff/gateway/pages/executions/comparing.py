"""``/executions/compare``: two executions, state by state and event by event."""

from typing import Final

from aiohttp import web
from msgspec import Struct

from signoff.access.callers import Principal
from signoff.audit.life.differences import Change, named, subject_of
from signoff.events.store.base import ExecutionRow
from signoff.events.types import Event, Json
from signoff.gateway.accesses.witness import request_shown
from signoff.gateway.errors import ApiError
from signoff.gateway.executions.comparing import DiffQuery, compare_states, compare_timelines
from signoff.gateway.executions.life_schemas import DiffView, TimelinesView
from signoff.gateway.executions.searching import FoundExecution, found
from signoff.gateway.gateway import GATEWAY, Gateway, find_execution, shown_id
from signoff.gateway.http.queries import read_query
from signoff.gateway.pages.executions.addresses import MISSING, path_of
from signoff.gateway.pages.executions.stored import readable
from signoff.gateway.pages.problems import NONE, Problems, problems_of
from signoff.gateway.pages.site import render

_PAIRS: Final = 150
_CHANGES: Final = 60
_LONGEST: Final = 400
"""Characters of JSON on one side of a difference."""


class CompareQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which two executions are compared.

    Attributes:
        left: The first one.
        right: The second one.
    """

    left: str = ""
    right: str = ""


class Side(Struct, frozen=True, kw_only=True):
    """An event on one side: its number, what it is about, and where it is shown."""

    event_id: int
    subject: str
    at: str
    href: str


class Comparison(Struct, frozen=True, kw_only=True):
    """What two executions have and have not in common.

    Attributes:
        left: the first one.
        right: the second one.
        states: where their states differ; the first of them.
        more_changes: how many are left out.
        common: events that are one and the same history.
        pairs: what came after, side by side: whether both say the same, and both sides.
        more_pairs: how many are left out.
        why_not: why they are not compared event by event.
    """

    left: FoundExecution
    right: FoundExecution
    states: list[Change]
    more_changes: int
    common: int = 0
    pairs: list[tuple[bool, Side | None, Side | None]] = []
    more_pairs: int = 0
    why_not: str = ""


async def show(request: web.Request, caller: Principal) -> web.Response:
    """``GET /executions/compare``: without two executions, the form that asks for them."""
    query = read_query(request, CompareQuery)
    problems, compared = NONE, None
    if query.left.strip() and query.right.strip():
        try:
            compared = await _compared(request, caller, query.left.strip(), query.right.strip())
        except ApiError as error:
            if error.status not in (404, 413):
                raise
            problems = problems_of(error)
    elif query.left or query.right:
        problems = Problems("Name both executions.") if request.query.get("sent") else NONE
    context = {
        "title": "Compare executions",
        "query": query,
        "problems": problems,
        "compared": compared,
        "named": named,
    }
    status = 404 if problems is not NONE else 200
    return await render(request, "executions/compare.html", context, status=status)


async def _compared(request: web.Request, caller: Principal, left: str, right: str) -> Comparison:
    gateway = request.app[GATEWAY]
    row = await find_execution(gateway, caller, left, missing=f"{MISSING}: {left[:100]}")
    other = await find_execution(gateway, caller, right, missing=f"{MISSING}: {right[:100]}")
    for each in (row, other):
        request_shown(request, "compareTimelines", {"execution": shown_id(each)})
    states = await compare_states(gateway, row, other, DiffQuery(other=shown_id(other)))
    timelines, why_not = await _timelines(gateway, row, other)
    pairs = [] if timelines is None else timelines.pairs
    return Comparison(
        left=found(row),
        right=found(other),
        states=_shortened(states),
        more_changes=max(len(states.changes) - _CHANGES, 0),
        common=0 if timelines is None else timelines.common,
        pairs=[(pair.same, _side(row, pair.first), _side(other, pair.second)) for pair in pairs[:_PAIRS]],
        more_pairs=max(len(pairs) - _PAIRS, 0),
        why_not=why_not,
    )


async def _timelines(
    gateway: Gateway, row: ExecutionRow, other: ExecutionRow
) -> tuple[TimelinesView | None, str]:
    try:
        return await compare_timelines(gateway, row, other), ""
    except ApiError as error:
        if error.status != 413:
            raise
        return None, str(error)


def _shortened(states: DiffView) -> list[Change]:
    return [
        Change(path=each.path, kind=each.kind, before=_short(each.before), after=_short(each.after))
        for each in states.changes[:_CHANGES]
    ]


def _short(value: Json) -> Json:
    """A value that is small enough for a table of many: of a long text its beginning."""
    shown = readable(value)
    if isinstance(shown, str) and len(shown) > _LONGEST:
        return f"{shown[:_LONGEST]}… ({len(shown):,} characters)"
    if isinstance(shown, dict | list) and len(shown) > 10:
        return f"{len(shown):,} {'fields' if isinstance(shown, dict) else 'items'}"
    return shown


def _side(row: ExecutionRow, event: Event | None) -> Side | None:
    if event is None:
        return None
    return Side(
        event_id=event.event_id,
        subject=subject_of(event),
        at=event.happened_at,
        href=f"{path_of(row)}/events/{event.event_id}",
    )
