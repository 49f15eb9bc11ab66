"""What aiohttp refuses on its own is answered as ours is, and quoted nowhere."""

import asyncio
import logging
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from aiohttp import web

from signoff.runtime.server import serve

_SECRET = "s3cr3t"


async def _read(request: web.Request) -> web.Response:
    return web.json_response({"size": len(await request.read())})


async def _leave(_: web.Request) -> web.Response:
    return web.json_response({"read": False})


@pytest_asyncio.fixture
async def place() -> AsyncIterator[tuple[str, int]]:
    """Where a server listens."""
    app = web.Application()
    app.router.add_post("/read", _read)
    app.router.add_post("/leave", _leave)
    stop = asyncio.Event()
    url: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(app, host="127.0.0.1", port=0, stop=stop, on_ready=url.set_result))
    parts = urlsplit(await asyncio.wait_for(url, 5))
    yield str(parts.hostname), int(parts.port or 0)
    stop.set()
    await asyncio.wait_for(task, 5)


async def _tell(place: tuple[str, int], *lines: str, body: bytes = b"") -> str:
    """Everything that comes back for a request, until the connection ends."""
    reader, writer = await asyncio.open_connection(*place)
    writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
    told = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    await writer.wait_closed()
    return told.decode()


@pytest.mark.parametrize(
    "lines",
    [
        (f"GET /?token={_SECRET} HTTP/x",),
        (f"GET /?token={_SECRET} HTTP/1.1", "X-API-Key s3cr3t"),
        ("GET / HTTP/1.1", f"X-API-Key: {_SECRET}\x00"),
        ("GET / HTTP/1.1", f"X-API-Key: {_SECRET}{'x' * 9000}"),
        (f"GET /?token={_SECRET}{'x' * 9000} HTTP/1.1",),
        ("POST /read HTTP/1.1", "Content-Length: 1", f"Content-Length: {_SECRET}"),
    ],
)
async def test_what_is_no_http_is_refused_in_json_and_quoted_nowhere(
    place: tuple[str, int], lines: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        told = await _tell(place, *lines)

    assert told.partition(" ")[2].startswith("400 ")
    assert "Content-Type: application/json" in told
    assert '{"error": "The ' in told
    assert _SECRET not in told + caplog.text
    assert [each.levelname for each in caplog.records if each.levelno >= logging.WARNING] == []


async def test_a_body_that_is_not_what_its_headers_say_is_no_fault_of_ours(
    place: tuple[str, int], caplog: pytest.LogCaptureFixture
) -> None:
    head = (
        "POST /leave HTTP/1.1",
        "Host: x",
        "Connection: close",
        "Content-Encoding: gzip",
        "Content-Length: 7",
    )

    told = await _tell(place, *head, body=b"no gzip")

    assert '{"read": false}' in told
    assert caplog.records == []


async def test_an_unknown_expectation_is_refused_in_json(place: tuple[str, int]) -> None:
    told = await _tell(place, "POST /read HTTP/1.1", "Host: x", "Expect: a miracle", "Connection: close")

    assert told.startswith("HTTP/1.1 417 ")
    assert '{"error": "Only `Expect: 100-continue` is known here"}' in told
