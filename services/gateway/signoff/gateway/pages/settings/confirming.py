"""Questions before what cannot be taken back: a page each, which settings.js shows as a dialog."""

from collections.abc import Sequence

from aiohttp import web
from msgspec import Struct

from signoff.access.callers import Principal
from signoff.gateway.directory import workspace_of
from signoff.gateway.pages.settings.sections import show_section


class Question(Struct, frozen=True, kw_only=True):
    """What is asked; a form of its page's own address says yes.

    Attributes:
        title: names the thing.
        text: what becomes of it.
        action: on the button that says yes.
        back: the address for who says no.
        of_workspace: it concerns the workspace alone, which is named below.
        choices: values and words of the one choice that there is with it, if there is.
        choice: its question; it is sent as ``choice``.
        tells_secret: the answer is a page with a secret: no script asks for it.
    """

    title: str
    text: str
    action: str
    back: str
    of_workspace: bool = False
    choices: Sequence[tuple[str, str]] = ()
    choice: str = ""
    tells_secret: bool = False


async def ask(request: web.Request, caller: Principal, question: Question) -> web.Response:
    """The page that asks."""
    context = {
        "title": question.title,
        "question": question,
        "workspace": workspace_of(request, caller).name if question.of_workspace else None,
    }
    return await show_section(request, caller, "confirm", context)


class Shown(Struct, frozen=True, kw_only=True):
    """A secret that was just made.

    Attributes:
        title: names what it is of.
        name: what it is.
        secret: itself.
        text: what to do with it.
        back: where to go on.
    """

    title: str
    name: str
    secret: str
    text: str
    back: str


async def show_secret(request: web.Request, caller: Principal, shown: Shown) -> web.Response:
    """The one page that has a secret: the answer to the form that made it, which nobody keeps."""
    return await show_section(request, caller, "secret", {"title": shown.title, "shown": shown})
