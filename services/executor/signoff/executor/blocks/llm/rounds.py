"""A model and its tools in turn, until it answers: every round, call and wait bounded."""

import asyncio
import hashlib
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from signoff.engine.definitions.values import to_text
from signoff.events.times import iso
from signoff.events.types import Json
from signoff.executor.blocks.base import Call
from signoff.executor.blocks.llm.answers import Answer, ToolCall, Usage
from signoff.executor.blocks.llm.client import ask
from signoff.executor.blocks.llm.endpoint import Endpoint
from signoff.executor.blocks.llm.tools import Tool
from signoff.executor.ownership.fencing import check
from signoff.executor.running.scope import redact

MOST_ROUNDS: Final = 10
"""Rounds of tool calls. After them the model has to answer with what it has."""

MOST_CALLS: Final = 100
"""Tool calls in all. Further ones are answered with an error."""

AT_ONCE: Final = 5
"""Calls of one round that run at the same time."""

RESULT_LENGTH: Final = 100_000
"""Characters of a tool's result that the model is given."""


class Dialogue(Struct, frozen=True):
    """How a question was answered.

    Attributes:
        messages: the request's, with the tools' exchange and the answer after them.
        calls: as the output lists them: ``{"name", "arguments", "result" | "error", "success", "startTime",
            "endTime", "duration"}``, the duration in milliseconds.
    """

    answer: Answer
    usage: Usage
    messages: list[dict[str, Any]]
    calls: list[dict[str, Json]]


async def converse(
    endpoint: Endpoint,
    question: Mapping[str, Any],
    tools: Sequence[Tool],
    call: Call,
    *,
    say: Callable[[str], None] | None,
) -> Dialogue:
    """Ask a model, run the tools that it calls, tell it the results, and so on until it answers.

    Text that comes with tool calls is no part of the answer. While tools are on offer nobody can tell which
    it will be, so that the answer is said when it is whole; without tools it is said as it comes.

    Args:
        endpoint: where.
        question: the body of the request, with ``messages`` and without ``tools``.
        tools: what the model may call.
        call: the block's try; keys of tool calls begin with its own, its secrets are in no result.
        say: takes the answer's text.

    Raises:
        ModelError: there is no answer.
    """
    if not tools:
        answer = await ask(endpoint, question, say=say)
        messages = [*question["messages"], {"role": "assistant", "content": answer.text}]
        return Dialogue(answer, answer.usage, messages, [])
    return await _Rounds(endpoint, question, tools, call).run(say)


class _Rounds:
    """The state of one dialogue with tools."""

    def __init__(
        self, endpoint: Endpoint, question: Mapping[str, Any], tools: Sequence[Tool], call: Call
    ) -> None:
        self._endpoint = endpoint
        self._question = question
        self._tools = {tool.name: tool for tool in tools}
        self._described = [tool.described for tool in tools]
        self._forced = [tool.name for tool in tools if tool.forced]
        self._call = call
        self._messages: list[dict[str, Any]] = list(question["messages"])
        self._usage = Usage()
        self._calls: list[dict[str, Json]] = []
        self._seen: Counter[str] = Counter()
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def run(self, say: Callable[[str], None] | None) -> Dialogue:
        for _ in range(MOST_ROUNDS):
            answer = await self._ask(self._choice())
            if not answer.calls:
                break
            await self._round(answer)
        else:
            answer = await self._ask("none")
        if say is not None and answer.text:
            say(answer.text)
        self._messages.append({"role": "assistant", "content": answer.text})
        return Dialogue(answer, self._usage, self._messages, self._calls)

    def _choice(self) -> str | dict[str, Any]:
        if not self._forced:
            return "auto"
        return {"type": "function", "function": {"name": self._forced[0]}}

    async def _ask(self, choice: str | dict[str, Any]) -> Answer:
        asked = {"messages": self._messages, "tools": self._described, "tool_choice": choice}
        answer = await ask(self._endpoint, {**self._question, **asked})
        self._usage += answer.usage
        return answer

    async def _round(self, answer: Answer) -> None:
        """Run the calls of one answer, some at a time, and add the exchange in their order."""
        asked_for = [
            {
                "id": asked.id,
                "type": "function",
                "function": {"name": asked.name, "arguments": asked.arguments},
            }
            for asked in answer.calls
        ]
        self._messages.append({"role": "assistant", "content": answer.text or None, "tool_calls": asked_for})
        named = {asked.name for asked in answer.calls}
        self._forced = [name for name in self._forced if name not in named]
        keys = [self._key(asked) for asked in answer.calls]
        room = MOST_CALLS - len(self._calls)
        async with asyncio.TaskGroup() as group:
            done = [
                group.create_task(self._made(asked, key, allowed=number < room))
                for number, (asked, key) in enumerate(zip(answer.calls, keys, strict=True))
            ]
        for asked, task in zip(answer.calls, done, strict=True):
            made = task.result()
            self._calls.append(made)
            shown = made["result"] if made["success"] else {"error": made["error"]}
            self._messages.append({"role": "tool", "tool_call_id": asked.id, "content": _cut(to_text(shown))})

    def _key(self, asked: ToolCall) -> str:
        """The idempotency key of a call: the same for the same call in another try of the block."""
        given = msgspec.json.encode([asked.name, _arguments(asked)], order="sorted")
        same = hashlib.sha256(given).hexdigest()[:16]
        self._seen[same] += 1
        return f"{self._call.idempotency_key}/{asked.name}/{same}/{self._seen[same]}"

    async def _made(self, asked: ToolCall, key: str, *, allowed: bool) -> dict[str, Json]:
        arguments = _arguments(asked)
        async with self._gate:
            begun = time.time()
            try:
                result = await self._run(asked, arguments, key, allowed=allowed)
                ended: dict[str, Json] = {"result": redact(result, self._call.facts.secrets), "success": True}
            except Exception as error:  # noqa: BLE001  (a tool is other people's code: its error is for the model)
                text = str(error) or type(error).__name__
                ended = {"error": redact(text, self._call.facts.secrets), "success": False}
        over = time.time()
        return {
            "name": asked.name,
            "arguments": asked.arguments if arguments is None else arguments,
            **ended,
            "startTime": iso(begun),
            "endTime": iso(over),
            "duration": round((over - begun) * 1000),
        }

    async def _run(
        self, asked: ToolCall, arguments: dict[str, Any] | None, key: str, *, allowed: bool
    ) -> Json:
        tool = self._tools.get(asked.name)
        if tool is None:
            raise _CannotCallError(f"there is no tool {asked.name!r}; there are {', '.join(self._tools)}")
        if arguments is None:
            raise _CannotCallError("the arguments are no JSON object")
        if not allowed:
            raise _CannotCallError(
                f"the limit of {MOST_CALLS} tool calls is reached: answer with what you have"
            )
        check()
        return await tool.run(arguments, key)


class _CannotCallError(Exception):
    """A call that cannot be made; the model is told why."""


def _arguments(asked: ToolCall) -> dict[str, Any] | None:
    if not asked.arguments.strip():
        return {}
    try:
        return msgspec.json.decode(asked.arguments, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError):
        return None


def _cut(text: str) -> str:
    if len(text) <= RESULT_LENGTH:
        return text
    return f"{text[:RESULT_LENGTH]}\n[cut: {len(text)} characters in all]"
