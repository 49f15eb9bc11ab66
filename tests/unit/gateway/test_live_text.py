"""A streamed text: live, taken back by a new try, and in the end what the block gave."""

from typing import Any

from msgspec import to_builtins

from signoff.events.types import BlockCompleted, BlockError, BlockRetrying, StreamChunk
from signoff.gateway.executions.live_text import LiveText
from signoff.gateway.executions.selection import Selected

CONTENT = Selected("Agent.content", "agent", ("content",))
MODEL = Selected("Agent.model", "agent", ("model",))
BRANCH: dict[str, Any] = {
    "iteration_current": 1,
    "iteration_type": "parallel",
    "iteration_container_id": "each",
}
ENDED: dict[str, Any] = {
    "block_id": "agent",
    "block_name": "Agent",
    "block_type": "agent",
    "execution_order": 1,
    "duration_ms": 1.0,
    "started_at": "",
    "ended_at": "",
}


def said(offset: int, text: str, *, attempt: int = 1, **place: Any) -> StreamChunk:
    return StreamChunk(block_id="agent", attempt=attempt, offset=offset, chunk=text, **place)


def told(live: LiveText, *events: Any) -> list[Any]:
    messages: list[Any] = []
    for event in events:
        if isinstance(event, BlockCompleted):
            messages += live.end(event, event.output)
        else:
            messages += live.hear(event)
    return [to_builtins(message) for message in messages]


def ended(output: Any, **place: Any) -> BlockCompleted:
    return BlockCompleted(output=output, **ENDED, **place)


def chunk(text: str, **more: str) -> dict[str, str]:
    return {"blockId": "agent", "chunk": text, **more}


def reset(**more: str) -> dict[str, str]:
    return {"blockId": "agent", "event": "chunk_reset", **more}


def test_parts_are_passed_on_and_not_repeated_at_the_end() -> None:
    messages = told(LiveText([CONTENT]), said(0, "Hel"), said(3, "lo"), ended({"content": "Hello"}))

    assert messages == [chunk("Hel"), chunk("lo")]


def test_what_was_not_streamed_comes_with_the_end() -> None:
    messages = told(LiveText([CONTENT, MODEL]), said(0, "Hel"), ended({"content": "Hello", "model": "m"}))

    assert messages == [chunk("Hel"), chunk("lo"), chunk("m")]


def test_a_content_that_is_another_one_replaces_what_was_streamed() -> None:
    messages = told(LiveText([CONTENT]), said(0, "the key is abc"), ended({"content": "the key is ***"}))

    assert messages == [chunk("the key is abc"), reset(), chunk("the key is ***")]


def test_a_try_that_failed_takes_back_what_it_said() -> None:
    retrying = BlockRetrying(block_id="agent", error="gone", next_attempt_at="")

    messages = told(
        LiveText([CONTENT]),
        said(0, "Hal"),
        retrying,
        said(0, "Hello", attempt=2),
        ended({"content": "Hello"}),
    )

    assert messages == [chunk("Hal"), reset(), chunk("Hello")]


def test_a_try_that_another_executor_took_over_takes_back_what_it_said() -> None:
    messages = told(LiveText([CONTENT]), said(0, "Hal"), said(0, "Hello", attempt=2))

    assert messages == [chunk("Hal"), reset(), chunk("Hello")]


def test_a_block_that_failed_for_good_takes_back_what_it_said() -> None:
    failed = BlockError(error="gone", handled=True, **ENDED)

    assert told(LiveText([CONTENT]), said(0, "Hal"), failed) == [chunk("Hal"), reset()]


def test_a_block_that_said_nothing_has_nothing_to_take_back() -> None:
    assert told(LiveText([CONTENT]), BlockError(error="gone", handled=True, **ENDED)) == []


def test_branches_are_told_apart() -> None:
    there = {"instance": "agent₍1₎"}
    other = BRANCH | {"iteration_current": 0}

    messages = told(
        LiveText([CONTENT]),
        said(0, "one", **BRANCH),
        said(0, "nil", **other),
        ended({"content": "one!"}, **BRANCH),
        ended({"content": "nil"}, **other),
    )

    assert messages == [
        chunk("one", **there),
        chunk("nil", instance="agent₍0₎"),
        chunk("!", **there),
    ]


def test_only_the_content_that_was_selected_is_passed_on_live() -> None:
    messages = told(LiveText([MODEL]), said(0, "Hel"), ended({"content": "Hello", "model": "m"}))

    assert messages == [chunk("m")]
