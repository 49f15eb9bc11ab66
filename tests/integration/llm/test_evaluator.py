"""Evaluators."""

from typing import Any

import pytest

from signoff.engine.definitions.definition import Block
from signoff.executor.blocks.base import BlockFailureError
from signoff.executor.blocks.llm.evaluator import Evaluator
from support.llm_desk import Desk
from support.openai_server import OpenAiServer, says, says_json, tokens

METRICS = [
    {"name": "Tone", "description": "friendly?", "range": {"min": 1, "max": 5}},
    {"name": "length", "description": "short?"},
    {"description": "dropped"},
]


async def evaluate(desk: Desk, metrics: Any = METRICS, content: Any = "Dear you") -> Any:
    def prepare(block: Block, names: Any) -> Evaluator:
        return Evaluator(block, names, llm=desk.llm)

    return await desk.run("evaluator", prepare, {"metrics": metrics, "content": content})


async def test_each_metric_is_scored_under_its_name_in_lower_case(desk: Desk, server: OpenAiServer) -> None:
    server.script(says_json({"tone": 4, "length": 2.5}, usage=tokens(40, 8)))

    assert await evaluate(desk) == {
        "content": "Dear you",
        "model": "test-model",
        "tokens": {"input": 40, "output": 8, "total": 48},
        "cost": {"input": 0, "output": 0, "total": 0},
        "tone": 4,
        "length": 2.5,
    }


async def test_the_model_is_told_of_metrics_ranges_and_content(desk: Desk, server: OpenAiServer) -> None:
    await evaluate(desk, content={"text": "Dear you"})

    ((asked),) = server.asked
    system = asked.messages[0]["content"]
    assert '- "tone" (from 1 to 5): friendly?' in system
    assert '- "length": short?' in system
    assert '{"text":"Dear you"}' in system
    assert asked.body["response_format"]["json_schema"] == {
        "name": "evaluation_response",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {"tone": {"type": "number"}, "length": {"type": "number"}},
            "required": ["tone", "length"],
            "additionalProperties": False,
        },
    }


@pytest.mark.parametrize(
    ("answer", "scores"),
    [
        ('{"TONE": "4", "Length": true}', (4, 1)),
        ('Here you are: {"tone": 3, "length": 2}. Good luck!', (3, 2)),
        ('```json\n{"tone": 3}\n```', (3, 0)),
        ('{"tone": "high", "length": null}', (0, 0)),
        ('{"tone": 1e999, "length": [1]}', (0, 0)),
        ("[1, 2]", (0, 0)),
        ("I cannot", (0, 0)),
        ("", (0, 0)),
        ("}{", (0, 0)),
    ],
)
async def test_what_cannot_be_read_is_0(
    desk: Desk, server: OpenAiServer, answer: str, scores: tuple[float, float]
) -> None:
    server.script(says(answer))

    output = await evaluate(desk)
    assert (output["tone"], output["length"]) == scores


async def test_metrics_may_be_json_text(desk: Desk, server: OpenAiServer) -> None:
    server.script(says_json({"a": 1}))

    assert (await evaluate(desk, '[{"name": "A"}]'))["a"] == 1


async def test_metrics_that_are_no_list_are_a_fault(desk: Desk, server: OpenAiServer) -> None:
    with pytest.raises(BlockFailureError, match="metrics must be a list"):
        await evaluate(desk, {"name": "A"})
    assert server.asked == []
