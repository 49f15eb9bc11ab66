"""Clients that are none of ours follow a stream: over a pause and two cuts, to its end, byte for byte."""

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp
import pytest

from e2e.shell import REPOSITORY, Embedded
from e2e.test_embedded import committed
from signoff.client import AsyncClient
from support import npm
from support.chromium import chromium
from support.proxies import Proxy

pytestmark = pytest.mark.timeout(240)  # the first time, npm fetches the package

FOLLOWERS: Final = Path(__file__).resolve().parent / "followers"
PAGE: Final = (REPOSITORY / "docs" / "streaming.md").read_text(encoding="utf-8")
WORKFLOW: Final = """\
workflow: followed
blocks:
  before: {type: function, code: "return 'Zoë ☃'", then: decide}
  decide: {type: human_in_the_loop, form: {approved: boolean}, then: rest}
  rest: {type: wait, for: 2s, then: last}
  last: {type: function, code: "return 2"}
"""
LIMIT: Final = 30.0

_LISTEN = """
window.seen = []
window.stream = new EventSource(%s)
stream.onmessage = ({ data }) => seen.push(data)
"""


@dataclass(frozen=True)
class Follower:
    """A client at work.

    Attributes:
        seen: the data of all that came so far.
        has_stopped: whether it asks for nothing more, and is content.
    """

    seen: Callable[[], Awaitable[list[str]]]
    has_stopped: Callable[[], Awaitable[bool]]


Opened = Callable[[str, str, str, Path], AbstractAsyncContextManager[Follower]]
"""Opens a follower, given the server's URL, its key, the path of a stream and a folder."""


@asynccontextmanager
async def in_chromium(url: str, key: str, path: str, folder: Path) -> AsyncIterator[Follower]:
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"{url}/api/stream-tokens",
            headers={"X-API-Key": key},
            json={"executionId": path.split("/")[5]},
        ) as answer,
    ):
        token = (await answer.json())["token"]
    async with chromium(folder / "profile") as page:
        await page.open(f"{url}/healthz")
        await page.run(_LISTEN % json.dumps(f"{path}&token={token}"))

        async def seen() -> list[str]:
            return [str(each) for each in await page.run("seen")]

        async def has_stopped() -> bool:
            return bool(await page.run("stream.readyState === EventSource.CLOSED"))

        yield Follower(seen, has_stopped)


@asynccontextmanager
async def following(*command: str | Path, folder: Path, **variables: str) -> AsyncIterator[Follower]:
    """A program that writes a line for each event, or whole frames, and ends well when it is content."""
    lines = folder / "events.txt"
    with lines.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            *command, stdout=out, cwd=folder, env=os.environ | variables, start_new_session=True
        )

    async def seen() -> list[str]:
        *whole, _ = lines.read_text(encoding="utf-8").split("\n")
        data = [line.removeprefix("data: ") for line in whole]
        return [line for line in data if line.startswith(("{", "["))]

    async def has_stopped() -> bool:
        assert process.returncode in (None, 0)
        return process.returncode == 0

    try:
        yield Follower(seen, has_stopped)
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


@asynccontextmanager
async def with_httpx(url: str, key: str, path: str, folder: Path) -> AsyncIterator[Follower]:
    program = FOLLOWERS / "follow_httpx.py"
    async with following(sys.executable, program, url + path, key, folder=folder) as follower:
        yield follower


@asynccontextmanager
async def with_curl(url: str, key: str, path: str, folder: Path) -> AsyncIterator[Follower]:
    (script,) = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    script = script.replace("/refund-approval/", "/followed/")
    execution = path.split("/")[5]
    async with following(
        "bash", "-c", script, folder=folder, SIGNOFF_URL=url, SIGNOFF_API_KEY=key, EXECUTION=execution
    ) as follower:
        yield follower


@asynccontextmanager
async def in_node(url: str, key: str, path: str, folder: Path) -> AsyncIterator[Follower]:
    module = await asyncio.to_thread(npm.install, FOLLOWERS) / "follow.mjs"
    async with following(npm.NODE, module, url + path, key, folder=folder) as follower:
        yield follower


CLIENTS: Final[dict[str, Opened]] = {
    "Chromium's EventSource": in_chromium,
    "npm's eventsource": in_node,
    "httpx-sse": with_httpx,
    "curl, as docs/streaming.md shows": with_curl,
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    server = Embedded(tmp_path_factory.mktemp("followed") / "data")
    definition = server.data.parent / "followed.yaml"
    definition.write_text(WORKFLOW)
    try:
        server.serve()
        deployed = server.signoff("deploy", str(definition))
        assert deployed.code == 0, deployed.err
        yield server
    finally:
        server.kill()


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(LIMIT):
        while not await holds():  # noqa: ASYNC110 - of programs, with no event to wait for
            await asyncio.sleep(0.05)


async def cut(proxy: Proxy) -> None:
    """Reset the connection, and wait until the client has made another one."""
    before = proxy.accepted
    await asyncio.to_thread(proxy.cut)

    async def is_back() -> bool:
        return proxy.accepted > before

    await until(is_back)


@pytest.mark.parametrize("name", CLIENTS)
async def test_a_client_gets_exactly_the_log_and_stops_at_its_end(
    server: Embedded, name: str, tmp_path: Path
) -> None:
    async with AsyncClient(server.url, server.key) as client:
        execution = await client.executions.start("followed", {})
        await execution.wait_until("paused", timeout=LIMIT)
        path = f"/api/workflows/followed/executions/{execution.id}/stream?follow=true"
        with Proxy(server.port) as proxy:
            async with CLIENTS[name](f"http://{proxy.address}", server.key, path, tmp_path) as follower:

                async def has(type_: str) -> bool:
                    return any(f'"type":"{type_}"' in each for each in await follower.seen())

                await until(lambda: has("execution:paused"))
                await cut(proxy)
                await execution.resume("decide", {"approved": True})
                await until(lambda: has("execution:resumed"))
                await cut(proxy)
                await until(follower.has_stopped)
                seen = await follower.seen()

    log = [raw.decode() for raw in committed(server, execution.id)]
    assert json.loads(log[-1])["type"] == "execution:completed"
    assert seen == [*log, "[DONE]"]
