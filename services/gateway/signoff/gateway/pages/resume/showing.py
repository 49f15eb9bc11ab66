"""The page itself, and what a decision would cause."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal
from urllib.parse import urlencode

from aiohttp import web
from msgspec import Struct

from signoff.access.callers import Principal
from signoff.access.links.links import PARAMETER, PointOf
from signoff.audit.life.hiding import hide_secrets
from signoff.gateway.accesses.witness import request_shown
from signoff.gateway.http.bodies import read_form
from signoff.gateway.http.responses import answer
from signoff.gateway.pages.differences import Difference
from signoff.gateway.pages.fields import Posted, posted_of
from signoff.gateway.pages.inbox.views import address
from signoff.gateway.pages.messages import Message
from signoff.gateway.pages.problems import NONE, Problems
from signoff.gateway.pages.resume.addresses import CONTEXT, Addresses
from signoff.gateway.pages.resume.changes import COMPARISONS, since
from signoff.gateway.pages.resume.content import Correctable, again, api_data, rows_of
from signoff.gateway.pages.resume.onward import Onward, onward_of, view_of
from signoff.gateway.pages.resume.outcomes import outcomes_of
from signoff.gateway.pages.resume.reading import Reading, read_here
from signoff.gateway.pages.resume.view import Answered, PointPage, page_of
from signoff.gateway.pages.site import guards, render
from signoff.gateway.people.link_cookies import keep_link
from signoff.gateway.people.linked import LINKED

PRIVATE: Final[Mapping[str, str]] = {"Referrer-Policy": "no-referrer"}
"""The address may hold a token: no page that this one leads to is told of it."""


class Refused(Struct, frozen=True, kw_only=True):
    """A form that was not taken.

    Attributes:
        about: which: ``decide``, ``content``, or a verb's name.
        status: of the answer.
        posted: what was typed into it.
        problems: why, where it is shown again.
        message: why, where it is not: nobody decides there any more, or others do.
        unsent: what was typed into that, by labels.
    """

    about: str
    status: int
    posted: Posted = {}
    problems: Problems = NONE
    message: Message | None = None
    unsent: Sequence[Answered] = ()


_NOTHING: Final = Refused(about="", status=200)


async def show(request: web.Request, caller: Principal) -> web.Response:
    """``GET /resume/{id}/{execution}?contextId=``; the token of a link is exchanged for a cookie first."""
    reading = await read_here(request, caller, request.query.get(CONTEXT) or None)
    token = request.query.get(PARAMETER)
    if caller.link_id is None or token is None:
        return await shown(request, caller, reading)
    response = _elsewhere(reading.addresses.page(reading.read.point.context_id))
    keep_link(request, response, token, path=reading.addresses.base, link_id=caller.link_id)
    return response


async def show_point(request: web.Request) -> web.Response:
    """``GET /resume/{id}/{execution}/{context}``: the same page by Sim's other address."""
    named, token = request.match_info, request.query.get(PARAMETER)
    page = Addresses(named["id"], named["execution"]).page(named["context"])
    return _elsewhere(page if token is None else f"{page}&{urlencode({PARAMETER: token})}")


def _elsewhere(address: str) -> web.Response:
    return web.Response(status=302, headers={**PRIVATE, "Cache-Control": "no-store", "Location": address})


async def shown(
    request: web.Request,
    caller: Principal,
    reading: Reading,
    *,
    page: PointPage | None = None,
    refused: Refused = _NOTHING,
) -> web.Response:
    """The page.

    Args:
        request: of the visitor.
        caller: who looks.
        reading: of the log.
        page: what it shows, where that is known already.
        refused: the form that it answers.
    """
    if page is None:
        page = await page_of(request, caller, reading)
    # Also where a form was refused: whoever sent it may never have seen the point.
    point = {"context": reading.read.point.context_id}
    request_shown(request, "getInboxPoint", {**request.match_info, **point})
    detail, code = page.detail, await _code_wanted(request, caller, reading)
    is_open = detail.point.resume_status == "paused" and detail.point.pause_kind == "human"
    seen, changed = await _seen(request, page, refused)
    may_amend = is_open and caller.may("pauses:amend")
    now = Correctable(reading.read.point.title or "", rows_of(reading.read.point.response))
    posted = refused.posted if refused.about == "content" else {}
    corrected = again(now, _corrected(page, posted) if may_amend else None, posted)
    lost = [Answered(label=label, value=text) for label, text in corrected.lost]
    context = {
        "title": reading.title,
        "page": page,
        "detail": detail,
        "refused": refused,
        "about": refused.about,
        "problems": refused.problems,
        "posted": refused.posted,
        "seen": seen,
        "changed": changed,
        "api_data": api_data(detail.point.response),
        "can_decide": page.can_decide and code != "used",
        "onward": await _onward(request, caller, reading, page),
        "needs_code": code == "needed" or refused.problems.of("code") != "",
        "tells_outcome": caller.link_id is None,
        "may_act": is_open and code == "none" and caller.may("pauses:decide"),
        "may_comment": is_open and code == "none" and caller.may("pauses:comment"),
        "may_amend": may_amend,
        "inbox": address(view_of(request)),
        "rows": now.rows,
        "corrected": corrected,
        "lost": lost,
        "unsent": refused.unsent if may_amend else [*refused.unsent, *lost],
        **({} if refused.message is None else {"message": refused.message}),
    }
    return await render(request, "resume/page.html", context, status=refused.status, headers=PRIVATE)


async def _onward(
    request: web.Request, caller: Principal, reading: Reading, page: PointPage
) -> Onward | None:
    """Where to go on, for who has an inbox and nothing to decide here."""
    if page.can_decide or caller.link_id is not None or not caller.may("inbox:read"):
        return None
    return await onward_of(request, caller, reading)


async def _seen(request: web.Request, page: PointPage, refused: Refused) -> tuple[str, list[Difference]]:
    """The content that the next decision is on, and how what is shown differs from it.

    What a form was sent with stays until its sender was told that there is something else by now: only then
    is the next decision on that.
    """
    now = page.detail.content_digest or ""
    seen = next(iter(refused.posted.get("seen", ())), "") if refused.about == "decide" else ""
    if seen in ("", now):
        return now, []
    changed = await since(request.app[COMPARISONS], page.contents, seen)
    return (now if refused.status == 412 else seen), changed


def _corrected(page: PointPage, posted: Posted) -> Correctable | None:
    """The content that somebody corrected, where it is known."""
    seen = next(iter(posted.get("seen", ())), None)
    before = next((each for each in page.contents if each.digest == seen), None)
    return None if before is None else Correctable(before.title or "", rows_of(before.response))


async def _code_wanted(
    request: web.Request, caller: Principal, reading: Reading
) -> Literal["none", "needed", "used"]:
    """Whether a decision by the visitor's link needs a code, or the link was used up."""
    if caller.link_id is None:
        return "none"
    point = reading.read.point
    place = PointOf(caller.workspace_id, reading.read.row.log_id, point.context_id)
    link = await request.app[LINKED].links.get(place, caller.link_id)
    if link is None or link.used_at is not None:
        return "used"
    return "needed" if link.lent or point.step_up else "none"


async def whole(request: web.Request, caller: Principal) -> web.Response:
    """``GET …/content``: all that is decided on, as JSON: of what is large the page shows a part."""
    reading = await read_here(request, caller, request.match_info["context"])
    point = reading.read.point
    body = {
        "title": reading.title,
        "contentDigest": point.content_digest,
        "data": api_data(hide_secrets(point.response, point.response)),
    }
    return answer(body, headers={**guards(request), **PRIVATE, "Cache-Control": "no-store"})


async def outcome(request: web.Request, caller: Principal) -> web.Response:
    """``GET`` and ``POST …/outcome``: what the decision would cause; nothing is written, nothing acts.

    With ``POST`` the form's fields come along as they are filled in, else it is what the form begins with.
    """
    posted = posted_of(await read_form(request)) if request.method == "POST" else None
    reading = await read_here(request, caller, request.match_info["context"])
    point = reading.read.point
    context = {
        "title": "What the decision causes",
        "outcomes": await outcomes_of(request, caller, reading, posted),
        "back": reading.addresses.page(point.context_id),
        "name": reading.title,
    }
    return await render(request, "resume/outcome.html", context, headers=PRIVATE)
