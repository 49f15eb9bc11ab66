"""Text that a block streams reaches the caller while the block is at work."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from signoff.gateway.gateway import GATEWAY
from support.gateways import KEY, LIMIT, Server


def saying(name: str, *words: str) -> dict[str, Any]:
    return {"agent": {"type": "say", "with": {"name": name, "words": list(words)}}}


def asking(server: Server, workflow_id: str, **more: Any) -> Any:
    body = {"stream": True, "selectedOutputs": ["agent.content"], **more}
    return server.client.post(f"/api/workflows/{workflow_id}/execute", headers={"X-API-Key": KEY}, json=body)


async def message(response: Any) -> Any:
    """The next message of a stream."""
    async for line in response.content:
        if line.startswith(b"data: "):
            return json.loads(line.removeprefix(b"data: "))
    raise AssertionError("the stream has ended")


async def test_text_arrives_before_its_block_ends_and_is_not_repeated(server: Server) -> None:
    workflow_id = await server.deploy(saying("live", "Hel", "lo"))

    async with asyncio.timeout(LIMIT), asking(server, workflow_id) as response:
        await server.gate.reached("live")
        text = ""
        while text != "Hello":
            text += (await message(response))["chunk"]
        server.gate.open("live")
        final = await message(response)

    assert final == {"event": "final", "data": {"success": True, "output": {"content": "Hello"}}}


async def test_text_from_a_loop_says_which_turn_it_is_of(server: Server) -> None:
    server.gate.open("looped")
    workflow_id = await server.deploy({"l": {"type": "loop", "for": 2, "blocks": saying("looped", "Hi")}})

    lines = await server.lines(
        f"/api/workflows/{workflow_id}/execute",
        json={"stream": True, "selectedOutputs": ["agent.content"]},
    )

    chunks = [json.loads(line) for line in lines if '"chunk"' in line]
    assert [(each["instance"], each["chunk"]) for each in chunks] == [
        ("agent_loop0", "Hi"),
        ("agent_loop1", "Hi"),
    ]


async def test_a_reader_that_takes_nothing_is_given_up(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.gate.open("unread")
    workflow_id = await server.deploy(saying("unread", "Hi"))

    async def nobody_reads(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("signoff.tail.sending._WRITE_LIMIT", 0.05)
    monkeypatch.setattr(web.StreamResponse, "write", nobody_reads)
    async with asyncio.timeout(LIMIT), asking(server, workflow_id) as response:
        with pytest.raises(aiohttp.ClientError):
            await response.read()

    assert server.client.app[GATEWAY].hub.readers == 0
