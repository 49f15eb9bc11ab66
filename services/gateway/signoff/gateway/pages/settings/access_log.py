"""``/settings/access-log``: who read what in the workspace, and who was turned away."""

from typing import Final, get_args
from urllib.parse import urlencode

from aiohttp import web
from msgspec import UNSET, Struct, to_builtins

from signoff.access.callers import Principal
from signoff.events.types import Actor, Json
from signoff.gateway.accesses.listing import AccessEntry, AccessList, AccessQuery, AccessType, accesses_of
from signoff.gateway.errors import ApiError
from signoff.gateway.http.queries import filled_in, read_parameters
from signoff.gateway.pages.problems import NONE
from signoff.gateway.pages.settings.forms import first_page, next_page
from signoff.gateway.pages.settings.people import called, choosable, names_of
from signoff.gateway.pages.settings.sections import form_problems, show_section

_EXPORTED: Final = "1000"
_SHOWN: Final = 30
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
    """An access as a row.

    Attributes:
        entry: all that is told of it.
        at: when, ISO 8601.
        who: their name, or what tells that nobody knows them.
        actor_id: by which accesses of theirs are found; empty where nobody knows them.
        what: what became of it.
        is_refusal: it was refused, or not recorded.
        about: what was asked for.
        names: what that is called, by what it is.
        count: how often, within a few seconds.
        why: why it was refused.
        told: all of it as the API tells it.
    """

    entry: AccessEntry
    at: str
    who: str
    actor_id: str
    what: str
    is_refusal: bool
    about: str
    names: dict[str, str]
    count: int
    why: str
    told: dict[str, Json]


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
    return [_line(each, names) for each in entries]


def _line(entry: AccessEntry, names: dict[str, str]) -> Line:
    actor = entry.actor if isinstance(entry.actor, Actor) else None
    about = None if entry.about is UNSET else entry.about
    named = {} if about is None else {**about.names, **about.filter}
    decided = {"executionId": entry.execution_id, "contextId": entry.context_id}
    named |= {name: value for name, value in decided.items() if isinstance(value, str)}
    return Line(
        entry=entry,
        at=entry.last_at if isinstance(entry.last_at, str) else entry.recorded_at,
        who="Nobody known" if actor is None else names.get(actor.id, actor.id),
        actor_id="" if actor is None else actor.id,
        what=_WORDS.get(entry.type, entry.type),
        is_refusal=entry.type in ("access:refused", "access:dropped", "decision:refused"),
        about=next((each for each in (entry.operation, entry.command) if isinstance(each, str)), ""),
        names=named,
        count=entry.count if isinstance(entry.count, int) else 1,
        why=entry.reason if isinstance(entry.reason, str) else "",
        told=to_builtins(entry),
    )
