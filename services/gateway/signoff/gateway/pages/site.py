"""The site: templates, what every page has, and the headers that guard it."""

import asyncio
import gzip
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final
from urllib.parse import quote

from aiohttp import web
from jinja2 import Environment, FunctionLoader, StrictUndefined, select_autoescape
from msgspec import Struct

from signoff.gateway.http.headers import takes_gzip
from signoff.gateway.http.responses import NO_GUESSING
from signoff.gateway.pages import differences, messages, moments, once, parties, problems, statuses, values
from signoff.gateway.pages.asset_files import Assets, read_assets
from signoff.gateway.pages.feed import BEGINNING
from signoff.gateway.pages.messages import Message
from signoff.gateway.pages.visitors import (
    LIVE_HEADER,
    Visitor,
    act,
    elsewhere,
    lead,
    shown_to,
    there,
    visitor_of,
)
from signoff.gateway.people.signing_in import is_secure

GUARDED: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    **NO_GUESSING,
}
"""The headers of every page: nothing inline, nothing from elsewhere, kept nowhere, in nobody's frame."""

_HTTPS_ONLY: Final = {"Strict-Transport-Security": "max-age=31536000"}
"""Where people reach this server by https, their browsers come by that alone for a year."""

FORM_HEADER: Final = "Signoff-Form"
"""Set by assets/forms.js: a redirect is told in a way that a script can read."""

REFUSED_HEADER: Final = "Signoff-Refused"
"""Tells assets/forms.js that a form was answered, but not taken: what was typed is kept."""


class Site(Struct, frozen=True):
    """What is needed to render pages.

    Attributes:
        templates: by name.
        assets: what pages load.
        names: of the templates.
    """

    templates: Environment
    assets: Assets
    names: tuple[str, ...]


SITE: Final = web.AppKey("site", Site)


_LARGE: Final = 32 * 1024
"""Bytes of a page above which it is compressed: a graph of hundreds of blocks shrinks to a tenth."""

_LEVEL: Final = 4

_VARY: Final = {"Vary": "Accept-Encoding, Sec-Fetch-Site"}


@cache
def read_site() -> Site:
    """Read all templates and assets of the package; blocks."""
    assets = read_assets()
    folder = files("signoff.gateway.pages").joinpath("templates")
    texts = dict(_texts(folder, ""))
    environment = Environment(
        loader=_loader(texts),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals.update(asset=assets.path, icons=assets.path("icons.svg"))
    environment.filters.update(
        badge=statuses.badge_of, iso=moments.as_iso, in_full=moments.in_full, relative=moments.relative,
        lasting=moments.lasting, spoken=moments.spoken, visible=values.visible, tree=values.tree,
        as_json=values.as_json, display_rows=values.display_rows, side_by_side=differences.side_by_side,
        segment=_segment, party=parties.party_name,
    )  # fmt: skip
    environment.globals.update(NO_PROBLEMS=problems.NONE, new_key=once.new_key)
    environment.globals.update(act=act, lead=lead, elsewhere=elsewhere)
    environment.policies["json.dumps_kwargs"] = {}  # members in their order
    return Site(environment, assets, tuple(texts))


@cache
def _compile() -> None:
    """Compile all templates, for the first page: a gateway that only programs call compiles none."""
    site = read_site()
    for name in site.names:
        site.templates.get_template(name)


def _loader(texts: Mapping[str, str]) -> FunctionLoader:
    """Gives texts with their names, so that an error says in which template it is."""

    def load(name: str) -> tuple[str, str, Callable[[], bool]] | None:
        return (texts[name], name, lambda: True) if name in texts else None

    return FunctionLoader(load)


def _texts(folder: Traversable, prefix: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for each in folder.iterdir():
        if each.is_dir():
            found.extend(_texts(each, f"{prefix}{each.name}/"))
        elif each.name.endswith((".html", ".svg")):
            found.append((prefix + each.name, each.read_text(encoding="utf-8")))
    return found


def _segment(text: str) -> str:
    """A text as one segment of a path."""
    return quote(text, safe="")


async def render(
    request: web.Request,
    template: str,
    context: Mapping[str, object],
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    anonymous: bool = False,
) -> web.Response:
    """A page.

    Args:
        request: of the visitor, who may be nobody.
        template: its file in templates/.
        context: what the template shows, besides ``visitor`` (`Visitor`, or ``None``), ``message``
            (`Message`, or ``None``) and ``path`` (of the request). Its addresses go through ``act`` (of a
            form's action) or ``lead`` (of a link).
        status: of the answer.
        headers: further ones, such as another ``Referrer-Policy``.
        anonymous: nobody is asked who the visitor is, and the page does not tell.

    Raises:
        StoreUnavailableError: the visitor's name cannot be read now.
    """
    visitor = None if anonymous else await visitor_of(request)
    is_live = LIVE_HEADER in request.headers
    message = None if is_live else messages.left(request)
    shown = {
        "visitor": visitor,
        "message": message,
        "path": request.path,
        "names_workspace": "workspaceId" in request.query,
        "feed_beginning": request.get(BEGINNING),
        **context,
    }
    packs = _packs(request)
    # In a thread: a graph of a thousand blocks takes 50 ms, in which others stream and decide.
    body, coding = await asyncio.to_thread(_rendered, template, shown, visitor, packs=packs)
    response = web.Response(
        body=body,
        status=status,
        content_type="text/html",
        charset="utf-8",
        headers={**guards(request), **_VARY, **coding, **(headers or {})},
    )
    if message is not None:
        response.del_cookie(messages.COOKIE, path="/")
    return response


def _rendered(
    template: str, context: Mapping[str, object], visitor: Visitor | None, *, packs: bool
) -> tuple[bytes, dict[str, str]]:
    """A page's body, and the header that tells its coding: a large one is compressed, where it may be."""
    _compile()
    with values.Budget(), shown_to(visitor):
        body = read_site().templates.get_template(template).render(context).encode()
    if packs and len(body) > _LARGE:
        return gzip.compress(body, _LEVEL), {"Content-Encoding": "gzip"}
    return body, {}


def _packs(request: web.Request) -> bool:
    """Whether a page may be sent compressed.

    Not where another site led the browser here, which brings its session all the same: by the size of the
    answer that site could guess what stands beside the words that it put into the address (BREACH).
    """
    return request.headers.get("Sec-Fetch-Site") in ("same-origin", "none") and takes_gzip(request.headers)


def see_other(request: web.Request, path: str, message: Message | None = None) -> web.Response:
    """The answer to a form: go and look at a page, which tells a message.

    Args:
        request: sent the form.
        path: of the page, of this server, encoded. It is looked at in the workspace of the form, whichever
            was chosen since.
        message: what the page is to say once; of the kind ``problem`` where the form was not taken.
    """
    response = web.Response(status=303, headers={**guards(request), "Location": there(request, path)})
    if FORM_HEADER in request.headers:
        # A script cannot see where a redirect leads: it is told in another way (assets/forms.js).
        response.set_status(204)
        if message is not None and message.kind == "problem":
            response.headers[REFUSED_HEADER] = "true"
    if message is not None:
        messages.leave(request, response, message)
    return response


def guards(request: web.Request) -> Mapping[str, str]:
    """The headers that guard every answer of the pages."""
    return {**GUARDED, **_HTTPS_ONLY} if is_secure(request) else GUARDED
