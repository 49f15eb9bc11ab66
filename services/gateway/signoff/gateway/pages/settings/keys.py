"""API keys: one's own, the workspace's, and those of service accounts."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from aiohttp import web
from msgspec import Struct

from signoff.access.callers import Principal
from signoff.gateway.errors import ApiError
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.http.bodies import convert
from signoff.gateway.http.queries import read_query
from signoff.gateway.pages.messages import Message
from signoff.gateway.pages.problems import NONE, Problems
from signoff.gateway.pages.settings.confirming import Question, Shown, ask, show_secret
from signoff.gateway.pages.settings.forms import (
    EMPTY,
    ROLE_CHOICES,
    Sent,
    filled,
    first_page,
    next_page,
    read_acting,
    text,
    texts,
)
from signoff.gateway.pages.settings.sections import KEYS, OWN_KEYS, USERS, form_problems, show_section
from signoff.gateway.pages.site import see_other
from signoff.gateway.people import own_keys, service_keys, workspace_keys
from signoff.gateway.people.accounts import user_of
from signoff.gateway.people.identity import PageQuery
from signoff.gateway.people.key_making import KeyList, NewKeyBody, NewKeyView, RotateKeyBody

_DAY: Final = 24 * 3600

LIVES: Final = (
    (str(90 * _DAY), "90 days"),
    (str(7 * _DAY), "7 days"),
    (str(30 * _DAY), "30 days"),
    (str(365 * _DAY), "a year"),
    ("", "never"),
)
"""Seconds after which a key expires; the first is proposed."""

_OVERLAPS: Final = (
    ("0", "at once"),
    ("3600", "in an hour"),
    (str(_DAY), "in a day"),
    (str(7 * _DAY), "in a week"),
)


class Shelf(Struct, frozen=True, kw_only=True):
    """Keys of one kind: where their pages are, and what serves them in the API, too.

    Attributes:
        path: of the list; names in braces are filled in from the path that is asked for.
        above: title and path of the page above the list, if there is one.
        title: of the list.
        about: what these keys are.
        roles_required: a key must have roles of its own.
        unbound: what stands for a key without roles, and for one that acts in all workspaces.
        scopes: the workspaces that a key may be bound to: ids and names.
        listed: gives a page of them.
        make: makes one.
        find: gives the id of the one of the path.
        rotate: gives that one another secret.
        revoke: lets that one be good for nothing.
    """

    path: str
    above: tuple[str, str] | None = None
    title: str
    about: str
    roles_required: bool = False
    unbound: tuple[str, str]
    scopes: Callable[[web.Request, Principal], Mapping[str, str]]
    listed: Callable[[web.Request, Principal, PageQuery], Awaitable[KeyList]]
    make: Callable[[web.Request, Principal, NewKeyBody], Awaitable[NewKeyView]]
    find: Callable[[web.Request, Principal], str]
    rotate: Callable[[web.Request, Principal, RotateKeyBody], Awaitable[NewKeyView]]
    revoke: Callable[[web.Request, Principal], Awaitable[None]]


class KeyPages(Struct, frozen=True):
    """The pages of a shelf."""

    shelf: Shelf

    async def show(self, request: web.Request, caller: Principal) -> web.StreamResponse:
        """``GET`` the list."""
        shelf = self.shelf
        page = await shelf.listed(request, caller, read_query(request, PageQuery))
        context = {
            "title": shelf.title,
            "shelf": shelf,
            "path": self._path(request),
            "above": self._above(request),
            "keys": page.keys,
            "scopes": shelf.scopes(request, caller),
            "first": first_page(request),
            "next": next_page(request, page.next_cursor),
        }
        return await show_section(request, caller, "keys", context)

    async def new(self, request: web.Request, caller: Principal) -> web.StreamResponse:
        """``GET …/new``."""
        return await self._form(request, caller, EMPTY, NONE)

    async def make(self, request: web.Request, caller: Principal) -> web.StreamResponse:
        """``POST …/new``: the answer shows the secret."""
        sent = await read_acting(request)
        try:
            made = await self.shelf.make(request, caller, key_body(sent))
        except ApiError as error:
            return await self._form(request, caller, sent, form_problems(error))
        return await show_secret(request, caller, _secret_of(made, self._path(request)))

    async def ask_rotate(self, request: web.Request, caller: Principal) -> web.StreamResponse:
        """``GET …/{keyId}/rotate``."""
        question = Question(
            title=f"Give the key “{self._name(request, caller)}” another secret?",
            text="You are shown the new one once.",
            action="Make a new secret",
            back=self._path(request),
            of_workspace=self.shelf.path == KEYS,
            choice="The present secret stops working",
            choices=_OVERLAPS,
            tells_secret=True,
        )
        return await ask(request, caller, question)

    async def rotate(self, request: web.Request, caller: Principal) -> web.StreamResponse:
        """``POST …/{keyId}/rotate``: the answer shows the secret."""
        given = {"overlapSeconds": text(await read_acting(request), "choice")}
        made = await self.shelf.rotate(request, caller, convert(given, RotateKeyBody, strict=False))
        return await show_secret(request, caller, _secret_of(made, self._path(request)))

    async def ask_revoke(self, request: web.Request, caller: Principal) -> web.StreamResponse:
        """``GET …/{keyId}/revoke``."""
        name = self._name(request, caller)
        question = Question(
            title=f"Revoke the key “{name}”?",
            text="Whatever uses it is refused from then on. This cannot be taken back.",
            action=f"Revoke “{name}”",
            back=self._path(request),
            of_workspace=self.shelf.path == KEYS,
        )
        return await ask(request, caller, question)

    async def revoke(self, request: web.Request, caller: Principal) -> web.StreamResponse:
        """``POST …/{keyId}/revoke``."""
        name = self._name(request, caller)
        await self.shelf.revoke(request, caller)
        return see_other(request, self._path(request), Message(f"The key “{name}” is revoked."))

    async def _form(
        self, request: web.Request, caller: Principal, sent: Sent, problems: Problems
    ) -> web.StreamResponse:
        shelf, path = self.shelf, self._path(request)
        above = self._above(request)
        scopes = shelf.scopes(request, caller)
        context = {
            "title": "New API key",
            "path": f"{path}/new",
            "back": path,
            "crumbs": [*([above] if above else []), (shelf.title, path)],
            "shelf": shelf,
            "workspaces": [("", shelf.unbound[1]), *scopes.items()] if scopes else [],
            "role_choices": ROLE_CHOICES,
            "lives": LIVES,
            "name": text(sent, "name"),
            "chosen_roles": texts(sent, "roles"),
            "chosen_life": text(sent, "expiresInSeconds") if sent else LIVES[0][0],
            "chosen_workspace": text(sent, "workspaceId"),
        }
        return await show_section(request, caller, "key_new", context, problems)

    def _path(self, request: web.Request) -> str:
        return self.shelf.path.format_map(request.match_info)

    def _above(self, request: web.Request) -> tuple[str, str] | None:
        above = self.shelf.above
        return None if above is None else (above[0], above[1].format_map(request.match_info))

    def _name(self, request: web.Request, caller: Principal) -> str:
        return request.app[GATEWAY].directory.state.keys[self.shelf.find(request, caller)].name


def _workspaces_of(request: web.Request, user_id: str) -> dict[str, str]:
    state = request.app[GATEWAY].directory.state
    return {each: state.workspaces[each].name for each in state.memberships(user_id)}


OWN: Final = KeyPages(
    Shelf(
        path=OWN_KEYS,
        title="Your API keys",
        about="A program with such a key acts as you: in all your workspaces, or less.",
        unbound=("All of yours", "All your workspaces"),
        scopes=lambda request, caller: _workspaces_of(request, user_of(caller)),
        listed=own_keys.personal_keys,
        make=own_keys.make_personal_key,
        find=own_keys.find_personal_key,
        rotate=own_keys.rotate_personal_key,
        revoke=own_keys.revoke_personal_key,
    )
)
"""The visitor's own."""

WORKSPACE: Final = KeyPages(
    Shelf(
        path=KEYS,
        title="API keys",
        about="A program with such a key acts as itself, in this workspace, with the roles that you give it.",
        roles_required=True,
        unbound=("None", "This workspace"),
        scopes=lambda _request, _caller: {},
        listed=workspace_keys.workspace_keys,
        make=workspace_keys.make_workspace_key,
        find=lambda request, caller: workspace_keys.find_key(request, caller)[0],
        rotate=workspace_keys.rotate_workspace_key,
        revoke=workspace_keys.revoke_workspace_key,
    )
)
"""The workspace's."""

SERVICE: Final = KeyPages(
    Shelf(
        path=f"{USERS}/{{userId}}/keys",
        above=("Service account", f"{USERS}/{{userId}}"),
        title="API keys of a service account",
        about="A program with such a key acts as the account: in all its workspaces, or less.",
        unbound=("All of the account's", "All its workspaces"),
        scopes=lambda request, _: _workspaces_of(request, request.match_info["userId"]),
        listed=service_keys.service_keys,
        make=service_keys.make_service_key,
        find=service_keys.find_service_key,
        rotate=service_keys.rotate_service_key,
        revoke=service_keys.revoke_service_key,
    )
)
"""Those of a service account, which has nobody to make its own."""


def key_body(sent: Sent) -> NewKeyBody:
    """A key as a form has it."""
    lasts = text(sent, "expiresInSeconds")
    given = filled(roles=list(texts(sent, "roles")), workspaceId=text(sent, "workspaceId"))
    ends = {"expiresInSeconds": int(lasts)} if lasts.isdecimal() and len(lasts) < 12 else {}
    return convert({"name": text(sent, "name"), **given, **ends}, NewKeyBody)


def _secret_of(made: NewKeyView, back: str) -> Shown:
    text = "Copy it now, and keep it where passwords are kept. Nobody can show it again."
    return Shown(title=f"The key “{made.name}”", name="API key", secret=made.key, text=text, back=back)
