"""The outside: a server that notes who tried what, and when."""

import time

from aiohttp import web

from support.ports import unused_port
from support.proof import Ran

UNTOLD = 0
"""The attempt of a request by an `api` block, which sends its key alone."""


class Desk:
    """Notes each try of a block that reaches it, in the order in which they come.

    Attributes:
        runs: what came.
        url: where blocks reach it.
    """

    def __init__(self) -> None:
        self.runs: list[Ran] = []
        self._port = unused_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self._runner: web.AppRunner | None = None

    async def open(self) -> None:
        """Begin to listen."""
        app = web.Application()
        app.router.add_post("/note", self._note)
        app.router.add_post("/api", self._api)
        app.router.add_post("/told", self._told)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()

    async def close(self) -> None:
        """Listen no more."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _note(self, request: web.Request) -> web.Response:
        at = time.time()
        told = await request.json()
        self.runs.append(Ran(idempotency_key=told["key"], attempt=told["attempt"], at=at))
        return web.json_response({})

    async def _api(self, request: web.Request) -> web.Response:
        key = request.headers["Idempotency-Key"]
        self.runs.append(Ran(idempotency_key=key, attempt=UNTOLD, at=time.time()))
        return web.json_response({"noted": key})

    async def _told(self, _: web.Request) -> web.Response:
        return web.Response()
