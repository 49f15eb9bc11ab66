"""Who may see a page; who may not is sent to the sign-in, or told what is wrong."""

from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from signoff.gateway.accesses.witness import CALLER
from signoff.gateway.admission import PREFERRED, Admission
from signoff.gateway.errors import ApiError
from signoff.gateway.http.responses import Handler, as_refusal
from signoff.gateway.pages.page import Page
from signoff.gateway.pages.refusals import plain_refusal, refusal_page
from signoff.gateway.pages.site import guards

WORKSPACE_COOKIE: Final = "signoff_workspace"
"""Names the workspace that the visitor chose last."""

SIGN_IN: Final = "/sign-in"
RENEWAL: Final = "/settings/password"
"""Where people change their password."""

_LOST: Final = {
    404: "No page has this address. Check it, or begin at the inbox.",
    405: "Only a form is sent to this address. Go back to the page with the form, or begin at the inbox.",
}


def guarded(page: Page, admission: Admission) -> Handler:
    """A handler that shows a page to those who may see it, and to others why not."""
    admit = admission.guard(page.route)

    async def served(request: web.Request) -> web.StreamResponse:
        chosen = request.cookies.get(WORKSPACE_COOKIE)
        if chosen:
            request[PREFERRED] = chosen
        try:
            return await admit(request)
        except ConnectionResetError:
            raise  # nobody reads it
        except Exception as error:  # noqa: BLE001 - the boundary: whatever it is, the visitor gets a page
            return await _answer(request, as_refusal(request, error), page)

    return served


@web.middleware
async def answer_lost(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer with a page where there is none, outside the API: somebody mistyped an address."""
    exception = request.match_info.http_exception
    if exception is None or request.path.startswith("/api/"):
        return await handler(request)
    error = as_refusal(request, exception)
    told = _LOST.get(error.status, str(error))
    return await _answer(request, ApiError(error.status, told, headers=error.headers))


async def _answer(request: web.Request, error: ApiError, page: Page | None = None) -> web.StreamResponse:
    """What a visitor sees of a refusal. Where that fails in turn, they are told of the failure."""
    try:
        refused = None if page is None or page.refused is None else await page.refused(request, error)
        return refused or _elsewhere(request, error) or await refusal_page(request, error)
    except ConnectionResetError:
        raise
    except Exception as failure:  # noqa: BLE001 - the boundary
        return await plain_refusal(request, as_refusal(request, failure))


def _elsewhere(request: web.Request, error: ApiError) -> web.Response | None:
    """Who looks at a page and is nobody yet goes to the sign-in; who needs a password, to where it is set."""
    if request.method not in ("GET", "HEAD"):
        return None
    if error.status == 401 and "code" not in error.fields:
        return _first_to(SIGN_IN, request)
    caller = request.get(CALLER)
    if caller is not None and caller.must_change and error.status in (403, 404) and request.path != RENEWAL:
        return _first_to(RENEWAL, request)
    return None


def _first_to(path: str, request: web.Request) -> web.Response:
    """To another page, which leads back to this one when its work is done."""
    location = f"{path}?{urlencode({'next': request.path_qs})}"
    return web.Response(status=303, headers={**guards(request), "Location": location})
