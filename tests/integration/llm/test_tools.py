"""Tools of an agent: what the model is told, what runs, and what it hears back."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from signoff.blocks import Context, block
from signoff.executor.blocks.llm.rounds import AT_ONCE, MOST_CALLS, MOST_ROUNDS, RESULT_LENGTH
from support.llm_desk import Desk
from support.openai_server import OpenAiServer, Sends, calls, says, says_json

ADD = {
    "type": "custom-tool",
    "title": "Add",
    "schema": {
        "type": "function",
        "function": {
            "name": "add",
            "description": "Adds two numbers",
            "parameters": {
                "type": "object",
                "properties": {"a": {"type": "number"}, "b": {"type": "number"}},
                "required": ["a", "b"],
            },
        },
    },
    "code": "return a + params.b",
}


def heard(server: OpenAiServer, request: int = 1) -> list[Any]:
    """What the model heard from its tools, as JSON where it is some."""
    contents = [each["content"] for each in server.asked[request].messages if each["role"] == "tool"]
    return [json.loads(text) if text.startswith(("{", "[")) else text for text in contents]


def told(server: OpenAiServer) -> list[dict[str, Any]]:
    """The functions that the model was told of."""
    return [tool["function"] for tool in server.asked[0].body["tools"]]


async def test_a_custom_tool_runs_in_the_sandbox_and_its_result_goes_to_the_model(
    desk: Desk, server: OpenAiServer
) -> None:
    server.script(calls(("add", {"a": 2, "b": 3})), says("It is 5"))

    output = await desk.agent(userPrompt="2 + 3?", tools=[ADD])

    assert output["content"] == "It is 5"
    ((call),) = output["toolCalls"]["list"]
    assert (call["name"], call["arguments"], call["result"], call["success"]) == (
        "add",
        {"a": 2, "b": 3},
        5,
        True,
    )
    assert set(call) >= {"startTime", "endTime", "duration"}
    assert output["toolCalls"]["count"] == 1
    assert output["tokens"]["total"] == 30
    assert heard(server) == ["5"]


@pytest.mark.parametrize("streams", [True, False])
async def test_calls_come_whole_or_in_pieces(desk: Desk, server: OpenAiServer, streams: bool) -> None:
    wanted = [("add", {"a": 1, "b": 1}), ("add", {"a": 2, "b": 2})]
    server.script(calls(*wanted, streams=streams), says("done"))

    await desk.agent(userPrompt="?", tools=[ADD])

    assert heard(server) == ["2", "4"]


async def test_calls_that_a_server_numbers_all_alike_are_told_apart_by_their_ids(
    desk: Desk, server: OpenAiServer
) -> None:
    def chunk(call_id: str, number: int) -> str:
        function = {"name": "add", "arguments": json.dumps({"a": number, "b": number})}
        delta = {"tool_calls": [{"index": 0, "id": call_id, "function": function}]}
        return f"data: {json.dumps({'choices': [{'delta': delta, 'finish_reason': 'stop'}]})}\n\n"

    body = f"{chunk('x', 1)}{chunk('y', 2)}data: [DONE]\n\n".encode()
    server.script(Sends(body=body, content_type="text/event-stream"), says("done"))

    await desk.agent(userPrompt="?", tools=[ADD])

    assert heard(server) == ["2", "4"]


async def test_text_beside_calls_is_no_part_of_the_answer(desk: Desk, server: OpenAiServer) -> None:
    server.script(calls(("add", {"a": 1, "b": 1}), text=["Let me ", "see"]), says("It ", "is 2"))

    output = await desk.agent(userPrompt="?", tools=[ADD])

    assert output["content"] == "".join(desk.said) == "It is 2"
    assert server.asked[1].messages[1]["content"] == "Let me see"


async def test_references_in_code_are_values_and_never_code(desk: Desk, server: OpenAiServer) -> None:
    tool = {**ADD, "code": "return <start.text> + {{SUFFIX}}"}
    desk.environment = {"SUFFIX": "!"}
    server.script(calls(("add", {})), says("done"))

    await desk.agent(userPrompt="?", tools=[tool], outputs={"start": {"text": '"; throw 1; "'}})

    assert heard(server) == ['"; throw 1; "•••']


async def test_a_secret_that_a_tool_repeats_goes_neither_to_the_model_nor_to_the_output(
    desk: Desk, server: OpenAiServer
) -> None:
    desk.environment = {"TOKEN": "hush-hush"}
    tools = [{**ADD, "code": "return 'it is ' + {{TOKEN}}"}, {**ADD, "code": "throw new Error({{TOKEN}})"}]
    server.script(calls(("add", {}), ("add_2", {})), says("done"))

    output = await desk.agent(userPrompt="?", tools=tools)

    assert heard(server) == ["it is •••", {"error": "•••"}]
    assert "hush-hush" not in json.dumps(output)


async def test_what_the_author_filled_in_the_model_neither_sees_nor_changes(
    desk: Desk, server: OpenAiServer
) -> None:
    tool = {**ADD, "params": {"b": "<start.b>", "a": ""}}
    server.script(calls(("add", {"a": 1, "b": 100})), says("done"))

    await desk.agent(userPrompt="?", tools=[tool], outputs={"start": {"b": 5}})

    assert told(server)[0]["parameters"]["properties"] == {"a": {"type": "number"}}
    assert told(server)[0]["parameters"]["required"] == ["a"]
    assert heard(server) == ["6"]


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        (("add", {"a": None}), "Cannot read"),
        (("nope", {}), "there is no tool 'nope'; there are add"),
        (("add", "{broken"), "the arguments are no JSON object"),
        (("add", "[1]"), "the arguments are no JSON object"),
    ],
    ids=["throws", "unknown", "broken", "no object"],
)
async def test_a_call_that_fails_is_told_to_the_model_which_goes_on(
    desk: Desk, server: OpenAiServer, asked: tuple[str, Any], error: str
) -> None:
    tool = {**ADD, "code": "if (a === null) throw new Error('Cannot read a'); return a"}
    server.script(calls(asked), says("I could not"))

    output = await desk.agent(userPrompt="?", tools=[tool])

    assert output["content"] == "I could not"
    assert error in heard(server)[0]["error"]
    assert output["toolCalls"]["list"][0]["success"] is False


async def test_a_tool_of_usage_none_is_not_there(desk: Desk, server: OpenAiServer) -> None:
    await desk.agent(userPrompt="?", tools=[{"type": "slack", "usageControl": "none"}])

    assert "tools" not in server.asked[0].body


async def test_forced_tools_are_asked_for_one_after_the_other(desk: Desk, server: OpenAiServer) -> None:
    tools = [{**ADD, "usageControl": "force"}, {**ADD, "usageControl": "force"}, ADD]
    server.script(calls(("add", {"a": 1, "b": 1})), calls(("add_2", {"a": 1, "b": 1})), says("done"))

    await desk.agent(userPrompt="?", tools=tools)

    names = [
        choice if isinstance(choice, str) else choice["function"]["name"]
        for choice in (asked.body["tool_choice"] for asked in server.asked)
    ]
    assert names == ["add", "add_2", "auto"]


async def test_after_ten_rounds_the_model_has_to_answer(desk: Desk, server: OpenAiServer) -> None:
    server.script(*[calls(("add", {"a": 1, "b": 1}))] * MOST_ROUNDS, says("enough"))

    output = await desk.agent(userPrompt="?", tools=[ADD])

    assert (output["content"], output["toolCalls"]["count"]) == ("enough", MOST_ROUNDS)
    assert server.asked[-1].body["tool_choice"] == "none"


async def test_calls_have_a_limit_in_all(desk: Desk, server: OpenAiServer) -> None:
    server.script(calls(*[("add", {"a": 1, "b": 1})] * (MOST_CALLS + 1)), says("enough"))
    await desk.agent(userPrompt="?", tools=[ADD])
    *made, refused = heard(server, -1)
    assert (len(made), "limit of 100 tool calls" in refused["error"]) == (MOST_CALLS, True)


async def test_a_long_result_is_cut_for_the_model_only(desk: Desk, server: OpenAiServer) -> None:
    tool = {**ADD, "code": f"return 'x'.repeat({RESULT_LENGTH + 1})"}
    server.script(calls(("add", {})), says("done"))

    output = await desk.agent(userPrompt="?", tools=[tool])

    assert heard(server)[0].endswith(f"[cut: {RESULT_LENGTH + 1} characters in all]")
    assert len(output["toolCalls"]["list"][0]["result"]) == RESULT_LENGTH + 1


async def test_a_format_and_tools_go_together(desk: Desk, server: OpenAiServer) -> None:
    server.script(calls(("add", {"a": 1, "b": 1})), says("2"), says_json({"sum": 2}))
    wanted = {"type": "object", "properties": {"sum": {"type": "number"}}}

    output = await desk.agent(userPrompt="?", tools=[ADD], responseFormat=wanted)

    assert (output["sum"], output["toolCalls"]["count"]) == (2, 1)
    assert server.asked[2].body["tool_choice"] == "none"


class Meeting:
    """A registered block whose calls wait for each other."""

    def __init__(self, size: int) -> None:
        self.contexts: list[Context] = []
        self.most = 0
        self._inside = 0
        self._full = asyncio.Barrier(size)
        self.function = self._function()

    def _function(self) -> Any:
        @block("team.meet")
        async def meet(ctx: Context, name: str, room: str = "blue") -> dict[str, str]:
            """Meet the others."""
            self.contexts.append(ctx)
            self._inside += 1
            self.most = max(self.most, self._inside)
            await self._full.wait()
            self._inside -= 1
            return {"met": name, "room": room}

        return meet


def with_block(desk: Desk, function: Any) -> dict[str, Any]:
    """Register a block with the desk; gives the tool for it."""
    spec = function.__signoff_block__
    desk.registry = {spec.name: spec}
    return {"type": spec.name, "title": "Meet"}


async def test_a_registered_block_is_described_by_its_signature(desk: Desk, server: OpenAiServer) -> None:
    tool = with_block(desk, Meeting(1).function)
    server.script(calls(("team_meet", {"name": "Ada"})), says("done"))

    await desk.agent(userPrompt="?", tools=[{**tool, "params": {"room": "red"}}])

    ((described),) = told(server)
    assert (described["name"], described["description"]) == ("team_meet", "Meet the others.")
    assert described["parameters"]["properties"] == {"name": {"type": "string"}}
    assert heard(server) == [{"met": "Ada", "room": "red"}]


async def test_the_calls_of_a_round_run_at_once_up_to_a_bound(desk: Desk, server: OpenAiServer) -> None:
    meeting = Meeting(AT_ONCE)
    server.script(calls(*[("team_meet", {"name": str(n)}) for n in range(2 * AT_ONCE)]), says("done"))

    await desk.agent(userPrompt="?", tools=[with_block(desk, meeting.function)])

    assert [each["met"] for each in heard(server)] == [str(n) for n in range(2 * AT_ONCE)]
    assert meeting.most == AT_ONCE


async def test_the_same_call_in_another_try_has_the_same_idempotency_key(
    desk: Desk, server: OpenAiServer
) -> None:
    meeting = Meeting(1)
    tool = with_block(desk, meeting.function)
    wanted = [("team_meet", {"name": "a"}), ("team_meet", {"name": "b"}), ("team_meet", {"name": "a"})]
    spaced = [("team_meet", '{ "name": "a" }'), *wanted[:2]]
    for order in (wanted, spaced):
        server.script(calls(*order), says("done"))
        await desk.agent(userPrompt="?", tools=[tool])

    keys = [context.idempotency_key for context in meeting.contexts]
    assert sorted(keys[:3]) == sorted(keys[3:])
    assert len(set(keys[:3])) == 3
    assert all(key.startswith("run/ask/team_meet/") for key in keys)


async def test_arguments_that_do_not_fit_a_block_are_told_to_the_model(
    desk: Desk, server: OpenAiServer
) -> None:
    server.script(calls(("team_meet", {"name": 5})), says("done"))

    await desk.agent(userPrompt="?", tools=[with_block(desk, Meeting(1).function)])

    assert "Expected `str`, got `int`" in heard(server)[0]["error"]


async def test_cancelling_the_agent_cancels_its_tools(desk: Desk, server: OpenAiServer) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    @block("slow.work")
    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    server.script(calls(("slow_work", {})))
    task = asyncio.create_task(desk.agent(userPrompt="?", tools=[with_block(desk, work)]))
    async with asyncio.timeout(5):
        await begun.wait()
        task.cancel()
        await ended.wait()

    assert (await asyncio.gather(task, return_exceptions=True))[0].__class__ is asyncio.CancelledError


async def test_a_block_that_takes_too_long_is_told_to_the_model(desk: Desk, server: OpenAiServer) -> None:
    @block("slow.work", timeout=0.01)
    async def work() -> None:
        await asyncio.Event().wait()

    server.script(calls(("slow_work", {})), says("done"))

    await desk.agent(userPrompt="?", tools=[with_block(desk, work)])

    assert heard(server) == [{"error": "slow.work timed out after 0.01 seconds"}]


@pytest.fixture
async def service() -> AsyncIterator[TestServer]:
    """Answers with what it was sent."""

    async def answer(request: web.Request) -> web.Response:
        key, via = request.headers["Idempotency-Key"], request.headers["X-Sim-Via"]
        return web.json_response({"key": key, "via": via, "body": await request.json()})

    app = web.Application()
    app.router.add_post("/echo", answer)
    async with TestServer(app) as server:
        yield server


async def test_an_http_tool_makes_a_request_with_an_idempotency_key(
    desk: Desk, server: OpenAiServer, service: TestServer
) -> None:
    desk.allow_private()
    url = str(service.make_url("/echo"))
    tool = {
        "type": "api",
        "toolId": "http_request",
        "title": "Pay out",
        "params": {"url": url, "method": "POST"},
    }
    server.script(calls(("Pay_out", {"body": {"n": 1}, "url": "http://elsewhere/"})), says("done"))

    await desk.agent(userPrompt="?", tools=[tool], call={"call_chain": ["w"]})

    assert set(told(server)[0]["parameters"]["properties"]) == {"params", "headers", "body"}
    ((answer),) = heard(server)
    assert answer["data"]["via"] == "w"
    assert answer["data"]["body"] == {"n": 1}
    assert answer["data"]["key"].startswith("run/ask/Pay_out/")


async def test_an_http_tool_reaches_no_private_address(desk: Desk, server: OpenAiServer) -> None:
    server.script(calls(("http_request", {"url": "http://127.0.0.1:1/"})), says("done"))

    await desk.agent(userPrompt="?", tools=[{"type": "http_request"}])

    assert "is not public; to allow it" in heard(server)[0]["error"]
