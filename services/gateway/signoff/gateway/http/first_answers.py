"""What no log remembers: the first answer under an ``Idempotency-Key`` is kept for a day, and given again."""

import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar, cast

import msgspec
from aiohttp import web
from msgspec import Struct

from signoff.access.callers import Principal
from signoff.events.errors import RecordConflictError
from signoff.gateway.errors import ApiError
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.http.headers import idempotency_key
from signoff.gateway.http.responses import answer
from signoff.gateway.people.identity import fresh_id

KEPT: Final = 86_400.0
"""Seconds for which a first answer is kept."""

T = TypeVar("T")

_KIND: Final = "first-answer"
_JSON: Final = "application/json"


class FirstAnswer(Struct, frozen=True):
    """An answer as it was given; ``digest`` names the request that it was given to."""

    digest: str
    status: int
    body: bytes

    def again(self, digest: str) -> web.Response:
        """The answer to a request with the same key.

        Raises:
            ApiError: 409, it is another request.
        """
        if digest != self.digest:
            raise ApiError(409, "This Idempotency-Key was used with another request before")
        if not self.body:
            return web.Response(status=self.status)
        return web.Response(body=self.body, status=self.status, content_type=_JSON)


_decode: Final = msgspec.json.Decoder(FirstAnswer).decode


async def first_answer(request: web.Request, caller: Principal) -> FirstAnswer | None:
    """The answer that was given under the key of a request; ``None`` where there is neither.

    Raises:
        ApiError: 400, the key is none.
    """
    if idempotency_key(request) is None:
        return None
    records = request.app[GATEWAY].store.records
    kept = await records.get(_KIND, caller.workspace_id, fresh_id(request, caller))
    return None if kept is None else _decode(kept.value)


async def told_once(
    request: web.Request, caller: Principal, act: Callable[[], Awaitable[T]], kind: type[T], *, digest: str
) -> T:
    """What was done for a request, or for an earlier one with the same key.

    Args:
        request: asks for it.
        caller: sent it.
        act: does it, and tells what became of it.
        kind: of what it tells.
        digest: names what was asked for.

    Raises:
        ApiError: 409, the key was used with another request; and as ``act``.
    """
    first = await first_answer(request, caller)
    if first is None:
        response = await keep_answer(request, caller, answer(await act()), digest=digest)
    else:
        response = first.again(digest)
    return msgspec.json.decode(cast("bytes", response.body), type=kind)


async def keep_answer(
    request: web.Request, caller: Principal, response: web.Response, *, digest: str
) -> web.Response:
    """Keep the first answer under a request's key; gives the one to send.

    Of two requests at the same time both may have done their work; both are given one answer.

    Args:
        request: was served.
        caller: sent it.
        response: JSON, or nothing.
        digest: names what was asked for.

    Raises:
        ApiError: 409, another request with the key was served meanwhile.
    """
    body = response.body or b""
    if idempotency_key(request) is None or not isinstance(body, bytes):
        return response
    value = msgspec.json.encode(FirstAnswer(digest, response.status, body))
    key, records = fresh_id(request, caller), request.app[GATEWAY].store.records
    try:
        await records.put(_KIND, caller.workspace_id, key, value, expected=0, expires_at=time.time() + KEPT)
    except RecordConflictError:
        first = await first_answer(request, caller)
        return response if first is None else first.again(digest)
    return response
