"""The form by which an operator corrects what is shown: whoever had approved it has to look again."""

from typing import Final

from aiohttp import web

from signoff.access.callers import Principal
from signoff.gateway.errors import ApiError
from signoff.gateway.http.bodies import convert, read_form
from signoff.gateway.inbox.amending import amendment
from signoff.gateway.inbox.asking import asking, recorded
from signoff.gateway.inbox.content import ContentBody
from signoff.gateway.pages.fields import Posted, posted_of
from signoff.gateway.pages.messages import Message
from signoff.gateway.pages.once import take_key
from signoff.gateway.pages.problems import Problems, problems_of
from signoff.gateway.pages.resume.content import Correctable, body_of, rows_of
from signoff.gateway.pages.resume.reading import Reading, read_here
from signoff.gateway.pages.resume.showing import Refused, shown
from signoff.gateway.pages.site import FORM_HEADER, see_other

_FORM_AGAIN: Final = frozenset({400, 409, 412, 413, 422, 428})
_CHANGED: Final = "Nothing was changed: somebody else has changed it meanwhile. What you typed is still here."
_SAME: Final = "Change something first."
_SENT_BEFORE: Final = "This form was sent before with something else: load the page again, then change it"
_TOLD: Final = "It shows what you wrote now. Whoever had approved it before has to look at it again."


async def amend(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``POST /resume/{id}/{execution}/{context}/content``."""
    posted = posted_of(await read_form(request))
    take_key(request, posted)
    reading = await read_here(request, caller, request.match_info["context"])
    context_id = reading.read.point.context_id
    try:
        await _amend(request, caller, reading, posted)
    except ApiError as error:
        if error.status not in _FORM_AGAIN:
            raise
        return await _refused(request, caller, error, posted)
    return see_other(request, reading.addresses.page(context_id), Message(_TOLD))


async def _refused(
    request: web.Request, caller: Principal, error: ApiError, posted: Posted
) -> web.StreamResponse:
    """The form again, or how the point stands now, where nobody corrects it any more."""
    reading = await read_here(request, caller, request.match_info["context"])
    page, problems = reading.addresses.page(reading.read.point.context_id), _problems(error)
    if reading.read.point.status == "paused":
        again = Refused(about="content", status=error.status, posted=posted, problems=problems)
        return await shown(request, caller, reading, refused=again)
    message = Message(f"Nothing was changed: {error}.", "problem")
    if FORM_HEADER in request.headers:  # a script keeps what was typed by itself
        return see_other(request, page, message)
    over = Refused(about="content", status=409, posted=posted, message=message)
    return await shown(request, caller, reading, refused=over)


async def _amend(request: web.Request, caller: Principal, reading: Reading, posted: Posted) -> None:
    read = reading.read
    seen = next(iter(posted.get("seen", ())), "")
    if not seen:
        raise ApiError(428, "The form is incomplete: load the page again, then change it")
    # By what was sent: what it changes is another thing once it has changed it.
    ask = await asking(request, caller, "content", body={name: list(texts) for name, texts in posted.items()})
    taken = read.state.commands.get(ask.command_id)
    if taken is not None:
        if taken.request_digest != ask.asked.digest:
            raise ApiError(409, _SENT_BEFORE)
        return
    if seen != read.point.content_digest:
        raise ApiError(412, "somebody else has changed it meanwhile")
    given = body_of(Correctable(read.point.title or "", rows_of(read.point.response)), posted)
    if not given.keys() - {"reason"}:
        raise ApiError(422, _SAME)
    body = convert(given, ContentBody)
    await recorded(request, ask, await amendment(request, ask, read, body, seen=seen))


def _problems(error: ApiError) -> Problems:
    if error.status == 412:
        return Problems(_CHANGED)
    found = problems_of(error)
    if "reason" in found.fields:
        return Problems("Say why it is changed.", {**found.fields, "reason": "Say why"})
    return Problems(f"{str(error).rstrip('.')}.", found.fields)
