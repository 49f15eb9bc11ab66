"""Writing to Kafka: one batch under way per partition, and few, full requests.

Order is kept without resting on retries: the next batch of a partition is made only after the former was
acknowledged. A batch is sent again, with its sequence number, while an error may pass and its time is not
over. A partition that nobody leads, since its topic is missing, fails its own calls, of which nothing was
sent. At any other error the *generation* ends: its calls fail, nothing more is sent by its producer,
and the next call begins another one. (An idempotent producer must not go on after a batch was refused. Its
next batch would carry a gap in the sequence, and a broker that knows nothing yet of the producer accepts
that.)

So what a failed generation may still deliver of a partition is the one batch that was under way, which
begins at the first record without acknowledgement: repeated if the caller starts again there, never
skipped or swapped at first sight. A caller that publishes ahead of its acknowledgements is told before
it can do harm: after a failure, either it has seen it by awaiting, or its next call raises.
"""

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial

from aiokafka.errors import KafkaError

from signoff.events.bus.base import Record
from signoff.events.bus.kafka.budget import Budget
from signoff.events.bus.kafka.connection import RETRY_AFTER, Settings, bus_error
from signoff.events.bus.kafka.lanes import Call, Lane, Place, Published
from signoff.events.bus.kafka.producer import Producer
from signoff.events.errors import BusError, BusUnavailableError

_log = logging.getLogger(__name__)

_RECORD_OVERHEAD = 512  # headers and objects of a small record, about

_REST = 0.0005
"""Seconds until the next round for each batch of a round: a request costs the broker and us more than what
it carries, so a busy writer sends fewer, fuller ones, while one that is not busy does not wait."""

_LONGEST_REST = 0.004


class _Generation:
    """One producer, from the first call to the first error."""

    def __init__(self, settings: Settings, on_error: Callable[[], None]) -> None:
        self._settings = settings
        self._on_error = on_error
        self._ended = False
        self._lanes: dict[Place, Lane] = {}
        self._ready: list[Lane] = []
        self._some = asyncio.Event()
        self._busy = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._producer: asyncio.Task[Producer] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def add(self, place: Place, call: Call) -> None:
        lane = self._lanes.get(place)
        if lane is None:
            lane = self._lanes[place] = Lane(place)
        lane.add(call)
        if not lane.busy:
            lane.busy = True
            self._busy += 1
            self._idle.clear()
            self._queue(lane)
        if self._producer is None:
            self._producer = asyncio.create_task(Producer.start(self._settings))
            self._spawn(self._send_rounds(self._producer), "send")

    async def flush(self) -> None:
        """Wait until everything is acknowledged, or has failed."""
        await self._idle.wait()

    def end(self, error: BusError) -> None:
        """Fail every call and send nothing more."""
        self._ended = True
        self._idle.set()
        for lane in self._lanes.values():
            lane.fail(error)
        for task in self._tasks:
            task.cancel()

    async def let_go(self) -> None:
        """Close the producer's connections, whatever is under way."""
        if self._producer is None:
            return
        self._producer.cancel()
        await asyncio.wait([self._producer])
        if not self._producer.cancelled() and self._producer.exception() is None:
            async with asyncio.timeout(2 * self._settings.timeout):
                await self._producer.result().close()

    async def _send_rounds(self, starting: asyncio.Task[Producer]) -> None:
        producer = await asyncio.shield(starting)
        while True:
            await self._some.wait()
            self._some.clear()
            lanes, self._ready = self._ready, []
            self._send_round(producer, lanes)
            await asyncio.sleep(min(len(lanes) * _REST, _LONGEST_REST))

    def _send_round(self, producer: Producer, lanes: Sequence[Lane]) -> None:
        give_up_at = asyncio.get_running_loop().time() + self._settings.timeout
        by_leader: defaultdict[int | None, list[Lane]] = defaultdict(list)
        for lane in lanes:
            if lane.batch is None:
                lane.give_up_at = give_up_at
            by_leader[producer.leader(lane.place)].append(lane)
        for leader, led in by_leader.items():
            if leader is None:
                self._spawn(self._find_leaders(producer, led), f"find the leader of {led[0]}")
            else:
                self._spawn(self._send(producer, leader, led), f"send to {led[0]}")

    async def _send(self, producer: Producer, leader: int, lanes: Sequence[Lane]) -> None:
        batches = [(lane.place, lane.fill(producer.producer_id, producer.epoch)) for lane in lanes]
        async with asyncio.timeout_at(min(lane.give_up_at for lane in lanes)):
            refused = await producer.send(leader, batches)
        for lane in lanes:
            if lane.place not in refused:
                self._acknowledged(lane)
        if refused:
            await self._try_again(producer, [lane for lane in lanes if lane.place in refused], refused)

    async def _try_again(
        self, producer: Producer, lanes: Sequence[Lane], refused: Mapping[Place, KafkaError]
    ) -> None:
        for lane in lanes:
            if not refused[lane.place].retriable:
                raise bus_error(f"send to {lane}", refused[lane.place])
        await asyncio.sleep(RETRY_AFTER)
        await self._find_leaders(producer, lanes)

    async def _find_leaders(self, producer: Producer, lanes: Sequence[Lane]) -> None:
        """Queue each lane as soon as somebody leads it: a topic that is missing keeps no other waiting."""
        while lanes:
            async with asyncio.timeout(self._settings.timeout):
                answered = await producer.find_leaders({lane.place[0] for lane in lanes})
            now = asyncio.get_running_loop().time()
            waiting = []
            for lane in lanes:
                if producer.leader(lane.place) is not None:
                    self._queue(lane)
                elif lane.give_up_at > now:
                    waiting.append(lane)
                elif answered:
                    self._give_up(lane)
                else:
                    raise TimeoutError
            lanes = waiting
            if lanes:
                await asyncio.sleep(RETRY_AFTER)

    def _give_up(self, lane: Lane) -> None:
        """Nobody leads a partition, though the brokers answer: that is its callers' matter alone.

        Raises:
            BusUnavailableError: a batch was under way, whose sequence number nothing may follow.
        """
        error = BusUnavailableError(
            f"send to {lane}: no broker leads this partition; if the topic is missing, "
            "run `signoff topics apply`"
        )
        if lane.batch is not None:
            raise error
        lane.fail(error)
        self._rest(lane)

    def _acknowledged(self, lane: Lane) -> None:
        lane.acknowledged()
        if lane:
            self._queue(lane)
        else:
            self._rest(lane)

    def _rest(self, lane: Lane) -> None:
        lane.busy = False
        self._busy -= 1
        if not self._busy:
            self._idle.set()

    def _queue(self, lane: Lane) -> None:
        self._ready.append(lane)
        self._some.set()

    def _spawn(self, work: Coroutine[None, None, None], doing: str) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(partial(self._done, doing))

    def _done(self, doing: str, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None and not self._ended:
            self.end(bus_error(doing, error))
            self._on_error()


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
        call = Call((record,), size, budget)
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

    def _add(self, place: Place, call: Call) -> None:
        if self._closed:
            closed = BusUnavailableError("the bus is closed")
            call.settle(closed)
            raise closed
        if call.records:
            self._generation.add(place, call)
        else:
            call.settle()

    def _retire(self) -> None:
        leaving = asyncio.create_task(self._generation.let_go())
        self._leaving.add(leaving)
        leaving.add_done_callback(self._left)
        self._generation = _Generation(self._settings, self._retire)

    def _left(self, task: asyncio.Task[None]) -> None:
        self._leaving.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("a Kafka producer was given up and could not be closed: %r", error)
