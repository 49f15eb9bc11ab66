"""What an agent says: messages, prompts, files."""

import base64
from typing import Any
from uuid import UUID

import pytest

from signoff.executor.blocks.base import BlockFailureError
from signoff.executor.blocks.llm import files
from support.llm_desk import WORKSPACE, Desk
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


async def test_a_stored_file_goes_with_its_content_name_and_type(desk: Desk, server: OpenAiServer) -> None:
    kept = await desk.tools.files.keep(UUID(WORKSPACE), b"png", name="a.png", media_type="image/png")
    claimed = {**kept.value(), "name": "b.exe", "type": "text/plain"}

    await desk.agent(userPrompt="What is it?", files=[claimed, {"key": kept.key}])

    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
    assert server.asked[0].messages[-1]["content"][1:] == [image, image]


async def test_a_file_of_another_workspace_is_not_stored_here(desk: Desk) -> None:
    kept = await desk.tools.files.keep(UUID(int=2), b"png", name="a.png", media_type="image/png")

    with pytest.raises(BlockFailureError, match=r'File "a\.png" is not stored here'):
        await desk.agent(userPrompt="Hi", files=[kept.value()])


async def test_stored_files_are_not_read_beyond_what_a_message_may_hold(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "LARGEST", 100)
    kept = await desk.tools.files.keep(UUID(WORKSPACE), bytes(60), name="a", media_type="image/png")

    with pytest.raises(BlockFailureError, match="files must be at most 100 bytes"):
        await desk.agent(userPrompt="Hi", files=[kept.value(), kept.value()])


async def test_a_key_of_somebody_elses_store_is_passed_over_for_its_url(
    desk: Desk, server: OpenAiServer
) -> None:
    url = "https://example.com/a.png"

    await desk.agent(userPrompt="Hi", files=[{"type": "image/png", "url": url, "key": "w/1-a.png"}])

    assert server.asked[0].messages[-1]["content"][1] == {"type": "image_url", "image_url": {"url": url}}
