"""Reading from Kafka by positions, without a consumer group."""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Collection, Iterable, Mapping

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import ConsumerStoppedError, KafkaError
from aiokafka.errors import OffsetOutOfRangeError as KafkaOffsetOutOfRangeError

from signoff.events.bus.base import Message
from signoff.events.bus.kafka.connection import Settings, bus_error
from signoff.events.bus.limits import MAX_RECORD_BYTES
from signoff.events.errors import BusUnavailableError, OffsetOutOfRangeError

_log = logging.getLogger(__name__)

_LONG_POLL_MS = 100
"""How long a broker holds an empty fetch back. Requests of a connection are served in turn, so this is also
what a new assignment may have to wait for."""

_FETCH_BYTES = 8 * 1024 * 1024


class KafkaReader:
    """A :class:`~signoff.events.bus.base.Reader` of Kafka.

    The positions are kept here, not in the consumer: after the broker was away for longer than the time
    limit the consumer is made anew, and reading goes on where it was.
    """

    def __init__(self, settings: Settings, topic: str, on_close: Callable[["KafkaReader"], None]) -> None:
        self._settings = settings
        self._on_close = on_close
        self._topic = topic
        self._positions: dict[int, int] = {}
        self._paused: set[int] = set()
        self._consumer: AIOKafkaConsumer | None = None
        self._oldest_answer = 0
        self._heard = 0.0
        self._closing = asyncio.Event()

    async def assign(self, positions: Mapping[int, int]) -> None:
        """Read these partitions from these offsets from now on, and no others."""
        self._positions = dict(positions)
        self._paused &= positions.keys()
        if self._consumer is not None:
            self._apply(self._consumer)

    async def poll(self, *, wait: float, limit: int = 500) -> list[Message]:
        """The next messages, at most ``limit``; an empty list when none came within ``wait`` seconds.

        Raises:
            OffsetOutOfRangeError: a position is not held by the topic; those partitions are no longer read.
            BusUnavailableError: the broker is away, or the reader is closed. Calling again goes on where it
                was; a call that cannot connect takes its ``wait`` too, so that a loop does not spin.
        """
        started = time.monotonic()
        if not self._positions:
            return await self._wait_for_nothing(wait)
        try:
            consumer = await self._connected()
            batches = await consumer.getmany(timeout_ms=math.ceil(wait * 1000), max_records=limit)
        except KafkaOffsetOutOfRangeError as error:
            self._drop(error.args[0])
            return []
        except (KafkaError, ConsumerStoppedError, OSError, TimeoutError) as error:
            await self._wait_for_nothing(wait - (time.monotonic() - started))
            raise bus_error(f"read {self._topic}", error) from error
        messages = [message for records in batches.values() for message in self._received(records)]
        if not messages:
            await self._check_answers(consumer)
        return messages

    async def position(self, partition: int) -> int:
        """The offset from which a partition is read on."""
        if self._consumer is None:
            return self._positions[partition]
        return int(await self._consumer.position(TopicPartition(self._topic, partition)))

    def pause(self, partitions: Collection[int]) -> None:
        """Hand out nothing of these partitions until resumed."""
        paused = self._positions.keys() & set(partitions)
        self._paused |= paused
        if self._consumer is not None:
            self._consumer.pause(*self._places(paused))

    def resume(self, partitions: Collection[int]) -> None:
        """Go on with paused partitions."""
        resumed = self._paused & set(partitions)
        self._paused -= resumed
        if self._consumer is not None:
            self._consumer.resume(*self._places(resumed))

    async def close(self) -> None:
        """Stop reading and let go of the connection; a poll under way ends."""
        self._closing.set()
        self._on_close(self)
        await self._disconnect()

    async def _wait_for_nothing(self, seconds: float) -> list[Message]:
        try:
            async with asyncio.timeout(seconds):
                await self._closing.wait()
        except TimeoutError:
            return []
        raise BusUnavailableError("the reader is closed")

    def _check_open(self) -> None:
        if self._closing.is_set():
            raise BusUnavailableError("the reader is closed")

    async def _connected(self) -> AIOKafkaConsumer:
        self._check_open()
        if self._consumer is not None:
            return self._consumer
        consumer = AIOKafkaConsumer(
            **self._settings.client(),
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="none",
            fetch_max_wait_ms=_LONG_POLL_MS,
            fetch_min_bytes=1,
            fetch_max_bytes=_FETCH_BYTES,
            max_partition_fetch_bytes=MAX_RECORD_BYTES,
        )
        try:
            async with asyncio.timeout(self._settings.timeout):
                await consumer.start()
            self._check_open()  # it may have been closed meanwhile
        except BaseException:
            await _stop(consumer, limit=self._settings.timeout)
            raise
        self._consumer = consumer
        self._apply(consumer)
        return consumer

    async def _disconnect(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await _stop(consumer, limit=self._settings.timeout)

    def _apply(self, consumer: AIOKafkaConsumer) -> None:
        """Tell the consumer what to read. No await between: it must not fetch without a position."""
        self._oldest_answer, self._heard = 0, time.monotonic()
        if not self._positions:
            consumer.unsubscribe()
            return
        consumer.assign(self._places(self._positions))
        for number, offset in self._positions.items():
            consumer.seek(TopicPartition(self._topic, number), offset)
        consumer.pause(*self._places(self._paused))

    def _places(self, partitions: Iterable[int]) -> list[TopicPartition]:
        return [TopicPartition(self._topic, number) for number in partitions]

    def _received(self, records: list[ConsumerRecord]) -> list[Message]:
        self._positions[records[0].partition] = records[-1].offset + 1
        return [
            Message(
                self._topic,
                record.partition,
                record.offset,
                record.key or b"",
                record.value or b"",
                record.headers,
                record.timestamp / 1000,
            )
            for record in records
        ]

    def _drop(self, asked: Mapping[TopicPartition, int]) -> None:
        """Stop reading partitions whose position is out of range.

        Raises:
            OffsetOutOfRangeError: unless the consumer tells of a position that was since assigned anew.
        """
        lost = frozenset(
            place.partition
            for place, offset in asked.items()
            if self._positions.get(place.partition) == offset
        )
        if not lost:
            return
        for number in lost:
            del self._positions[number]
        self._paused -= lost
        if self._consumer is not None:
            self._apply(self._consumer)
        raise OffsetOutOfRangeError(self._topic, lost)

    async def _check_answers(self, consumer: AIOKafkaConsumer) -> None:
        """Find out whether silence means that there is nothing, or that nobody answers.

        A healthy broker answers a fetch at least every :data:`_LONG_POLL_MS`, and the consumer notes when.
        """
        self._check_open()
        read = self._places(self._positions.keys() - self._paused)
        answers = [consumer.last_poll_timestamp(place) or 0 for place in read]
        oldest, now = min(answers, default=0), time.monotonic()
        if oldest != self._oldest_answer or not read:
            self._oldest_answer, self._heard = oldest, now
        elif now - self._heard > self._settings.timeout:
            await self._disconnect()
            raise BusUnavailableError(f"read {self._topic}: no answer for {now - self._heard:.1f} s")


async def _stop(consumer: AIOKafkaConsumer, *, limit: float) -> None:
    """Stop a consumer in bounded time.

    aiokafka's ``stop`` ends cancelled, before it has closed its connections, when a fetch is waiting to be
    tried again; hence the task around it, and closing the connections once more.
    """
    stopping = asyncio.create_task(consumer.stop())
    await asyncio.wait([stopping], timeout=limit)
    stopping.cancel()
    await asyncio.wait([stopping], timeout=limit)
    await consumer._client.close()  # noqa: SLF001
    if stopping.done() and not stopping.cancelled() and (error := stopping.exception()) is not None:
        _log.error("a Kafka consumer was given up and could not be closed: %r", error)
