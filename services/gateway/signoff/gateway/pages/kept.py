"""What was worked out lately, of things that never change."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

import msgspec

T = TypeVar("T")

_MOST: Final = 64
_ROOM: Final = 16 * 1024 * 1024


def _encoded(result: object) -> int:
    return len(msgspec.json.encode(result))


class Kept(Generic[T]):
    """Keeps the results used last, by name; who asks for one that is being made waits for that.

    Args:
        most: results that are kept.
        room: bytes that all of them take, as JSON; a result that is larger is not kept.
    """

    def __init__(self, *, most: int = _MOST, room: int = _ROOM) -> None:
        self._most, self._room = most, room
        self._known: OrderedDict[str, asyncio.Task[T]] = OrderedDict()
        self._weights: dict[str, int] = {}

    async def get(self, name: str, make: Callable[[], Awaitable[T]]) -> T:
        """What has a name.

        Args:
            name: of the result: the same name means the same result.
            make: makes it where it is not known, and goes on if who asked has left. A failure is not kept:
                those who wait for it get it.
        """
        if name not in self._known:
            self._known[name] = asyncio.create_task(self._made(name, make))
        self._known.move_to_end(name)
        return await asyncio.shield(self._known[name])

    async def _made(self, name: str, make: Callable[[], Awaitable[T]]) -> T:
        try:
            made = await make()
            self._weights[name] = _encoded(made)
        except BaseException:
            del self._known[name]
            raise
        if self._weights[name] > self._room:
            self._forget(name)
        while len(self._weights) > self._most or sum(self._weights.values()) > self._room:
            self._forget(next(each for each in self._known if each in self._weights))
        return made

    def _forget(self, name: str) -> None:
        del self._known[name], self._weights[name]
