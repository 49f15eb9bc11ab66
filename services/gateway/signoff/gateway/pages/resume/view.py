"""One execution's pause points as the page shows them."""

from collections.abc import Mapping, Sequence
from typing import Final

from aiohttp import web
from msgspec import Struct

from signoff.access.callers import Principal
from signoff.audit.life.hiding import hide_secrets
from signoff.engine.definitions.forms import check_form
from signoff.engine.points.pauses import form_of, submission_of
from signoff.engine.points.standing import may_not, person_of
from signoff.engine.state import PausePoint, ResumeEntry
from signoff.events.times import iso
from signoff.events.types import Json
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.inbox.people import ASSIGNEES, Person, names_of
from signoff.gateway.inbox.point import PointDetail, detail_of
from signoff.gateway.pages.differences import Difference
from signoff.gateway.pages.fields import Posted, Widget, widgets
from signoff.gateway.pages.headings import Glance, glances
from signoff.gateway.pages.resume.addresses import Addresses
from signoff.gateway.pages.resume.changes import COMPARISONS, Content, amendments, contents_of
from signoff.gateway.pages.resume.reading import Reading
from signoff.gateway.pages.resume.told import Happening, happening, known_by
from signoff.gateway.pages.resume.verdicts import verdict_field

MOST_POINTS: Final = 200
"""Pause points that are listed, the open ones first."""

MOST_MISSING: Final = 20
"""People who have yet to decide that are named."""


class Listed(Struct, frozen=True, kw_only=True):
    """A pause point in the list, with the first values that it shows."""

    context_id: str
    title: str
    glance: list[Glance]
    status: str
    queue_position: int | None
    note: str
    href: str
    is_current: bool


class Answered(Struct, frozen=True, kw_only=True):
    """A value that was submitted, or that the form filled in."""

    label: str
    value: Json
    filled_in: bool = False


class Decided(Struct, frozen=True, kw_only=True):
    """The decision that was taken on a point.

    Attributes:
        by: who decided; ``None``: the deadline did.
        waited: seconds from the opening to the decision.
        known_by: how they were known.
        verdict: ``approved`` or ``rejected``, where the form says.
        answers: what was submitted.
        failure: why the run that it began failed.
    """

    by: Person | None
    on_behalf_of: Person | None
    at: str
    waited: float
    known_by: str
    verdict: str
    answers: list[Answered]
    queue_position: int | None
    failure: str | None


class Verb(Struct, frozen=True, kw_only=True):
    """The field that says yes or no, as buttons."""

    field: str
    label: str


class PointPage(Struct, frozen=True, kw_only=True):
    """All that the page shows of a pause point and of those beside it.

    Attributes:
        detail: the point, as the API tells it.
        status: of the point, as pages/statuses.py knows it.
        can_decide: the visitor may, once they have a code if that is needed.
        points: all of the execution's; the one alone for who came by a link.
        more_points: those that are not listed.
        decided: the decision on it.
        verb: the yes and no of its form.
        widgets: the other fields.
        has_form: it asks for fields; else for JSON.
        multipart: it asks for files.
        happenings: what happened, the newest first.
        amendments: what each change of the content changed, by event.
        contents: what it showed.
        missing: who has yet to decide, where several do.
        votes: what each of several people submitted besides, by event.
        is_mine: the visitor has claimed it.
        next: another open point of the execution.
    """

    detail: PointDetail
    status: str
    can_decide: bool
    addresses: Addresses
    points: list[Listed]
    more_points: int
    decided: Decided | None
    verb: Verb | None
    widgets: list[Widget]
    has_form: bool
    multipart: bool
    happenings: list[Happening]
    amendments: Mapping[int, list[Difference]]
    contents: Sequence[Content]
    missing: list[Person]
    votes: Mapping[int, list[Answered]]
    is_mine: bool
    next: Listed | None
    may_retry: bool


async def page_of(
    request: web.Request, caller: Principal, reading: Reading, *, posted: Posted | None = None
) -> PointPage:
    """What the page shows.

    Args:
        request: asks for it.
        caller: who looks.
        reading: of the log.
        posted: what was typed into the form of the decision, where it is shown again.
    """
    read = reading.read
    point = read.point
    detail = await detail_of(request, caller, read)
    refusal, fields = detail.refusal, form_of(point.response)
    verdict = verdict_field(point, fields)
    contents = await contents_of(read, request.app[GATEWAY].blobs)
    points, more = _listed(reading, alone=caller.link_id is not None)
    shown = widgets(fields, posted, without=verdict)
    return PointPage(
        detail=detail,
        status=_status_of(point),
        can_decide=detail.may_decide or (refusal is not None and refusal.code == "CODE_REQUIRED"),
        addresses=reading.addresses,
        points=points,
        more_points=more,
        decided=await _decided(request, reading, verdict),
        verb=next(
            (Verb(field=each["name"], label=_label(each)) for each in fields if each["name"] == verdict), None
        ),
        widgets=shown,
        has_form=bool(fields),
        multipart=any(each.control == "files" for each in shown),
        happenings=[happening(each) for each in reversed(detail.history)],
        amendments=await amendments(request.app[COMPARISONS], contents),
        contents=contents,
        missing=await _missing(request, reading),
        votes=_votes(point, verdict),
        is_mine=detail.claimed_by is not None and detail.claimed_by.id == person_of(caller.actor),
        next=next((each for each in points if each.status == "paused" and not each.is_current), None),
        may_retry=caller.may("executions:manage"),
    )


def _listed(reading: Reading, *, alone: bool) -> tuple[list[Listed], int]:
    current = reading.read.point
    points = [current] if alone else list(reading.read.state.points.values())
    points.sort(key=lambda each: each.status not in ("paused", "queued", "resuming"))
    shown = points[:MOST_POINTS]
    if current not in shown:
        shown = [*shown[:-1], current]
    places = {entry_id: place for place, entry_id in enumerate(reading.read.state.queue, start=1)}
    told = glances(each.response for each in shown)
    items = [_item(reading, each, places, glance) for each, glance in zip(shown, told, strict=True)]
    return items, len(points) - len(shown)


def _item(reading: Reading, point: PausePoint, places: Mapping[str, int], glance: list[Glance]) -> Listed:
    turn = next(iter(reversed(point.turns)), None)
    return Listed(
        context_id=point.context_id,
        title=reading.heading(point.title, point.block_id),
        glance=glance,
        status=_status_of(point),
        queue_position=places.get(point.entry_id or ""),
        note="" if turn is None else f"{turn.iteration_type} {turn.iteration_current + 1}",
        href=reading.addresses.page(point.context_id),
        is_current=point is reading.read.point,
    )


def _status_of(point: PausePoint) -> str:
    """A point's status, as pages/statuses.py knows it."""
    return "returned" if point.status == "paused" and point.returned else point.status


async def _decided(request: web.Request, reading: Reading, verdict: str | None) -> Decided | None:
    state, point = reading.read.state, reading.read.point
    entry = None if point.entry_id is None else state.entries[point.entry_id]
    if entry is None:
        return None
    behalf = None if entry.made is None else entry.made.on_behalf_of
    people = {person_of(entry.actor), *(() if behalf is None else (behalf,))}
    names = await names_of(request.app, reading.read.row.workspace_id, people=people)
    is_system = entry.actor.type == "system"
    return Decided(
        by=None if is_system else names.actor(entry.actor),
        on_behalf_of=None if behalf is None else names.person(behalf),
        at=iso(entry.queued_at),
        waited=max(0.0, entry.queued_at - point.opened_at),
        known_by="" if is_system else known_by(entry.made),
        verdict=_verdict(entry, verdict),
        answers=_answers(point, entry.input, without=verdict),
        queue_position=state.queue.index(entry.entry_id) + 1 if entry.entry_id in state.queue else None,
        failure=entry.failure_reason if point.status == "failed" else None,
    )


def _verdict(entry: ResumeEntry, verdict: str | None) -> str:
    if verdict is None:
        return ""
    given = submission_of(entry.input) if isinstance(entry.input, dict) else {}
    return "approved" if given.get(verdict) in (True, "true", "1", 1) else "rejected"


def _answers(point: PausePoint, given: Json, *, without: str | None) -> list[Answered]:
    """What took effect, by the labels of the form: what was submitted, else what the form fills in.

    Secrets are hidden.
    """
    fields = form_of(point.response)
    submitted = submission_of(given) if isinstance(given, dict) else {}
    values, _ = check_form(fields, submitted)
    shown = hide_secrets(point.response, values)
    labels = {each["name"]: _label(each) for each in fields}
    names = dict.fromkeys((*labels, *submitted))
    return [
        Answered(
            label=labels.get(name, name),
            value=shown.get(name) if isinstance(shown, dict) else None,
            filled_in=submitted.get(name) is None and values.get(name) is not None,
        )
        for name in names
        if name != without
    ]


def _votes(point: PausePoint, verdict: str | None) -> dict[int, list[Answered]]:
    return {
        each.event_id: [
            answer for answer in _answers(point, each.submission, without=verdict) if answer.value is not None
        ]
        for each in point.decisions
    }


async def _missing(request: web.Request, reading: Reading) -> list[Person]:
    """Who may decide together with others, and has not yet."""
    point, workspace_id = reading.read.point, reading.read.row.workspace_id
    if point.quorum is None or not point.assignees or point.entry_id is not None:
        return []
    asked = [*point.assignees, *(f"user:{each}" for each in point.delegates)]
    members = request.app[ASSIGNEES].members_of(workspace_id, asked)
    done = may_not(point)
    left = [each for each in members if each not in done][:MOST_MISSING]
    names = await names_of(request.app, workspace_id, people=left)
    return [names.person(each) for each in left]


def _label(field: Mapping[str, Json]) -> str:
    return str(field.get("label") or field["name"])
