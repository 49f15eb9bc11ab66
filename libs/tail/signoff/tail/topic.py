"""Following the topic of events: every partition, from its end on, in no group."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from signoff.events.bus.base import Bus, Message, Reader
from signoff.events.errors import BusError, BusUnavailableError, OffsetOutOfRangeError
from signoff.events.topics import EXECUTIONS

_POLL_SECONDS: Final = 1.0
_RETRY_SECONDS: Final = 1.0

_log = structlog.get_logger("signoff.tail")


class TopicTail:
    """Hands on what appears on ``signoff.executions``, and knows whether it does.

    Args:
        bus: where the topic is.
        deliver: takes each batch of messages.
        changed: called when :attr:`live` changed, and when messages may have been missed.

    Attributes:
        live: what is published from now on is delivered.
    """

    def __init__(
        self, bus: Bus, *, deliver: Callable[[Sequence[Message]], None], changed: Callable[[], None]
    ) -> None:
        self.live = False
        self._bus = bus
        self._deliver = deliver
        self._changed = changed

    async def run(self) -> None:
        """Follow the topic until cancelled; while it is away, try again each second."""
        try:
            while True:
                try:
                    await self._follow()
                except BusError as error:
                    self._set_live(False, reason=str(error))
                    await asyncio.sleep(_RETRY_SECONDS)
        finally:
            self.live = False

    async def _follow(self) -> None:
        reader = await self._bus.reader(EXECUTIONS)
        try:
            await self._assign_ends(reader)
            await self._poll(reader, wait=0.0)  # returns as soon as it can read: from now on it is live
            while True:
                await self._poll(reader, wait=_POLL_SECONDS)
        finally:
            await reader.close()

    async def _assign_ends(self, reader: Reader) -> None:
        count = await self._bus.partitions(EXECUTIONS)
        if count == 0:
            raise BusUnavailableError(f"the topic {EXECUTIONS} does not exist: run `signoff topics apply`")
        bounds = await self._bus.bounds(EXECUTIONS, range(count))
        await reader.assign({partition: end for partition, (_, end) in bounds.items()})

    async def _poll(self, reader: Reader, *, wait: float) -> None:
        try:
            messages = await reader.poll(wait=wait)
        except OffsetOutOfRangeError:
            await self._assign_ends(reader)
            self._changed()  # what lies between is read from the log
            return
        except BusUnavailableError as error:
            self._set_live(False, reason=str(error))
            await asyncio.sleep(_RETRY_SECONDS)
            return  # the reader goes on where it was
        self._set_live(True)
        if messages:
            self._deliver(messages)

    def _set_live(self, live: bool, *, reason: str | None = None) -> None:
        if live == self.live:
            return
        self.live = live
        if live:
            _log.info("following the topic", topic=EXECUTIONS)
        else:
            _log.warning("the topic is away; reading the log each second", topic=EXECUTIONS, reason=reason)
        self._changed()
