"""``/settings/groups``: members under one name."""

from typing import Final

from aiohttp import web
from msgspec.structs import replace

from signoff.access.callers import Principal
from signoff.access.permissions import ROLES
from signoff.events.types import Json, Role
from signoff.gateway.errors import ApiError
from signoff.gateway.http.bodies import convert
from signoff.gateway.http.queries import read_query
from signoff.gateway.pages.messages import Message
from signoff.gateway.pages.problems import NONE, Problems
from signoff.gateway.pages.settings.confirming import Question, ask
from signoff.gateway.pages.settings.forms import (
    ROLE_CHOICES,
    Sent,
    first_page,
    next_page,
    read_acting,
    text,
    texts,
)
from signoff.gateway.pages.settings.people import choosable
from signoff.gateway.pages.settings.sections import GROUPS, form_problems, show_section
from signoff.gateway.pages.site import see_other
from signoff.gateway.people.groups import GroupBody, GroupView, find_group, groups_of, remove_group, set_group
from signoff.gateway.people.identity import PageQuery, fresh_id

_NEW: Final = GroupView(id="", name="", roles=[], user_ids=[])


async def show(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``GET /settings/groups``."""
    page = groups_of(request, caller, read_query(request, PageQuery))
    context = {
        "title": "Groups",
        "groups": page.groups,
        "first": first_page(request),
        "next": next_page(request, page.next_cursor),
    }
    return await show_section(request, caller, "groups", context)


async def new(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``GET /settings/groups/new``."""
    return await _form(request, caller, _NEW, NONE)


async def make(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``POST /settings/groups/new``."""
    return await _set(request, caller, _NEW)


async def show_one(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``GET /settings/groups/{groupId}``."""
    return await _form(request, caller, find_group(request, caller), NONE)


async def put(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``POST /settings/groups/{groupId}``."""
    return await _set(request, caller, find_group(request, caller))


async def ask_remove(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``GET /settings/groups/{groupId}/remove``."""
    group = find_group(request, caller)
    question = Question(
        title=f"Remove the group “{group.name}”?",
        text="Its members stay in the workspace, without the roles that they had by the group.",
        action=f"Remove “{group.name}”",
        back=f"{GROUPS}/{group.id}",
        of_workspace=True,
    )
    return await ask(request, caller, question)


async def remove_one(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``POST /settings/groups/{groupId}/remove``."""
    group = find_group(request, caller)
    await remove_group(request, caller)
    return see_other(request, GROUPS, Message(f"The group “{group.name}” is removed."))


async def _set(request: web.Request, caller: Principal, group: GroupView) -> web.StreamResponse:
    sent = await read_acting(request)
    try:
        body = convert(_given(sent), GroupBody)
        shown = await set_group(request, caller, group.id or fresh_id(request, caller), body)
    except ApiError as error:
        typed = replace(group, name=text(sent, "name"), roles=_roles(sent), user_ids=texts(sent, "userIds"))
        return await _form(request, caller, typed, form_problems(error))
    return see_other(request, GROUPS, Message(f"The group “{shown.name}” is set."))


def _given(sent: Sent) -> Json:
    users = list(texts(sent, "userIds"))
    return {"name": text(sent, "name"), "roles": list(texts(sent, "roles")), "userIds": users}


def _roles(sent: Sent) -> list[Role]:
    """Those of a refused form that are roles."""
    chosen = texts(sent, "roles")
    return [role for role in ROLES if role in chosen]


async def _form(
    request: web.Request, caller: Principal, group: GroupView, problems: Problems
) -> web.StreamResponse:
    context = {
        "title": group.name or "New group",
        "group": group,
        "role_choices": ROLE_CHOICES,
        "members": await choosable(request, caller),
    }
    return await show_section(request, caller, "group", context, problems)
