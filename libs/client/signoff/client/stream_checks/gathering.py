"""Lets an execution run, pause, be decided and end, and listens to all of it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final
from uuid import uuid4

from signoff.client.client import AsyncClient
from signoff.client.errors import BadAnswerError
from signoff.client.resources.execution import AsyncExecution
from signoff.client.stream_checks.evidence import Evidence, Limits, Live, feed_path, stream_path
from signoff.client.stream_checks.frames import (
    FEED_HEARTBEAT,
    HEARTBEAT,
    Event,
    Frame,
    event_of,
    frames_of,
)
from signoff.client.stream_checks.wire import Listener, Wire

OWN_WORKFLOW: Final = "signoff-stream-check"

_DEFINITION: Final = """\
workflow: signoff-stream-check
blocks:
  before: {type: function, code: "return 1", then: decide}
  decide: {type: human_in_the_loop, form: {approved: boolean}, then: after}
  after: {type: function, code: "return <before.result> + 1"}
"""
_DECISION: Final = {"approved": True}
_HEARTBEATS: Final = 1.5
"""How many times the interval a heartbeat is waited for."""

_LOOK_SECONDS: Final = 0.1
_SETTLED: Final = ("completed", "failed", "cancelled", "paused")


@asynccontextmanager
async def own_workflow(client: AsyncClient) -> AsyncIterator[str]:
    """Deploy the suite's workflow, and undeploy it in the end."""
    await client.workflows.deploy(OWN_WORKFLOW, _DEFINITION)
    try:
        yield OWN_WORKFLOW
    finally:
        await client.workflows.undeploy(OWN_WORKFLOW)


async def given(client: AsyncClient, wire: Wire, execution_id: str, limits: Limits) -> Evidence:
    """Evidence of an execution that is there, which is only read.

    Raises:
        BadAnswerError: it still runs, so that no two looks at it are the same.
        NotFoundError: there is no such execution.
    """
    execution = client.executions.handle(execution_id)
    view = await execution.status()
    if view.status not in _SETTLED:
        raise BadAnswerError(
            f"{execution_id} is {view.status}: name one that has ended or is paused, or leave it away"
        )
    return await _evidence(client, wire, execution, limits, live=None)


async def lived(client: AsyncClient, wire: Wire, workflow_id: str, limits: Limits) -> Evidence:
    """Evidence of an execution of a workflow that pauses once and completes when it is decided.

    Raises:
        BadAnswerError: it does not.
    """
    execution_id = f"stream-check-{uuid4()}"
    async with wire.listen(feed_path(executionId=execution_id)) as feed:
        await feed.until(_has_frames(1), limit=limits.live)
        execution = await client.executions.start(workflow_id, {}, execution_id=execution_id)
        await _wait_for_pause(execution, limits)
        path = stream_path(workflow_id, execution_id)
        async with wire.listen(path) as paused:
            await paused.to_end(limit=limits.answer)
        async with wire.listen(f"{path}?follow=true") as followed:
            known = len(await _log(execution))
            await followed.until(_has_frames(known), limit=limits.live)
            await _hear_silence(followed, feed, limits)
            cut, resumed_at = await _decide_and_go_on(wire, execution, followed, known=known, limits=limits)
        await feed.until(_has_frames(1 + len(await _log(execution))), limit=limits.live)
    live = Live(paused=paused, followed=followed, cut=cut, feed=feed, resumed_at=resumed_at)
    return await _evidence(client, wire, execution, limits, live=live)


async def _hear_silence(followed: Listener, feed: Listener, limits: Limits) -> None:
    limit = limits.heartbeat * _HEARTBEATS
    await asyncio.gather(
        followed.until(lambda heard: HEARTBEAT in heard.blocks, limit=limit),
        feed.until(lambda heard: any(map(FEED_HEARTBEAT.fullmatch, heard.blocks)), limit=limit),
    )


async def _decide_and_go_on(
    wire: Wire, execution: AsyncExecution, followed: Listener, *, known: int, limits: Limits
) -> tuple[list[list[Frame]], float]:
    """Let it go on, while one stream stays and another is cut off in its history, live, and once more."""
    path = stream_path(execution.workflow_id or "", execution.id)
    cut = [await _piece(wire, path, after=[], count=1, limit=limits.live)]
    cut.append(await _piece(wire, path, after=cut[-1], count=known - 1, limit=limits.live))
    async with wire.listen(f"{path}?follow=true", headers=_after(cut[-1])) as going_on:
        await _decide(execution)
        resumed_at = asyncio.get_running_loop().time()
        await followed.to_end(limit=limits.live)
        await going_on.until(_has_frames(1), limit=limits.live)
    cut.append(frames_of(going_on.blocks)[:1])
    cut.append(await _piece(wire, path, after=cut[-1], count=None, limit=limits.live))
    return cut, resumed_at


async def _piece(
    wire: Wire, path: str, *, after: list[Frame], count: int | None, limit: float
) -> list[Frame]:
    """The next frames of a followed stream, after which it is cut off; ``count`` ``None``: to its end."""
    enough = _has_frames(count) if count is not None else lambda _: False
    async with wire.listen(f"{path}?follow=true", headers=_after(after)) as piece:
        await piece.until(enough, limit=limit)
    # What came besides counts for nothing, as if the connection had been cut before.
    return frames_of(piece.blocks)[:count]


def _after(frames: list[Frame]) -> dict[str, str]:
    return {"Last-Event-ID": frames[-1].id} if frames else {}


def _has_frames(count: int) -> Callable[[Listener], bool]:
    return lambda heard: len(frames_of(heard.blocks)) >= count


async def _wait_for_pause(execution: AsyncExecution, limits: Limits) -> None:
    """Ask for its status, not for its stream, which is what is in doubt."""
    try:
        async with asyncio.timeout(limits.answer):
            while (view := await execution.status()).status != "paused":
                if view.status in _SETTLED:
                    raise BadAnswerError(
                        f"{view.workflow_id} {view.status} without a pause: name a workflow that pauses once"
                    )
                await asyncio.sleep(_LOOK_SECONDS)
    except TimeoutError as error:
        raise BadAnswerError(
            f"{execution.workflow_id} does not pause within {limits.answer:g} s: "
            "name a workflow that pauses once"
        ) from error


async def _decide(execution: AsyncExecution) -> None:
    points = [point for point in await execution.pauses() if point.is_open]
    if len(points) != 1:
        raise BadAnswerError(
            f"{execution.workflow_id} has {len(points)} open points: name a workflow that pauses once"
        )
    await execution.resume(points[0].context_id, _DECISION)


async def _evidence(
    client: AsyncClient, wire: Wire, execution: AsyncExecution, limits: Limits, *, live: Live | None
) -> Evidence:
    workflow_id = await execution.find_workflow()
    replays = []
    for _ in range(2):
        async with wire.listen(stream_path(workflow_id, execution.id)) as replay:
            await replay.to_end(limit=limits.answer)
        replays.append(replay)
    others = [each.id async for each in client.workflows.list() if each.id != workflow_id]
    return Evidence(
        wire=wire,
        limits=limits,
        workflow_id=workflow_id,
        execution_id=execution.id,
        other_workflow=others[0] if others else None,
        log=await _log(execution),
        replays=(replays[0], replays[1]),
        live=live,
    )


async def _log(execution: AsyncExecution) -> list[Event]:
    events = [event_of(event.raw) async for event in execution.events()]
    return [event for event in events if event is not None]
