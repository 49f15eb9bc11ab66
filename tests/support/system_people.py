"""The people of `support.cast` in a running server: users, members, groups and keys, all made over HTTP."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import aiohttp

from support.cast import CAST, GROUPS, address

_MEMBERS: Final = "/api/workspaces/00000000-0000-0000-0000-000000000000/members"
_PASSWORD: Final = "correct horse battery"
_COOKIE: Final = "signoff_session"


async def add_cast(url: str, key: str) -> Mapping[str, str]:
    """Make everybody; gives their keys by name.

    Args:
        url: of the server.
        key: with which it was started.
    """
    async with aiohttp.ClientSession(url, headers={"X-API-Key": key}) as admin:
        ids = {name: await _add(admin, name) for name in CAST}
        for group in GROUPS:
            members = [ids[name] for name, person in CAST.items() if group in person.groups]
            await _do(admin, "POST", "/api/groups", {"name": group, "userIds": members})
        until = (datetime.now(UTC) + timedelta(days=1)).isoformat()
        for name, person in CAST.items():
            if person.stands_in_for is not None:
                absent = f"{_MEMBERS}/{ids[person.stands_in_for]}/absence"
                await _do(admin, "PUT", absent, {"delegateId": ids[name], "until": until})
    return await keys_of_cast(url)


async def keys_of_cast(url: str) -> Mapping[str, str]:
    """Let everybody sign in and make a key; gives these by name.

    Args:
        url: of a server in which they are.
    """
    async with aiohttp.ClientSession(url, cookie_jar=aiohttp.DummyCookieJar()) as browser:
        return {name: await _key(browser, name) for name in CAST}


async def _add(admin: aiohttp.ClientSession, name: str) -> str:
    user = {"name": name.title(), "email": address(name), "password": _PASSWORD}
    made = await _do(admin, "POST", "/api/users", user)
    await _do(admin, "POST", _MEMBERS, {"email": address(name), "roles": CAST[name].roles})
    return str(made["id"])


async def _key(browser: aiohttp.ClientSession, name: str) -> str:
    """A key that somebody makes for themselves."""
    credentials = {"email": address(name), "password": _PASSWORD}
    async with browser.post("/api/auth/login", json=credentials) as response:
        assert response.status == 200, await response.text()
        session = response.cookies[_COOKIE].value
    other = {"currentPassword": _PASSWORD, "newPassword": f"{_PASSWORD} of their own"}
    async with browser.post("/api/users/me/password", json=other, cookies={_COOKIE: session}) as response:
        assert response.status == 204, await response.text()
        session = response.cookies[_COOKIE].value
    own = {"name": "for the cases"}
    made = await _do(browser, "POST", "/api/users/me/keys", own, cookies={_COOKIE: session})
    return str(made["key"])


async def _do(session: aiohttp.ClientSession, method: str, path: str, body: Any, **more: Any) -> Any:
    async with session.request(method, path, json=body, **more) as response:
        answer = await response.json()
        assert response.status < 300, (path, answer)
        return answer
