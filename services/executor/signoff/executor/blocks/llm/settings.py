"""What the operator configured of language models, and what is opened for it."""

import contextlib
from collections.abc import AsyncIterator
from typing import Final

import aiohttp
from msgspec import Struct

from signoff.executor.blocks.llm.memory import Memory
from signoff.executor.ownership.fencing import fenced
from signoff.runtime.guard import guarded_session, parse_networks

DEFAULT_URL: Final = "https://api.openai.com/v1"

_EVERYWHERE: Final = parse_networks("0.0.0.0/0,::/0")


class LlmSettings(Struct, frozen=True, kw_only=True):
    """The operator's endpoint. ``repr`` leaves the key out.

    Attributes:
        url: the base of an OpenAI-compatible API, such as ``https://api.openai.com/v1``; it may be private.
        api_key: sent there as a bearer token, and nowhere else.
        model: for blocks that name none.
        timeout: seconds without a byte from the model after which a request has failed.
    """

    url: str = DEFAULT_URL
    api_key: str | None = None
    model: str | None = None
    timeout: float = 300.0

    def __repr__(self) -> str:
        return f"LlmSettings(url={self.url!r}, model={self.model!r}, timeout={self.timeout!r})"


class Llm(Struct, frozen=True):
    """What agent, router and evaluator blocks share in one executor.

    Attributes:
        http: reaches every address: for the operator's endpoint only.
        memory: what agents remember from one execution to the next.
    """

    settings: LlmSettings
    http: aiohttp.ClientSession
    memory: Memory


@contextlib.asynccontextmanager
async def open_llm(settings: LlmSettings, memory: Memory) -> AsyncIterator[Llm]:
    """Open the session to the operator's endpoint; it is closed on leaving."""
    async with guarded_session(_EVERYWHERE, middlewares=[fenced]) as http:
        yield Llm(settings, http, memory)
