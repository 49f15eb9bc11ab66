"""What agents remember from one execution to the next."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from signoff.events.errors import BlobError
from signoff.events.objects import Objects
from signoff.executor.blocks.base import BlockFailureError
from signoff.executor.blocks.llm import memory as memories
from signoff.executor.blocks.llm.memory import Remembered, StoredMemory, Turn
from support.llm_desk import WORKSPACE, Desk
from support.openai_server import OpenAiServer, fails, says

TALK = {"memoryType": "conversation", "conversationId": "c/1"}


def turn(key: str, text: str = "") -> Turn:
    return Turn(key, "run", (Remembered("user", text or key), Remembered("assistant", "yes")))


def run(number: int) -> dict[str, Any]:
    """The names of one execution."""
    return {"execution_id": f"run{number}", "idempotency_key": f"run{number}/ask"}


async def ask(desk: Desk, number: int, text: str, answer: str = "yes", **params: Any) -> list[str]:
    """One turn; gives what the model was told, without roles."""
    desk.server.script(says(answer))
    messages = [{"role": "system", "content": "S"}, {"role": "user", "content": text}]
    await desk.agent(messages=messages, call=run(number), **{**TALK, **params})
    return [message["content"] for message in desk.server.asked[-1].messages]


async def test_a_conversation_is_remembered(desk: Desk) -> None:
    assert await ask(desk, 1, "I am Ada", "Hello Ada") == ["S", "I am Ada"]
    assert await ask(desk, 2, "Who am I?") == ["S", "I am Ada", "Hello Ada", "Who am I?"]


async def test_it_survives_a_restart(desk: Desk, tmp_path: Path) -> None:
    await ask(desk, 1, "I am Ada", "Hello Ada")
    desk.llm = msgspec.structs.replace(desk.llm, memory=StoredMemory(Objects.open(f"file://{tmp_path}")))

    assert await ask(desk, 2, "Who am I?") == ["S", "I am Ada", "Hello Ada", "Who am I?"]


async def test_another_conversation_knows_nothing_of_it(desk: Desk) -> None:
    await ask(desk, 1, "I am Ada")

    assert await ask(desk, 2, "Who am I?", conversationId="c/2") == ["S", "Who am I?"]


async def test_an_agent_without_memory_remembers_nothing(desk: Desk) -> None:
    await ask(desk, 1, "I am Ada", memoryType="none")

    assert await ask(desk, 2, "Who am I?") == ["S", "Who am I?"]


async def test_a_legacy_prompt_is_new_each_time(desk: Desk, server: OpenAiServer) -> None:
    for number in (1, 2):
        server.script(says("yes"))
        await desk.agent(userPrompt="Hi", call=run(number), **TALK)

    assert [message["content"] for message in server.asked[1].messages] == ["Hi", "yes", "Hi"]


async def test_agents_of_one_execution_do_not_repeat_what_its_user_said(
    desk: Desk, server: OpenAiServer
) -> None:
    await ask(desk, 1, "I am Ada", "Hello Ada")
    call = {"execution_id": "run1", "idempotency_key": "run1/second"}

    await desk.agent(messages=[{"role": "user", "content": "I am Ada"}], call=call, **TALK)

    assert [message["content"] for message in server.asked[1].messages] == ["I am Ada", "Hello Ada"]


async def test_a_try_that_fails_leaves_nothing(desk: Desk, server: OpenAiServer) -> None:
    server.script(fails(400))
    with pytest.raises(BlockFailureError):
        await desk.agent(userPrompt="lost", call=run(1), **TALK)

    assert await ask(desk, 2, "Hi") == ["S", "Hi"]


async def test_a_try_after_a_crash_takes_the_place_of_its_turn(desk: Desk) -> None:
    await ask(desk, 1, "Hi", "first")
    assert await ask(desk, 1, "Hi", "second") == ["S", "Hi"]

    assert await ask(desk, 2, "And?") == ["S", "Hi", "second", "And?"]


@pytest.mark.parametrize(
    ("window", "told"),
    [
        ({"memoryType": "sliding_window", "slidingWindowSize": "3"}, ["yes", "two", "yes"]),
        ({"memoryType": "sliding_window", "slidingWindowSize": "none"}, ["one", "yes", "two", "yes"]),
        ({"memoryType": "sliding_window_tokens", "slidingWindowTokens": 2}, ["two", "yes"]),
        ({"memoryType": "sliding_window_tokens", "slidingWindowTokens": "0.5"}, ["one", "yes", "two", "yes"]),
    ],
)
async def test_a_window_bounds_what_the_model_is_reminded_of(
    desk: Desk, window: dict[str, Any], told: list[str]
) -> None:
    await ask(desk, 1, "one")
    await ask(desk, 2, "two")

    assert await ask(desk, 3, "three", **window) == ["S", *told, "three"]


async def test_environment_values_are_not_remembered(desk: Desk) -> None:
    desk.environment = {"NAME": "hush-hush"}
    await ask(desk, 1, "I am {{NAME}}", "Hello hush-hush")
    desk.environment = {}

    assert await ask(desk, 2, "Hi") == ["S", "I am •••", "Hello •••", "Hi"]


async def test_a_message_too_large_to_be_remembered_is_refused(desk: Desk, server: OpenAiServer) -> None:
    with pytest.raises(BlockFailureError, match=r"Message content too large \(102401 bytes, max 102400\)"):
        await desk.agent(userPrompt="x" * 102_401, **TALK)
    assert server.asked == []


async def test_an_answer_too_large_to_be_remembered_is_remembered_cut(desk: Desk) -> None:
    await ask(desk, 1, "Talk", "é" * 102_400)

    *_, remembered, _ = await ask(desk, 2, "Hi")
    assert len(remembered.encode()) <= 102_400
    assert remembered.endswith("é\n[cut]")


async def test_turns_that_end_at_once_are_all_kept(memory: StoredMemory) -> None:
    await asyncio.gather(*(memory.append(WORKSPACE, "c", turn(str(n))) for n in range(20)))

    assert {each.key for each in await memory.get(WORKSPACE, "c")} == {str(n) for n in range(20)}


async def test_the_oldest_turns_go_first(memory: StoredMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memories, "MOST_TURNS", 3)
    for number in range(5):
        await memory.append(WORKSPACE, "c", turn(str(number)))

    assert [each.key for each in await memory.get(WORKSPACE, "c")] == ["2", "3", "4"]


async def test_a_conversation_is_bounded_in_bytes_and_keeps_its_last_turn(
    memory: StoredMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memories, "MOST_BYTES", 1000)
    await memory.append(WORKSPACE, "c", turn("1"))
    await memory.append(WORKSPACE, "c", turn("2", "x" * 2000))

    assert [each.key for each in await memory.get(WORKSPACE, "c")] == ["2"]


async def test_a_damaged_conversation_is_an_error_and_not_forgotten(tmp_path: Path) -> None:
    folder = Objects.open(f"file://{tmp_path}")
    memory = StoredMemory(folder)
    await memory.append(WORKSPACE, "c", turn("1"))
    (file,) = await asyncio.to_thread(lambda: [path for path in tmp_path.rglob("*") if path.is_file()])
    await asyncio.to_thread(file.write_bytes, b"[")

    with pytest.raises(BlobError, match="the memory of conversation 'c' cannot be read"):
        await memory.get(WORKSPACE, "c")
