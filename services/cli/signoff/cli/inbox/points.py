"""Which pause point a command is about, where its execution alone is named."""

import asyncio
from collections.abc import Sequence
from typing import Final

from signoff.cli.exits import CommandError
from signoff.cli.terminal.watching import open_points
from signoff.client import AsyncClient, AsyncExecution, PausePoint

_MOST: Final = 20
"""Open points of one execution that are looked at to find the caller's."""


async def find_point(client: AsyncClient, execution: AsyncExecution, context: str | None) -> str:
    """The point that is named or, without a name, the only one that is open and the caller may decide.

    Raises:
        CommandError: there is none, or which of several is meant must be said.
    """
    if context is not None:
        return context
    points = await open_points(execution)
    if 1 < len(points) <= _MOST:
        points = await _decidable(client, execution, points) or points
    if not points:
        raise CommandError(
            f"nothing of {execution.id} waits for a decision: look with `signoff watch {execution.id}`"
        )
    if len(points) > 1:
        raise CommandError(
            f"{execution.id} waits for {len(points)} decisions: name one of these after the execution's id",
            details=tuple(point.context_id for point in points),
        )
    return points[0].context_id


async def _decidable(
    client: AsyncClient, execution: AsyncExecution, points: Sequence[PausePoint]
) -> list[PausePoint]:
    details = await asyncio.gather(*(client.inbox.get(execution.id, each.context_id) for each in points))
    return [point for point, detail in zip(points, details, strict=True) if detail.may_decide]
