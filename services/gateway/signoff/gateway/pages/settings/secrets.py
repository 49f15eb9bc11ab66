"""``/settings/secrets``: values that workflows use as ``{{NAME}}``; they go in and never come out."""

from aiohttp import web

from signoff.access.callers import Principal
from signoff.gateway.errors import ApiError
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.http.bodies import convert, read_form
from signoff.gateway.pages.messages import Message
from signoff.gateway.pages.problems import NONE, Problems
from signoff.gateway.pages.settings.confirming import Question, ask
from signoff.gateway.pages.settings.forms import raw, text
from signoff.gateway.pages.settings.sections import SECRETS, form_problems, show_section
from signoff.gateway.pages.site import see_other
from signoff.gateway.people.environment import (
    EnvironmentBody,
    environment_of,
    find_name,
    remove_value,
    set_value,
)


async def show(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``GET /settings/secrets``; ``?name=`` is about to get another value."""
    return await _page(request, caller, request.query.get("name", ""), NONE)


async def put(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``POST /settings/secrets``."""
    sent = await read_form(request)
    name = text(sent, "name")
    try:
        # Browsers send line ends as CR LF: a key file has LF.
        value = raw(sent, "secret").replace("\r\n", "\n")
        await set_value(request, caller, name, convert({"value": value}, EnvironmentBody))
    except ApiError as error:
        return await _page(request, caller, name, form_problems(error))
    return see_other(request, SECRETS, Message(f"{name} is set. Blocks that start from now on use it."))


async def ask_remove(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``GET /settings/secrets/{name}/remove``."""
    name = find_name(request, caller).name
    question = Question(
        title=f"Remove the secret {name}?",
        text="Workflows that use it fail at the block that does. Nobody can show its value before.",
        action=f"Remove {name}",
        back=SECRETS,
        of_workspace=True,
    )
    return await ask(request, caller, question)


async def remove_one(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``POST /settings/secrets/{name}/remove``."""
    await remove_value(request, caller)
    return see_other(request, SECRETS, Message(f"{request.match_info['name']} is removed."))


async def _page(request: web.Request, caller: Principal, name: str, problems: Problems) -> web.StreamResponse:
    context = {
        "title": "Secrets",
        "values": environment_of(request.app[GATEWAY], caller),
        "name": name,
    }
    return await show_section(request, caller, "secrets", context, problems)
