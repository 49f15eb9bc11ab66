"""A code for who decides by a link: asked for on the page, and mailed."""

from aiohttp import web

from signoff.access.callers import Principal
from signoff.gateway.errors import ApiError
from signoff.gateway.inbox.codes import mail_code
from signoff.gateway.pages.messages import Message
from signoff.gateway.pages.resume.reading import read_here
from signoff.gateway.pages.site import see_other

_TOLD = frozenset({409, 429, 503})


async def send_code(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``POST /resume/{id}/{execution}/{context}/code``."""
    reading = await read_here(request, caller, request.match_info["context"])
    page = reading.addresses.page(reading.read.point.context_id)
    try:
        told = await mail_code(request, caller)
    except ApiError as error:
        if error.status not in _TOLD:
            raise
        return see_other(request, page, Message(f"No code was sent: {error}.", "problem"))
    if not told.sent:
        return see_other(request, page, Message("You need no code.", "note"))
    return see_other(request, page, Message("A code was mailed to you. It is good for ten minutes."))
