"""Hubs over a log in memory that can be watched, and taken away."""

from contextlib import AsyncExitStack
from typing import Any

from signoff.events.bus.memory import MemoryBus
from signoff.events.errors import StoreUnavailableError
from signoff.events.store.memory import MemoryStore
from signoff.tail import Hub


class WatchedStore(MemoryStore):
    """A store that counts what it is asked, and goes away when told to."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.away = False

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if self.away:
            raise StoreUnavailableError("the database is away")

    async def read(self, *args: Any, **kwargs: Any) -> Any:
        self._ask("read")
        return await super().read(*args, **kwargs)

    async def read_feed(self, *args: Any, **kwargs: Any) -> Any:
        self._ask("read_feed")
        return await super().read_feed(*args, **kwargs)

    async def heads(self, *args: Any, **kwargs: Any) -> Any:
        self._ask("heads")
        return await super().heads(*args, **kwargs)

    async def execution(self, *args: Any, **kwargs: Any) -> Any:
        self._ask("execution")
        return await super().execution(*args, **kwargs)


class Hubs:
    """Makes hubs over the same log and topic, and closes them."""

    def __init__(self, store: WatchedStore, bus: MemoryBus, closing: AsyncExitStack) -> None:
        self.store = store
        self.bus = bus
        self._closing = closing

    def new(self, **options: Any) -> Hub:
        hub = Hub(self.store, self.bus, **options)
        self._closing.push_async_callback(hub.close)
        return hub
