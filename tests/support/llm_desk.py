"""Blocks that ask a model, run by themselves, without an executor."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import msgspec

from signoff.blocks import BlockSpec
from signoff.engine.definitions.definition import Block
from signoff.executor.blocks.base import Call, Done, Prepared, Tools, resolved
from signoff.executor.blocks.llm.agent import Agent
from signoff.executor.blocks.llm.settings import Llm
from signoff.executor.running.scope import Facts
from support.openai_server import OpenAiServer

WORKSPACE = str(UUID(int=1))
KEY = "sk-operator-0123456789abcdef"


class Desk:
    """Runs blocks, and keeps what they say.

    Attributes:
        said: the text that blocks streamed, in parts.
    """

    def __init__(self, tools: Tools, llm: Llm, server: OpenAiServer) -> None:
        self.tools = tools
        self.llm = llm
        self.server = server
        self.said: list[str] = []
        self.environment: dict[str, str] = {}
        self.registry: dict[str, BlockSpec] = {}
        self.facts: Facts | None = None

    def set_timeout(self, seconds: float) -> None:
        """How long the endpoint may be silent."""
        self._set(timeout=seconds)

    def set_model(self, model: str) -> None:
        """The operator's default model."""
        self._set(model=model)

    def _set(self, **settings: Any) -> None:
        self.llm = msgspec.structs.replace(
            self.llm, settings=msgspec.structs.replace(self.llm.settings, **settings)
        )

    def allow_private(self) -> None:
        """Let endpoints and tools that blocks name be on loopback."""
        self.tools = msgspec.structs.replace(self.tools, http=self.llm.http)

    async def agent(
        self, *, outputs: Mapping[str, Any] | None = None, call: Any = None, **params: Any
    ) -> Any:
        """Run an agent; gives its output."""
        prepare = lambda block, names: Agent(block, names, llm=self.llm, registry=self.registry)  # noqa: E731
        return await self.run("agent", prepare, params, outputs=outputs, call=call)

    async def run(
        self,
        kind: str,
        prepare: Callable[[Block, Mapping[str, str]], Prepared],
        params: Mapping[str, Any],
        *,
        outputs: Mapping[str, Any] | None = None,
        call: Mapping[str, Any] | None = None,
    ) -> Any:
        """Run a block with the outputs of others to read; gives its output."""
        outputs = dict(outputs or {})
        given = {"model": "test-model", **params}
        block = Block(
            id="ask", type=kind, name="Ask", params={k: v for k, v in given.items() if v is not None}
        )
        prepared = prepare(block, {name: name for name in outputs})
        self.facts = Facts(outputs, {}, self.environment, {})
        about = {"execution_id": "run", "idempotency_key": "run/ask", **(call or {})}
        done = await prepared.run(
            Call(
                block=block,
                params=resolved(prepared.params, self.facts),
                facts=self.facts,
                instance="ask",
                workspace_id=WORKSPACE,
                workflow_id="w",
                definition_digest="",
                attempt=1,
                started_at=0.0,
                cancelled=asyncio.Event(),
                emit=self.said.append,
                **about,
            ),
            self.tools,
        )
        assert isinstance(done, Done)
        return done.output
