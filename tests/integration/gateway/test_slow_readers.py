"""Who asks for something large and then reads nothing holds a gateway's place for a bounded time only."""

import asyncio
import io
import json
import socket
from collections.abc import Awaitable, Callable
from typing import Final

import pytest
from aiohttp import FormData

from signoff.gateway.admission import ADMISSION
from signoff.gateway.http import sending
from support.gateways import APPROVAL, KEY, LIMIT, Server
from support.growing_logs import until

LARGE: Final = 9 * 1024 * 1024
"""More than the system keeps for a connection whose reader takes nothing."""


async def file(server: Server) -> str:
    """The path of a large file."""
    form = FormData()
    form.add_field("file", io.BytesIO(b"x" * LARGE), filename="large")
    _, body = await server.post("/api/files", data=form)
    return str(body["files"][0]["url"])


async def paused(server: Server) -> str:
    workflow_id = await server.deploy(APPROVAL)
    given = io.BytesIO(json.dumps({"input": {"text": "x" * LARGE}}).encode())
    body = await server.execute(workflow_id, data=given, headers={"Content-Type": "application/json"})
    return str(body["executionId"])


async def value(server: Server) -> str:
    """The path of a large value of an execution."""
    execution_id = await paused(server)
    text = json.dumps(await server.events(execution_id))
    digest = text.split('"$blob": "', 1)[1].split('"', 1)[0].removeprefix("sha256:")
    return f"/api/executions/{execution_id}/blobs/{digest}"


async def stop_reading(server: Server, path: str) -> bytes:
    """Ask for something, read nothing until the server has given up, and give all that there is then."""
    address = (server.client.host, server.client.port)
    loop = asyncio.get_running_loop()
    with socket.socket() as reader:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.setblocking(False)
        await loop.sock_connect(reader, address)
        asked = f"GET {path} HTTP/1.1\r\nHost: here\r\nX-API-Key: {KEY}\r\n\r\n"
        await loop.sock_sendall(reader, asked.encode())
        admission = server.client.app[ADMISSION]
        await until(lambda: admission.under_way == 1)
        await until(lambda: admission.under_way == 0)
        received = b""
        async with asyncio.timeout(LIMIT):
            try:
                while piece := await loop.sock_recv(reader, 65536):
                    received += piece
            except ConnectionResetError:
                pass  # as a connection ends that was broken off
    return received


@pytest.mark.parametrize("large", [file, value])
async def test_a_reader_that_stops_is_given_up_and_has_no_whole_answer(
    server: Server, monkeypatch: pytest.MonkeyPatch, large: Callable[[Server], Awaitable[str]]
) -> None:
    path = await large(server)
    monkeypatch.setattr(sending, "_WRITE_LIMIT", 0.2)

    received = await stop_reading(server, path)

    assert len(received) < LARGE
