"""An execution as it is watched: events in, rows and an outcome out, then a picture."""

from typing import Any

import msgspec
import pytest
from rich.console import Console, RenderableType

from signoff.cli.terminal import views
from signoff.cli.terminal.progress import Progress
from signoff.client import PausePoint, StreamEvent
from signoff.events.times import from_iso

AT = "2026-01-01T00:00:00.000000Z"


def event(kind: str, attempt: int | None = None, /, **data: Any) -> StreamEvent:
    return StreamEvent(
        type=kind,
        event_id=1,
        timestamp=AT,
        workflow_id="refund",
        execution_id="e1",
        attempt=attempt,
        data=data,
    )


def block(what: str, block_id: str = "pay", /, **data: Any) -> StreamEvent:
    named = {"blockId": block_id, "blockName": block_id.title(), "blockType": "function"}
    return event(f"block:{what}", data.pop("attempt", None), **named, **data)


def folded(*events: StreamEvent) -> Progress:
    progress = Progress()
    for each in events:
        progress.apply(each)
    return progress


def text_of(renderable: RenderableType) -> str:
    console = Console(width=120, color_system=None)
    with console.capture() as capture:
        console.print(renderable)
    return capture.get()


def test_a_completed_block_shows_its_duration() -> None:
    progress = folded(block("started"), block("completed", durationMs=12))

    assert text_of(views.execution(progress, now=0)).splitlines()[0].split() == [
        "✓", "Pay", "function", "12", "ms",
    ]  # fmt: skip


def test_a_running_block_shows_how_long_it_has_run() -> None:
    progress = folded(block("started"))

    assert "1.5 s" in text_of(views.execution(progress, now=from_iso(AT) + 1.5))


@pytest.mark.parametrize(
    ("events", "state", "note"),
    [
        ([event("pause:opened", contextId="pay", blockId="pay", pauseKind="human")], "waiting", "decision"),
        (
            [event("timer:set", timerId="pay", kind="wait", dueAt="later", blockId="pay")],
            "timer",
            "until later",
        ),
        ([block("retrying", error="no answer", nextAttemptAt=AT)], "retrying", "no answer"),
        ([block("started", attempt=2)], "running", "try 2"),
        ([block("error", error="broke", durationMs=1, handled=False)], "failed", "broke"),
        ([block("error", error="broke", durationMs=1, handled=True)], "caught", "broke"),
    ],
)
def test_what_becomes_of_a_block_stands_in_its_row(events: list[StreamEvent], state: str, note: str) -> None:
    row = folded(block("started"), *events).blocks["pay"]

    assert row.state == state
    assert note in (row.note or "")


@pytest.mark.parametrize(
    ("ending", "outcome", "error"),
    [
        (event("execution:paused", duration=5), "paused", None),
        (event("execution:completed", duration=5), "completed", None),
        (event("execution:error", duration=5, error="Pay: no", final=True), "failed", "Pay: no"),
        (event("execution:cancelled", duration=5, reason="requested"), "cancelled", "requested"),
    ],
)
def test_the_end_of_a_run_is_the_outcome(ending: StreamEvent, outcome: str, error: str | None) -> None:
    progress = folded(ending)

    assert (progress.outcome, progress.error, progress.duration_ms) == (outcome, error, 5)
    assert outcome in text_of(views.outcome(progress))


def test_a_resume_makes_it_running_again() -> None:
    progress = folded(event("execution:paused", duration=5), event("execution:resumed", contextId="ask"))

    assert progress.outcome == "running"


def test_a_retry_makes_it_running_again() -> None:
    failed = event("execution:error", duration=5, error="Pay: no", final=True)

    progress = folded(failed, event("execution:reopened", reason=""))

    assert (progress.outcome, progress.error) == ("running", None)


def test_a_block_in_a_container_shows_its_turn() -> None:
    turn = {"iterationType": "parallel", "iterationCurrent": 1, "iterationTotal": 3}

    progress = folded(block("started", attempt=2, **turn))

    assert progress.blocks["pay"].note == "parallel 2 of 3, try 2"


def test_an_event_of_a_later_version_changes_nothing() -> None:
    progress = folded(block("started"), event("galaxy:collided", blockId="pay"))

    assert progress.blocks["pay"].state == "running"


def point(context_id: str, fields: list[dict[str, Any]]) -> PausePoint:
    return msgspec.convert(
        {
            "contextId": context_id,
            "blockId": context_id,
            "pauseKind": "human",
            "resumeStatus": "paused",
            "resumeLinks": {"apiUrl": "/api/resume/w/e1/ask", "uiUrl": "/resume/w/e1"},
            "response": {
                "data": {
                    "responseStructure": [{"name": "Amount", "type": "number", "value": 250}],
                    "inputFormat": fields,
                }
            },
        },
        PausePoint,
    )


def test_an_open_decision_is_shown_with_the_command_that_takes_it() -> None:
    fields = [
        {"name": "approved", "type": "boolean", "required": True},
        {"name": "comments", "type": "string", "required": False},
    ]

    text = text_of(views.decisions("e1", [point("ask", fields)]))

    assert "Amount    250" in text
    assert "to fill in: boolean, required" in text
    assert """signoff resume e1 --input '{"approved": true}'""" in text
    assert "/resume/w/e1" in text


def test_of_several_open_decisions_each_is_named_in_its_command() -> None:
    text = text_of(views.decisions("e1", [point("editor", []), point("law₍1₎", [])]))

    assert "signoff resume e1 editor --input '{}'" in text
    assert "signoff resume e1 'law₍1₎' --input '{}'" in text


def test_a_text_of_a_user_is_no_markup() -> None:
    progress = folded(block("started", "[red]pay[/red]"))

    assert "[Red]Pay[/Red]" in text_of(views.execution(progress, now=0))
