"""Routers, with the texts of Sim."""

from typing import Any

import pytest

from signoff.engine.definitions.definition import Block
from signoff.executor.blocks.base import BlockFailureError
from signoff.executor.blocks.llm.router import Router, RouterV2
from support.llm_desk import KEY, Desk
from support.openai_server import OpenAiServer, says, says_json, tokens

ROUTES = [
    {"id": "r1", "title": "Refund", "value": "the customer <start.mood> wants money back"},
    {"id": "r2", "title": "Praise", "value": "the customer is happy"},
]
PAY = Block(id="Pay-1", type="api", name="Pay it", params={})
TALK = Block(id="talk", type="agent", name="Talk", params={"systemPrompt": "You comfort customers"})


async def route(desk: Desk, routes: Any = ROUTES, **params: Any) -> Any:
    def prepare(block: Block, names: Any) -> RouterV2:
        return RouterV2(block, names, targets={"r1": PAY}, llm=desk.llm)

    given = {"context": "Give it back!", "routes": routes, **params}
    return await desk.run("router_v2", prepare, given, outputs={"start": {"mood": 'very "angry"'}})


async def old_route(desk: Desk) -> Any:
    def prepare(block: Block, names: Any) -> Router:
        return Router(block, names, targets=[PAY, TALK], llm=desk.llm)

    return await desk.run("router", prepare, {"prompt": "Give it back!"})


def decides(route_id: Any, reasoning: str = "because") -> Any:
    return says_json({"route": route_id, "reasoning": reasoning}, usage=tokens(30, 9))


@pytest.mark.parametrize("text", [False, True])
async def test_the_model_picks_a_route(desk: Desk, server: OpenAiServer, text: bool) -> None:
    server.script(decides(" r1 "))

    output = await route(desk, ROUTES if not text else str(ROUTES).replace("'", '"'))

    assert output == {
        "context": "Give it back!",
        "model": "test-model",
        "tokens": {"input": 30, "output": 9, "total": 39},
        "cost": {"input": 0, "output": 0, "total": 0},
        "selectedRoute": "r1",
        "reasoning": "because",
        "selectedPath": {"blockId": "Pay-1", "blockType": "api", "blockTitle": "Pay it"},
    }
    ((asked),) = server.asked
    assert 'r1: the customer very "angry" wants money back' in asked.messages[0]["content"]
    assert asked.messages[1] == {"role": "user", "content": "Give it back!"}
    assert asked.body["temperature"] == 0.1
    assert asked.body["response_format"]["json_schema"]["strict"] is True


async def test_a_route_may_lead_nowhere(desk: Desk, server: OpenAiServer) -> None:
    server.script(decides("r2"))

    assert (await route(desk))["selectedPath"] == {
        "blockId": "",
        "blockType": "unknown",
        "blockTitle": "Praise",
    }


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (decides("NO_MATCH"), "Router could not determine a matching route: because"),
        (decides("no_match", ""), "Router could not determine a matching route for the given context"),
        (says("NO_MATCH"), "Router could not determine a matching route for the given context"),
        (
            says("left"),
            'Router could not determine a valid route. LLM response: "left". Available route IDs: r1, r2',
        ),
        (
            says_json({}),
            'Router could not determine a valid route. LLM response: "{}". Available route IDs: r1, r2',
        ),
    ],
)
async def test_no_route_fails_the_block(desk: Desk, server: OpenAiServer, answer: Any, error: str) -> None:
    server.script(answer)

    with pytest.raises(BlockFailureError) as caught:
        await route(desk)
    assert str(caught.value) == error


async def test_a_bare_route_is_taken_from_a_model_without_json(desk: Desk, server: OpenAiServer) -> None:
    server.script(says(" r1\n"))

    assert (await route(desk))["selectedRoute"] == "r1"


@pytest.mark.parametrize("routes", [[], "", "[]", "{broken", None, [{"title": "no id"}]])
async def test_a_router_without_routes_asks_nobody(desk: Desk, server: OpenAiServer, routes: Any) -> None:
    with pytest.raises(BlockFailureError, match="No routes defined for router") as caught:
        await route(desk, routes)
    assert not caught.value.retryable
    assert server.asked == []


async def test_the_old_router_picks_a_block(desk: Desk, server: OpenAiServer) -> None:
    server.script(says('"PAY-1"\n', usage=tokens(30, 2)))

    output = await old_route(desk)

    assert output == {
        "prompt": "Give it back!",
        "model": "test-model",
        "tokens": {"input": 30, "output": 2, "total": 32},
        "cost": {"input": 0, "output": 0, "total": 0},
        "selectedPath": {"blockId": "Pay-1", "blockType": "api", "blockTitle": "Pay it"},
        "selectedRoute": "Pay-1",
    }
    assert "talk: Talk (agent) You comfort customers" in server.asked[0].messages[0]["content"]
    assert "response_format" not in server.asked[0].body


async def test_the_old_router_fails_on_what_is_no_block_behind_it(desk: Desk, server: OpenAiServer) -> None:
    server.script(says("The Moon"))

    with pytest.raises(BlockFailureError) as caught:
        await old_route(desk)
    assert str(caught.value) == "Invalid routing decision: the moon"


async def test_a_router_says_nothing_aloud_and_keeps_the_key(desk: Desk, server: OpenAiServer) -> None:
    server.script(decides("r1"))

    await route(desk)

    assert desk.said == []
    assert desk.facts is not None
    assert KEY in desk.facts.secrets
