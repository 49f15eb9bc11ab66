"""What an agent says: messages, prompts, files."""

import base64
from typing import Any

import pytest

from signoff.executor.blocks.base import BlockFailureError
from support.llm_desk import Desk
from support.openai_server import OpenAiServer

PNG = base64.b64encode(b"png").decode()


async def test_messages_go_in_order_with_the_system_first(desk: Desk, server: OpenAiServer) -> None:
    await desk.agent(
        messages=[
            {"role": "user", "content": "Hi"},
            {"role": "system", "content": "Be brief"},
            {"role": "assistant", "content": "Yes?"},
            {"role": "user", "content": "<start.question>"},
            {"role": "tool", "content": "dropped"},
            {"role": "user"},
        ],
        outputs={"start": {"question": {"n": 1}}},
    )

    assert server.asked[0].messages == [
        {"role": "system", "content": "Be brief"},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Yes?"},
        {"role": "user", "content": '{"n":1}'},
    ]


@pytest.mark.parametrize("prompt", ["Hi", {"input": "Hi"}])
async def test_the_legacy_prompts_are_messages(desk: Desk, server: OpenAiServer, prompt: Any) -> None:
    await desk.agent(systemPrompt="Be brief", userPrompt=prompt)

    assert server.asked[0].messages == [
        {"role": "system", "content": "Be brief"},
        {"role": "user", "content": "Hi"},
    ]


async def test_a_system_message_goes_before_the_legacy_prompt(desk: Desk, server: OpenAiServer) -> None:
    await desk.agent(messages=[{"role": "system", "content": "New"}], systemPrompt="Old", userPrompt="Hi")

    assert server.asked[0].messages[0]["content"] == "New"
    assert len(server.asked[0].messages) == 2


async def test_the_operators_model_is_the_default(desk: Desk, server: OpenAiServer) -> None:
    desk.set_model("house-model")

    await desk.agent(model=None, userPrompt="Hi")

    assert server.asked[0].body["model"] == "house-model"


@pytest.mark.parametrize(
    ("file", "part"),
    [
        (
            {"name": "a.png", "type": "image/png", "base64": PNG},
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
        ),
        (
            {"name": "a.png", "type": "image/png", "url": "https://example.com/a.png"},
            {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        ),
        (
            {"name": "a.pdf", "type": "application/pdf", "base64": PNG},
            {
                "type": "file",
                "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PNG}"},
            },
        ),
    ],
    ids=["image", "image by URL", "document"],
)
async def test_files_go_with_the_last_user_message(
    desk: Desk, server: OpenAiServer, file: dict[str, str], part: dict[str, Any]
) -> None:
    await desk.agent(userPrompt="What is it?", files=[file])

    assert server.asked[0].messages[-1]["content"] == [{"type": "text", "text": "What is it?"}, part]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"userPrompt": None, "systemPrompt": "x"}, "Files require at least one user message"),
        ({"files": [{"name": "a", "base64": "not base64!"}]}, 'File "a": base64 is none'),
        ({"files": [{"name": "a", "url": "http://127.0.0.1/a"}]}, 'File "a" has no content'),
        ({"files": [{"base64": PNG}] * 21}, "files must be at most 20"),
    ],
)
async def test_files_that_cannot_go_are_named(desk: Desk, params: dict[str, Any], message: str) -> None:
    given = {"userPrompt": "Hi", "files": [{"base64": PNG}], **params}
    with pytest.raises(BlockFailureError, match=message):
        await desk.agent(**given)
