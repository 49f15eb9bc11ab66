"""Blocks for executors in processes of their own: each call is a line in the file that JOURNAL names."""

import asyncio
import os
from pathlib import Path

from signoff.blocks import Context, block


def _note(ctx: Context) -> None:
    with Path(os.environ["JOURNAL"]).open("a") as journal:
        journal.write(f"{ctx.block_id} {ctx.attempt} {ctx.idempotency_key} {os.getpid()}\n")


@block("journal.work")
async def work(ctx: Context) -> int:
    await asyncio.to_thread(_note, ctx)
    return ctx.attempt


@block("journal.hold")
async def hold(ctx: Context) -> int:
    """Never ends on its first try."""
    await asyncio.to_thread(_note, ctx)
    if ctx.attempt == 1:
        await asyncio.Event().wait()
    return ctx.attempt


@block("journal.thread")
def thread(ctx: Context) -> None:
    """Works in a thread until it is cancelled."""
    _note(ctx)
    while not ctx.cancelled.is_set():
        pass
