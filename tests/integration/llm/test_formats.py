"""``responseFormat``: the answer's fields, checked against a JSON Schema."""

import json
from typing import Any

import pytest

from signoff.executor.blocks.base import BlockFailureError
from support.llm_desk import Desk
from support.openai_server import OpenAiServer, says, says_json, tokens

CLOSED: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "people": {"type": "integer", "minimum": 0}},
    "required": ["city", "people"],
    "additionalProperties": False,
}
OPEN: dict[str, Any] = {"type": "object", "properties": {"city": {"type": "string"}}}


async def test_the_fields_of_the_schema_are_the_output(desk: Desk, server: OpenAiServer) -> None:
    server.script(says_json({"city": "Bern", "people": 134_000}))

    output = await desk.agent(userPrompt="Where?", responseFormat=CLOSED)

    assert output == {
        "city": "Bern",
        "people": 134_000,
        "model": "test-model",
        "tokens": {"input": 10, "output": 5, "total": 15},
        "cost": {"input": 0, "output": 0, "total": 0},
        "toolCalls": {"list": [], "count": 0},
    }


async def test_json_for_programs_is_not_streamed(desk: Desk, server: OpenAiServer) -> None:
    server.script(says_json({"city": "Bern"}))

    await desk.agent(userPrompt="Where?", responseFormat=OPEN)

    assert desk.said == []


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        (CLOSED, {"name": "response_schema", "schema": CLOSED, "strict": True}),
        (OPEN, {"name": "response_schema", "schema": OPEN, "strict": False}),
        (json.dumps(OPEN), {"name": "response_schema", "schema": OPEN, "strict": False}),
        ({"name": "my city!", "schema": OPEN}, {"name": "my_city_", "schema": OPEN, "strict": False}),
        ({"schema": OPEN, "strict": True}, {"name": "response_schema", "schema": OPEN, "strict": True}),
    ],
    ids=["closed", "open", "text", "named", "strict"],
)
async def test_a_schema_is_bare_or_named_an_object_or_a_text(
    desk: Desk, server: OpenAiServer, given: Any, asked: dict[str, Any]
) -> None:
    server.script(says_json({"city": "Bern", "people": 1}))

    await desk.agent(userPrompt="Where?", responseFormat=given)

    assert server.asked[0].body["response_format"] == {"type": "json_schema", "json_schema": asked}


@pytest.mark.parametrize("given", ["", " ", {}, None])
async def test_an_empty_format_is_none(desk: Desk, server: OpenAiServer, given: Any) -> None:
    assert "content" in await desk.agent(userPrompt="Hi", responseFormat=given)
    assert "response_format" not in server.asked[0].body


async def test_an_answer_in_a_code_block_is_read(desk: Desk, server: OpenAiServer) -> None:
    server.script(says('```json\n{"city": "Bern"}\n```'))

    assert (await desk.agent(userPrompt="Where?", responseFormat=OPEN))["city"] == "Bern"


async def test_what_is_said_of_the_model_stands_over_fields_of_the_same_name(
    desk: Desk, server: OpenAiServer
) -> None:
    server.script(says_json({"model": "T", "city": "Bern"}))

    assert (await desk.agent(userPrompt="Which car?", responseFormat=OPEN))["model"] == "test-model"


async def test_a_value_that_is_no_object_is_the_result(desk: Desk, server: OpenAiServer) -> None:
    server.script(says_json([1, 2]))

    assert (await desk.agent(userPrompt="Count", responseFormat={"type": "array"}))["result"] == [1, 2]


async def test_an_answer_that_does_not_fit_is_repaired_in_one_more_round(
    desk: Desk, server: OpenAiServer
) -> None:
    server.script(
        says_json({"city": "Bern", "people": -1}, usage=tokens(10, 5)),
        says_json({"city": "Bern", "people": 1}, usage=tokens(20, 6)),
    )

    output = await desk.agent(userPrompt="Where?", responseFormat=CLOSED)

    assert (output["people"], output["tokens"]["total"]) == (1, 41)
    *_, answer, complaint = server.asked[1].messages
    assert json.loads(answer["content"])["people"] == -1
    assert "people: -1 is less than the minimum of 0" in complaint["content"]


@pytest.mark.parametrize(
    ("second", "fault"),
    [
        (says("Bern, of course"), "it is not JSON"),
        (says('{"city": "Be', finish="length"), "it is not JSON (it was cut: maxTokens is too low)"),
        (says_json({"city": 5}), 'city: 5 is not of type "string"'),
        (says(refusal="I will not"), "the model refused: I will not"),
    ],
    ids=["text", "cut", "misfit", "refusal"],
)
async def test_an_answer_that_does_not_fit_twice_fails_the_block(
    desk: Desk, server: OpenAiServer, second: Any, fault: str
) -> None:
    server.script(says("?"), second)

    with pytest.raises(BlockFailureError) as caught:
        await desk.agent(userPrompt="Where?", responseFormat=OPEN)

    assert str(caught.value) == f"The answer of test-model does not fit responseFormat: {fault}"
    assert (caught.value.code, caught.value.retryable) == ("INVALID_OUTPUT", True)
    assert len(server.asked) == 2


async def test_a_hostile_pattern_takes_no_time(desk: Desk, server: OpenAiServer) -> None:
    server.script(says_json({"city": "a" * 5000 + "!"}), says_json({"city": "a"}))
    hostile = {"type": "object", "properties": {"city": {"pattern": "^(a+)+$"}}}

    assert (await desk.agent(userPrompt="Where?", responseFormat=hostile))["city"] == "a"
