"""``agent``: a conversation with a model, with tools, memory and an answer of a given form."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from signoff.blocks import BlockSpec
from signoff.engine.definitions.definition import Block
from signoff.engine.definitions.values import to_text
from signoff.events.files import Files
from signoff.events.types import Json
from signoff.executor.blocks.base import BlockFailureError, Call, Done, Plain, Tools
from signoff.executor.blocks.llm.answers import Answer, Usage
from signoff.executor.blocks.llm.client import ask
from signoff.executor.blocks.llm.endpoint import Endpoint, endpoint_of, model_of
from signoff.executor.blocks.llm.files import file_parts
from signoff.executor.blocks.llm.formats import MisfitError, ResponseFormat, response_format
from signoff.executor.blocks.llm.memory import Remembered, Turn
from signoff.executor.blocks.llm.messages import (
    check_sizes,
    conversation_of,
    prompt_of,
    request_messages,
    turn_of,
    window,
)
from signoff.executor.blocks.llm.outputs import model_facts
from signoff.executor.blocks.llm.params import number_of
from signoff.executor.blocks.llm.rounds import Dialogue, converse
from signoff.executor.blocks.llm.settings import Llm
from signoff.executor.blocks.llm.tools import Tool, Toolbox
from signoff.executor.ownership.fencing import check
from signoff.executor.running.scope import redact

_NEWER_HOSTS: Final = ("openai.com", "openai.azure.com")
"""Where reasoning models know ``max_completion_tokens`` only; elsewhere ``max_tokens`` is known by all."""


class Agent(Plain):
    """Asks a model (sim-workflow-format.md, 4).

    Args:
        llm: the operator's endpoint and the memory.
        registry: registered Python blocks, which may be tools.
    """

    def __init__(
        self, block: Block, names: Mapping[str, str], *, llm: Llm, registry: Mapping[str, BlockSpec]
    ) -> None:
        super().__init__(block, names, apart=("tools",))
        self._tools = Toolbox(block.params.get("tools"), names, registry)
        self.reads |= self._tools.reads
        self._llm = llm

    async def run(self, call: Call, tools: Tools) -> Done:
        """The output is ``{content, model, tokens, toolCalls, cost}``; with ``responseFormat`` its fields."""
        params = call.params
        endpoint = endpoint_of(call, self._llm, tools)
        wanted = response_format(params.get("responseFormat"))
        question = _question(params, model_of(params, self._llm), endpoint, wanted)
        asking = _Asking(call, endpoint, question, self._tools.ready(call, tools), wanted, files=tools.files)
        conversation = conversation_of(params)
        if conversation is not None:
            return Done(await self._remembering(asking, conversation))
        output, _ = await asking.output(prompt_of(params).new([], call.execution_id))
        return Done(output)

    async def _remembering(self, asking: "_Asking", conversation: str) -> dict[str, Json]:
        """Answer with what was said before in mind; the turn is remembered once it has its answer."""
        call, memory = asking.call, self._llm.memory
        history = await memory.get(call.workspace_id, conversation)
        before = [turn for turn in history if turn.key != call.idempotency_key]  # a crash may have left ours
        new = prompt_of(call.params).new(before, call.execution_id)
        check_sizes(new)
        output, text = await asking.output([*window(call.params, before), *new])
        turn = turn_of(call.idempotency_key, call.execution_id, new, text)
        check()
        await memory.append(call.workspace_id, conversation, _without_secrets(turn, call))
        return output


class _Asking:
    """One run of an agent: what it asks, and how its answer becomes the output."""

    def __init__(
        self,
        call: Call,
        endpoint: Endpoint,
        question: Mapping[str, Any],
        tools: Sequence[Tool],
        wanted: ResponseFormat | None,
        *,
        files: Files,
    ) -> None:
        self.call = call
        self._endpoint = endpoint
        self._question = question
        self._tools = tools
        self._wanted = wanted
        self._files = files

    async def output(self, conversation: Sequence[Remembered]) -> tuple[dict[str, Json], str]:
        """The block's output, and the answer's text."""
        params = self.call.params
        files = await file_parts(
            params.get("files"), stored=self._files, workspace_id=UUID(self.call.workspace_id)
        )
        messages = request_messages(prompt_of(params).system, conversation, files)
        dialogue = await converse(
            self._endpoint,
            {**self._question, "messages": messages},
            self._tools,
            self.call,
            say=None if self._wanted else self.call.emit,
        )
        if self._wanted is None:
            return self._fields(
                {"content": dialogue.answer.text}, dialogue, dialogue.usage
            ), dialogue.answer.text
        try:
            value, answer, usage = self._wanted.read(dialogue.answer), dialogue.answer, dialogue.usage
        except MisfitError as misfit:
            value, answer, usage = await self._repaired(dialogue, self._wanted, misfit)
        fields = value if isinstance(value, dict) else {"result": value}
        return self._fields(fields, dialogue, usage), answer.text

    async def _repaired(
        self, dialogue: Dialogue, wanted: ResponseFormat, misfit: MisfitError
    ) -> tuple[Json, Answer, Usage]:
        """Ask once more, with what is wrong."""
        complaint = f"Your answer does not fit the JSON Schema: {misfit}. Answer again, with the JSON alone."
        question = {
            **self._question,
            "messages": [*dialogue.messages, {"role": "user", "content": complaint}],
        }
        if self._tools:  # the exchange with them is in the messages
            question |= {"tools": [tool.described for tool in self._tools], "tool_choice": "none"}
        answer = await ask(self._endpoint, question)
        try:
            return wanted.read(answer), answer, dialogue.usage + answer.usage
        except MisfitError as still:
            raise BlockFailureError(
                f"The answer of {self._question['model']} does not fit responseFormat: {still}",
                code="INVALID_OUTPUT",
            ) from still

    def _fields(self, fields: dict[str, Json], dialogue: Dialogue, usage: Usage) -> dict[str, Json]:
        """What is said of the model stands over fields of the same name, as in Sim."""
        model = dialogue.answer.model or str(self._question["model"])
        calls: list[Json] = list(dialogue.calls)
        return {**fields, **model_facts(model, usage), "toolCalls": {"list": calls, "count": len(calls)}}


def _question(
    params: Mapping[str, Any], model: str, endpoint: Endpoint, wanted: ResponseFormat | None
) -> dict[str, Any]:
    """The body of the request, without the messages and the tools."""
    newer = (endpoint.url.host or "").endswith(_NEWER_HOSTS)
    most = number_of(params, "maxTokens")
    asked = {
        "temperature": number_of(params, "temperature"),
        "max_completion_tokens" if newer else "max_tokens": None if most is None else int(most),
        "reasoning_effort": _chosen(params, "reasoningEffort"),
        "verbosity": _chosen(params, "verbosity"),
        "response_format": wanted and wanted.request,
    }
    return {"model": model, **{name: value for name, value in asked.items() if value is not None}}


def _chosen(params: Mapping[str, Any], name: str) -> str | None:
    """A choice; Sim's ``auto`` leaves it to the endpoint."""
    choice = to_text(params.get(name)).strip()
    return None if choice in {"", "auto"} else choice


def _without_secrets(turn: Turn, call: Call) -> Turn:
    """What is remembered is read in other executions: environment values do not go there."""
    secrets = call.facts.secrets
    messages = (Remembered(each.role, str(redact(each.content, secrets))) for each in turn.messages)
    return Turn(turn.key, turn.execution_id, tuple(messages))
