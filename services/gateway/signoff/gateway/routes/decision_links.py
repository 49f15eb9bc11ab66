"""``/api/inbox/{execution}/{context}/links`` and ``/code``: links to one decision, codes to go with them."""

from typing import Annotated, Final

from aiohttp import web
from msgspec import Meta, Struct

from signoff.access.callers import Principal
from signoff.access.errors import TooManyLinksError
from signoff.access.links.links import (
    LIFETIME,
    LONGEST,
    SHORTEST,
    DecisionLink,
    is_at,
    page_of,
)
from signoff.events.times import iso
from signoff.events.types import Actor
from signoff.gateway.errors import ApiError, bad_field
from signoff.gateway.gateway import GATEWAY, shown_id
from signoff.gateway.http.bodies import convert, read_object
from signoff.gateway.http.queries import read_query
from signoff.gateway.http.responses import NO_STORE, answer
from signoff.gateway.http.routing import Answer, Route
from signoff.gateway.inbox.codes import NO_LINK, CodeView, linked_point, mail_code
from signoff.gateway.people.accounts import free_user
from signoff.gateway.people.identity import PageQuery
from signoff.gateway.people.linked import LINKED

_PATH: Final = "/api/inbox/{execution}/{context}"
_TAG: Final = "Pauses"
_LINK_NAME: Final = {"link": "The link's id."}
_ID: Final = "5d1c5a3cf8b14c1e9f0c7f0e6a1b2c3d4e5f60718293a4b5c6d7e8f901234567"
_USER: Final = "0198c1f0-1111-7c1a-9f7e-1f2e3d4c5b6a"
_EXPIRES: Final = "2026-08-02T09:00:00.000000Z"


class NewLinkBody(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Whom a link is for, and for how long.

    Attributes:
        user_id: Another member of the workspace; without it the caller.
        expires_in_seconds: How long it is good.
    """

    user_id: str | None = None
    expires_in_seconds: Annotated[int, Meta(ge=int(SHORTEST), le=int(LONGEST))] = int(LIFETIME)


class NewLinkView(Struct, frozen=True, kw_only=True, rename="camel"):
    """A new link, the only time that its token is shown.

    Attributes:
        id: Names the link.
        url: The page of the decision, for its person.
        token: The same for programs, as `?token=` or as a bearer token.
        expires_at: Until when it is good.
        user_id: Whom it is for.
    """

    id: str
    url: str
    token: str
    expires_at: str
    user_id: str


class LinkView(Struct, frozen=True, kw_only=True, rename="camel"):
    """A link, without its token.

    Attributes:
        id: Names the link.
        user_id: Whom it is for.
        made_by: Who made it; the system, for a notification.
        made_at: When.
        expires_at: Until when it is good.
        lent: Another than its person made it: changes need a code.
        revoked_at: Since when it is not any more.
        used_at: When a decision was made with it.
        event_id: The event that recorded that decision.
    """

    id: str
    user_id: str
    made_by: Actor
    made_at: str
    expires_at: str
    lent: bool
    revoked_at: str | None
    used_at: str | None
    event_id: int | None


class LinkList(Struct, frozen=True, kw_only=True, rename="camel"):
    """A page of links that have not expired; ``next_cursor`` is `null` after the last one."""

    links: list[LinkView]
    next_cursor: str | None


async def make(request: web.Request, caller: Principal) -> web.Response:
    """``POST …/links``."""
    body = convert(await read_object(request), NewLinkBody)
    gateway = request.app[GATEWAY]
    user_id = caller.user_id if body.user_id is None else body.user_id
    if not _may_manage(caller, user_id):
        raise ApiError(403, "Access denied")
    if user_id is None:
        raise bad_field("userId", "must be given: a link is for a person, and this key is none's")
    row, point = await linked_point(request, caller)
    _check_person(request, caller, user_id)
    try:
        made = await request.app[LINKED].links.make(
            point,
            user_id=user_id,
            made_by=caller.actor,
            lifetime=body.expires_in_seconds,
            lent=not _is_freely(request, caller, user_id),
        )
    except TooManyLinksError as error:
        raise ApiError(409, str(error)) from error
    page = page_of(row.workflow_id, shown_id(row), point.context_id, made.token)
    view = NewLinkView(
        id=made.link_id,
        url=gateway.links.absolute(page),
        token=made.token,
        expires_at=iso(made.expires_at),
        user_id=user_id,
    )
    return answer(view, status=201, headers=NO_STORE)


async def list_links(request: web.Request, caller: Principal) -> web.Response:
    """``GET …/links``: all of the point, or the caller's own."""
    query = read_query(request, PageQuery)
    _, point = await linked_point(request, caller)
    if query.cursor and not is_at(point, query.cursor):
        raise bad_field("cursor", "must be a nextCursor as it was given")
    links = request.app[LINKED].links
    everybody = caller.may("links:manage")
    found: list[tuple[str, DecisionLink]] = []
    if everybody or caller.user_id is not None:
        user_id = None if everybody else caller.user_id
        found = await links.at(point, user_id=user_id, after=query.cursor, limit=query.limit + 1)
    page = found[: query.limit]
    cursor = page[-1][0] if len(found) > query.limit else None
    return answer(LinkList(links=[_view(*each) for each in page], next_cursor=cursor))


async def revoke(request: web.Request, caller: Principal) -> web.Response:
    """``DELETE …/links/{link}``."""
    link_id = request.match_info["link"]
    if caller.user_id is None and not caller.may("links:manage"):
        raise ApiError(403, "Access denied")
    _, point = await linked_point(request, caller)
    links = request.app[LINKED].links
    link = await links.get(point, link_id)
    if link is None or not _may_manage(caller, link.user_id):
        raise ApiError(404, NO_LINK)
    await links.revoke(point, link_id)
    return web.Response(status=204)


async def send_code(request: web.Request, caller: Principal) -> web.Response:
    """``POST …/code``: to the person of the link."""
    return answer(await mail_code(request, caller))


def _may_manage(caller: Principal, user_id: str | None) -> bool:
    """Whether the caller may make and revoke links for a person: for themselves, or with the permission."""
    return caller.may("links:manage") or (user_id is not None and user_id == caller.user_id)


def _is_freely(request: web.Request, caller: Principal, user_id: str) -> bool:
    """Whether the caller is the person, with all that they may do: a bounded key must not become more."""
    if caller.user_id != user_id:
        return False
    try:
        free_user(request, caller)
    except ApiError:
        return False
    return True


def _check_person(request: web.Request, caller: Principal, user_id: str) -> None:
    """Make sure that a link is for somebody who can decide here.

    Raises:
        ApiError: 400.
    """
    state = request.app[GATEWAY].directory.state
    user = state.users.get(user_id)
    members = state.workspaces[str(caller.workspace_id)].members
    if user is None or user_id not in members or user.disabled:
        raise bad_field("userId", "must be a member of this workspace who is not disabled")
    if user.service:
        raise bad_field("userId", "must be a person: a service account has keys")


def _view(link_id: str, link: DecisionLink) -> LinkView:
    return LinkView(
        id=link_id,
        user_id=link.user_id,
        made_by=link.made_by,
        made_at=iso(link.made_at),
        expires_at=iso(link.expires_at),
        lent=link.lent,
        revoked_at=None if link.revoked_at is None else iso(link.revoked_at),
        used_at=None if link.used_at is None else iso(link.used_at),
        event_id=link.event_id,
    )


_EXAMPLE: Final = {
    "id": _ID,
    "userId": _USER,
    "madeBy": {"type": "system", "id": "signoff"},
    "madeAt": "2026-07-26T09:00:00.000000Z",
    "expiresAt": _EXPIRES,
    "lent": False,
    "revokedAt": None,
    "usedAt": None,
    "eventId": None,
}

ROUTES: Final = (
    Route(
        method="POST", path=f"{_PATH}/links", handler=make, operation="pauses:decide",
        name="createDecisionLink", summary="Make a link by which one person decides at one pause point.",
        tag=_TAG,
        description="For oneself, or, with `links:manage`, for another member. It is good for one decision. "
        "What its person may decide is asked when it is used. A link that another than its person made, or a "
        "bounded key of theirs, changes something only with a code that they are mailed.",
        body=NewLinkBody, body_example={"userId": _USER, "expiresInSeconds": 604800},
        answers={201: Answer(
            body=NewLinkView, description="The link.", headers={"Cache-Control": "`no-store`."},
            example={
                "id": _ID, "userId": _USER, "expiresAt": _EXPIRES, "token": "signofflink_AbC…",
                "url": "https://signoff.example.org/resume/refund/0198c1f0-7d3e-7c1a-9f7e-1f2e3d4c5b6a"
                "?contextId=approve&token=signofflink_AbC…",
            },
        )},
        errors={409: "There are too many links to this decision for this person."},
    ),
    Route(
        method="GET", path=f"{_PATH}/links", handler=list_links, operation="pauses:read",
        name="listDecisionLinks", summary="The links to a pause point, without their tokens.", tag=_TAG,
        description="The caller's own; with `links:manage`, everybody's.", query=PageQuery,
        answers={200: Answer(
            body=LinkList, description="A page of links.", example={"links": [_EXAMPLE], "nextCursor": None},
        )},
    ),
    Route(
        method="DELETE", path=f"{_PATH}/links/{{link}}", handler=revoke, operation="pauses:decide",
        name="revokeDecisionLink", summary="Let a link be good for nothing from now on.", tag=_TAG,
        description="One's own; with `links:manage`, anybody's.", names=_LINK_NAME,
        answers={204: Answer(description="It is revoked.")},
    ),
    Route(
        method="POST", path=f"{_PATH}/code", handler=send_code, operation="pauses:decide",
        name="sendDecisionCode", summary="Mail a code to the person of a decision link.", tag=_TAG,
        description="It goes with a decision as `X-Signoff-Code`, where the pause asks for one, or another "
        "made the link than its person. It is good for ten minutes and five attempts; a new one replaces it. "
        "Five are sent in an hour.",
        takes_link=True, sends_code=True,
        answers={200: Answer(
            body=CodeView, description="It was sent, or none is needed.",
            example={"sent": True, "expiresAt": "2026-07-26T09:10:00.000000Z"},
        )},
        errors={
            409: "No code can be sent: the link was used, or its person has no address.",
            503: "It could not be mailed: for now, or until the server is told how (`SIGNOFF_MAIL_URL`).",
        },
    ),
)  # fmt: skip
