"""Drawings that were made lately: a version never changes."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from aiohttp import web

from signoff.engine.definitions.definition import decode
from signoff.gateway.pages.graph.drawing import Drawing, draw
from signoff.gateway.pages.kept import Kept


class Drawings:
    """Draws definitions, and keeps the drawings used last."""

    def __init__(self) -> None:
        self._kept: Kept[Drawing] = Kept()

    async def of(self, read: Callable[[], Awaitable[Mapping[str, Any]]], *, digest: str) -> Drawing:
        """The drawing of a deployed version.

        Args:
            read: gives its definition, as `signoff.engine.definitions.definition.encode` wrote it.
            digest: of the definition.
        """

        async def make() -> Drawing:
            return await asyncio.to_thread(_drawn, await read())

        return await self._kept.get(digest, make)


def _drawn(document: Mapping[str, Any]) -> Drawing:
    return draw(decode(document))


DRAWINGS: Final = web.AppKey("drawings", Drawings)
