"""An embedded server for browsers, in a thread of its own: it can be stopped and started, with its data."""

import asyncio
import itertools
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import aiohttp
from msgspec import Struct

from signoff.cli.serving.embedded import serve_embedded
from signoff.runtime.settings import Settings
from support.ports import unused_port

KEY: Final = "a-bootstrap-key-for-browsers"
PASSWORD: Final = "correct horse battery"
FIRST_PASSWORD: Final = "chosen by somebody else"
DEFAULT: Final = "00000000-0000-0000-0000-000000000000"
_LIMIT: Final = 30.0
_NO_CHECKPOINT: Final = 3600.0
"""Seconds: whether an execution is covered by a checkpoint must not depend on the moment."""

_numbers: Final = itertools.count(1)


class Person(Struct, frozen=True):
    """Somebody who may sign in with `PASSWORD`."""

    id: str
    name: str
    email: str


class _Running:
    """A server from its start to its end, on an event loop of its own: its tasks are no test's."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._told = threading.Event()
        self._stop: Callable[[], object] | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="server for browsers", daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Wait until it is ready; raises what ended it before."""
        assert self._told.wait(_LIMIT), f"the server was not ready within {_LIMIT} s"
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        """End it; raises what it failed with."""
        if self._stop is not None:
            self._stop()
        self._thread.join(_LIMIT)
        assert not self._thread.is_alive(), f"the server did not stop within {_LIMIT} s"
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - told to whoever waits
            self._error = error
        finally:
            self._told.set()

    async def _serve(self) -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        self._stop = lambda: loop.call_soon_threadsafe(stop.set)

        async def ready(_: str) -> None:
            self._told.set()

        await serve_embedded(self._settings, stop, ready=ready)


class BrowserServer:
    """The server.

    Args:
        folder: of its data.
        more: of its settings: ``database_url``, ``mail_url``, ``oidc_issuer``.

    Attributes:
        port: stays the same over restarts.
        url: likewise.
        data: the folder of its data.
    """

    def __init__(self, folder: Path, **more: Any) -> None:
        self.port = unused_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.data = folder
        self._settings = Settings(
            data=folder,
            port=self.port,
            bootstrap_api_key=KEY,
            public_url=self.url,
            checkpoint_every=_NO_CHECKPOINT,
            log_level="error",
            allow_private_networks=("127.0.0.0/8",),  # where tests receive webhooks
            **more,
        )
        self._running: _Running | None = None

    async def start(self) -> None:
        """Start it, and wait until it is ready."""
        self._running = _Running(self._settings)
        await asyncio.to_thread(self._running.wait)

    async def stop(self) -> None:
        """Stop it; browsers find nobody."""
        if self._running is not None:
            await asyncio.to_thread(self._running.stop)
            self._running = None

    async def call(self, method: str, path: str, *, key: str = KEY, **given: Any) -> Any:
        """Call the API, which must answer well; gives its JSON."""
        headers = {"X-API-Key": key, **given.pop("headers", {})}
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, self.url + path, headers=headers, **given) as response,
        ):
            body = await response.read()
            assert response.status < 400, (method, path, response.status, body[:2000])
            return await response.json() if body else None

    async def deploy(self, blocks: Mapping[str, Any], *, name: str = "workflow", **more: Any) -> str:
        """Deploy blocks as a new workflow; gives its id."""
        workflow_id = f"{name}-{next(_numbers)}"
        await self.call("PUT", f"/api/workflows/{workflow_id}", json={"blocks": blocks, **more})
        return workflow_id

    async def execute(self, workflow_id: str, given: Any = None) -> Any:
        """Run a workflow to a pause or its end; gives the answer."""
        return await self.call("POST", f"/api/workflows/{workflow_id}/execute", json={"input": given})

    async def add_person(self, name: str, *roles: str, workspace_id: str = DEFAULT) -> Person:
        """A new person, a member of a workspace with these roles, with a password of their own."""
        person = await self.add_newcomer(name, *(roles or ["read"]), workspace_id=workspace_id)
        cookies = {"signoff_session": await self.session(person, FIRST_PASSWORD)}
        own = {"currentPassword": FIRST_PASSWORD, "newPassword": PASSWORD}
        async with (
            aiohttp.ClientSession(cookies=cookies) as session,
            session.post(f"{self.url}/api/users/me/password", json=own) as response,
        ):
            assert response.status == 204, await response.text()
        if not roles:
            await self.call("DELETE", f"/api/workspaces/{workspace_id}/members/{person.id}")
        return person

    async def add_newcomer(self, name: str, *roles: str, workspace_id: str = DEFAULT) -> Person:
        """A new member, who signs in with `FIRST_PASSWORD` and has to change it."""
        email = f"{name.lower()}-{next(_numbers)}@example.org"
        new = {"name": name, "email": email, "password": FIRST_PASSWORD}
        user = await self.call("POST", "/api/users", json=new)
        await self.join(email, *roles, workspace_id=workspace_id)
        return Person(user["id"], name, email)

    async def join(self, email: str, *roles: str, workspace_id: str) -> None:
        """Make somebody a member."""
        members = f"/api/workspaces/{workspace_id}/members"
        await self.call("POST", members, json={"email": email, "roles": list(roles)})

    async def add_workspace(self, name: str) -> str:
        """A new workspace; gives its id."""
        return str((await self.call("POST", "/api/workspaces", json={"name": name}))["id"])

    async def session(self, person: Person, password: str = PASSWORD) -> str:
        """The cookie's value of a new session."""
        login = {"email": person.email, "password": password}
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self.url}/api/auth/login", json=login) as response,
        ):
            assert response.status == 200, await response.text()
            return response.cookies["signoff_session"].value


async def eventually(holds: Callable[[], bool], what: str) -> None:
    """Wait until something holds that nothing tells of."""
    try:
        async with asyncio.timeout(_LIMIT):
            while not holds():  # noqa: ASYNC110 - of another thread
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"{what} did not come about within {_LIMIT} s") from None
