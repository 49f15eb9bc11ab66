"""Writing to Kafka: batches of our own making, one under way per partition.

Order is kept without resting on the producer's retries: the next batch of a partition is handed to
aiokafka only after the former was acknowledged. At the first error of any kind the *generation* ends:
its calls fail, nothing more is handed to its producer, and the next call begins another one. (An
idempotent producer must not go on after a batch was refused. Its next batch would carry a gap in the
sequence, and a broker that knows nothing yet of the producer accepts that.)

So what a failed generation may still deliver of a partition is the one batch that was under way, which
begins at the first record without acknowledgement: repeated if the caller starts again there, never
skipped or swapped at first sight. A caller that publishes ahead of its acknowledgements is told before
it can do harm: after a failure, either it has seen it by awaiting, or its next call raises.
"""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable, Coroutine, Generator, Sequence
from functools import partial

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.producer.message_accumulator import BatchBuilder

from signoff.events.bus.base import Record
from signoff.events.bus.kafka.budget import Budget
from signoff.events.bus.kafka.connection import Settings, bus_error
from signoff.events.errors import BusError, BusUnavailableError

Place = tuple[str, int]  # topic and partition

_log = logging.getLogger(__name__)

_BATCH_BYTES = 256 * 1024  # a single larger record still travels, alone
_RECORD_OVERHEAD = 512  # headers and objects of a small record, about

_REST = 0.0005
"""Seconds until the next round for each batch of a round: a request costs the broker and us more than what
it carries, so a busy writer sends fewer, fuller ones, while one that is not busy does not wait."""

_LONGEST_REST = 0.004


class _Call:
    """Records handed over together, and who waits for them."""

    __slots__ = ("_budget", "_size", "done", "position", "records")

    def __init__(self, records: Sequence[Record], size: int, budget: Budget) -> None:
        self.records = records
        self.position = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._size = size
        self._budget = budget

    def settle(self, error: BusError | None = None) -> None:
        self._budget.give_back(len(self.records), self._size)
        if self.done.done():  # the caller was cancelled
            return
        if error is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(type(error)(str(error)))


class Published(_Call):
    """What a publisher awaits. A failure that it does not await is told to its next call instead."""

    __slots__ = ("_place", "_unseen")

    def __init__(
        self, records: Sequence[Record], size: int, budget: Budget, place: Place, unseen: set[Place]
    ) -> None:
        super().__init__(records, size, budget)
        self._place = place
        self._unseen = unseen

    def __await__(self) -> Generator[object, None, None]:
        """Wait for all records of the call.

        Raises:
            BusError: they were not all acknowledged.
        """
        try:
            yield from self.done
        except BusError:
            self._unseen.discard(self._place)
            raise

    def settle(self, error: BusError | None = None) -> None:
        """Note a failure at once: the next call may come before anybody is woken."""
        super().settle(error)
        if error is not None:
            self._unseen.add(self._place)
            if not self.done.cancelled():
                self.done.exception()  # not lost if nobody awaits it: the next call raises


class _Lane:
    """The calls of one partition, in order."""

    def __init__(self, place: Place) -> None:
        self.topic, self.partition = place
        self.busy = False
        self._waiting: deque[_Call] = deque()
        self._under_way: list[_Call] = []

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}"

    def add(self, call: _Call) -> None:
        self._waiting.append(call)

    def fill(self, batch: BatchBuilder) -> BatchBuilder:
        """Put as much into the batch as it takes."""
        now = int(time.time() * 1000)
        while self._waiting and _append(batch, self._waiting[0], now):
            self._under_way.append(self._waiting.popleft())
        return batch

    def acknowledged(self) -> None:
        settled, self._under_way = self._under_way, []
        for call in settled:
            call.settle()

    def fail(self, error: BusError) -> None:
        failed = [*self._under_way, *self._waiting]
        self._under_way, self._waiting = [], deque()
        for call in failed:
            call.settle(error)


def _append(batch: BatchBuilder, call: _Call, now: int) -> bool:
    """Append what is left of a call; says whether all of it found room."""
    records = call.records
    for position in range(call.position, len(records)):
        record = records[position]
        headers = record.headers if isinstance(record.headers, list) else list(record.headers)
        if batch.append(timestamp=now, key=record.key, value=record.value, headers=headers) is None:
            call.position = position
            return False
    return True


class _Generation:
    """One producer, from the first call to the first error."""

    def __init__(self, settings: Settings, on_error: Callable[[], None]) -> None:
        self._settings = settings
        self._on_error = on_error
        self._ended = False
        self._lanes: dict[Place, _Lane] = {}
        self._ready: list[_Lane] = []
        self._some = asyncio.Event()
        self._busy = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._producer: asyncio.Task[AIOKafkaProducer] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def add(self, place: Place, call: _Call) -> None:
        lane = self._lanes.get(place)
        if lane is None:
            lane = self._lanes[place] = _Lane(place)
        lane.add(call)
        if not lane.busy:
            lane.busy = True
            self._busy += 1
            self._idle.clear()
            self._queue(lane)
        if self._producer is None:
            self._producer = asyncio.create_task(_start(self._settings))
            self._spawn(self._send_rounds(self._producer))

    async def flush(self) -> None:
        """Wait until everything is acknowledged, or has failed."""
        await self._idle.wait()

    def end(self, error: BusError) -> None:
        """Fail every call and hand nothing more to the producer."""
        self._ended = True
        self._idle.set()
        for lane in self._lanes.values():
            lane.fail(error)
        for task in self._tasks:
            task.cancel()

    async def let_go(self) -> None:
        """Close the producer's connections, whatever it still has."""
        if self._producer is None:
            return
        self._producer.cancel()
        await asyncio.wait([self._producer])
        if not self._producer.cancelled() and self._producer.exception() is None:
            await _stop(self._producer.result(), limit=2 * self._settings.timeout)

    async def _send_rounds(self, starting: asyncio.Task[AIOKafkaProducer]) -> None:
        producer = await asyncio.shield(starting)
        while True:
            await self._some.wait()
            self._some.clear()
            lanes, self._ready = self._ready, []
            self._spawn(self._send_round(producer, lanes))
            await asyncio.sleep(min(len(lanes) * _REST, _LONGEST_REST))

    async def _send_round(self, producer: AIOKafkaProducer, lanes: Sequence[_Lane]) -> None:
        async with asyncio.timeout(self._settings.timeout):
            acknowledged = []
            for lane in lanes:
                batch = lane.fill(producer.create_batch())
                future = await producer.send_batch(batch, lane.topic, partition=lane.partition)
                future.add_done_callback(partial(self._acknowledged, lane))
                acknowledged.append(future)
            await asyncio.gather(*acknowledged)

    def _acknowledged(self, lane: _Lane, future: asyncio.Future[object]) -> None:
        if self._ended or future.cancelled():
            return
        if (error := future.exception()) is not None:
            self._fail(f"send to {lane}", error)
            return
        lane.acknowledged()
        if lane:
            self._queue(lane)
            return
        lane.busy = False
        self._busy -= 1
        if not self._busy:
            self._idle.set()

    def _queue(self, lane: _Lane) -> None:
        self._ready.append(lane)
        self._some.set()

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail("send", error)

    def _fail(self, doing: str, error: BaseException) -> None:
        if not self._ended:
            self.end(bus_error(doing, error))
            self._on_error()


async def _start(settings: Settings) -> AIOKafkaProducer:
    producer = AIOKafkaProducer(
        **settings.client(),
        acks="all",
        enable_idempotence=True,
        linger_ms=0,
        max_batch_size=_BATCH_BYTES,
    )
    try:
        async with asyncio.timeout(settings.timeout):
            await producer.start()
    except BaseException:
        await producer.stop()
        raise
    return producer


async def _stop(producer: AIOKafkaProducer, *, limit: float) -> None:
    """Stop a producer without delivering what is left in it.

    aiokafka's ``stop`` first delivers everything, for ever if the broker stays away, and has no other way
    out; so its sender is ended and its batches are failed by hand before.
    """
    sender = producer._sender.sender_task  # noqa: SLF001
    sender.cancel()
    await asyncio.wait([sender], timeout=limit)
    producer._message_accumulator.fail_all(KafkaError("the producer was given up"))  # noqa: SLF001
    async with asyncio.timeout(limit):
        await producer.stop()


class Writer:
    """Hands records over to the broker. See the module for what holds after an error."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._generation = _Generation(settings, self._retire)
        self._leaving: set[asyncio.Task[None]] = set()
        self._unseen: set[Place] = set()  # where a publisher does not know yet that a call of its failed
        self._closed = False

    @staticmethod
    def size(records: Sequence[Record]) -> int:
        """The bytes of memory that records take, about."""
        return sum(len(record.value) for record in records) + _RECORD_OVERHEAD * len(records)

    def send(self, place: Place, record: Record, *, size: int, budget: Budget) -> asyncio.Future[None]:
        """Queue one record, whatever became of others; the future ends when it is acknowledged.

        Args:
            place: topic and partition.
            record: what to send.
            size: what was taken of the budget.
            budget: gets that back when the call has ended.

        Raises:
            BusUnavailableError: the writer is closed.
        """
        call = _Call((record,), size, budget)
        self._add(place, call)
        return call.done

    def publish(self, place: Place, records: Sequence[Record], *, size: int, budget: Budget) -> Published:
        """Queue records after those of earlier calls; it ends when all are acknowledged.

        Raises:
            BusUnavailableError: the writer is closed, or an earlier call failed and nobody has awaited it:
                these records would stand where the failed ones belong.
        """
        if place in self._unseen:
            self._unseen.discard(place)
            budget.give_back(len(records), size)
            raise BusUnavailableError(
                f"publish to {place[0]}/{place[1]}: an earlier call failed, start there"
            )
        call = Published(records, size, budget, place, self._unseen)
        self._add(place, call)
        return call

    async def close(self) -> None:
        """Deliver what was handed over, within the time limit; what is left then fails."""
        self._closed = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.timeout):
                await self._generation.flush()
        self._generation.end(BusUnavailableError("the bus was closed before the broker acknowledged"))
        self._retire()
        await asyncio.wait(self._leaving, timeout=4 * self._settings.timeout)

    def _add(self, place: Place, call: _Call) -> None:
        if self._closed:
            closed = BusUnavailableError("the bus is closed")
            call.settle(closed)
            raise closed
        self._generation.add(place, call)

    def _retire(self) -> None:
        leaving = asyncio.create_task(self._generation.let_go())
        self._leaving.add(leaving)
        leaving.add_done_callback(self._left)
        self._generation = _Generation(self._settings, self._retire)

    def _left(self, task: asyncio.Task[None]) -> None:
        self._leaving.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("a Kafka producer was given up and could not be closed: %r", error)
