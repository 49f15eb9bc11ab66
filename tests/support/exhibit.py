"""Pages that only tests have: every shared component at once, and what the modules do to a page."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from aiohttp import web
from jinja2 import ChoiceLoader, DictLoader

from signoff.access.callers import Principal
from signoff.gateway.http.bodies import read_form
from signoff.gateway.pages import routes
from signoff.gateway.pages.messages import Message
from signoff.gateway.pages.once import key_of
from signoff.gateway.pages.page import Page
from signoff.gateway.pages.problems import NONE, Problems
from signoff.gateway.pages.site import read_site, render, see_other
from signoff.gateway.pages.statuses import BADGES

HOSTILE: Final[dict[str, Any]] = {
    "html": "<script>document.title = 'taken'</script><img src=x onerror=\"document.title = 'taken'\">",
    "closing": "</script></textarea><!-- {{ 7 * 7 }} {% raw %}",
    "rtl": "abc\u202egnp.exe\u202c \u0627\u0644\u0639\u0631\u0628\u064a\u0629",
    "control": "bell\x07 nul\x00 del\x7f \u2028 \ufeff",
    "long": "word " * 200_000,
    "unbroken": "x" * 2_000,
    "empty": "",
    "none": None,
    "deep": [],
    "wide": list(range(5_000)),
    "number": 1.5,
    "yes": True,
    "<b>name</b>": {"nested": {"list": [1, "two", None, {}]}},
}
_deep: Any = "bottom"
for _ in range(60):
    _deep = {"down": _deep}
HOSTILE["deep"] = _deep

_TEMPLATES: Final = Path(__file__).with_name("exhibit_templates")


class Exhibit:
    """What the pages of the exhibit remember.

    Attributes:
        times: how often the live page was read.
        said: what was sent to its form, once for each key.
        keys: with which key, each time.
    """

    def __init__(self) -> None:
        self.times = 0
        self.said: list[str] = []
        self.keys: list[str | None] = []

    async def components(self, request: web.Request, _: Principal) -> web.Response:
        return await render(
            request, "exhibit/components.html", {"title": "Components", "statuses": list(BADGES)}
        )

    async def hostile(self, request: web.Request, _: Principal) -> web.Response:
        rows = [{"name": name, "value": value} for name, value in HOSTILE.items()]
        return await render(
            request,
            "exhibit/hostile.html",
            {"title": "Hostile", "rows": rows, "whole": {**HOSTILE, "wide": []}},
        )

    async def live(self, request: web.Request, _: Principal) -> web.Response:
        self.times += 1
        return await self._live(request, NONE, 200)

    async def send(self, request: web.Request, _: Principal) -> web.Response:
        sent = await read_form(request)
        text, key = str(sent["text"]), key_of(sent)
        if text == "late":
            return see_other(request, "/exhibit/live", Message("Somebody was first.", "problem"))
        if text == "wrong":
            return await self._live(
                request, Problems("That does not fit.", {"text": "Say something else."}), 422
            )
        if key not in self.keys:
            self.said.append(text)
        self.keys.append(key)
        return see_other(request, "/exhibit/live", Message(f"Said {text}"))

    async def _live(self, request: web.Request, problems: Problems, status: int) -> web.Response:
        context = {"title": "Live", "times": self.times, "said": self.said, "problems": problems}
        return await render(request, "exhibit/live.html", context, status=status)

    @property
    def pages(self) -> tuple[Page, ...]:
        return (
            Page(path="/exhibit", operation="inbox:read", name="exhibit", handler=self.components),
            Page(path="/exhibit/hostile", operation="inbox:read", name="hostile", handler=self.hostile),
            Page(path="/exhibit/live", operation="inbox:read", name="live", handler=self.live),
            Page(method="POST", path="/exhibit/live", operation="inbox:read", name="say", handler=self.send),
        )


def _texts() -> dict[str, str]:
    return {f"exhibit/{each.name}": each.read_text(encoding="utf-8") for each in _TEMPLATES.glob("*.html")}


@contextmanager
def exhibited() -> Iterator[Exhibit]:
    """Servers that are made within the block have the exhibit."""
    exhibit = Exhibit()
    templates, before = read_site().templates, routes.ALL
    loader = templates.loader
    assert loader is not None
    templates.loader = ChoiceLoader([loader, DictLoader(_texts())])
    setattr(routes, "ALL", (*before, *exhibit.pages))  # noqa: B010 - it is final to all but tests
    try:
        yield exhibit
    finally:
        setattr(routes, "ALL", before)  # noqa: B010
        templates.loader = loader
