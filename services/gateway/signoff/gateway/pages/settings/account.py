"""``/settings/account``: one's name, password, sessions and absence."""

from http import HTTPStatus
from typing import Final

from aiohttp import web

from signoff.access.callers import Principal
from signoff.gateway.directory import workspace_of
from signoff.gateway.errors import ApiError, bad_field
from signoff.gateway.http.bodies import convert, read_form
from signoff.gateway.pages.front import local_path
from signoff.gateway.pages.messages import Message
from signoff.gateway.pages.problems import NONE, Problems
from signoff.gateway.pages.settings.confirming import Question, ask
from signoff.gateway.pages.settings.forms import EMPTY, Sent, filled, raw, text
from signoff.gateway.pages.settings.people import choosable, delegates
from signoff.gateway.pages.settings.sections import ACCOUNT, form_problems, show_section
from signoff.gateway.pages.site import see_other
from signoff.gateway.people import own_sessions
from signoff.gateway.people.absences import AbsenceBody, current_absence, remove_absence, set_absence
from signoff.gateway.people.accounts import find_person, free_user, user_of, user_view
from signoff.gateway.people.own_account import PasswordChange, ProfileChange, change_profile, set_password

_ENDED: Final = "You are signed out everywhere else."


async def show(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``GET /settings/account``."""
    return await _page(request, caller)


async def rename(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``POST /settings/account``."""
    sent = await read_form(request)
    try:
        body = convert({"name": text(sent, "name")}, ProfileChange)
        await change_profile(request, caller, body)
    except ApiError as error:
        return await _page(request, caller, sent, renaming=form_problems(error))
    return see_other(request, ACCOUNT, Message("Your name is changed."))


async def leave(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``POST /settings/account/away``."""
    sent = await read_form(request)
    try:
        await set_absence(request, caller, free_user(request, caller), absence_body(sent))
    except ApiError as error:
        return await _page(request, caller, sent, leaving=form_problems(error))
    return see_other(request, ACCOUNT, Message("Your absence is set."))


async def come_back(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``POST /settings/account/back``."""
    await remove_absence(request, caller, free_user(request, caller))
    return see_other(request, ACCOUNT, Message("Nobody decides in your place any more."))


def absence_body(sent: Sent) -> AbsenceBody:
    """An absence as a form has it."""
    moments = filled(since=text(sent, "since"), until=text(sent, "until"))
    return convert({"delegateId": text(sent, "delegateId"), "until": "", **moments}, AbsenceBody)


async def _page(
    request: web.Request,
    caller: Principal,
    sent: Sent = EMPTY,
    *,
    renaming: Problems = NONE,
    leaving: Problems = NONE,
) -> web.StreamResponse:
    user_id = user_of(caller)
    person = await find_person(request, user_id)
    workspace = workspace_of(request, caller)
    members = await choosable(request, caller)
    context = {
        "title": "Account",
        "user": user_view(request, user_id, person),
        "has_password": person.password_hash is not None,
        "sessions": await own_sessions.own_sessions(request, caller),
        "absence": current_absence(workspace, user_id),
        "names": {each.id: each.name for each in members},
        "delegates": delegates(members, user_id),
        "sent": sent,
        "renaming": renaming,
        "leaving": leaving,
    }
    return await show_section(request, caller, "account", context, leaving if renaming is NONE else renaming)


# Password ---------------------------------------------------------------------------------------------------


async def show_password(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``GET /settings/password``: for one who has to change theirs, the only page that there is."""
    return await _password_page(request, caller, request.query.get("next", ""), NONE)


async def submit_password(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``POST /settings/password``."""
    sent = await read_form(request)
    following = text(sent, "next")
    response = see_other(
        request, local_path(following) if following else ACCOUNT, Message("Your password is changed.")
    )
    try:
        await set_password(request, caller, _password_change(sent), response)
    except ApiError as error:
        return await _password_page(request, caller, following, form_problems(error))
    return response


def _password_change(sent: Sent) -> PasswordChange:
    if raw(sent, "newPassword") != raw(sent, "repeated"):
        raise bad_field("repeated", "is not the same as the new password: type both again")
    given = {"currentPassword": raw(sent, "currentPassword"), "newPassword": raw(sent, "newPassword")}
    return convert(given, PasswordChange)


async def _password_page(
    request: web.Request, caller: Principal, following: str, problems: Problems
) -> web.StreamResponse:
    person = await find_person(request, user_of(caller))
    context = {
        "title": "Change your password",
        "email": person.email or "",
        "must_change": caller.must_change,
        "following": following,
    }
    return await show_section(request, caller, "password", context, problems)


# Sessions ---------------------------------------------------------------------------------------------------


async def end_session(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``POST /settings/sessions/{session}/end``."""
    told = Message("That session is ended.")
    try:
        await own_sessions.end_session(request, caller)
    except ApiError as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
        told = Message("That session had ended already.", "note")
    return see_other(request, ACCOUNT, told)


async def ask_to_end_others(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``GET /settings/sessions/end``."""
    question = Question(
        title="Sign out everywhere else?",
        text="All your sessions end but this one. API keys stay good.",
        action="Sign out everywhere else",
        back=ACCOUNT,
    )
    return await ask(request, caller, question)


async def end_others(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``POST /settings/sessions/end``: this session goes on under a new cookie."""
    response = see_other(request, ACCOUNT, Message(_ENDED))
    await own_sessions.end_other_sessions(request, caller, response)
    return response
