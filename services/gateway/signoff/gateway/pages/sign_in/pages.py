"""``/sign-in``: with a password, with the OpenID provider, or with an API key; and signing out."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from signoff.access.signing_in.passwords import MAX_LENGTH
from signoff.access.signing_in.sessions import COOKIE
from signoff.gateway.admission import ADMISSION
from signoff.gateway.errors import ApiError
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.http.bodies import read_form
from signoff.gateway.pages.front import local_path
from signoff.gateway.pages.guard import SIGN_IN
from signoff.gateway.pages.page import Page
from signoff.gateway.pages.problems import NONE, Problems
from signoff.gateway.pages.site import render, see_other
from signoff.gateway.people.credentials import Credentials, proved
from signoff.gateway.people.identity import IDENTITY
from signoff.gateway.people.signing_in import sign_in, sign_in_with_key, sign_out

_LONGEST: Final = 300


async def show(request: web.Request) -> web.Response:
    """``GET /sign-in``: who is signed in already goes on."""
    try:
        await request.app[ADMISSION].caller(request)
    except ApiError as error:
        if error.status not in (401, 403):
            raise
        return await _form(request, NONE)
    return see_other(request, local_path(request.query.get("next")))


async def submit(request: web.Request) -> web.Response:
    """``POST /sign-in``: `email` and `password`, or `key`."""
    request.app[ADMISSION].check_site(request)
    sent = await read_form(request)
    given = {name: str(sent.get(name, "")) for name in ("email", "password", "key", "next")}
    response = see_other(request, local_path(given["next"]))
    try:
        if given["key"]:
            await _with_key(request, response, given["key"].strip())
        else:
            await _with_password(request, response, given["email"].strip(), given["password"])
    except ApiError as error:
        # The provider's own headers stay: Retry-After tells programs what the text tells people.
        status = 422 if error.status == 401 else error.status
        return await _form(request, _told(error), given=given, status=status, headers=error.headers)
    return response


async def leave(request: web.Request) -> web.Response:
    """``POST /sign-out``."""
    request.app[ADMISSION].check_site(request)
    await sign_out(request)
    response = see_other(request, SIGN_IN)
    response.del_cookie(COOKIE, path="/")
    response.headers["Clear-Site-Data"] = '"storage"'  # drafts, and what a tab keeps a moment too late
    return response


async def signed_in(request: web.Request) -> web.Response:
    """``GET /signed-in``: where whoever signs in beside a page that waits for them ends."""
    return await render(request, "sign_in/done.html", {"title": "Signed in"})


async def _with_password(request: web.Request, response: web.Response, email: str, password: str) -> None:
    if not email or not password or len(email) > _LONGEST or len(password) > MAX_LENGTH:
        raise ApiError(401, "Give your e-mail address and your password")
    user_id, epoch = await proved(request, Credentials(email=email, password=password))
    await sign_in(request, response, user_id, method="password", epoch=epoch)


async def _with_key(request: web.Request, response: web.Response, key: str) -> None:
    await request.app[ADMISSION].known_key(key)
    await sign_in_with_key(request, response, key)


def _told(error: ApiError) -> Problems:
    retry = error.headers.get("Retry-After")
    if error.status == 429 and retry is not None:
        minutes = -(-int(retry) // 60)
        return Problems(f"Too many attempts. Try again in {minutes} minute{'' if minutes == 1 else 's'}.")
    return Problems(f"{str(error).rstrip('.')}.")


async def _form(
    request: web.Request,
    problems: Problems,
    *,
    given: dict[str, str] | None = None,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    following = local_path((given or {}).get("next") or request.query.get("next"))
    settings, provider = request.app[GATEWAY].settings, request.app[IDENTITY].provider
    users = request.app[GATEWAY].directory.state.users.values()
    context = {
        "title": "Sign in",
        "problems": problems,
        "email": (given or {}).get("email", ""),
        "with_key": bool((given or {}).get("key")),
        "next": following,
        "is_new": all(each.service for each in users),
        "has_accounts": bool(users),
        "provider": None if provider is None else settings.oidc_name,
        "provider_url": f"/api/auth/oidc?{urlencode({'return_to': following})}",
    }
    return await render(request, "sign_in/form.html", context, status=status, headers=headers)


PAGES: Final = (
    Page(path=SIGN_IN, operation=None, name="signInPage", handler=show),
    Page(method="POST", path=SIGN_IN, operation=None, name="signInForm", handler=submit),
    Page(method="POST", path="/sign-out", operation=None, name="signOutForm", handler=leave),
    Page(path="/signed-in", operation=None, name="signedInPage", handler=signed_in),
)
