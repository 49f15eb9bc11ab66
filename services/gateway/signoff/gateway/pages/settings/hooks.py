"""``/settings/hooks``: the workspace's outgoing webhooks."""

from typing import Final

from aiohttp import web

from signoff.access.callers import Principal
from signoff.access.hooks import HOOK_TYPES
from signoff.events.types import Json
from signoff.gateway.errors import ApiError
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.hooks.schemas import HookShown
from signoff.gateway.hooks.setting import hook_of, hooks_of, make_hook, remove_hook, rotate_secret, set_hook
from signoff.gateway.hooks.trials import send_test
from signoff.gateway.http.bodies import read_form
from signoff.gateway.pages.messages import Message
from signoff.gateway.pages.problems import NONE, Problems
from signoff.gateway.pages.settings.confirming import Question, Shown, ask, show_secret
from signoff.gateway.pages.settings.forms import EMPTY, Sent, lines, read_acting, text, texts
from signoff.gateway.pages.settings.sections import HOOKS, form_problems, show_section
from signoff.gateway.pages.site import see_other

_TYPES: Final = sorted(HOOK_TYPES)


async def show(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``GET /settings/hooks``."""
    context = {"title": "Webhooks", "hooks": await hooks_of(request.app[GATEWAY], caller)}
    return await show_section(request, caller, "hooks", context)


async def new(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``GET /settings/hooks/new``."""
    return await _form(request, caller, EMPTY, NONE)


async def make(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``POST /settings/hooks/new``."""
    sent = await read_acting(request)
    try:
        made = await make_hook(request, caller, {"url": text(sent, "url"), **_given(sent)})
    except ApiError as error:
        return await _form(request, caller, sent, form_problems(error))
    return await show_secret(request, caller, _secret(made.hook_id, made.secret))


async def _form(
    request: web.Request, caller: Principal, sent: Sent, problems: Problems
) -> web.StreamResponse:
    context = {
        "title": "New webhook",
        "url": text(sent, "url"),
        "types": _TYPES,
        "chosen_types": texts(sent, "types"),
        "workflows": "\n".join(lines(sent, "workflowIds")),
    }
    return await show_section(request, caller, "hook_new", context, problems)


async def show_settings(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``GET /settings/hooks/{hook}/settings``."""
    return await _settings(request, caller, await hook_of(request, caller), NONE)


async def put(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``POST /settings/hooks/{hook}/settings``."""
    sent = await read_form(request)
    hook, url = await hook_of(request, caller), text(sent, "url")
    given: dict[str, Json] = {**_given(sent), "enabled": text(sent, "enabled") == "true"}
    try:
        await set_hook(request, caller, {**given, "url": url} if url else given)
    except ApiError as error:
        return await _settings(request, caller, hook, form_problems(error))
    return see_other(request, f"{HOOKS}/{hook.hook_id}", Message("The webhook is set."))


async def _settings(
    request: web.Request, caller: Principal, hook: HookShown, problems: Problems
) -> web.StreamResponse:
    context = {"title": "Webhook", "hook": hook, "types": _TYPES}
    return await show_section(request, caller, "hook_settings", context, problems)


async def test(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``POST /settings/hooks/{hook}/test``: waits for the receiver's answer."""
    await read_acting(request)
    hook = await hook_of(request, caller)
    tested = await send_test(request, caller)
    took = f"after {tested.duration_ms:.0f} ms"
    if tested.delivered:
        message = Message(f"The test was taken: {tested.status} {took}.")
    else:
        what = tested.error or f"it was answered with {tested.status}"
        message = Message(f"The test was not taken {took}: {what}.", "problem")
    return see_other(request, f"{HOOKS}/{hook.hook_id}", message)


async def ask_rotate(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``GET /settings/hooks/{hook}/rotate``."""
    hook = await hook_of(request, caller)
    question = Question(
        title="Give the webhook a new secret?",
        text=f"{hook.url}: the present secret signs, too, for 24 hours. You are shown the new one once.",
        action="Make a new secret",
        back=f"{HOOKS}/{hook.hook_id}",
        of_workspace=True,
        tells_secret=True,
    )
    return await ask(request, caller, question)


async def rotate(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``POST /settings/hooks/{hook}/rotate``."""
    await read_acting(request)
    made = await rotate_secret(request, caller)
    return await show_secret(request, caller, _secret(made.hook_id, made.secret))


async def ask_remove(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``GET /settings/hooks/{hook}/remove``."""
    hook = await hook_of(request, caller)
    question = Question(
        title=f"Remove the webhook to {hook.url}?",
        text="Nothing is sent there any more, and what it is still owed is let go.",
        action="Remove the webhook",
        back=f"{HOOKS}/{hook.hook_id}",
        of_workspace=True,
    )
    return await ask(request, caller, question)


async def remove_one(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``POST /settings/hooks/{hook}/remove``."""
    hook = await hook_of(request, caller)
    await remove_hook(request, caller)
    return see_other(request, HOOKS, Message(f"The webhook to {hook.url} is removed."))


def _given(sent: Sent) -> dict[str, Json]:
    return {"types": list(texts(sent, "types")), "workflowIds": list(lines(sent, "workflowIds"))}


def _secret(hook_id: str, secret: str) -> Shown:
    return Shown(
        title="The webhook's secret",
        name="signing secret",
        secret=secret,
        text="Give it to the receiver, which checks signatures with it. Nobody can show it again.",
        back=f"{HOOKS}/{hook_id}",
    )
