"""What a browser sees when the OpenID provider let nobody in: the sign-in, which says why."""

from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from signoff.gateway.http.responses import Handler, as_refusal
from signoff.gateway.pages.front import local_path
from signoff.gateway.pages.guard import SIGN_IN
from signoff.gateway.pages.messages import Message
from signoff.gateway.pages.site import see_other

_WAY: Final = frozenset({"/api/auth/oidc", "/api/auth/oidc/callback"})
"""Where browsers come by on their way to the provider and back; programs get JSON there."""


@web.middleware
async def answer_at_sign_in(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Lead a person whose sign-in with the provider failed back to the sign-in."""
    if request.path not in _WAY or not _is_person(request):
        return await handler(request)
    try:
        return await handler(request)
    except ConnectionResetError:
        raise  # nobody reads it
    except Exception as error:  # noqa: BLE001 - the boundary: whatever it is, the person can go on
        told = Message(f"{str(as_refusal(request, error)).rstrip('.')}.", "problem")
    following = request.query.get("return_to")
    path = SIGN_IN if following is None else f"{SIGN_IN}?{urlencode({'next': local_path(following)})}"
    return see_other(request, path, told)


def _is_person(request: web.Request) -> bool:
    """Whether a browser goes to an address, to show what is there."""
    mode = request.headers.get("Sec-Fetch-Mode")
    return mode == "navigate" if mode is not None else "text/html" in request.headers.get("Accept", "")
