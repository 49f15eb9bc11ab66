"""Agents, routers and evaluators against an OpenAI-compatible server on loopback."""

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import pytest_asyncio

from signoff.events.files import Files
from signoff.events.objects import Objects
from signoff.executor.app import Nobody
from signoff.executor.blocks.base import Tools
from signoff.executor.blocks.llm import client
from signoff.executor.blocks.llm.memory import StoredMemory
from signoff.executor.blocks.llm.settings import LlmSettings, open_llm
from signoff.runtime.guard import guarded_session
from signoff.sandbox.pool import Sandbox
from support.llm_desk import KEY, Desk
from support.openai_server import OpenAiServer


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def tools() -> AsyncIterator[Tools]:
    """The sandbox, guarded HTTP that reaches no private address, and threads."""
    threads = ThreadPoolExecutor(2)
    objects = Objects.open("memory:")
    unused = open_llm(LlmSettings(), StoredMemory(objects))
    async with await Sandbox.start() as sandbox, guarded_session(()) as http, unused as llm:
        yield Tools(
            sandbox=sandbox, http=http, threads=threads, llm=llm, files=Files(objects), assignees=Nobody()
        )
    threads.shutdown()


@pytest_asyncio.fixture(loop_scope="session")
async def server() -> AsyncIterator[OpenAiServer]:
    async with OpenAiServer() as server:
        yield server


@pytest.fixture
def memory(tmp_path: Path) -> StoredMemory:
    return StoredMemory(Objects.open(f"file://{tmp_path}"))


@pytest_asyncio.fixture(loop_scope="session")
async def desk(
    tools: Tools, server: OpenAiServer, memory: StoredMemory, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Desk]:
    """Blocks whose operator's endpoint is the server: reached although it is private."""
    monkeypatch.setattr(client, "FIRST_WAIT", 0.001)
    async with open_llm(LlmSettings(url=server.url, api_key=KEY, timeout=5.0), memory) as llm:
        yield Desk(tools, llm, server)
