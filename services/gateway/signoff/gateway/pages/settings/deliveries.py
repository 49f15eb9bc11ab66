"""``/settings/hooks/{hook}``: a webhook, with what it did not take."""

from aiohttp import web

from signoff.access.callers import Principal
from signoff.gateway.errors import ApiError
from signoff.gateway.hooks.deliveries import deliveries_of, remove_letters, replay_deliveries
from signoff.gateway.hooks.schemas import DeliveriesQuery, ReplayBody
from signoff.gateway.hooks.setting import hook_of
from signoff.gateway.http.bodies import convert
from signoff.gateway.http.queries import filled_in, read_parameters
from signoff.gateway.pages.messages import Message
from signoff.gateway.pages.problems import NONE, Problems
from signoff.gateway.pages.settings.confirming import Question, ask
from signoff.gateway.pages.settings.forms import (
    first_page,
    next_page,
    read_acting,
    text,
    texts,
)
from signoff.gateway.pages.settings.sections import HOOKS, form_problems, show_section
from signoff.gateway.pages.site import see_other


async def show(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``GET /settings/hooks/{hook}``."""
    query = read_parameters(filled_in(request.query), DeliveriesQuery)
    return await _page(request, caller, query, NONE)


async def replay(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``POST /settings/hooks/{hook}/replay``: dead letters by ``delivery``, or all since ``from``."""
    sent = await read_acting(request)
    hook, since, ids = await hook_of(request, caller), text(sent, "from"), texts(sent, "delivery")
    try:
        given = {"deliveries": list(ids)} if ids else {"from": since}
        replayed = await replay_deliveries(request, caller, convert(given, ReplayBody))
    except ApiError as error:
        return await _page(request, caller, DeliveriesQuery(), form_problems(error))
    if ids:
        told = f"{replayed.replayed} sent once more; what fails again comes back to the dead letters."
    else:
        more = " There are more: send the same moment again." if replayed.next_cursor else ""
        told = f"{replayed.replayed} executions are sent once more.{more}"
    return see_other(request, f"{HOOKS}/{hook.hook_id}", Message(told))


async def ask_remove(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``GET /settings/hooks/{hook}/dead/remove``."""
    hook = await hook_of(request, caller)
    question = Question(
        title=f"Remove the dead letters of {hook.url}?",
        text="Up to 200 of them are deleted at once. The events themselves stay in their executions' logs.",
        action="Remove the dead letters",
        back=f"{HOOKS}/{hook.hook_id}?state=dead",
        of_workspace=True,
    )
    return await ask(request, caller, question)


async def remove(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``POST /settings/hooks/{hook}/dead/remove``."""
    hook = await hook_of(request, caller)
    removed = await remove_letters(request, caller, [])
    more = " There are more." if removed.more else ""
    return see_other(request, f"{HOOKS}/{hook.hook_id}", Message(f"{removed.removed} removed.{more}"))


async def _page(
    request: web.Request, caller: Principal, query: DeliveriesQuery, problems: Problems
) -> web.StreamResponse:
    hook = await hook_of(request, caller)
    page = await deliveries_of(request, caller, query)
    context = {
        "title": "Webhook",
        "hook": hook,
        "state": query.state,
        "deliveries": page.deliveries,
        "first": first_page(request),
        "next": next_page(request, page.next_cursor),
    }
    return await show_section(request, caller, "hook", context, problems)
