"""Chromium without a window, led over its DevTools protocol."""

import asyncio
import itertools
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp

_START_LIMIT: Final = 30.0
_CALL_LIMIT: Final = 20.0
_END_LIMIT: Final = 20.0


class Page:
    """One page of a browser.

    Args:
        socket: of its DevTools.
    """

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)

    async def open(self, url: str) -> None:
        """Go to a page, and wait until it is there."""
        await self._call("Page.enable")
        await self._call("Page.navigate", url=url)
        async with asyncio.timeout(_CALL_LIMIT):
            while await self.run("location.href + document.readyState") != f"{url}complete":
                pass

    async def run(self, script: str) -> Any:
        """The value of an expression in the page, which may be a promise."""
        told = await self._call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    async def _call(self, method: str, **params: object) -> dict[str, Any]:
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": params})
        async with asyncio.timeout(_CALL_LIMIT):
            while (told := await self._socket.receive_json()).get("id") != number:
                pass  # an event, which nobody asked for
        assert "error" not in told, told["error"]
        result: dict[str, Any] = told["result"]
        return result


@asynccontextmanager
async def chromium(folder: Path) -> AsyncIterator[Page]:
    """Run a browser with a profile of its own; gives its first page.

    Args:
        folder: for the profile.
    """
    browser = await asyncio.create_subprocess_exec(
        "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
        "--no-first-run", "--disable-background-networking", "--remote-debugging-port=0",
        f"--user-data-dir={folder}", "about:blank",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "HOME": str(folder)}, start_new_session=True,
    )  # fmt: skip
    try:
        port = await _port(folder / "DevToolsActivePort")
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json/list") as listed:
                (target,) = [each for each in await listed.json() if each["type"] == "page"]
            async with session.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                yield Page(socket)
    finally:
        browser.terminate()
        await asyncio.wait_for(browser.wait(), _END_LIMIT)


async def _port(file: Path) -> int:
    """The port that the browser has taken: it writes it down when it listens."""
    async with asyncio.timeout(_START_LIMIT):
        while (port := _written(file)) is None:  # noqa: ASYNC110 - of another program
            await asyncio.sleep(0.02)
    return port


def _written(file: Path) -> int | None:
    lines = file.read_text().split() if file.exists() else []
    return int(lines[0]) if lines else None
