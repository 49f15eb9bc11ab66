"""``/settings/users``: people and service accounts of the installation."""

from typing import Final

from aiohttp import web
from msgspec import Struct

from signoff.access.callers import Principal
from signoff.events.types import Json
from signoff.gateway.errors import ApiError
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.http.bodies import convert, read_form
from signoff.gateway.http.queries import filled_in, read_parameters
from signoff.gateway.pages.messages import Message
from signoff.gateway.pages.problems import NONE, Problems
from signoff.gateway.pages.settings.confirming import Question, ask
from signoff.gateway.pages.settings.forms import (
    EMPTY,
    Sent,
    filled,
    first_page,
    next_page,
    raw,
    read_acting,
    text,
)
from signoff.gateway.pages.settings.sections import USERS, form_problems, show_section
from signoff.gateway.pages.site import see_other
from signoff.gateway.people.accounts import UserView, find_person, user_view
from signoff.gateway.people.users import (
    NewUserBody,
    UserChange,
    UsersQuery,
    change_user,
    erase_named,
    make_user,
    users_of,
)

_KINDS: Final = frozenset({"person", "service"})


class Membership(Struct, frozen=True):
    """Where a user is a member, and as what."""

    workspace: str
    roles: list[str]


async def show(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``GET /settings/users``."""
    page = await users_of(request, read_parameters(filled_in(request.query), UsersQuery))
    context = {
        "title": "Users",
        "users": page.users,
        "email": request.query.get("email", ""),
        "first": first_page(request),
        "next": next_page(request, page.next_cursor),
    }
    return await show_section(request, caller, "users", context)


async def new(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``GET /settings/users/new``; ``?kind=service`` asks for a service account."""
    return await _form(request, caller, request.query.get("kind", "person"), EMPTY, NONE)


async def make(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``POST /settings/users/new``."""
    sent = await read_acting(request)
    kind = text(sent, "kind")
    given: dict[str, Json] = {"name": text(sent, "name"), "service": kind == "service"}
    given |= filled(email=text(sent, "email"), password=raw(sent, "password"))
    try:
        user = await make_user(request, caller, convert(given, NewUserBody))
    except ApiError as error:
        return await _form(request, caller, kind, sent, form_problems(error))
    return see_other(
        request, f"{USERS}/{user.id}", Message(f"{user.name} is added, a member of nothing yet.")
    )


async def _form(
    request: web.Request, caller: Principal, kind: str, sent: Sent, problems: Problems
) -> web.StreamResponse:
    context = {
        "title": "Add a service account" if kind == "service" else "Add a person",
        "kind": kind if kind in _KINDS else "person",
        "name": text(sent, "name"),
        "email": text(sent, "email"),
    }
    return await show_section(request, caller, "user_new", context, problems)


async def show_one(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``GET /settings/users/{userId}``."""
    return await _user_page(request, caller, EMPTY)


async def rename(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``POST /settings/users/{userId}``."""
    sent = await read_form(request)
    try:
        user = await change_user(request, caller, convert({"name": text(sent, "name")}, UserChange))
    except ApiError as error:
        return await _user_page(request, caller, sent, renaming=form_problems(error))
    return see_other(request, f"{USERS}/{user.id}", Message(f"They are called {user.name} now."))


async def set_password(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``POST /settings/users/{userId}/password``."""
    sent = await read_form(request)
    try:
        user = await change_user(request, caller, convert({"password": raw(sent, "password")}, UserChange))
    except ApiError as error:
        return await _user_page(request, caller, EMPTY, setting=form_problems(error))
    told = f"{user.name} has a new password, and is asked to change it when they sign in."
    return see_other(request, f"{USERS}/{user.id}", Message(told))


async def ask_disable(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``GET /settings/users/{userId}/disable``."""
    user = await _user(request)
    question = Question(
        title=f"Disable {user.name}?",
        text="Their sessions end, and their keys are refused, until somebody enables them again.",
        action=f"Disable {user.name}",
        back=f"{USERS}/{user.id}",
    )
    return await ask(request, caller, question)


async def disable(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``POST /settings/users/{userId}/disable``."""
    user = await change_user(request, caller, UserChange(disabled=True))
    return see_other(request, f"{USERS}/{user.id}", Message(f"{user.name} is disabled."))


async def enable(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``POST /settings/users/{userId}/enable``."""
    user = await change_user(request, caller, UserChange(disabled=False))
    return see_other(request, f"{USERS}/{user.id}", Message(f"{user.name} is enabled."))


async def ask_erase(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``GET /settings/users/{userId}/erase``."""
    user = await _user(request)
    question = Question(
        title=f"Erase {user.name}?",
        text="Name, address, password and sessions are deleted, keys revoked, memberships ended. The logs "
        "keep the id alone. This cannot be taken back.",
        action=f"Erase {user.name}",
        back=f"{USERS}/{user.id}",
    )
    return await ask(request, caller, question)


async def erase_one(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``POST /settings/users/{userId}/erase``."""
    await erase_named(request, caller)
    return see_other(request, USERS, Message("The user is erased."))


async def _user(request: web.Request) -> UserView:
    user_id = request.match_info["userId"]
    return user_view(request, user_id, await find_person(request, user_id))


async def _user_page(
    request: web.Request,
    caller: Principal,
    sent: Sent,
    *,
    renaming: Problems = NONE,
    setting: Problems = NONE,
) -> web.StreamResponse:
    user = await _user(request)
    state = request.app[GATEWAY].directory.state
    context = {
        "title": user.name,
        "user": user,
        "memberships": [
            Membership(state.workspaces[each].name, list(state.workspaces[each].members.get(user.id, [])))
            for each in state.memberships(user.id)
        ],
        "key_count": sum(key.user_id == user.id for key in state.keys.values()),
        "typed": text(sent, "name") or user.name,
        "renaming": renaming,
        "setting": setting,
    }
    return await show_section(request, caller, "user", context, setting if renaming is NONE else renaming)
