"""What waits to be written to one partition: its calls in order, and the batch that is under way."""

import asyncio
import time
from collections import deque
from collections.abc import Generator, Sequence

from aiokafka.record.default_records import DefaultRecordBatchBuilder

from signoff.events.bus.base import Record
from signoff.events.bus.kafka.budget import Budget
from signoff.events.errors import BusError

Place = tuple[str, int]
"""Topic and partition."""

_BATCH_BYTES = 256 * 1024  # a single larger record still travels, alone
_FORMAT = 2  # of record batches, since Kafka 0.11
_UNCOMPRESSED = 0
_SEQUENCE_MASK = 0x7FFFFFFF  # after the highest sequence number comes 0


class Call:
    """Records handed over together, and who waits for them.

    Args:
        records: in order.
        size: what was taken of the budget in bytes.
        budget: gets that back when the call has ended.

    Attributes:
        position: of the first record that is in no batch yet.
        done: ends with the last acknowledgement.
    """

    __slots__ = ("_budget", "_size", "done", "position", "records")

    def __init__(self, records: Sequence[Record], size: int, budget: Budget) -> None:
        self.records = records
        self.position = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._size = size
        self._budget = budget

    def settle(self, error: BusError | None = None) -> None:
        """Tell whoever waits."""
        self._budget.give_back(len(self.records), self._size)
        if self.done.done():  # the caller was cancelled
            return
        if error is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(type(error)(str(error)))


class Published(Call):
    """What a publisher awaits. A failure that it does not await is told to its next call instead.

    Args:
        records: as for any call.
        size: likewise.
        budget: likewise.
        place: where the records go.
        unseen: the places where a failure was not awaited yet.
    """

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


class Lane:
    """The calls of one partition, and its one batch under way.

    Attributes:
        batch: what is under way, encoded; ``None`` when nothing is.
        busy: it has something to send, or under way.
        give_up_at: the loop's time until which the batch must be acknowledged.
    """

    __slots__ = ("_sequence", "_under_way", "_waiting", "batch", "busy", "give_up_at", "place")

    def __init__(self, place: Place) -> None:
        self.place = place
        self.batch: bytearray | None = None
        self.busy = False
        self.give_up_at = 0.0
        self._waiting: deque[Call] = deque()
        self._under_way: list[Call] = []
        self._sequence = 0

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def __str__(self) -> str:
        return f"{self.place[0]}/{self.place[1]}"

    def add(self, call: Call) -> None:
        """Queue a call."""
        self._waiting.append(call)

    def fill(self, producer_id: int, epoch: int) -> bytearray:
        """Make a batch of as much as one takes, unless one is under way; gives the one that then is.

        Args:
            producer_id: names the producer to the broker, which drops a batch that it has already.
            epoch: of the producer.
        """
        if self.batch is not None:
            return self.batch
        builder = DefaultRecordBatchBuilder(
            _FORMAT, _UNCOMPRESSED, 0, producer_id, epoch, self._sequence, _BATCH_BYTES
        )
        now = int(time.time() * 1000)
        count = 0
        while self._waiting:
            call = self._waiting[0]
            count = _append(builder, call, count, now)
            if call.position < len(call.records):
                break
            self._under_way.append(self._waiting.popleft())
        self._sequence = self._sequence + count & _SEQUENCE_MASK
        self.batch = builder.build()
        return self.batch

    def acknowledged(self) -> None:
        """The batch is on the topic."""
        settled, self._under_way, self.batch = self._under_way, [], None
        for call in settled:
            call.settle()

    def fail(self, error: BusError) -> None:
        """Tell everybody that nothing more is sent."""
        failed = [*self._under_way, *self._waiting]
        self._under_way, self._waiting = [], deque()
        for call in failed:
            call.settle(error)


def _append(builder: DefaultRecordBatchBuilder, call: Call, count: int, now: int) -> int:
    """Append what is left of a call, as far as there is room; gives how many records the batch then has."""
    records = call.records
    for position in range(call.position, len(records)):
        record = records[position]
        headers = record.headers if isinstance(record.headers, list) else list(record.headers)
        if builder.append(count, now, record.key, record.value, headers) is None:
            call.position = position
            return count
        count += 1
    call.position = len(records)
    return count
