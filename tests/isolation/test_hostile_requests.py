"""Requests that no client makes: slow, oversized, ambiguous, or pointing out of where they belong."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp import web

from signoff.gateway.routes import ALL
from signoff.runtime import connections
from signoff.runtime.server import serve
from support.gateways import LIMIT, Server
from support.identities import Caller, add_person, sign_in
from support.kinds import personal_key
from support.route_requests import PREPARED
from support.worlds import World

HEAD = b"GET /healthz HTTP/1.1\r\nHost: signoff\r\n"


class Line:
    """A bare connection to a server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def say(self, raw: bytes) -> bytes:
        """Send bytes; gives all that comes until the server closes the connection."""
        self._writer.write(raw)
        async with asyncio.timeout(LIMIT):
            return await self._reader.read()


@pytest_asyncio.fixture(loop_scope="session")
async def line(server: Server) -> AsyncIterator[Line]:
    address = server.client.server
    reader, writer = await asyncio.open_connection(address.host, address.port)
    yield Line(reader, writer)
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 2\r\nContent-Length: 3\r\n",
        b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: +2\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"Transfer-Encoding : chunked\r\n",
    ],
)
async def test_a_request_whose_end_two_servers_could_see_differently_is_refused(
    line: Line, framing: bytes
) -> None:
    raw = b"POST /api/auth/login HTTP/1.1\r\nHost: signoff\r\n" + framing + b"\r\n{}"

    told = await line.say(raw)

    assert told.startswith((b"HTTP/1.1 400 ", b"HTTP/1.0 400 "))
    assert told.count(b"HTTP/1.") == 1


@pytest.mark.parametrize(
    "head",
    [
        HEAD + b"X-Long: " + b"x" * 10_000 + b"\r\n\r\n",
        HEAD + b"".join(b"X-%d: 1\r\n" % each for each in range(300)) + b"\r\n",
        b"GET /" + b"x" * 10_000 + b" HTTP/1.1\r\nHost: signoff\r\n\r\n",
    ],
    ids=["a long header", "many headers", "a long path"],
)
async def test_a_head_beyond_all_measure_is_refused(line: Line, head: bytes) -> None:
    assert (await line.say(head)).startswith((b"HTTP/1.1 400 ", b"HTTP/1.0 400 "))


async def test_a_head_that_does_not_come_to_its_end_keeps_no_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "HEAD_LIMIT", 0.2)
    stop = asyncio.Event()
    url: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    running = asyncio.create_task(
        serve(web.Application(), host="127.0.0.1", port=0, stop=stop, on_ready=url.set_result)
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", int((await url).rpartition(":")[2]))
    try:
        told = await Line(reader, writer).say(HEAD)
    finally:
        writer.close()
        stop.set()
        await running

    assert told == b""


@pytest.mark.parametrize("escape", ["..%2F..%2Fetc%2Fpasswd", "%2e%2e", "..%5C..", "a%00b", "%2F", "..;"])
@pytest.mark.parametrize(
    "path",
    [
        "/api/files/{}",
        "/api/workflows/{}",
        "/api/environment/{}",
        "/api/hooks/{}",
        "/api/executions/{}/events",
        "/api/executions/{}/blobs/{}",
        "/api/workspaces/{}",
    ],
)
async def test_an_id_that_is_a_way_out_names_nothing(world: World, path: str, escape: str) -> None:
    admin = world.admin

    for method in ("GET", "DELETE"):
        status, _ = await admin.call(method, path.replace("{}", escape))
        assert status in (400, 404, 405), method


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def signed_in(world: World) -> Caller:
    """A browser with a session."""
    _, address = await add_person(world.server, "admin", workspace_id=world.workspace_id)
    return await sign_in(world.server, address)


async def change(caller: Caller, headers: dict[str, str]) -> int:
    """Change something, as a page would."""
    return (await caller.call("PATCH", "/api/users/me", json={"name": "Ada"}, headers=headers))[0]


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://127.0.0.1"},
    ],
    ids=str,
)
async def test_another_sites_page_changes_nothing_with_its_visitors_session(
    signed_in: Caller, headers: dict[str, str]
) -> None:
    assert await change(signed_in, headers) == 403


async def test_another_sites_page_may_use_an_api_key_that_it_has(signed_in: Caller) -> None:
    assert await change(await personal_key(signed_in), {"Sec-Fetch-Site": "cross-site"}) == 200


@pytest.mark.parametrize(
    "name", ["createKey", "rotateKey", "createPersonalKey", "createHook", "createStreamToken"]
)
async def test_an_answer_with_a_secret_is_kept_by_nobody_on_the_way(
    name: str, world: World, signed_in: Caller
) -> None:
    (route,) = [each for each in ALL if each.name == name]
    ask = await PREPARED[name](world, signed_in)

    status, _, headers = await signed_in.within(world.workspace_id).send(
        route.method, ask.path(route), **ask.given
    )

    assert status < 300
    assert headers["Cache-Control"] == "no-store"


async def test_no_answer_lets_a_browser_guess_what_it_is(server: Server) -> None:
    for path in ("/api/workflows", "/api/nothing", "/api/v2/workflows", "/openapi.json", "/docs"):
        async with server.client.get(path, headers={"Connection": "close"}) as answered:
            assert answered.headers["X-Content-Type-Options"] == "nosniff", path
