"""One call of a tool: whose it is, and what tools have in common."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import TypeAlias, TypeVar

from msgspec import Struct

from signoff.cli.mcp.approver import Approver
from signoff.client import AsyncClient

Report: TypeAlias = Callable[[float, str], Awaitable[None]]
"""Tells whoever called how far it is: a number that grows, and a line."""

T = TypeVar("T")


class Call(Struct, frozen=True):
    """What a tool is called with, besides its arguments.

    Attributes:
        client: acts as the agent.
        key: the agent's, as ``client`` has it.
        report: of progress.
        approver: who decides, where this server offers that.
    """

    client: AsyncClient
    key: str | None
    report: Report
    approver: Approver | None = None


class Answer(Struct, frozen=True, kw_only=True):
    """What every tool answers with. ``note``: what the reader must know of it, such as that it was cut."""

    note: str = ""


async def take(items: AsyncGenerator[T, None], most: int) -> tuple[list[T], bool]:
    """The first items of an iterator, and whether there are more; it is closed."""
    taken: list[T] = []
    async with aclosing(items):
        async for item in items:
            if len(taken) == most:
                return taken, True
            taken.append(item)
    return taken, False
