"""What is shown where the page cannot be: nothing is there, or a link is not good for it any more."""

from typing import Final

from aiohttp import web

from signoff.gateway.accesses.witness import CALLER, PRINCIPAL
from signoff.gateway.admission import ADMISSION
from signoff.gateway.errors import ApiError
from signoff.gateway.http.bodies import read_form
from signoff.gateway.pages.fields import posted_of
from signoff.gateway.pages.messages import Message
from signoff.gateway.pages.resume.addresses import CONTEXT, Addresses
from signoff.gateway.pages.resume.deciding import refused_decision
from signoff.gateway.pages.resume.showing import PRIVATE
from signoff.gateway.pages.site import render, see_other
from signoff.gateway.people.link_cookies import is_by_link

_BY_LINK: Final = frozenset({401, 403})


async def refused(request: web.Request, error: ApiError) -> web.StreamResponse | None:
    """Answer a refusal of this room's own kind; ``None`` leaves it to the usual page."""
    if is_by_link(request):
        return await _by_link(request, error)
    if error.status == 404:
        return await _missing(request)
    return None


async def _by_link(request: web.Request, error: ApiError) -> web.StreamResponse | None:
    code, context_id = error.fields.get("code"), _context_of(request)
    if code == "LINK_USED" and context_id is not None:
        named = request.match_info
        addresses = Addresses(named["id"], named["execution"], request[CALLER].link_id)
        return see_other(request, addresses.page(context_id), Message(f"{error}.", "note"))
    if code in ("CODE_REQUIRED", "CODE_WRONG") and CALLER in request:
        return await _code_again(request, error)
    if error.status in _BY_LINK:
        return await _link_is_over(request, error, context_id)
    return await _missing(request) if error.status == 404 else None


async def _code_again(request: web.Request, error: ApiError) -> web.StreamResponse:
    """The form again: nobody was admitted to decide, but the link shows its point."""
    caller = request.get(PRINCIPAL) or await request.app[ADMISSION].principal(request, request[CALLER])
    return await refused_decision(request, caller, error, posted_of(await read_form(request)))


async def _link_is_over(request: web.Request, error: ApiError, context_id: str | None) -> web.StreamResponse:
    named = request.match_info
    addresses = Addresses(named["id"], named["execution"])
    context = {
        "title": "This link does not open this",
        "text": str(error),
        "page": addresses.page(context_id or ""),
    }
    headers = {**error.headers, **PRIVATE}
    return await render(request, "resume/link.html", context, status=error.status, headers=headers)


async def _missing(request: web.Request) -> web.StreamResponse:
    context = {"title": "Execution not found"}
    return await render(request, "resume/missing.html", context, status=404, headers=PRIVATE)


def _context_of(request: web.Request) -> str | None:
    return request.match_info.get("context") or request.query.get(CONTEXT)
