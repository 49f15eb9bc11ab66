"""An inbox that stays as it is: read again whenever something happens to a decision."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Final

from rich.live import Live

from signoff.cli.inbox import lists as inbox_lists
from signoff.cli.terminal.output import Output
from signoff.client import AsyncClient, InboxItem, StreamEvent

_TYPES: Final = ("pause:*", "decision:*", "resume:*", "execution:*")
"""Whatever may open, change or close a point."""

_PAUSE: Final = 0.5
"""Seconds between two readings, however much happens."""


async def watch_inbox(
    client: AsyncClient,
    read: Callable[[], Awaitable[Sequence[InboxItem]]],
    *,
    workflows: Sequence[str],
    output: Output,
    as_json: bool,
) -> None:
    """Show an inbox until it is interrupted.

    Args:
        client: to the server.
        read: what is in it now.
        workflows: only of these; of all where there are none.
        output: on a terminal a table that changes; for programs a line for each decision that is new, changed
            or gone.
        as_json: lines, whoever reads them.
    """
    cursor = await client.present()  # before the first reading, so that nothing falls between
    feed = client.feed(types=_TYPES, workflows=workflows, cursor=cursor)
    async with aclosing(_readings(read, feed)) as readings:
        if as_json or not output.is_terminal:
            await _print(readings, output)
            return
        with Live(console=output.console, auto_refresh=False) as live:
            async for items in readings:
                live.update(inbox_lists.table(items), refresh=True)


async def _print(readings: AsyncGenerator[Sequence[InboxItem], None], output: Output) -> None:
    known: dict[tuple[str, str], InboxItem] = {}
    async for items in readings:
        found = {(item.execution_id, item.context_id): item for item in items}
        for place, item in found.items():
            if known.get(place) != item:
                output.line(item)
        for execution_id, context_id in known.keys() - found.keys():
            output.line({"executionId": execution_id, "contextId": context_id, "gone": True})
        known = found


async def _readings(
    read: Callable[[], Awaitable[Sequence[InboxItem]]], feed: AsyncGenerator[StreamEvent, None]
) -> AsyncGenerator[Sequence[InboxItem], None]:
    """What is in the inbox: now, and after each change."""
    happened = asyncio.Event()
    listening = asyncio.create_task(_listen(feed, happened))
    try:
        while not listening.done():
            happened.clear()
            yield await read()
            waiting = asyncio.create_task(happened.wait())
            await asyncio.wait({listening, waiting}, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            await asyncio.sleep(_PAUSE)
        listening.result()  # it ends only by an error
    finally:
        listening.cancel()
        await asyncio.wait({listening})


async def _listen(feed: AsyncGenerator[StreamEvent, None], happened: asyncio.Event) -> None:
    async with aclosing(feed) as events:
        async for _ in events:
            happened.set()
