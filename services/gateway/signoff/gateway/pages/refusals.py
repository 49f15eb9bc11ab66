"""What is shown in place of a page: what is wrong, and what its visitor can do about it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web
from msgspec import Struct

from signoff.gateway.accesses.witness import CALLER
from signoff.gateway.admission import ADMISSION
from signoff.gateway.errors import ApiError
from signoff.gateway.http.bodies import MULTIPART, URLENCODED, read_form
from signoff.gateway.pages.site import FORM_HEADER, render

_KEPT: Final = 2 * 1024 * 1024
"""Bytes of a form that is shown again to who has to sign in first."""

_SMALL: Final = 64 * 1024
"""Whoever sends it is nobody yet: of forms above this, such as a workflow's definition, …"""

_AT_ONCE: Final = 4
"""… so many are read and shown at a time, and others are not kept."""

ROOM: Final = web.AppKey("room", asyncio.Semaphore)
"""For large forms that are shown again (`room_for_forms`)."""

_MOST: Final = 200
"""Fields of it: nobody fills in so many."""

SECRETS: Final = "secretFields"
"""The hidden field that names a field of its form which nobody is to see (macros/forms.html)."""

_SECRET: Final = frozenset({SECRETS, "currentPassword", "newPassword", "password", "repeated", "secret"})
"""Fields that no page shows again: they have to be typed once more."""

_TITLES: Final = {
    400: "That was not understood",
    401: "Sign in first",
    403: "This is not for you",
    404: "There is nothing here",
    405: "There is nothing to look at here",
    409: "That cannot be done any more",
    413: "That is too large",
    429: "Too many requests",
    503: "The service is away",
}
_NOWHERE: Final = "You are in no workspace yet"


def room_for_forms() -> asyncio.Semaphore:
    """Room for the large forms that are shown again at a time."""
    return asyncio.Semaphore(_AT_ONCE)


class Kept(Struct, frozen=True):
    """What was typed into a form whose sender has to sign in.

    Attributes:
        fields: names and values, to be sent again.
        is_whole: nothing is missing but passwords.
    """

    fields: Sequence[tuple[str, str]] = ()
    is_whole: bool = True


async def refusal_page(request: web.Request, error: ApiError) -> web.Response:
    """The page that says what is wrong.

    Raises:
        ApiError: 403, another site sent a form: it is shown nothing of it; 503, there is no place for more.
        StoreUnavailableError: who looks at the page cannot be said.
    """
    if error.status != 401:
        return await _page(request, error, Kept())
    admission = request.app[ADMISSION]
    admission.check_site(request)  # to send its form again would be what another site wants
    async with _kept(request) as kept:
        with admission.place():  # who is refused has left theirs
            return await _page(request, error, kept)


async def plain_refusal(request: web.Request, error: ApiError) -> web.Response:
    """The same, of nothing but the error: for when its visitor cannot be told, or must not."""
    return await render(
        request, "refusal.html", _context(request, error, Kept()), status=error.status,
        headers=error.headers, anonymous=True,
    )  # fmt: skip


async def _page(request: web.Request, error: ApiError, kept: Kept) -> web.Response:
    return await render(
        request, "refusal.html", _context(request, error, kept), status=error.status, headers=error.headers
    )


def _context(request: web.Request, error: ApiError, kept: Kept) -> dict[str, object]:
    caller = request.get(CALLER)
    is_nowhere = error.status == 404 and caller is not None and not caller.grants
    return {
        "title": _NOWHERE if is_nowhere else _TITLES.get(error.status, "Something went wrong"),
        "text": str(error),
        "status": error.status,
        "kept": kept,
        "action": request.path_qs,
        "is_known": caller is not None,
        "is_nowhere": is_nowhere,
    }


@asynccontextmanager
async def _kept(request: web.Request) -> AsyncIterator[Kept]:
    """What was typed, for as long as it is being shown."""
    length, room = request.content_length, request.app[ROOM]
    if request.method != "POST" or request.content_type not in (URLENCODED, MULTIPART):
        yield Kept()
    elif FORM_HEADER in request.headers:
        yield Kept()  # its script has it still
    elif length is None or length > _KEPT or (length > _SMALL and room.locked()):
        yield Kept(is_whole=False)
    elif length <= _SMALL:
        yield await _fields(request)
    else:
        async with room:
            yield await _fields(request)


async def _fields(request: web.Request) -> Kept:
    """The fields of a form: nothing that somebody typed is lost, but what is secret, and files."""
    sent = await read_form(request)
    if len(sent) > _MOST:
        return Kept(is_whole=False)
    secret = _SECRET | {each for each in sent.getall(SECRETS, []) if isinstance(each, str)}
    fields = [(name, value) for name, value in sent.items() if isinstance(value, str) and name not in secret]
    has_files = any(isinstance(value, web.FileField) and value.filename for value in sent.values())
    return Kept(fields, is_whole=not has_files)
