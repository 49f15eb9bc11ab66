"""``/executions/compare``: two executions, state by state and event by event."""

from collections.abc import Iterable, Iterator
from typing import Any, Final
from urllib.parse import urlencode

from aiohttp import web
from msgspec import Struct
from msgspec.structs import replace

from signoff.access.callers import Principal
from signoff.audit.life.differences import MAX_CHANGES, Change, named, subject_of
from signoff.engine.definitions.definition import decode, encode
from signoff.events.store.base import ExecutionRow
from signoff.events.types import Event, Json
from signoff.gateway.accesses.witness import request_shown
from signoff.gateway.errors import ApiError
from signoff.gateway.executions.comparing import DiffQuery, compare_states, compare_timelines
from signoff.gateway.executions.life_schemas import TimelinesView
from signoff.gateway.executions.searching import FoundExecution, found
from signoff.gateway.gateway import GATEWAY, Gateway, find_definition, find_execution, shown_id
from signoff.gateway.http.queries import read_query
from signoff.gateway.pages.executions.addresses import MISSING, path_of
from signoff.gateway.pages.executions.grouping import Group, Ran, changed_blocks, grouped, ran_apart
from signoff.gateway.pages.executions.looks import LOOKS
from signoff.gateway.pages.executions.stored import readable
from signoff.gateway.pages.executions.traced import Seen
from signoff.gateway.pages.graph.drawing import Drawing
from signoff.gateway.pages.graph.kept import DRAWINGS
from signoff.gateway.pages.problems import NONE, Problems, problems_of
from signoff.gateway.pages.site import render
from signoff.gateway.pages.workflows.comparing import merge

_PAIRS: Final = 150
_CHANGES: Final = 200
_LONGEST: Final = 400
"""Characters of JSON on one side of a difference."""


class CompareQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which two executions are compared; without one of them, the form asks for it.

    Attributes:
        left: The first one.
        right: The second one.
    """

    left: str | None = None
    right: str | None = None


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
        drawing: the graph of both; ``None`` where they are of different workflows.
        ran: how blocks went that did not go alike.
        groups: where their states differ; the first of them.
        more_changes: how many are left out, in words.
        all_changes: the address of all of them.
        all_pairs: likewise, of their events.
        common: events that are one and the same history.
        pairs: what came after, side by side: whether both say the same, and both sides.
        more_pairs: how many are left out.
        why_not: why they are not compared event by event.
    """

    left: FoundExecution
    right: FoundExecution
    drawing: Drawing | None
    ran: dict[str, Ran]
    groups: list[Group]
    more_changes: str
    all_changes: str
    all_pairs: str
    common: int = 0
    pairs: list[tuple[bool, Side | None, Side | None]] = []
    more_pairs: int = 0
    why_not: str = ""


async def show(request: web.Request, caller: Principal) -> web.Response:
    """``GET /executions/compare``: without two executions, the form that asks for them."""
    query = read_query(request, CompareQuery)
    problems, compared, status = NONE, None, 200
    left, right = (query.left or "").strip(), (query.right or "").strip()
    if left and right:
        try:
            compared = await _compared(request, caller, left, right)
        except ApiError as error:
            if error.status not in (404, 413):
                raise
            problems, status = problems_of(error), error.status
    elif query.left is not None and query.right is not None:
        problems, status = Problems("Name both executions."), 422
    context = {
        "title": "Compare executions",
        "query": query,
        "problems": problems,
        "compared": compared,
        "named": named,
    }
    return await render(request, "executions/compare.html", context, status=status)


async def _compared(request: web.Request, caller: Principal, left: str, right: str) -> Comparison:
    gateway = request.app[GATEWAY]
    row = await find_execution(gateway, caller, left, missing=f"{MISSING}: {left[:100]}")
    other = await find_execution(gateway, caller, right, missing=f"{MISSING}: {right[:100]}")
    for each in (row, other):
        request_shown(request, "compareTimelines", {"execution": shown_id(each)})
    changes = (await compare_states(gateway, row, other, DiffQuery(other=shown_id(other)))).changes
    timelines, why_not = await _timelines(gateway, row, other)
    pairs = [] if timelines is None else timelines.pairs
    first, second = await _seen(request, row), await _seen(request, other)
    drawing = await _drawing(request, (row, first), (other, second))
    blocks = _instances(first) | _instances(second)
    names = {each.id: each.name for seen in (first, second) for each in seen.look.drawing.blocks}
    groups = grouped(changes, blocks, names)
    changed = changed_blocks(groups, blocks)
    asked = urlencode({"with": shown_id(other)})
    return Comparison(
        left=found(row),
        right=found(other),
        drawing=drawing,
        ran=ran_apart(_instances(first).values(), _instances(second).values(), changed),
        groups=list(_first(groups)),
        more_changes=_more(len(changes)),
        all_changes=f"/api{path_of(row)}/diff?{asked}",
        all_pairs=f"/api{path_of(row)}/timelines?{asked}",
        common=0 if timelines is None else timelines.common,
        pairs=[(pair.same, _side(row, pair.first), _side(other, pair.second)) for pair in pairs[:_PAIRS]],
        more_pairs=max(len(pairs) - _PAIRS, 0),
        why_not=why_not,
    )


async def _seen(request: web.Request, row: ExecutionRow) -> Seen:
    return await request.app[LOOKS].at(request, row, None)


def _instances(seen: Seen) -> dict[str, str]:
    """The block of each instance of a block that has begun."""
    return {span.key: span.block_id for span in seen.trace.spans_upto(seen.look.event_id)}


async def _drawing(
    request: web.Request, left: tuple[ExecutionRow, Seen], right: tuple[ExecutionRow, Seen]
) -> Drawing | None:
    """One graph of the versions that both ran; none where they are of different workflows."""
    (row, first), (other, second) = left, right
    if row.workflow_id != other.workflow_id:
        return None
    versions = first.look.workflow_version, second.look.workflow_version
    if versions[0] == versions[1]:
        return first.look.drawing

    async def read() -> dict[str, Any]:
        gateway = request.app[GATEWAY]
        documents = [
            await find_definition(gateway, row.workspace_id, row.workflow_id, each) for each in versions
        ]
        return encode(merge(*map(decode, documents)))

    digest = f"{row.workspace_id} {row.workflow_id} {versions[0]} {versions[1]}"
    return await request.app[DRAWINGS].of(read, digest=digest)


def _more(count: int) -> str:
    if count <= _CHANGES:
        return ""
    more = f"{count - _CHANGES:,} more"
    return f"at least {more}" if count == MAX_CHANGES else more


async def _timelines(
    gateway: Gateway, row: ExecutionRow, other: ExecutionRow
) -> tuple[TimelinesView | None, str]:
    try:
        return await compare_timelines(gateway, row, other), ""
    except ApiError as error:
        if error.status != 413:
            raise
        return None, str(error)


def _first(groups: Iterable[Group]) -> Iterator[Group]:
    """The groups, with as many of their differences as are shown."""
    room = _CHANGES
    for group in groups:
        changes = [_short_change(each) for each in group.changes[:room]]
        room -= len(changes)
        follow = [_short_change(each) for each in group.follow[:room]]
        room -= len(follow)
        if changes or follow:
            yield replace(group, changes=changes, follow=follow)


def _short_change(change: Change) -> Change:
    return replace(change, before=_short(change.before), after=_short(change.after))


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
