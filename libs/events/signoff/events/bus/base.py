"""The port of the bus: partitioned, ordered topics, as Kafka has them.

Two adapters keep it: :mod:`kafka` and, for one process, :mod:`memory`; one conformance suite
holds them to it. Readers use positions, never consumer groups: who reads a partition is decided
by leases in the log's database, where going on is part of an append.
"""

from collections.abc import Awaitable, Collection, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

Headers = Sequence[tuple[str, bytes]]


class Record(Struct, frozen=True):
    """What is sent: ``key`` names the log, ``value`` is the event, command or outcome."""

    key: bytes
    value: bytes
    headers: Headers = ()


class Message(Struct, frozen=True):
    """What is received: a record at its place. ``timestamp`` is in seconds since the epoch."""

    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes
    headers: Headers
    timestamp: float


class Reader(Protocol):
    """Reads some partitions of one topic from given offsets. For one task at a time."""

    async def assign(self, positions: Mapping[int, int]) -> None:
        """Read these partitions from these offsets from now on, and no others.

        Partitions read already are moved to the given offset too.
        """
        ...

    async def poll(self, *, wait: float, limit: int = 500) -> list[Message]:
        """The next messages, at most ``limit``, in order within each partition.

        Returns an empty list when none came within ``wait`` seconds.

        Raises:
            OffsetOutOfRangeError: a position is not held by the topic; those partitions are no
                longer read.
            BusUnavailableError: the broker is away; calling again goes on where it was.
        """
        ...

    async def position(self, partition: int) -> int:
        """The offset from which a partition is read on.

        It is behind the last message, and behind what a broker keeps for itself and hands out to nobody:
        how transactions ended.
        """
        ...

    def pause(self, partitions: Collection[int]) -> None:
        """Hand out nothing of these partitions until resumed: how a full inbox pushes back."""
        ...

    def resume(self, partitions: Collection[int]) -> None:
        """Go on with paused partitions."""
        ...

    async def close(self) -> None:
        """Stop reading."""
        ...


class Bus(Protocol):
    """A broker. Every method raises BusUnavailableError in bounded time when it is away."""

    async def send(self, topic: str, partition: int, record: Record) -> None:
        """Send one record and wait until it is durable.

        Raises:
            BusFullError: too many sends are under way.
            RecordTooLargeError: the record is over the topic's limit.
        """
        ...

    async def publish(self, topic: str, partition: int, records: Sequence[Record]) -> Awaitable[None]:
        """Hand over records in order; the returned awaitable ends once all are acknowledged.

        Records of one partition stand on the topic in the order of the calls. After a failure
        nothing later of that call is acknowledged; the caller starts again where it knows.
        Waits while the bounded buffer is full.
        """
        ...

    async def reader(self, topic: str) -> Reader:
        """A new reader of a topic, which reads nothing until assigned."""
        ...

    async def bounds(self, topic: str, partitions: Collection[int]) -> dict[int, tuple[int, int]]:
        """First offset held and next offset to be written, by partition."""
        ...

    async def offsets_at(self, topic: str, partitions: Collection[int], moment: float) -> dict[int, int]:
        """The offset of the first record that is not older than a moment, by partition; else the end.

        Args:
            topic: whose.
            partitions: which.
            moment: seconds since the epoch; records have the time at which they were sent.
        """
        ...

    async def last(self, topic: str, partition: int) -> Message | None:
        """The last record of a partition, ``None`` when it holds none."""
        ...

    async def commit(self, topic: str, offsets: Mapping[int, int], *, group: str) -> None:
        """Tell lag tools how far a group is. Nothing here reads it back."""
        ...

    async def partitions(self, topic: str) -> int:
        """How many partitions a topic has, 0 when it does not exist."""
        ...

    async def create(
        self, topics: Mapping[str, int], *, configs: Mapping[str, Mapping[str, str]], replication: int = 1
    ) -> list[str]:
        """Create the topics (name → partitions) that do not exist; gives their names.

        Args:
            topics: partitions by name.
            configs: settings by name of the topic, as Kafka spells them.
            replication: copies of each partition.
        """
        ...

    async def configs(self, topic: str) -> dict[str, str]:
        """The settings of a topic as Kafka spells them; ``replicas``: the copies that every partition has.

        Empty where the bus has none.
        """
        ...

    async def alter(self, topic: str, configs: Mapping[str, str]) -> None:
        """Change these settings of a topic, as Kafka spells them; all others stay.

        Raises:
            BusError: the broker refused; says why.
        """
        ...

    async def ping(self) -> None:
        """Ask the broker for an answer, for readiness."""
        ...

    async def close(self) -> None:
        """Flush what was handed over, within a bounded time, and let go of every connection."""
        ...
