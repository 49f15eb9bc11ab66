"""Codes that go with a decision link: mailed to its person."""

from typing import Final

from aiohttp import web
from msgspec import Struct

from signoff.access.callers import Principal
from signoff.access.errors import CodeNotSentError, TooManyCodesError
from signoff.access.links.links import PointOf
from signoff.events.store.base import ExecutionRow
from signoff.events.times import iso
from signoff.gateway.errors import ApiError, unavailable
from signoff.gateway.executions.history import fold
from signoff.gateway.gateway import GATEWAY, find_execution
from signoff.gateway.people.identity import IDENTITY
from signoff.gateway.people.linked import LINKED

_NO_POINT: Final = "Pause context not found"
NO_LINK: Final = "Link not found"


class CodeView(Struct, frozen=True, kw_only=True, rename="camel"):
    """What became of the wish for a code.

    Attributes:
        sent: One was mailed to the link's person. Who came otherwise needs none.
        expires_at: Until when it is good.
    """

    sent: bool
    expires_at: str | None


async def mail_code(request: web.Request, caller: Principal) -> CodeView:
    """Mail a code to the person of the link that a caller came by.

    Raises:
        ApiError: 404, the link is gone; 409, 429, 503, no code can be sent to them, now or at all.
    """
    if caller.link_id is None or caller.user_id is None:
        return CodeView(sent=False, expires_at=None)
    linked = request.app[LINKED]
    _, point = await linked_point(request, caller)
    link = await linked.links.get(point, caller.link_id)
    if link is None:
        raise ApiError(404, NO_LINK)
    person = await request.app[IDENTITY].people.get(caller.user_id)
    if person is None or person.email is None:
        raise ApiError(409, "No e-mail address is known of the person of this link; sign in instead")
    try:
        until = await linked.codes.send(
            caller.workspace_id, caller.link_id, person.email, keep_until=link.expires_at
        )
    except TooManyCodesError as error:
        if error.retry_after is None:
            raise ApiError(409, str(error)) from error
        raise ApiError(429, str(error), headers={"Retry-After": str(error.retry_after)}) from error
    except CodeNotSentError as error:
        raise unavailable(str(error)) from error
    return CodeView(sent=True, expires_at=iso(until))


async def linked_point(request: web.Request, caller: Principal) -> tuple[ExecutionRow, PointOf]:
    """The pause point of the path.

    Raises:
        ApiError: 404.
    """
    gateway, context_id = request.app[GATEWAY], request.match_info["context"]
    row = await find_execution(gateway, caller, request.match_info["execution"], missing=_NO_POINT)
    if context_id not in (await fold(gateway.store, row.log_id)).state.points:
        raise ApiError(404, _NO_POINT)
    return row, PointOf(caller.workspace_id, row.log_id, context_id)
