"""People, keys and browsers of a server under test."""

import itertools
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from argon2 import PasswordHasher
from argon2.profiles import CHEAPEST
from msgspec import Struct
from msgspec.structs import replace

from signoff.access.signing_in.passwords import Passwords
from signoff.access.signing_in.people import People
from signoff.access.signing_in.sessions import COOKIE
from signoff.gateway.people import identity
from support.gateways import KEY, Server, serving, settings

PASSWORD = "correct horse battery"
DEFAULT = "00000000-0000-0000-0000-000000000000"

_numbers = itertools.count(1)


class Caller:
    """Calls a server with one credential, or none."""

    def __init__(self, server: Server, headers: dict[str, str] | None = None) -> None:
        self.server = server
        self.headers = headers or {}

    async def send(self, method: str, path: str, **given: Any) -> tuple[int, Any, Any]:
        """Gives the status, the JSON (``None`` without a body) and the headers of the answer."""
        # Tests share a server, and none may leave a connection to the next one.
        headers = {"Connection": "close", **self.headers, **given.pop("headers", {})}
        self.server.client.session.cookie_jar.clear()  # callers bring their own cookies, and no others
        async with self.server.client.request(
            method, path, headers=headers, allow_redirects=False, **given
        ) as answered:
            body = await answered.json() if await answered.read() else None
            return answered.status, body, answered.headers

    async def call(self, method: str, path: str, **given: Any) -> tuple[int, Any]:
        status, body, _ = await self.send(method, path, **given)
        return status, body

    async def get(self, path: str, **given: Any) -> tuple[int, Any]:
        return await self.call("GET", path, **given)

    async def post(self, path: str, **given: Any) -> tuple[int, Any]:
        return await self.call("POST", path, **given)

    async def do(self, method: str, path: str, **given: Any) -> Any:
        """A call that must succeed; gives its JSON."""
        status, body = await self.call(method, path, **given)
        assert status < 400, (status, body)
        return body

    def within(self, workspace_id: str) -> "Caller":
        """The same in a workspace that is named."""
        return Caller(self.server, {**self.headers, "X-Workspace-Id": workspace_id})


def nobody(server: Server) -> Caller:
    return Caller(server)


def with_key(server: Server, key: str) -> Caller:
    return Caller(server, {"X-API-Key": key})


def administrator(server: Server) -> Caller:
    """The bootstrap key."""
    return with_key(server, KEY)


def new_address() -> str:
    return f"person-{next(_numbers)}@example.org"


async def add_person(server: Server, *roles: str, workspace_id: str = DEFAULT) -> tuple[str, str]:
    """A new person with the password `PASSWORD`, a member with these roles; gives id and address."""
    admin, address = administrator(server), new_address()
    user = await admin.do("POST", "/api/users", json={"name": "Ada", "email": address, "password": PASSWORD})
    if roles:
        members = f"/api/workspaces/{workspace_id}/members"
        await admin.do("POST", members, json={"email": address, "roles": roles})
    # As if they had changed it: whoever has somebody else's password may do nothing before.
    await People(server.store.records).change(user["id"], lambda kept: replace(kept, must_change=False))
    return user["id"], address


async def sign_in(server: Server, address: str, password: str = PASSWORD) -> Caller:
    """A browser that is signed in."""
    status, body, headers = await nobody(server).send(
        "POST", "/api/auth/login", json={"email": address, "password": password}
    )
    assert status == 200, body
    return with_cookies(server, headers)


def with_cookies(server: Server, headers: Any) -> Caller:
    """A browser with the cookies that an answer sets."""
    pairs = [each.partition(";")[0] for each in headers.getall("Set-Cookie", [])]
    return Caller(server, {"Cookie": "; ".join(pairs)})


def session_cookie(headers: Any) -> str:
    """The whole cookie of a session, attributes and all."""
    (found,) = [each for each in headers.getall("Set-Cookie") if each.startswith(f"{COOKIE}=")]
    return str(found)


async def add_workspace(server: Server, name: str = "Other") -> str:
    """A new workspace; gives its id."""
    return str((await administrator(server).do("POST", "/api/workspaces", json={"name": name}))["id"])


async def workspace_key(server: Server, *roles: str, workspace_id: str = DEFAULT) -> Caller:
    """A caller with a new key of a workspace."""
    admin = administrator(server).within(workspace_id)
    made = await admin.do("POST", "/api/keys", json={"name": "for a test", "roles": list(roles)})
    return with_key(server, made["key"])


@asynccontextmanager
async def serving_people(monkeypatch: Any, **changes: Any) -> AsyncIterator[Server]:
    """A server whose passwords are hashed fast; the slow way has a test of its own."""
    fast = PasswordHasher.from_parameters(CHEAPEST)
    monkeypatch.setattr(identity, "Passwords", lambda: Passwords(fast))
    async with serving(settings(**changes)) as server:
        yield server


def held_by(thing: object) -> str:
    """Everything that an object in memory holds, as one text to look for secrets in."""
    seen: set[int] = set()
    found: list[str] = []
    left = [thing]
    while left:
        each = left.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, str | bytes):
            found.append(str(each))
        elif isinstance(each, Mapping):
            left += [*each.keys(), *each.values()]
        elif isinstance(each, list | tuple | set | frozenset | deque):
            left += each
        elif isinstance(each, Struct):
            left += [getattr(each, name) for name in each.__struct_fields__]
        elif type(each).__module__.startswith("signoff."):
            left += vars(each).values() if hasattr(each, "__dict__") else []
            left += [getattr(each, name, None) for name in getattr(each, "__slots__", ())]
    return "\n".join(found)
