"""A store and a bus that fail when a test tells them to."""

from typing import Any

from signoff.events.bus.base import Bus
from signoff.events.errors import AppendUnknownError, BusUnavailableError, StoreUnavailableError
from signoff.events.store.base import Append, EventStore


class FaultyStore:
    """A store that fails when told to.

    Attributes:
        away: every call fails, and nothing is written.
        unknown: so many appends of events are written, and fail as if nobody knew.
        refused: so many appends of events fail, and nothing is written.
        lasting: after so many more appends of events it is away; ``None``: never.
    """

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self.away = False
        self.unknown = 0
        self.refused = 0
        self.lasting: int | None = None

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)

        async def call(*given: Any, **named: Any) -> Any:
            if self.away:
                raise StoreUnavailableError("the database is away")
            return await method(*given, **named)

        return call

    async def append(self, append: Append) -> int:
        if self.away:
            raise StoreUnavailableError("the database is away")
        if append.events and self.refused:
            self.refused -= 1
            raise StoreUnavailableError("the database was away for a moment")
        position = await self._store.append(append)
        if append.events and self.lasting is not None:
            self.lasting -= 1
            self.away = self.lasting <= 0
        if append.events and self.unknown:
            self.unknown -= 1
            raise AppendUnknownError("the connection broke during the commit")
        return position


class FaultyBus:
    """A bus on which nothing can be published while it is ``away``; it counts what was ``turned_away``."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.away = False
        self.turned_away = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bus, name)

    async def publish(self, topic: str, partition: int, records: Any) -> Any:
        if self.away:
            self.turned_away += 1
            raise BusUnavailableError("the broker is away")
        return await self._bus.publish(topic, partition, records)
