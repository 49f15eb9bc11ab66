"""Reads commands of the owned partitions from Kafka and hands them to their loops.

Partitions are assigned, never balanced by a consumer group: where to go on is in the log's database.
A partition whose inbox is full is paused, so that the broker keeps what nobody has room for.
"""

import asyncio
from collections.abc import Mapping
from typing import Final

import structlog

from signoff.events.bus.base import Bus, Reader
from signoff.events.errors import BusError, OffsetOutOfRangeError
from signoff.events.topics import COMMANDS
from signoff.executor.ownership.takeover import REMEDY
from signoff.executor.partition.loop import Partition

_WAIT: Final = 0.1
_PAUSE: Final = 0.5
_GROUP: Final = "signoff-executors"
_COMMIT: Final = 5.0

_log = structlog.get_logger("signoff.executor.intake")


class Intake:
    """One reader for all owned partitions. ``overloaded`` says that too many blocks wait for their turn."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._partitions: dict[int, Partition] = {}
        self._positions: dict[int, int] = {}
        self._assigned: dict[int, Partition] = {}
        self._changed = False
        self._paused: set[int] = set()
        self.overloaded = False

    def add(self, partition: Partition) -> None:
        """Begin to read a partition's commands where its log goes on."""
        self._partitions[partition.number] = partition
        self._positions[partition.number] = partition.next_offset
        self._changed = True

    def remove(self, number: int) -> None:
        """Stop reading a partition."""
        self._partitions.pop(number, None)
        self._positions.pop(number, None)
        self._changed = True

    async def read(self) -> None:
        """Read for ever; waits out a broker that is away."""
        reader = await self._bus.reader(COMMANDS)
        try:
            while True:
                try:
                    await self._round(reader)
                except OffsetOutOfRangeError as error:
                    self._close(error)
                except BusError as error:
                    _log.warning("commands cannot be read", reason=str(error))
                    self._changed = True
                    await asyncio.sleep(_PAUSE)
        finally:
            await reader.close()

    async def _round(self, reader: Reader) -> None:
        if self._changed:
            self._changed = False
            self._assigned = dict(self._partitions)
            await reader.assign(dict(self._positions))
            reader.resume(self._paused)
            self._paused.clear()
        self._push_back(reader)
        if not self._positions or len(self._paused) == len(self._positions):
            await asyncio.sleep(_WAIT)
            return
        for message in await reader.poll(wait=_WAIT):
            partition = self._partitions.get(message.partition)
            # One that came or was taken again meanwhile goes on elsewhere than where was read.
            if partition is None or partition is not self._assigned.get(message.partition):
                continue
            if message.offset >= self._positions[message.partition]:
                self._positions[message.partition] = message.offset + 1
                partition.accept(message)

    def _push_back(self, reader: Reader) -> None:
        for number, partition in self._partitions.items():
            full = partition.inbox.full or self.overloaded
            if full and number not in self._paused:
                reader.pause([number])
                self._paused.add(number)
            elif number in self._paused and not self.overloaded and partition.inbox.drained:
                reader.resume([number])
                self._paused.discard(number)

    def _close(self, error: OffsetOutOfRangeError) -> None:
        _log.error("commands were lost to retention, or the broker was made anew", reason=str(error))
        for number in error.partitions:
            partition = self._partitions.get(number)
            if partition is not None:
                partition.fault = f"{error}; {REMEDY}"
                partition.close()
            self.remove(number)

    async def report(self) -> None:
        """Tell Kafka's lag tools how far the log is, now and then, for ever. Nobody reads it back."""
        while True:
            await asyncio.sleep(_COMMIT)
            offsets: Mapping[int, int] = {
                number: each.next_offset for number, each in self._partitions.items()
            }
            if offsets:
                try:
                    await self._bus.commit(COMMANDS, offsets, group=_GROUP)
                except BusError as error:
                    _log.warning("lag tools not told", reason=str(error))
