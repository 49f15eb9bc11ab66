"""An OpenAI-compatible server on loopback: scripted answers, streamed or whole, and the faults of real ones.

    async with OpenAiServer() as server:
        server.script(says("Hello"), calls(("add", {"a": 1})), fails(429, retry_after=0))

Requests take the script's answers in order; after the last one the server answers by itself: with what the
user said last, or, where a JSON Schema is asked for, with the smallest value that fits it.
"""

import asyncio
import json
from collections import deque
from collections.abc import Sequence
from types import TracebackType
from typing import Any, NoReturn, Self

from aiohttp import web
from aiohttp.test_utils import TestServer
from msgspec import Struct

MODEL = "test-model"


class Says(Struct, frozen=True, kw_only=True):
    """An answer.

    Attributes:
        parts: its text, as it is streamed.
        calls: names and arguments of tools to call.
        streams: False: the answer is whole, whatever was asked for.
        breaks_after: parts after which the connection breaks; None: it does not.
        holds_after: parts after which nothing more comes; None: it goes on.
        cut: the stream ends in order, but without a word on why.
    """

    parts: tuple[str, ...] = ()
    calls: tuple[tuple[str, str], ...] = ()
    usage: dict[str, Any] | None = None
    finish: str = "stop"
    refusal: str | None = None
    streams: bool = True
    breaks_after: int | None = None
    holds_after: int | None = None
    cut: bool = False


class Sends(Struct, frozen=True, kw_only=True):
    """Any response: a refusal, or nonsense."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: dict[str, str] = {}


class Silent(Struct, frozen=True):
    """No response at all, while the connection stands."""


Scripted = Says | Sends | Silent


class Asked(Struct, frozen=True):
    """A request as it came."""

    body: dict[str, Any]
    headers: dict[str, str]
    path: str

    @property
    def messages(self) -> list[dict[str, Any]]:
        """What the model was told."""
        messages: list[dict[str, Any]] = self.body["messages"]
        return messages


def tokens(given: int, made: int, **more: Any) -> dict[str, Any]:
    """A ``usage``."""
    return {"prompt_tokens": given, "completion_tokens": made, "total_tokens": given + made, **more}


def says(*parts: str, **more: Any) -> Says:
    """An answer with a text, in parts."""
    return Says(parts=parts, **{"usage": tokens(10, 5), **more})


def says_json(value: Any, **more: Any) -> Says:
    """An answer that is a JSON document."""
    return says(json.dumps(value), **more)


def calls(*wanted: tuple[str, Any], text: Sequence[str] = (), **more: Any) -> Says:
    """An answer that calls tools; arguments that are a text are sent as they are."""
    written = tuple((name, given if isinstance(given, str) else json.dumps(given)) for name, given in wanted)
    return Says(parts=tuple(text), calls=written, finish="tool_calls", **{"usage": tokens(10, 5), **more})


def fails(status: int, message: str = "no", *, retry_after: object = None, code: str | None = None) -> Sends:
    """A refusal, in OpenAI's words."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    body = json.dumps({"error": {"message": message, "code": code}}).encode()
    return Sends(status=status, body=body, headers=headers)


def malformed(*, stream: bool = True) -> Sends:
    """Success, and what is no JSON."""
    if stream:
        return Sends(body=b"data: {broken\n\ndata: [DONE]\n\n", content_type="text/event-stream")
    return Sends(body=b"{broken")


class OpenAiServer:
    """The server, for ``async with``.

    Attributes:
        asked: the requests so far.
        waiting: set while a request is held (`Silent`, ``holds_after``).
        left: set once a client closed the connection of a held request.
    """

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.waiting = asyncio.Event()
        self.left = asyncio.Event()
        self._script: deque[Scripted] = deque()
        self._server = TestServer(self._application())

    async def __aenter__(self) -> Self:
        await self._server.start_server()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._server.close()

    @property
    def url(self) -> str:
        """The base of the API, as ``SIGNOFF_LLM_URL`` takes it."""
        return str(self._server.make_url("/v1"))

    def script(self, *answers: Scripted) -> None:
        """Say what the next requests get."""
        self._script.extend(answers)

    def _application(self) -> web.Application:
        application = web.Application(client_max_size=64 * 1024 * 1024)
        application.router.add_post("/v1/chat/completions", self._complete)
        return application

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.asked.append(Asked(body, dict(request.headers), request.path_qs))
        answer = self._script.popleft() if self._script else _own_answer(body)
        match answer:
            case Silent():
                await self._hold()
            case Sends():
                return web.Response(
                    status=answer.status,
                    body=answer.body,
                    content_type=answer.content_type,
                    headers=answer.headers,
                )
            case Says() if body.get("stream") and answer.streams:
                return await self._stream(request, answer)
        return web.json_response(_completion(answer))

    async def _stream(self, request: web.Request, answer: Says) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for number, delta in enumerate([*_text_deltas(answer), *_call_deltas(answer)]):
            if answer.breaks_after == number:
                break
            if answer.holds_after == number:
                await self._hold()
            await _send(response, {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
        if answer.breaks_after is not None:
            assert request.transport is not None
            request.transport.abort()
            return response
        if answer.holds_after is not None:
            await self._hold()
        if not answer.cut:
            await _send(response, {"choices": [{"index": 0, "delta": {}, "finish_reason": answer.finish}]})
            if answer.usage is not None:
                await _send(response, {"choices": [], "usage": answer.usage})
            await response.write(b"data: [DONE]\n\n")
        return response

    async def _hold(self) -> NoReturn:
        self.waiting.set()
        try:
            while True:
                await asyncio.Event().wait()
        finally:
            self.left.set()


async def _send(response: web.StreamResponse, chunk: dict[str, Any]) -> None:
    document = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": MODEL, **chunk}
    await response.write(f"data: {json.dumps(document)}\n\n".encode())


def _text_deltas(answer: Says) -> list[dict[str, Any]]:
    deltas: list[dict[str, Any]] = [{"content": part} for part in answer.parts]
    return deltas if answer.refusal is None else [*deltas, {"refusal": answer.refusal}]


def _call_deltas(answer: Says) -> list[dict[str, Any]]:
    """Each call in three deltas, as OpenAI sends them: its name, then its arguments in pieces."""
    deltas = []
    for index, (name, arguments) in enumerate(answer.calls):
        half = len(arguments) // 2
        first: dict[str, Any] = {
            "id": f"call_{index}",
            "type": "function",
            "function": {"name": name, "arguments": ""},
        }
        rest = [{"function": {"arguments": piece}} for piece in (arguments[:half], arguments[half:])]
        deltas += [{"tool_calls": [{"index": index, **part}]} for part in (first, *rest)]
    return deltas


def _completion(answer: Says) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": "".join(answer.parts) or None}
    if answer.refusal is not None:
        message["refusal"] = answer.refusal
    if answer.calls:
        message["tool_calls"] = [
            {"id": f"call_{index}", "type": "function", "function": {"name": name, "arguments": arguments}}
            for index, (name, arguments) in enumerate(answer.calls)
        ]
    choice = {"index": 0, "message": message, "finish_reason": answer.finish}
    return {"object": "chat.completion", "model": MODEL, "choices": [choice], "usage": answer.usage}


def _own_answer(body: dict[str, Any]) -> Says:
    wanted = body.get("response_format") or {}
    if wanted.get("type") == "json_schema":
        return says_json(smallest(wanted["json_schema"]["schema"]))
    said = [message["content"] for message in body["messages"] if message["role"] == "user"]
    return says(f"You said: {said[-1] if said else 'nothing'}")


def smallest(schema: dict[str, Any]) -> Any:
    """The smallest value that fits a plain JSON Schema, without references and combinations."""
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            properties = schema.get("properties", {})
            return {name: smallest(properties.get(name, {})) for name in schema.get("required", properties)}
        case "array":
            return [smallest(schema.get("items", {}))] * schema.get("minItems", 0)
        case kind:
            plain = {"number": 0, "integer": 0, "boolean": False, "null": None}
            return schema.get("minimum", plain.get(str(kind), ""))
