"""Requests to a model: what is sent, how the answer comes, and every way to get none."""

import asyncio
import traceback

import pytest

from signoff.executor.blocks.base import BlockFailureError
from signoff.executor.blocks.llm.settings import LlmSettings, open_llm
from support.llm_desk import KEY, Desk
from support.openai_server import (
    OpenAiServer,
    Sends,
    Silent,
    calls,
    fails,
    malformed,
    says,
    tokens,
)

REAL_KEY = "sk-block-0123456789abcdef"


async def failure(desk: Desk, **params: object) -> BlockFailureError:
    with pytest.raises(BlockFailureError) as caught:
        await desk.agent(**{"userPrompt": "Hi", **params})
    return caught.value


async def test_an_answer_is_said_as_it_comes_and_is_the_output(desk: Desk, server: OpenAiServer) -> None:
    server.script(says("Hel", "lo", " you", usage=tokens(7, 3)))

    output = await desk.agent(userPrompt="Hi")

    assert desk.said == ["Hel", "lo", " you"]
    assert output == {
        "content": "Hello you",
        "model": "test-model",
        "tokens": {"input": 7, "output": 3, "total": 10},
        "toolCalls": {"list": [], "count": 0},
        "cost": {"input": 0, "output": 0, "total": 0},
    }


async def test_a_server_that_does_not_stream_is_taken_as_it_is(desk: Desk, server: OpenAiServer) -> None:
    server.script(says("Hello", streams=False))

    output = await desk.agent(userPrompt="Hi")

    assert (output["content"], desk.said) == ("Hello", ["Hello"])


async def test_a_server_that_counts_no_tokens_gives_zeros(desk: Desk, server: OpenAiServer) -> None:
    server.script(says("Hello", usage=None))

    assert (await desk.agent(userPrompt="Hi"))["tokens"] == {"input": 0, "output": 0, "total": 0}


async def test_the_cost_is_what_the_endpoint_tells(desk: Desk, server: OpenAiServer) -> None:
    server.script(says("Hello", usage=tokens(1, 1, cost=0.25)))

    assert (await desk.agent(userPrompt="Hi"))["cost"] == {"input": 0, "output": 0, "total": 0.25}


async def test_a_refusal_to_answer_is_the_content(desk: Desk, server: OpenAiServer) -> None:
    server.script(says(refusal="I will not"))

    assert (await desk.agent(userPrompt="Hi"))["content"] == "I will not"


async def test_numbers_may_be_written_as_texts(desk: Desk, server: OpenAiServer) -> None:
    await desk.agent(
        userPrompt="Hi", temperature="0.5", maxTokens="100", reasoningEffort="low", verbosity="auto"
    )

    ((asked),) = server.asked
    assert asked.body == {
        "model": "test-model",
        "temperature": 0.5,
        "max_tokens": 100,
        "reasoning_effort": "low",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"temperature": "warm"}, 'temperature must be a number, not "warm"'),
        ({"maxTokens": True}, "maxTokens must be a number, not true"),
        ({"model": None}, "No model: set the block's `model`, or SIGNOFF_LLM_MODEL"),
        ({"endpoint": "ftp://me:hush@example.com/"}, "endpoint must be the URL of an OpenAI-compatible API"),
        ({"messages": "none"}, "messages must be a list"),
        ({"userPrompt": None}, "The agent has nothing to say"),
        ({"responseFormat": {"type": "nothing"}}, "responseFormat is no JSON Schema"),
        ({"responseFormat": {"$ref": "http://127.0.0.1:9/schema"}}, "responseFormat is no JSON Schema"),
        ({"memoryType": "elephant"}, "memoryType must be one of none, conversation"),
        ({"memoryType": "conversation"}, "Conversation ID is required"),
        ({"memoryType": "conversation", "conversationId": "x" * 256}, "Conversation ID too long (max 255"),
        ({"tools": [{"type": "slack", "title": "Post"}]}, 'Tool Post: an agent cannot use the type "slack"'),
        ({"tools": [{"type": "custom-tool", "title": "T"}]}, "Tool T: schema must be"),
        ({"files": [{"name": "a.pdf", "type": "application/pdf"}]}, 'File "a.pdf" has no content'),
        ({"userPrompt": "\ud800"}, "lone surrogate"),
    ],
)
async def test_wrong_parameters_are_named_and_not_tried_again(
    desk: Desk, server: OpenAiServer, params: dict[str, object], message: str
) -> None:
    error = await failure(desk, **params)

    assert message in str(error)
    assert "hush" not in str(error)
    assert not error.retryable
    assert server.asked == []


async def test_the_operators_key_goes_to_the_operators_endpoint(desk: Desk, server: OpenAiServer) -> None:
    await desk.agent(userPrompt="Hi")

    assert server.asked[0].headers["Authorization"] == f"Bearer {KEY}"


async def test_a_blocks_own_key_goes_before_the_operators(desk: Desk, server: OpenAiServer) -> None:
    await desk.agent(userPrompt="Hi", apiKey=REAL_KEY)

    assert server.asked[0].headers["Authorization"] == f"Bearer {REAL_KEY}"


async def test_a_blocks_own_endpoint_goes_through_the_address_guard(desk: Desk, server: OpenAiServer) -> None:
    error = await failure(desk, endpoint=server.url)

    assert "is not public; to allow it" in str(error)
    assert not error.retryable
    assert server.asked == []


async def test_the_operators_key_never_goes_to_a_blocks_own_endpoint(
    desk: Desk, server: OpenAiServer
) -> None:
    desk.allow_private()

    await desk.agent(userPrompt="Hi", endpoint=f"{server.url}?api-version=1")

    assert "Authorization" not in server.asked[0].headers
    assert server.asked[0].path == "/v1/chat/completions?api-version=1"


async def test_a_redirect_is_not_followed(desk: Desk, server: OpenAiServer) -> None:
    server.script(Sends(status=307, headers={"Location": "http://127.0.0.1:1/"}))

    error = await failure(desk)

    assert str(error).endswith("Status: 307")
    assert not error.retryable


@pytest.mark.parametrize(
    ("status", "code", "retryable"),
    [
        (400, "MODEL_REFUSED", False),
        (401, "MODEL_UNAUTHORIZED", False),
        (403, "MODEL_UNAUTHORIZED", False),
        (404, "MODEL_REFUSED", False),
    ],
)
async def test_what_another_try_would_not_mend_is_not_tried_again(
    desk: Desk, server: OpenAiServer, status: int, code: str, retryable: bool
) -> None:
    server.script(fails(status, "not so"))

    error = await failure(desk)

    url = f"{server.url}/chat/completions"
    assert str(error) == f"Model request failed: URL: {url} | Error: not so | Status: {status}"
    assert (error.code, error.retryable, len(server.asked)) == (code, retryable, 1)


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_passing_failure_is_mended_by_asking_again(
    desk: Desk, server: OpenAiServer, status: int
) -> None:
    server.script(fails(status, retry_after=0), says("Hello"))

    assert (await desk.agent(userPrompt="Hi"))["content"] == "Hello"
    assert len(server.asked) == 2


async def test_after_three_requests_the_failure_stands_and_a_retry_may_help(
    desk: Desk, server: OpenAiServer
) -> None:
    server.script(fails(500), fails(502), fails(503, "last"))

    error = await failure(desk)

    assert "Error: last | Status: 503" in str(error)
    assert (error.code, error.retryable, len(server.asked)) == ("MODEL_UNAVAILABLE", True, 3)


async def test_who_asks_for_a_long_wait_fails_the_block_at_once(desk: Desk, server: OpenAiServer) -> None:
    server.script(fails(429, retry_after=3600))

    error = await failure(desk)

    assert (error.code, error.retryable, len(server.asked)) == ("MODEL_RATE_LIMITED", True, 1)


async def test_a_quota_that_is_used_up_is_no_passing_failure(desk: Desk, server: OpenAiServer) -> None:
    server.script(fails(429, code="insufficient_quota"))

    error = await failure(desk)

    assert (error.retryable, len(server.asked)) == (False, 1)


async def test_a_stream_that_breaks_before_any_text_is_asked_for_again(
    desk: Desk, server: OpenAiServer
) -> None:
    server.script(says("lost", breaks_after=0), says("Hello"))

    assert (await desk.agent(userPrompt="Hi"))["content"] == "Hello"
    assert desk.said == ["Hello"]


@pytest.mark.parametrize("fault", ["breaks", "is cut"])
async def test_a_stream_that_ends_amid_the_text_fails_the_block_and_says_nothing_twice(
    desk: Desk, server: OpenAiServer, fault: str
) -> None:
    broken = says("Hel", "lo", breaks_after=1) if fault == "breaks" else says("Hel", cut=True)
    server.script(broken, says("Hello"))

    error = await failure(desk)

    assert (error.code, error.retryable) == ("MODEL_UNAVAILABLE", True)
    assert (desk.said, len(server.asked)) == (["Hel"], 1)


@pytest.mark.parametrize("stream", [True, False])
async def test_what_is_no_json_is_no_answer(desk: Desk, server: OpenAiServer, stream: bool) -> None:
    server.script(*[malformed(stream=stream)] * 3)

    error = await failure(desk)

    assert "the answer is not JSON" in str(error)
    assert (error.code, error.retryable, len(server.asked)) == ("MODEL_UNAVAILABLE", True, 3)


async def test_an_error_within_the_stream_is_the_failure(desk: Desk, server: OpenAiServer) -> None:
    body = b'data: {"error": {"message": "overloaded"}}\n\n'
    server.script(*[Sends(body=body, content_type="text/event-stream")] * 3)

    assert "Error: overloaded" in str(await failure(desk))


@pytest.mark.parametrize(
    "answer", [Silent(), says("Hel", "lo", holds_after=1)], ids=["at all", "amid the text"]
)
async def test_a_server_that_says_nothing_for_too_long_is_given_up(
    desk: Desk, server: OpenAiServer, answer: object
) -> None:
    desk.set_timeout(0.05)
    server.script(answer)

    error = await failure(desk)

    assert "no byte came for 0.05 seconds" in str(error)
    assert (error.code, error.retryable, len(server.asked)) == ("TIMEOUT", True, 1)


async def test_nobody_there_is_a_passing_failure(desk: Desk, free_port: int) -> None:
    async with open_llm(LlmSettings(url=f"http://127.0.0.1:{free_port}"), desk.llm.memory) as llm:
        desk.llm = llm
        error = await failure(desk)

    assert (error.code, error.retryable) == ("MODEL_UNAVAILABLE", True)


@pytest.mark.parametrize(
    "answer", [Silent(), says("Hel", "lo", holds_after=1)], ids=["at all", "amid the text"]
)
async def test_cancelling_closes_the_connection_at_once(
    desk: Desk, server: OpenAiServer, answer: object
) -> None:
    server.script(answer)
    task = asyncio.create_task(desk.agent(userPrompt="Hi"))
    async with asyncio.timeout(5):
        await server.waiting.wait()
        task.cancel()
        await server.left.wait()

    assert (await asyncio.gather(task, return_exceptions=True))[0].__class__ is asyncio.CancelledError


async def test_a_key_that_the_endpoint_repeats_is_not_in_the_error(desk: Desk, server: OpenAiServer) -> None:
    server.script(fails(401, f"Incorrect API key provided: {REAL_KEY}"))

    error = await failure(desk, apiKey=REAL_KEY)

    assert "Incorrect API key provided: •••" in str(error)
    assert REAL_KEY not in "".join(traceback.format_exception(error))


async def test_a_key_that_no_header_can_carry_is_not_in_the_error(desk: Desk, server: OpenAiServer) -> None:
    error = await failure(desk, apiKey=f"{REAL_KEY}\r\nX: y")

    assert not error.retryable
    assert REAL_KEY not in "".join(traceback.format_exception(error))
    assert server.asked == []


async def test_keys_are_secrets_of_the_run_and_in_no_representation(desk: Desk) -> None:
    await desk.agent(userPrompt="Hi")

    assert desk.facts is not None
    assert KEY in desk.facts.secrets
    assert KEY not in repr(desk.llm)


async def test_a_word_in_place_of_a_key_is_masked_nowhere(desk: Desk) -> None:
    await desk.agent(userPrompt="Hi", apiKey="none")

    assert desk.facts is not None
    assert desk.facts.secrets == set()


async def test_an_endless_answer_is_cut_off(desk: Desk, server: OpenAiServer) -> None:
    server.script(Sends(body=b"x" * (11 * 1024 * 1024)))

    error = await failure(desk)

    assert "larger than 10485760 bytes" in str(error)
    assert not error.retryable


async def test_tool_calls_of_a_model_without_tools_are_left_alone(desk: Desk, server: OpenAiServer) -> None:
    server.script(calls(("none", {}), text=["Hello"]))

    assert (await desk.agent(userPrompt="Hi"))["content"] == "Hello"
