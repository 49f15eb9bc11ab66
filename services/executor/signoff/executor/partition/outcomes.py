"""Tells callers what became of their commands: a hint, sent at most once. The log knows for sure."""

import asyncio
from collections import OrderedDict
from typing import Final
from uuid import UUID

import structlog
from msgspec import Raw

from signoff.events import faults
from signoff.events.bus.base import Bus, Record
from signoff.events.codec import encode
from signoff.events.errors import BusError
from signoff.events.topics import OUTCOMES
from signoff.events.types import NO_EVENT, Command, Outcome

_WAITERS: Final = 20_000
"""Runs whose end somebody waits for; older ones ask the log."""

_QUEUE: Final = 10_000

LARGEST_EVENT: Final = 32 * 1024
"""Bytes of an ending event that still goes with its outcome: callers read a larger one from the log."""

_EVENT_BYTES: Final = 256 * 1024
"""Of all events in one sending; what is ready beyond that goes without. An embedded server's topic holds
1 MiB, and an outcome that it drops unread costs its caller a second, not a query."""

_log = structlog.get_logger("signoff.executor.outcomes")


class Outcomes:
    """Sends outcomes in batches per partition, and remembers who waits for which run."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._waiting: OrderedDict[tuple[UUID, str], list[tuple[int, str]]] = OrderedDict()
        self._ready: dict[int, list[Record]] = {}
        self._count = 0
        self._event_bytes = 0
        self._some = asyncio.Event()

    def wait_for(self, log_id: UUID, run_id: str, command: Command) -> None:
        """Remember that the sender of a command wants to know how a run ends."""
        if command.reply_to is not None and getattr(command.data, "mode", None) != "async":
            self._waiting.setdefault((log_id, run_id), []).append((command.reply_to, command.command_id))
            if len(self._waiting) > _WAITERS:
                self._waiting.popitem(last=False)

    def answer(self, command: Command, outcome: Outcome) -> None:
        """Tell the sender of a command."""
        if command.reply_to is not None:
            self._put(command.reply_to, outcome)

    def ended(
        self, log_id: UUID, execution_id: str, run_id: str, event_id: int, event: bytes | None = None
    ) -> None:
        """Tell everybody who waits for a run that it ended.

        Args:
            log_id: of the execution.
            execution_id: as its callers know it.
            run_id: the run.
            event_id: of the event that ended it.
            event: that event as committed, where it is at hand.
        """
        for reply_to, command_id in self._waiting.pop((log_id, run_id), ()):
            self._put(
                reply_to,
                Outcome(
                    command_id=command_id,
                    execution_id=execution_id,
                    outcome="ended",
                    event_id=event_id,
                    event=NO_EVENT if event is None else self._within_bounds(event),
                ),
            )

    def _within_bounds(self, event: bytes) -> Raw:
        if len(event) > min(LARGEST_EVENT, _EVENT_BYTES - self._event_bytes):
            return NO_EVENT
        self._event_bytes += len(event)
        return Raw(event)

    def _put(self, reply_to: int, outcome: Outcome) -> None:
        if self._count >= _QUEUE:
            return
        self._count += 1
        record = Record(outcome.command_id.encode(), encode(outcome))
        self._ready.setdefault(reply_to, []).append(record)
        self._some.set()

    async def send(self) -> None:
        """Send what is ready, for ever."""
        while True:
            await self._some.wait()
            self._some.clear()
            ready, self._ready, self._count = self._ready, {}, 0
            self._event_bytes = 0
            if faults.armed:
                await faults.reach("outcomes.sending")
            try:
                for partition, records in ready.items():
                    await self._bus.publish(OUTCOMES, partition, records)
            except BusError as error:
                _log.warning("outcomes not sent: callers ask the log", count=len(ready), reason=str(error))
