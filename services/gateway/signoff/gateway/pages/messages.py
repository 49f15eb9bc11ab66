"""What a page says once, after a form was sent: kept in a sealed cookie until the next page shows it."""

import base64
import binascii
from typing import Final, Literal, TypeAlias

import msgspec
from aiohttp import web
from msgspec import Struct

from signoff.access.errors import SealError
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.people.signing_in import is_secure

COOKIE: Final = "signoff_message"
_CONTEXT: Final = "page/message"
_LASTS: Final = 60
"""Seconds in which the next page is asked for."""

_LONGEST: Final = 1_000
"""Characters: a cookie has room for 4096 bytes."""

MessageKind: TypeAlias = Literal["done", "note", "problem"]


class Message(Struct, frozen=True):
    """A message: ``done``: it worked; ``note``: something to know; ``problem``: it did not."""

    text: str
    kind: MessageKind = "done"


_decoder: Final = msgspec.json.Decoder(Message)


def leave(request: web.Request, response: web.StreamResponse, message: Message) -> None:
    """Keep a message for the page that the browser asks for next."""
    short = Message(message.text[:_LONGEST], message.kind)
    sealed = request.app[GATEWAY].sealer.seal(msgspec.json.encode(short), context=_CONTEXT)
    response.set_cookie(
        COOKIE,
        base64.urlsafe_b64encode(sealed).decode(),
        max_age=_LASTS,
        path="/",
        httponly=True,
        samesite="Lax",
        secure=is_secure(request),
    )


def left(request: web.Request) -> Message | None:
    """The message that was kept for this browser."""
    cookie = request.cookies.get(COOKIE)
    if not cookie:
        return None
    try:
        sealed = base64.urlsafe_b64decode(cookie)
        return _decoder.decode(request.app[GATEWAY].sealer.open(sealed, context=_CONTEXT))
    except (binascii.Error, SealError, ValueError):
        return None  # not ours, or from before a change of the server's key
