"""What an OpenAI-compatible endpoint answers, whole or as a stream of deltas. No I/O.

The shapes are those of the Chat Completions API (platform.openai.com/docs/api-reference/chat); readers
take what other servers leave out.
"""

from typing import Any, Final

import msgspec
from msgspec import Struct

from signoff.executor.blocks.http_errors import error_message

_MOST_CALLS: Final = 128
"""Tool calls in one answer, the API's own limit on tools."""


class BadAnswerError(Exception):
    """What the endpoint sent is not what the API says."""


class Usage(Struct, frozen=True):
    """Tokens of one or more answers; ``cost`` in the endpoint's currency where it tells one, else 0."""

    input: int = 0
    output: int = 0
    total: int = 0
    cost: float = 0.0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.input + other.input,
            self.output + other.output,
            self.total + other.total,
            self.cost + other.cost,
        )


class ToolCall(Struct, frozen=True):
    """A call that the model asks for; ``arguments`` is the text as it wrote it."""

    id: str
    name: str
    arguments: str


class Answer(Struct, frozen=True):
    """One answer of a model.

    Attributes:
        model: as the endpoint names it; empty where it does not.
        finish: why it ended: ``stop``, ``length``, ``tool_calls``, …
        refused: whether the text says why the model will not answer.
    """

    text: str
    calls: tuple[ToolCall, ...]
    model: str
    usage: Usage
    finish: str
    refused: bool = False


class Assembly:
    """Collects an answer from what arrives.

    Attributes:
        finished: whether the endpoint said why the answer ends: without, it was cut.
    """

    def __init__(self) -> None:
        self._text: list[str] = []
        self._refusal: list[str] = []
        self._calls: dict[int, _Call] = {}
        self._model = ""
        self._usage = Usage()
        self._finish = ""

    @property
    def finished(self) -> bool:
        """Whether the endpoint said why the answer ends."""
        return bool(self._finish)

    def take(self, raw: bytes) -> str:
        """Take one JSON document: a chunk of a stream, or the whole answer.

        Returns:
            The text that it adds.

        Raises:
            BadAnswerError: it is no JSON, no completion, or reports an error.
        """
        try:
            document = msgspec.json.decode(raw)
        except (msgspec.DecodeError, RecursionError) as problem:
            raise BadAnswerError("the answer is not JSON") from problem
        if not isinstance(document, dict):
            raise BadAnswerError("the answer is no JSON object")
        if document.get("error"):
            raise BadAnswerError(error_message(document) or "the endpoint reports an error")
        self._model = _text(document.get("model")) or self._model
        self._take_usage(document.get("usage"))
        choices = document.get("choices")
        if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
            return ""  # the last chunk, with the usage alone
        return self._take_choice(choices[0])

    def answer(self) -> Answer:
        """The answer, once it has ended."""
        text, refusal = "".join(self._text), "".join(self._refusal)
        calls = (self._calls[index] for index in sorted(self._calls))
        return Answer(
            text=text or refusal,
            calls=tuple(
                ToolCall(call.id or f"call_{number}", call.name, "".join(call.arguments))
                for number, call in enumerate(calls)
            ),
            model=self._model,
            usage=self._usage,
            finish=self._finish,
            refused=bool(refusal) and not text,
        )

    def _take_choice(self, choice: dict[str, Any]) -> str:
        self._finish = _text(choice.get("finish_reason")) or self._finish
        message = choice.get("delta") or choice.get("message")
        if not isinstance(message, dict):
            return ""
        self._refusal.append(_text(message.get("refusal")))
        for position, call in enumerate(message.get("tool_calls") or ()):
            self._take_call(position, call)
        text = _text(message.get("content"))
        self._text.append(text)
        return text

    def _take_call(self, position: int, given: Any) -> None:
        function = given.get("function") if isinstance(given, dict) else None
        if not isinstance(function, dict):
            raise BadAnswerError("a tool call names no function")
        call = self._call_at(given.get("index", position), _text(given.get("id")))
        call.id = call.id or _text(given.get("id"))
        call.name = call.name or _text(function.get("name"))
        arguments = function.get("arguments")
        call.arguments.append(arguments if isinstance(arguments, str) else _json(arguments))

    def _call_at(self, index: Any, call_id: str) -> "_Call":
        known = self._calls.get(index)
        if known is not None and known.id and call_id and known.id != call_id:
            index = max(self._calls) + 1  # some servers number every call 0
        if not isinstance(index, int) or not 0 <= index < _MOST_CALLS:
            raise BadAnswerError(f"the answer holds more than {_MOST_CALLS} tool calls")
        return self._calls.setdefault(index, _Call())

    def _take_usage(self, given: Any) -> None:
        if not isinstance(given, dict):
            return
        tokens_in, tokens_out = _count(given.get("prompt_tokens")), _count(given.get("completion_tokens"))
        cost = given.get("cost")
        self._usage = Usage(
            input=tokens_in,
            output=tokens_out,
            total=_count(given.get("total_tokens")) or tokens_in + tokens_out,
            cost=float(cost) if isinstance(cost, int | float) and cost >= 0 else 0.0,
        )


class _Call:
    """A tool call of which parts have come."""

    __slots__ = ("arguments", "id", "name")

    def __init__(self) -> None:
        self.id = ""
        self.name = ""
        self.arguments: list[str] = []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _json(value: Any) -> str:
    """Arguments as text: some servers send the object itself."""
    return "" if value is None else msgspec.json.encode(value).decode()


def _count(value: Any) -> int:
    return int(value) if isinstance(value, int | float) and value >= 0 else 0
