"""People who come by a decision link: which requests it lets in, and what a decision makes of it."""

from collections.abc import AsyncIterator
from typing import Final

import structlog
from aiohttp import web
from msgspec import Struct
from msgspec.structs import replace

from signoff.access.callers import Caller, Principal
from signoff.access.errors import WrongCodeError
from signoff.access.gate import Gate, bearer_token
from signoff.access.links.codes import DecisionCodes
from signoff.access.links.links import (
    PARAMETER,
    DecisionLink,
    DecisionLinks,
    Ticket,
    is_retry,
    is_token,
)
from signoff.events.errors import StoreUnavailableError
from signoff.events.ids import read_uuid
from signoff.events.times import iso
from signoff.events.topics import chosen_log_id
from signoff.events.types import Actor, Json
from signoff.gateway.accesses.witness import CALLER
from signoff.gateway.errors import CHALLENGE, ApiError
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.http.bodies import read_form
from signoff.gateway.http.headers import CODE, decision_code, idempotency_key
from signoff.gateway.http.routing import Endpoint
from signoff.gateway.people.link_cookies import kept_link, named_link
from signoff.gateway.people.mail import Mail

_CODE_FIELD: Final = "code"
"""The field of a form that has the code."""

_LENT: Final = (
    "This link was made by somebody else than its person: have a code mailed to them "
    "(POST /api/inbox/{execution}/{context}/code), and send it as X-Signoff-Code"
)
_FORGOTTEN: Final = "This browser does not know the link any more: open it again, or sign in"
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_BY_LINK: Final = web.RequestKey("by_link", bool)
_PRIVATE: Final = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
"""Nobody on the way keeps the answer, and no page that it leads to is told the address."""

_log = structlog.get_logger("signoff.gateway")


class Linked(Struct, frozen=True, kw_only=True):
    """What stands behind decision links."""

    links: DecisionLinks
    codes: DecisionCodes


LINKED: Final = web.AppKey("linked", Linked)


def open_links(app: web.Application) -> None:
    """Let decision links in, and mail codes to their people, for as long as the application runs.

    Args:
        app: has its `Gateway` already.
    """
    gateway = app[GATEWAY]
    records, sealer = gateway.store.records, gateway.sealer
    mail = Mail(gateway.settings.mail_url)
    app[LINKED] = Linked(
        links=DecisionLinks(records, sealer), codes=DecisionCodes(records, sealer, mail.send)
    )
    app.on_response_prepare.append(_keep_private)

    async def mailing(_: web.Application) -> AsyncIterator[None]:
        yield
        await mail.close()

    app.cleanup_ctx.append(mailing)


async def _keep_private(request: web.Request, response: web.StreamResponse) -> None:
    # A page that was refused before its link was looked at has the token in its address all the same.
    is_page = PARAMETER in request.query and not request.path.startswith("/api/")
    if is_page or request.get(_BY_LINK):
        for name, value in _PRIVATE.items():
            response.headers[name] = value


def link_token(request: web.Request) -> str | None:
    """The token of a decision link of a request: in its query, in a cookie, or as a bearer token.

    Raises:
        ApiError: 401, the browser does not know the link that a page came by, and nobody else will do.
    """
    token = request.query.get(PARAMETER, kept_link(request))
    if token is not None:
        return token
    if named_link(request) is not None:
        raise ApiError(401, _FORGOTTEN, headers=CHALLENGE)
    bearer = bearer_token(request.headers)
    return bearer if bearer is not None and is_token(bearer) else None


async def by_link(request: web.Request, gate: Gate, token: str, route: Endpoint) -> Caller:
    """The person of a decision link.

    A link that was used for a decision only shows; but the request that used it may be sent again. One that
    another than its person made is theirs once they give a code: who made it has its token, too.

    Args:
        request: names the pause point in its path.
        gate: tells what the person may do.
        token: of the link.
        route: that is asked for.

    Raises:
        ApiError: 403, the link is for another point; 409, it was used; 400, the code is none; 401, it is
            wrong, or there must be one.
        InvalidKeyError: it is no link, or not any more, or its person may do nothing.
        StoreUnavailableError: it cannot be said now.
    """
    request[_BY_LINK] = True
    linked = request.app[LINKED]
    ticket = linked.links.read(token)
    if not _is_for(ticket, request):
        raise ApiError(403, "This link is for another decision")
    link = await linked.links.find(ticket)
    caller = request[CALLER] = gate.by_link(ticket)
    if request.method in _SAFE_METHODS:
        return caller
    if link.used_at is not None:
        if not is_retry(link, _request_key(request)):
            raise _used(link, link.used_at)
        return caller
    code = await _code_of(request, route)
    if code is not None:
        await _check(linked.codes, ticket, link, code)
        return replace(caller, verified=True)
    if link.lent and not route.sends_code:
        raise _not_verified("CODE_REQUIRED", _LENT)
    return caller


def _is_for(ticket: Ticket, request: web.Request) -> bool:
    """Whether a request's path names the pause point of a link; nobody has to be asked for that."""
    execution = request.match_info["execution"]
    named = (chosen_log_id(str(ticket.workspace_id), execution), read_uuid(execution))
    # In the path of the API's routes, in the query of the page.
    context = request.match_info.get("context") or request.query.get("contextId")
    return ticket.context_id == context and ticket.log_id in named


async def _check(codes: DecisionCodes, ticket: Ticket, link: DecisionLink, code: str) -> None:
    try:
        await codes.check(ticket.workspace_id, ticket.link_id, code, keep_until=link.expires_at)
    except WrongCodeError as error:
        raise _not_verified("CODE_WRONG", str(error)) from error


async def _code_of(request: web.Request, route: Endpoint) -> str | None:
    """The code that comes with a request: in a header, or in its form.

    Raises:
        ApiError: 400, 401, it is none.
    """
    if not route.takes_form:
        return decision_code(request.headers)
    given = (await read_form(request)).get(_CODE_FIELD)
    code = given.strip() if isinstance(given, str) else ""
    if code and not CODE.fullmatch(code):
        raise _not_verified("CODE_WRONG", "The code has six digits: type those of the newest mail")
    return code or None


def _not_verified(code: str, message: str) -> ApiError:
    return ApiError(401, message, fields={"code": code}, headers=CHALLENGE)


def _used(link: DecisionLink, used_at: float) -> ApiError:
    fields: dict[str, Json] = {
        "code": "LINK_USED",
        "resumedBy": Actor(type="user", id=link.user_id),
        "resumedAt": iso(used_at),
    }
    if link.event_id is not None:
        fields["eventId"] = link.event_id
    return ApiError(409, "A decision was made by this link, and it stands; sign in to do more", fields=fields)


async def note_used(request: web.Request, principal: Principal, *, event_id: int | None) -> None:
    """Note that a decision was taken which may have come by a link: the link decides nothing more.

    The decision stands in the log, which settles what comes later; so it is answered also where this cannot
    be noted.

    Args:
        request: asked for it.
        principal: whose decision it is.
        event_id: the event that recorded it.
    """
    links = request.app[LINKED].links
    try:
        await links.used(principal, event_id=event_id, request_key=_request_key(request))
    except StoreUnavailableError as error:
        _log.warning("the use of a decision link is not noted", link=principal.link_id, reason=str(error))


def _request_key(request: web.Request) -> str | None:
    key = idempotency_key(request)
    return None if key is None else f"{request.method} {request.path} {key}"
