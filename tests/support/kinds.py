"""Every kind of caller that there is, by what they may do in one workspace."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from msgspec import Struct

from signoff.access.permissions import ROLES, expanded
from signoff.events.types import Role
from support.gateways import LIMIT, Server
from support.identities import (
    DEFAULT,
    Caller,
    add_person,
    add_workspace,
    administrator,
    nobody,
    sign_in,
    with_key,
)

UNAUTHORIZED: Final = (401, "Unauthorized")
INVALID_KEY: Final = (401, "Invalid API key")
DENIED: Final = (403, "Access denied")
FOREIGN: Final = (403, "API key is not authorized for this workspace")
UNKNOWN: Final = (404, "Workspace not found")

Refusal = tuple[int, str]


class Kind(Struct, frozen=True, kw_only=True):
    """A kind of caller.

    Attributes:
        name: for the report of a test.
        make: a new caller of this kind, as seen from a workspace.
        roles: theirs in that workspace, with those that they include.
        outsider: how they are refused whatever they ask for in that workspace; ``None``: they belong there.
        installs: they administer the installation.
        user: a person or a service account is behind them.
        free: nothing bounds what they may do as that user.
    """

    name: str
    make: Callable[[Server, str], Awaitable[Caller]]
    roles: frozenset[Role] = frozenset()
    outsider: Refusal | None = None
    installs: bool = False
    user: bool = False
    free: bool = False

    @property
    def known(self) -> bool:
        """Whether their credential is somebody's."""
        return self.outsider not in (UNAUTHORIZED, INVALID_KEY)


async def _nobody(server: Server, _: str) -> Caller:
    return nobody(server)


async def _bootstrap(server: Server, _: str) -> Caller:
    return administrator(server)


async def _guessed_key(server: Server, _: str) -> Caller:
    return with_key(server, "signoff_" + "x" * 43)


async def _guessed_session(server: Server, _: str) -> Caller:
    return Caller(server, {"Cookie": f"signoff_session={'x' * 43}"})


async def _revoked(server: Server, workspace_id: str) -> Caller:
    admin = administrator(server).within(workspace_id)
    made = await admin.do("POST", "/api/keys", json={"name": "revoked", "roles": ["admin"]})
    await admin.do("DELETE", f"/api/keys/{made['id']}")
    return with_key(server, made["key"])


async def _expired(server: Server, workspace_id: str) -> Caller:
    admin = administrator(server).within(workspace_id)
    asked = {"name": "expires", "roles": ["admin"], "expiresInSeconds": 1}
    made = await admin.do("POST", "/api/keys", json=asked)
    caller = with_key(server, made["key"])
    async with asyncio.timeout(LIMIT):
        while (await caller.get("/api/auth/session"))[0] != 401:  # noqa: ASYNC110 - the server's clock
            await asyncio.sleep(0.05)
    return caller


async def _disabled(server: Server, workspace_id: str) -> Caller:
    """The key of somebody who was disabled."""
    user_id, browser = await _person(server, "write", workspace_id=workspace_id)
    key = await personal_key(browser)
    await administrator(server).do("PATCH", f"/api/users/{user_id}", json={"disabled": True})
    return key


async def _disabled_session(server: Server, workspace_id: str) -> Caller:
    user_id, browser = await _person(server, "write", workspace_id=workspace_id)
    await administrator(server).do("PATCH", f"/api/users/{user_id}", json={"disabled": True})
    return browser


async def _person(server: Server, *roles: Role, workspace_id: str) -> tuple[str, Caller]:
    user_id, address = await add_person(server, *roles, workspace_id=workspace_id)
    return user_id, await sign_in(server, address)


async def personal_key(browser: Caller, **asked: object) -> Caller:
    """A caller with a new key of somebody who is signed in."""
    made = await browser.do("POST", "/api/users/me/keys", json={"name": "for a test", **asked})
    return with_key(browser.server, made["key"])


def _session(role: Role) -> Kind:
    async def make(server: Server, workspace_id: str) -> Caller:
        return (await _person(server, role, workspace_id=workspace_id))[1]

    return Kind(name=f"session: {role}", make=make, roles=expanded([role]), user=True, free=True)


def _workspace_key(role: Role) -> Kind:
    async def make(server: Server, workspace_id: str) -> Caller:
        _, browser = await _person(server, "admin", "approver", "auditor", workspace_id=workspace_id)
        return await _key_of(browser, workspace_id, role)

    return Kind(name=f"workspace key: {role}", make=make, roles=expanded([role]))


async def _personal(server: Server, workspace_id: str) -> Caller:
    return await personal_key((await _person(server, "write", workspace_id=workspace_id))[1])


async def _bounded(server: Server, workspace_id: str) -> Caller:
    return await personal_key((await _person(server, "admin", workspace_id=workspace_id))[1], roles=["read"])


async def _elsewhere(server: Server, _: str) -> Caller:
    """A personal key of somebody who administers another workspace."""
    other = await add_workspace(server, "Another")
    return await personal_key((await _person(server, "admin", workspace_id=other))[1])


async def _strange_workspace_key(server: Server, _: str) -> Caller:
    other = await add_workspace(server, "Another")
    return await _key_of((await _person(server, "admin", workspace_id=other))[1], other)


async def _foreign_workspace_key(server: Server, workspace_id: str) -> Caller:
    """A key of another workspace, made by a member of this one."""
    other = await add_workspace(server, "Another")
    user_id, browser = await _person(server, "admin", workspace_id=other)
    admin = administrator(server)
    address = (await admin.do("GET", f"/api/users/{user_id}"))["email"]
    members = f"/api/workspaces/{workspace_id}/members"
    await admin.do("POST", members, json={"email": address, "roles": ["admin"]})
    return await _key_of(browser, other)


async def _key_of(browser: Caller, workspace_id: str, role: Role = "admin") -> Caller:
    """A caller with a new key of a workspace, made by somebody who has the role."""
    asked = {"name": "for a test", "roles": [role]}
    made = await browser.within(workspace_id).do("POST", "/api/keys", json=asked)
    return with_key(browser.server, made["key"])


async def _installer(server: Server, _: str) -> Caller:
    return await personal_key((await _person(server, "admin", workspace_id=DEFAULT))[1])


KINDS: Final = (
    Kind(name="nobody", make=_nobody, outsider=UNAUTHORIZED),
    Kind(name="a guessed key", make=_guessed_key, outsider=INVALID_KEY),
    Kind(name="a guessed session", make=_guessed_session, outsider=UNAUTHORIZED),
    Kind(name="an expired key", make=_expired, outsider=INVALID_KEY),
    Kind(name="a revoked key", make=_revoked, outsider=INVALID_KEY),
    Kind(name="a disabled user's key", make=_disabled, outsider=INVALID_KEY),
    Kind(name="a disabled user's session", make=_disabled_session, outsider=UNAUTHORIZED),
    Kind(name="a member of another workspace", make=_elsewhere, outsider=UNKNOWN, user=True, free=True),
    Kind(name="another workspace's key", make=_strange_workspace_key, outsider=UNKNOWN),
    Kind(name="another workspace's key, made by a member", make=_foreign_workspace_key, outsider=FOREIGN),
    Kind(
        name="an administrator of the installation", make=_installer, outsider=UNKNOWN, installs=True,
        user=True, free=True,
    ),
    *map(_session, ROLES),
    *map(_workspace_key, ROLES),
    Kind(name="a personal key", make=_personal, roles=expanded(["write"]), user=True, free=True),
    Kind(name="an administrator's key for reading", make=_bounded, roles=expanded(["read"]), user=True),
    Kind(name="the bootstrap key", make=_bootstrap, roles=expanded(["admin"]), installs=True),
)  # fmt: skip
"""In the workspace that they are made for."""
