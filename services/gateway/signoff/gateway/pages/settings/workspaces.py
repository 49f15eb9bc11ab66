"""``/settings/workspaces``: those of the visitor; made, renamed and closed by administrators."""

from aiohttp import web

from signoff.access.callers import Principal
from signoff.events.topics import DEFAULT_WORKSPACE
from signoff.gateway.errors import ApiError
from signoff.gateway.http.bodies import convert, read_form
from signoff.gateway.http.queries import read_query
from signoff.gateway.pages.messages import Message
from signoff.gateway.pages.problems import NONE, Problems
from signoff.gateway.pages.settings.confirming import Question, ask
from signoff.gateway.pages.settings.forms import EMPTY, Sent, first_page, next_page, read_acting, text
from signoff.gateway.pages.settings.sections import WORKSPACES, form_problems, show_section
from signoff.gateway.pages.site import see_other
from signoff.gateway.people.identity import PageQuery
from signoff.gateway.people.workspaces import (
    WorkspaceBody,
    close_workspace,
    here,
    make_workspace,
    rename_workspace,
    workspaces_of,
)


async def show(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``GET /settings/workspaces``."""
    return await _page(request, caller)


async def rename(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``POST /settings/workspaces/name``: the workspace in which the form was shown."""
    sent = await read_form(request)
    try:
        named = await rename_workspace(request, caller, _body(sent))
    except ApiError as error:
        return await _page(request, caller, sent, renaming=form_problems(error))
    return see_other(request, WORKSPACES, Message(f"The workspace is called “{named.name}” now."))


async def make(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``POST /settings/workspaces``."""
    sent = await read_acting(request)
    try:
        made = await make_workspace(request, caller, _body(sent))
    except ApiError as error:
        return await _page(request, caller, sent, making=form_problems(error))
    return see_other(request, WORKSPACES, Message(f"The workspace “{made.name}” is made."))


async def ask_close(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``GET /settings/workspaces/close``."""
    name = here(request, caller).name
    question = Question(
        title=f"Close the workspace “{name}”?",
        text="Its workflows are undeployed, and nobody can open it any more. Its logs stay, for auditors of "
        "the installation. This cannot be taken back.",
        action=f"Close “{name}”",
        back=WORKSPACES,
    )
    return await ask(request, caller, question)


async def close_one(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``POST /settings/workspaces/close``."""
    name = here(request, caller).name
    await close_workspace(request, caller)
    return see_other(request, WORKSPACES, Message(f"The workspace “{name}” is closed."))


def _body(sent: Sent) -> WorkspaceBody:
    return convert({"name": text(sent, "name")}, WorkspaceBody)


async def _page(
    request: web.Request,
    caller: Principal,
    sent: Sent = EMPTY,
    *,
    renaming: Problems = NONE,
    making: Problems = NONE,
) -> web.StreamResponse:
    # A form's own query names the workspace alone.
    query = read_query(request, PageQuery) if request.method == "GET" else PageQuery()
    page = await workspaces_of(request, query)
    context = {
        "title": "Workspaces",
        "workspaces": page.workspaces,
        "here": here(request, caller),
        "is_default": caller.workspace_id == DEFAULT_WORKSPACE,
        "first": first_page(request),
        "next": next_page(request, page.next_cursor),
        "typed": text(sent, "name"),
        "renaming": renaming,
        "making": making,
    }
    return await show_section(
        request, caller, "workspaces", context, making if renaming is NONE else renaming
    )
