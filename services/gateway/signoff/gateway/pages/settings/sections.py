"""The sections of the settings, and who may see which."""

from collections.abc import Mapping
from typing import Final

from aiohttp import web
from msgspec import Struct

from signoff.access.callers import Principal
from signoff.access.permissions import Operation
from signoff.gateway.errors import ApiError
from signoff.gateway.pages.guard import RENEWAL
from signoff.gateway.pages.problems import NONE, Problems, problems_of
from signoff.gateway.pages.site import render, see_other

ACCOUNT: Final = "/settings/account"
OWN_KEYS: Final = "/settings/own-keys"
LIMITS: Final = "/settings/limits"
WORKSPACES: Final = "/settings/workspaces"
MEMBERS: Final = "/settings/members"
GROUPS: Final = "/settings/groups"
KEYS: Final = "/settings/keys"
SECRETS: Final = "/settings/secrets"
HOOKS: Final = "/settings/hooks"
ACCESS_LOG: Final = "/settings/access-log"
USERS: Final = "/settings/users"
INSTALLATION: Final = "/settings/installation"

_OF_FORMS: Final = frozenset({400, 403, 409, 422})
"""Refusals that whoever filled in a form can do something about."""


class Section(Struct, frozen=True):
    """A page of the settings with its link; ``of_users``: it is for callers who are users."""

    name: str
    path: str
    operation: Operation
    of_users: bool = False


class Chapter(Struct, frozen=True):
    """Sections under one heading."""

    name: str
    sections: list[Section]


_CHAPTERS: Final = (
    Chapter("You", [
        Section("Account", ACCOUNT, "account:manage", of_users=True),
        Section("Your API keys", OWN_KEYS, "account:manage", of_users=True),
        Section("Limits", LIMITS, "account:manage"),
    ]),
    Chapter("Workspace", [
        Section("Workspaces", WORKSPACES, "workspace:read"),
        Section("Members", MEMBERS, "members:read"),
        Section("Groups", GROUPS, "members:read"),
        Section("API keys", KEYS, "keys:manage"),
        Section("Secrets", SECRETS, "environment:read"),
        Section("Webhooks", HOOKS, "hooks:manage"),
        Section("Access log", ACCESS_LOG, "audit:read"),
    ]),
    Chapter("Installation", [
        Section("Users", USERS, "installation:manage"),
        Section("Installation", INSTALLATION, "installation:manage"),
    ]),
)  # fmt: skip


def chapters_for(caller: Principal) -> list[Chapter]:
    """The sections that a caller may see; chapters without any are left out."""
    found = [
        Chapter(
            chapter.name,
            [
                each
                for each in chapter.sections
                if caller.may(each.operation) and (caller.user_id is not None or not each.of_users)
            ],
        )
        for chapter in _CHAPTERS
    ]
    return [each for each in found if each.sections]


async def front(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``GET /settings``: the first section that is for the caller."""
    chapters = chapters_for(caller)
    return see_other(request, chapters[0].sections[0].path if chapters else RENEWAL)


async def show_section(
    request: web.Request,
    caller: Principal,
    template: str,
    context: Mapping[str, object],
    problems: Problems = NONE,
) -> web.Response:
    """A page within the settings.

    Args:
        request: of the visitor.
        caller: them, in a workspace.
        template: its file in templates/settings/, without ``.html``.
        context: what it shows, with a ``title``.
        problems: why a form of it was not taken.
    """
    shown = {"chapters": chapters_for(caller), "problems": problems, **context}
    status = 200 if problems is NONE else 422
    return await render(request, f"settings/{template}.html", shown, status=status)


def form_problems(error: ApiError) -> Problems:
    """What a form shows of a refusal.

    Raises:
        ApiError: the refusal, where whoever filled it in can do nothing about it.
    """
    if error.status not in _OF_FORMS:
        raise error
    return problems_of(error)
