"""People of a workspace, for choices and for names."""

from typing import Final

from aiohttp import web

from signoff.access.callers import Principal
from signoff.access.directory.fold import user_behind
from signoff.access.gate import BOOTSTRAP
from signoff.events.types import Actor
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.inbox.people import BOOTSTRAP_NAME
from signoff.gateway.people.accounts import people_of
from signoff.gateway.people.identity import PageQuery
from signoff.gateway.people.members import MemberView, members_of

_CHOICES: Final = 500
"""Members among whom a page lets choose; the API has no such bound."""


async def choosable(request: web.Request, caller: Principal) -> list[MemberView]:
    """Members of the workspace by name; of a large one, the first 500."""
    found: list[MemberView] = []
    cursor: str | None = ""
    while cursor is not None and len(found) < _CHOICES:
        page = await members_of(request, caller, PageQuery(cursor=cursor))
        found += page.members
        cursor = page.next_cursor
    return sorted(found, key=lambda each: (each.name or "").casefold())


def called(member: MemberView) -> str:
    """A member's name, with what tells them from others of that name."""
    return f"{member.name or member.id} ({member.email or 'service account'})"


def delegates(members: list[MemberView], user_id: str) -> list[tuple[str, str]]:
    """Who may decide in the place of one of some members, as choices."""
    return [(each.id, called(each)) for each in members if each.id != user_id and not each.disabled]


async def names_of(request: web.Request, actors: list[Actor]) -> dict[str, str]:
    """What actors are called, by their ids; who was erased, and what was revoked, is left out."""
    state = request.app[GATEWAY].directory.state
    user_ids = sorted({each for actor in actors if (each := user_behind(actor)) in state.users})
    people = dict(zip(user_ids, await people_of(request, user_ids), strict=True))
    names = {each: person.name for each, person in people.items() if person is not None}
    keys = {each.id for each in actors if each.type == "apiKey"} & state.keys.keys()
    return names | {each: f"{state.keys[each].name} (key)" for each in keys} | {BOOTSTRAP.id: BOOTSTRAP_NAME}
