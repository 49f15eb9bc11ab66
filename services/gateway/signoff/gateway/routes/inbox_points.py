"""``/api/inbox/{execution}/{context}/…``: what people do with a pause point beside deciding it."""

from typing import Any, Final

from aiohttp import web

from signoff.access.callers import Principal
from signoff.access.errors import UnknownAssigneeError
from signoff.access.permissions import Operation
from signoff.events.types import (
    ClaimPause,
    CommentPause,
    DelegatePause,
    ReassignPause,
    ReleasePause,
    ReturnPause,
)
from signoff.gateway.errors import ApiError, Detail
from signoff.gateway.executions.deciding import maker
from signoff.gateway.http.bodies import convert, read_object
from signoff.gateway.http.headers import CommandHeaders, DecisionHeaders, seen_digest
from signoff.gateway.http.responses import answer
from signoff.gateway.http.routing import Answer, Handler, Route
from signoff.gateway.inbox.amending import amendment
from signoff.gateway.inbox.asking import Ask, PointState, asking, done
from signoff.gateway.inbox.bodies import CommentBody, DelegateBody, ReassignBody, ReturnBody
from signoff.gateway.inbox.content import ContentBody
from signoff.gateway.inbox.people import ASSIGNEES, decider
from signoff.gateway.inbox.point import read_point

_PATH: Final = "/api/inbox/{execution}/{context}"


async def claim(request: web.Request, caller: Principal) -> web.Response:
    """``POST …/claim``."""
    ask = await asking(request, caller, "claim", body=None)
    return await _do(request, ask, ClaimPause(context_id=ask.context_id, maker=maker(request, caller)))


async def release(request: web.Request, caller: Principal) -> web.Response:
    """``POST …/release``."""
    ask = await asking(request, caller, "release", body=None)
    return await _do(request, ask, ReleasePause(context_id=ask.context_id, maker=maker(request, caller)))


async def delegate(request: web.Request, caller: Principal) -> web.Response:
    """``POST …/delegate``."""
    given = await read_object(request)
    body = convert(given, DelegateBody)
    ask = await asking(request, caller, "delegate", body=given)
    data = DelegatePause(
        context_id=ask.context_id,
        maker=maker(request, caller),
        to=await decider(request, caller, body.to),
        reason=body.reason,
    )
    return await _do(request, ask, data)


async def reassign(request: web.Request, caller: Principal) -> web.Response:
    """``POST …/reassign``."""
    given = await read_object(request)
    body = convert(given, ReassignBody)
    ask = await asking(request, caller, "reassign", body=given)
    try:
        keys = await request.app[ASSIGNEES].keys_of(caller.workspace_id, body.assignees)
    except UnknownAssigneeError as error:
        raise ApiError(400, str(error), details=[Detail("assignees", str(error))]) from error
    data = ReassignPause(
        context_id=ask.context_id,
        maker=maker(request, caller),
        assignees=list(dict.fromkeys(keys[each] for each in body.assignees)),
        reason=body.reason,
    )
    return await _do(request, ask, data)


async def send_back(request: web.Request, caller: Principal) -> web.Response:
    """``POST …/return``."""
    given = await read_object(request)
    body = convert(given, ReturnBody)
    ask = await asking(request, caller, "return", body=given)
    data = ReturnPause(context_id=ask.context_id, maker=maker(request, caller), reason=body.reason)
    return await _do(request, ask, data)


async def comment(request: web.Request, caller: Principal) -> web.Response:
    """``POST …/comment``."""
    given = await read_object(request)
    body = convert(given, CommentBody)
    ask = await asking(request, caller, "comment", body=given)
    data = CommentPause(context_id=ask.context_id, maker=maker(request, caller), text=body.text)
    return await _do(request, ask, data)


async def amend(request: web.Request, caller: Principal) -> web.Response:
    """``PUT …/content``: what is left out stays; nothing is kept of what is refused."""
    given = await read_object(request)
    body = convert(given, ContentBody)
    seen = seen_digest(request.headers)
    if seen is None:
        raise ApiError(428, "Send what you saw as If-Match: the ETag of the pause point")
    ask = await asking(request, caller, "content", body=[given, seen])
    read = await read_point(request, caller)
    return await _do(request, ask, await amendment(request, ask, read, body, seen=seen))


async def _do(request: web.Request, ask: Ask, data: Any) -> web.Response:
    state = await done(request, ask, data)
    tag = {} if state.content_digest is None else {"ETag": f'"{state.content_digest}"'}
    return answer(state, headers=tag)


_USER: Final = "0198c1f0-1111-7c1a-9f7e-1f2e3d4c5b6a"
_EXAMPLE: Final = {
    "eventId": 7,
    "executionId": "0198c1f0-7d3e-7c1a-9f7e-1f2e3d4c5b6a",
    "contextId": "approve",
    "claimedBy": {"id": _USER, "name": "Ada"},
    "returned": False,
    "assignees": [{"kind": "user", "id": _USER, "name": "Ada"}],
    "progress": None,
    "contentDigest": "sha256:7d865e959b2466918c9863afca942d0fb89d7c9ac0c99bafc3749504ded97730",
}
_ANSWERS: Final = {
    200: Answer(
        body=PointState,
        description="It is recorded; the point as it is now.",
        may_have={"ETag": "What a decision on this content sends as `If-Match`."},
        example=_EXAMPLE,
    )
}


def _route(
    verb: str,
    handler: Handler,
    summary: str,
    *,
    refused: str,
    operation: Operation = "pauses:decide",
    takes_link: bool = True,
    **more: Any,
) -> Route:
    return Route(
        method="POST", path=f"{_PATH}/{verb}", handler=handler, operation=operation,
        name=f"{verb}PausePoint", summary=summary, tag="Inbox", headers=CommandHeaders, takes_link=takes_link,
        answers=_ANSWERS, errors={409: f"The point is decided, or {refused}."}, **more,
    )  # fmt: skip


ROUTES: Final[tuple[Route, ...]] = (
    _route(
        "claim", claim, "Keep a decision to oneself for now.", refused="claimed: `claimedBy` says by whom"
    ),
    _route(
        "release", release, "Let others decide again what was claimed.", refused="nobody has claimed it",
        description="Who claimed it may; so may others with write permission.",
    ),
    _route(
        "delegate", delegate, "Ask another user to decide in one's place.",
        refused="claimed by somebody else", body=DelegateBody, body_required=True,
        body_example={"to": "ada@example.com", "reason": "I was on the trip myself"},
    ),
    _route(
        "reassign", reassign, "Let others decide than those who were asked.", refused="closed",
        operation="pauses:assign", takes_link=False, body=ReassignBody, body_required=True,
        body_example={"assignees": ["group:finance", "ada@example.com"], "reason": "a matter of finance"},
        description="What was claimed or delegated before is no longer.",
    ),
    _route(
        "return", send_back, "Want changes before anybody decides.", refused="sent back already",
        body=ReturnBody, body_required=True, body_example={"reason": "the invoice is missing"},
        description="Nobody decides until the content was amended.",
    ),
    _route(
        "comment", comment, "Say something about a decision.", refused="there are too many comments",
        operation="pauses:comment", body=CommentBody, body_required=True,
        body_example={"text": "The customer agrees."},
    ),
    Route(
        method="PUT", path=f"{_PATH}/content", handler=amend, operation="pauses:amend",
        name="amendPausePoint", summary="Change what a pause point shows, or its form.", tag="Inbox",
        description="What is left out stays. Earlier approvals are void; what was sent back can be decided.",
        headers=DecisionHeaders, body=ContentBody, body_required=True,
        body_example={"reason": "the amount was wrong", "display": {"Amount": 120}},
        answers=_ANSWERS,
        errors={
            409: "The point is decided.",
            412: "The content is another one than the one named by `If-Match`; `contentDigest` names it.",
            422: "The form has faults, or does not fit the point's policy: `details` has each.",
            428: "`If-Match` says which content is amended; it is required.",
        },
    ),
)  # fmt: skip
