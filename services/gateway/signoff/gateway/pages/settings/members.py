"""``/settings/members``: who is in the workspace, and what they are there."""

from typing import Final

from aiohttp import web

from signoff.access.callers import Principal
from signoff.gateway.directory import workspace_of
from signoff.gateway.errors import ApiError
from signoff.gateway.http.bodies import convert, read_form
from signoff.gateway.http.queries import read_query
from signoff.gateway.pages.messages import Message
from signoff.gateway.pages.problems import NONE, Problems
from signoff.gateway.pages.settings.account import absence_body
from signoff.gateway.pages.settings.confirming import Question, ask
from signoff.gateway.pages.settings.forms import (
    EMPTY,
    ROLE_CHOICES,
    Sent,
    filled,
    first_page,
    next_page,
    read_acting,
    text,
    texts,
)
from signoff.gateway.pages.settings.people import choosable, delegates
from signoff.gateway.pages.settings.sections import MEMBERS, form_problems, show_section
from signoff.gateway.pages.site import see_other
from signoff.gateway.people.absences import remove_absence, set_absence
from signoff.gateway.people.identity import PageQuery
from signoff.gateway.people.members import (
    MemberBody,
    MemberView,
    NewMemberBody,
    add_member,
    find_member,
    member_views,
    members_of,
    remove_member,
    set_member,
)

_NEW: Final = f"{MEMBERS}/new"


async def show(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``GET /settings/members``."""
    page = await members_of(request, caller, read_query(request, PageQuery))
    away = [each.absence.delegate_id for each in page.members if each.absence is not None]
    context = {
        "title": "Members",
        "members": page.members,
        "names": {each.id: each.name for each in await member_views(request, caller, away)},
        "groups": _groups(request, caller),
        "first": first_page(request),
        "next": next_page(request, page.next_cursor),
    }
    return await show_section(request, caller, "members", context)


async def new(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``GET /settings/members/new``."""
    return await _form(request, caller, EMPTY, NONE)


async def add(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``POST /settings/members/new``."""
    sent = await read_acting(request)
    given = {"email": text(sent, "email"), "roles": list(texts(sent, "roles"))}
    try:
        body = convert({**given, **filled(name=text(sent, "name"))}, NewMemberBody)
        added = await add_member(request, caller, body)
    except ApiError as error:
        return await _form(request, caller, sent, form_problems(error))
    return see_other(request, MEMBERS, Message(f"{added.email} is a member."))


async def _form(
    request: web.Request, caller: Principal, sent: Sent, problems: Problems
) -> web.StreamResponse:
    context = {
        "title": "Add a member",
        "path": _NEW,
        "role_choices": ROLE_CHOICES,
        "email": text(sent, "email"),
        "name": text(sent, "name"),
        "chosen_roles": texts(sent, "roles"),
    }
    return await show_section(request, caller, "member_new", context, problems)


async def show_one(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``GET /settings/members/{userId}``."""
    return await _member_page(request, caller, EMPTY)


async def put(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``POST /settings/members/{userId}``: other roles."""
    sent = await read_form(request)
    try:
        body = convert({"roles": list(texts(sent, "roles"))}, MemberBody)
        member = await set_member(request, caller, body)
    except ApiError as error:
        return await _member_page(request, caller, sent, setting=form_problems(error))
    return see_other(request, MEMBERS, Message(f"{member.name or member.id} has these roles now."))


async def leave(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``POST /settings/members/{userId}/away``."""
    sent = await read_form(request)
    member = await _member(request, caller)
    try:
        await set_absence(request, caller, member.id, absence_body(sent))
    except ApiError as error:
        return await _member_page(request, caller, sent, leaving=form_problems(error))
    return see_other(request, MEMBERS, Message(f"The absence of {member.name or member.id} is set."))


async def come_back(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``POST /settings/members/{userId}/back``."""
    member = await _member(request, caller)
    await remove_absence(request, caller, member.id)
    told = Message(f"Nobody decides in the place of {member.name or member.id} any more.")
    return see_other(request, MEMBERS, told)


async def ask_remove(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``GET /settings/members/{userId}/remove``."""
    member = await _member(request, caller)
    name, workspace = member.name or member.id, _workspace_name(request, caller)
    question = Question(
        title=f"Remove {name} from “{workspace}”?",
        text="They lose their roles and their groups here at once, and their keys act here no more. "
        "What they did stays in the log.",
        action=f"Remove {name}",
        back=f"{MEMBERS}/{member.id}",
    )
    return await ask(request, caller, question)


async def remove_one(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``POST /settings/members/{userId}/remove``."""
    member = await _member(request, caller)
    await remove_member(request, caller)
    return see_other(request, MEMBERS, Message(f"{member.name or member.id} is no member any more."))


async def _member(request: web.Request, caller: Principal) -> MemberView:
    (member,) = await member_views(request, caller, [find_member(request, caller)])
    return member


async def _member_page(
    request: web.Request, caller: Principal, sent: Sent, *, setting: Problems = NONE, leaving: Problems = NONE
) -> web.StreamResponse:
    member = await _member(request, caller)
    members = await choosable(request, caller)
    context = {
        "title": member.name or "Erased member",
        "member": member,
        "role_choices": ROLE_CHOICES,
        "chosen_roles": member.roles if setting is NONE else texts(sent, "roles"),
        "groups": _groups(request, caller).get(member.id, []),
        "names": {each.id: each.name for each in members},
        "delegates": delegates(members, member.id),
        "sent": sent,
        "setting": setting,
        "leaving": leaving,
    }
    return await show_section(request, caller, "member", context, leaving if setting is NONE else setting)


def _groups(request: web.Request, caller: Principal) -> dict[str, list[str]]:
    """The names of each member's groups."""
    found: dict[str, list[str]] = {}
    workspace = workspace_of(request, caller)
    for group in sorted(workspace.groups.values(), key=lambda each: each.name):
        for user_id in group.user_ids:
            found.setdefault(user_id, []).append(group.name)
    return found


def _workspace_name(request: web.Request, caller: Principal) -> str:
    return workspace_of(request, caller).name
