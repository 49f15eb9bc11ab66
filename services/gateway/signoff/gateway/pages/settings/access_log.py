"""``/settings/access-log``: who read what in the workspace, and who was turned away."""

from collections.abc import Iterable
from typing import Final, get_args
from urllib.parse import urlencode

from aiohttp import web
from msgspec import Struct, to_builtins

from signoff.access.callers import Principal
from signoff.events.times import from_iso
from signoff.events.types import Actor, Json
from signoff.gateway.accesses.listing import AccessEntry, AccessList, AccessQuery, AccessType, accesses_of
from signoff.gateway.errors import ApiError
from signoff.gateway.http.queries import filled_in, read_parameters
from signoff.gateway.pages.problems import NONE
from signoff.gateway.pages.settings.forms import first_page, next_page
from signoff.gateway.pages.settings.people import called, choosable, names_of
from signoff.gateway.pages.settings.sections import form_problems, show_section
from signoff.gateway.pages.settings.sentences import Sentence, is_of_a_page, sentence_of

_EXPORTED: Final = "1000"
_SHOWN: Final = 30
_TOGETHER: Final = 600.0
"""Seconds between two accesses that are told in one row."""

_WORDS: Final = {
    "access:read": "read",
    "access:ended": "ended",
    "access:exported": "exported",
    "access:verified": "verified",
    "access:refused": "refused",
    "access:dropped": "not recorded",
    "decision:refused": "decision refused",
}


class Line(Struct, frozen=True, kw_only=True):
    """Accesses as a row: equal ones of somebody within minutes are one.

    Attributes:
        id: of the newest of them.
        at: when that was, ISO 8601.
        who: their name, or what tells that nobody knows them.
        actor_id: by which accesses of theirs are found; empty where nobody knows them.
        what: what became of it.
        is_refusal: it was refused, or not recorded.
        said: the same in words.
        count: how often, without the ends of streams that are in the row.
        why: why it was refused.
        told: all of each as the API tells it, the newest first.
    """

    id: str
    at: str
    who: str
    actor_id: str
    what: str
    is_refusal: bool
    said: Sentence
    count: int
    why: str
    told: list[dict[str, Json]]


async def show(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``GET /settings/access-log``; with the parameters of ``GET /api/access-log``."""
    given = filled_in(request.query)
    problems, page = NONE, AccessList(accesses=[], next_cursor=None)
    try:
        if "limit" not in given:
            given["limit"] = str(_SHOWN)
        page = await accesses_of(request, caller, read_parameters(given, AccessQuery))
    except ApiError as error:
        problems = form_problems(error)
    context = {
        "title": "Access log",
        "lines": await _lines(request, page.accesses),
        "types": [("", "All"), *((each, _WORDS[each].capitalize()) for each in get_args(AccessType))],
        "members": [
            ("", "Anybody"),
            *((each.id, called(each)) for each in await choosable(request, caller)),
        ],
        "asked": {
            name: request.query.get(name, "") for name in ("type", "actor", "executionId", "from", "to")
        },
        "export": _export(request, caller),
        "first": first_page(request),
        "next": next_page(request, page.next_cursor),
    }
    return await show_section(request, caller, "access_log", context, problems)


def _export(request: web.Request, caller: Principal) -> str:
    filters = {n: v for n, v in filled_in(request.query).items() if n not in ("cursor", "limit")}
    filters |= {"workspaceId": str(caller.workspace_id), "limit": _EXPORTED}
    return f"/api/access-log?{urlencode(filters)}"


async def _lines(request: web.Request, entries: list[AccessEntry]) -> list[Line]:
    actors = [each.actor for each in entries if isinstance(each.actor, Actor)]
    names = await names_of(request, actors)
    return [_line(each, names) for each in folded(entries)]


def folded(entries: Iterable[AccessEntry]) -> list[list[AccessEntry]]:
    """Accesses, the newest first, with those that say the same within minutes in the place of the newest.

    What a page does by itself to stay up to date stands so in one row, and no refusal is folded.
    """
    groups: list[list[AccessEntry]] = []
    newest: dict[tuple[object, ...], list[AccessEntry]] = {}
    for entry in entries:
        key = (_what(entry), _actor_id(entry), sentence_of(entry))
        group = newest.get(key)
        if group is None or _is_refusal(entry) or _at(group[-1]) - _at(entry) > _TOGETHER:
            group = newest[key] = []
            groups.append(group)
        group.append(entry)
    return groups


def _line(group: list[AccessEntry], names: dict[str, str]) -> Line:
    entry = group[0]
    actor = entry.actor if isinstance(entry.actor, Actor) else None
    counted = [each for each in group if each.type != "access:ended"] or group
    return Line(
        id=entry.id,
        at=_moment(entry),
        who="Nobody known" if actor is None else names.get(actor.id, actor.id),
        actor_id=_actor_id(entry),
        what=_what(entry),
        is_refusal=_is_refusal(entry),
        said=sentence_of(entry),
        count=sum(each.count if isinstance(each.count, int) else 1 for each in counted),
        why=entry.reason if isinstance(entry.reason, str) else "",
        told=[to_builtins(each) for each in group],
    )


def _what(entry: AccessEntry) -> str:
    return _WORDS["access:read" if is_of_a_page(entry) else entry.type]


def _is_refusal(entry: AccessEntry) -> bool:
    return entry.type in ("access:refused", "access:dropped", "decision:refused")


def _actor_id(entry: AccessEntry) -> str:
    return entry.actor.id if isinstance(entry.actor, Actor) else ""


def _moment(entry: AccessEntry) -> str:
    return entry.last_at if isinstance(entry.last_at, str) else entry.recorded_at


def _at(entry: AccessEntry) -> float:
    return from_iso(_moment(entry))
