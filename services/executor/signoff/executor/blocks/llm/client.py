"""One question to a model over the Chat Completions API, streamed, tried again while nothing was said.

Every request asks for a stream, whoever wants the text in parts: a model that thinks for minutes then shows
that it is alive, and no proxy on the way loses its patience. A server that does not stream is taken as it is.
"""

import asyncio
import contextlib
import random
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any, Final

import aiohttp
import msgspec

from signoff.client.errors import BadAnswerError as BadStreamError
from signoff.client.sse import FrameParser
from signoff.executor.blocks.api import RESPONSE_LIMIT
from signoff.executor.blocks.llm import failures
from signoff.executor.blocks.llm.answers import Answer, Assembly, BadAnswerError
from signoff.executor.blocks.llm.endpoint import Endpoint
from signoff.executor.blocks.llm.failures import ModelError

TRIES: Final = 3
"""Requests for one answer, as long as no text of it was passed on."""

FIRST_WAIT: Final = 0.5
"""Seconds, at least, before the second request; twice that before the third."""

MOST_WAIT: Final = 20.0
"""Seconds to wait before the next request; who asks for more in `Retry-After` fails the block at once, which
its own `retry` may mend."""

_CONNECT: Final = 30.0
_DONE: Final = b"[DONE]"


async def ask(
    endpoint: Endpoint, question: Mapping[str, Any], *, say: Callable[[str], None] | None = None
) -> Answer:
    """Ask a model and give its answer.

    After no connection, a broken one, 429 or 5xx the request is made again, up to `TRIES` times in all, after
    `FIRST_WAIT` or what `Retry-After` says up to `MOST_WAIT`. Once text was passed on it is not, since it
    would be said twice: the block fails, and a retry of the block begins anew. When this is cancelled the
    connection is closed. The block's own time limit bounds the whole.

    Args:
        endpoint: where.
        question: the body of the request, without `stream`.
        say: takes the text in parts, as it comes.

    Raises:
        ModelError: there is no answer.
    """
    body = _body(endpoint, question)
    said = False

    def pass_on(text: str) -> None:
        nonlocal said
        if say is not None and text:
            said = True
            say(text)

    for number in range(1, TRIES):
        try:
            return await _try(endpoint, body, pass_on)
        except ModelError as problem:
            wait = max(problem.after, FIRST_WAIT * 2 ** (number - 1) * (1 + random.random()))  # noqa: S311
            if said or not problem.retryable or problem.code == "TIMEOUT" or wait > MOST_WAIT:
                raise
            await asyncio.sleep(wait)
    return await _try(endpoint, body, pass_on)


def _body(endpoint: Endpoint, question: Mapping[str, Any]) -> bytes:
    try:
        return msgspec.json.encode({**question, "stream": True, "stream_options": {"include_usage": True}})
    except UnicodeEncodeError as problem:
        raise failures.impossible(
            endpoint, "The request holds a lone surrogate: half a character"
        ) from problem


async def _try(endpoint: Endpoint, body: bytes, say: Callable[[str], None]) -> Answer:
    headers = {"Content-Type": "application/json", "Accept": "text/event-stream, application/json"}
    if endpoint.api_key:
        headers["Authorization"] = f"Bearer {endpoint.api_key}"
    try:
        async with endpoint.http.post(
            endpoint.url,
            data=body,
            headers=headers,
            allow_redirects=False,  # the key is for this address only
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT, sock_read=endpoint.timeout),
        ) as response:
            if response.status != 200:
                raise failures.refused(endpoint, response, await _read(endpoint, response))
            if response.content_type == "text/event-stream":
                return await _streamed(endpoint, response, say)
            return _whole(endpoint, await _read(endpoint, response), say)
    except aiohttp.ConnectionTimeoutError as problem:
        raise failures.unreachable(endpoint, problem) from problem
    except TimeoutError as problem:
        raise failures.silent(endpoint) from problem
    except aiohttp.ClientError as problem:
        raise failures.unreachable(endpoint, problem) from problem
    except ValueError:  # without the cause: its text is the header, with the key
        raise failures.impossible(endpoint, "the API key holds characters that a header cannot") from None


async def _streamed(
    endpoint: Endpoint, response: aiohttp.ClientResponse, say: Callable[[str], None]
) -> Answer:
    assembly = Assembly()
    parser = FrameParser()
    try:
        async with contextlib.aclosing(_parts(endpoint, response)) as parts:
            async for part in parts:
                for frame in parser.feed(part):
                    if frame.data == _DONE:
                        return _ended(endpoint, assembly)
                    say(assembly.take(frame.data))
    except BadAnswerError as problem:
        raise failures.broken(endpoint, str(problem)) from problem
    except BadStreamError as problem:
        raise failures.broken(endpoint, "a line of the stream is too long") from problem
    return _ended(endpoint, assembly)


def _ended(endpoint: Endpoint, assembly: Assembly) -> Answer:
    if not assembly.finished:
        raise failures.broken(endpoint, "the stream ended before the answer did")
    return assembly.answer()


def _whole(endpoint: Endpoint, body: bytes, say: Callable[[str], None]) -> Answer:
    assembly = Assembly()
    try:
        text = assembly.take(body)
    except BadAnswerError as problem:
        raise failures.broken(endpoint, str(problem)) from problem
    if not assembly.finished:
        raise failures.broken(endpoint, "the answer is no chat completion")
    say(text)
    return assembly.answer()


async def _read(endpoint: Endpoint, response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for part in _parts(endpoint, response):
        body += part
    return bytes(body)


async def _parts(endpoint: Endpoint, response: aiohttp.ClientResponse) -> AsyncGenerator[bytes]:
    size = 0
    async for part in response.content.iter_any():
        size += len(part)
        if size > RESPONSE_LIMIT:
            raise failures.impossible(endpoint, f"the answer is larger than {RESPONSE_LIMIT} bytes")
        yield part
