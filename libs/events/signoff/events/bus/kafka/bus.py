"""The bus on Kafka. Connects when first used, and again whenever it must."""

from collections.abc import Awaitable, Collection, Mapping, Sequence

from signoff.events.bus.base import Message, Record
from signoff.events.bus.kafka.administration import administration
from signoff.events.bus.kafka.budget import Budget
from signoff.events.bus.kafka.connection import Settings
from signoff.events.bus.kafka.inquiry import Inquiry
from signoff.events.bus.kafka.reader import KafkaReader
from signoff.events.bus.kafka.writer import Writer
from signoff.events.bus.limits import check_record
from signoff.events.errors import BusFullError

_CREATE_TIMEOUT = 30.0  # hundreds of partitions take a broker seconds, once


class KafkaBus:
    """A :class:`~signoff.events.bus.base.Bus` on Kafka brokers.

    Args:
        bootstrap: ``host:port`` of one or more brokers, with commas between.
        timeout: seconds that anything waits for a broker.
        sends: records that may be sent and not yet acknowledged.
        publishes: the same for published records, which have a buffer of their own: a relay that catches
            up does not keep answers from being sent.
        buffer_bytes: the bytes of either.

    Raises:
        ValueError: an address is not ``host:port``.
    """

    def __init__(
        self,
        bootstrap: str,
        *,
        timeout: float = 5.0,
        sends: int = 4_096,
        publishes: int = 16_384,
        buffer_bytes: int = 16 * 1024 * 1024,
    ) -> None:
        for address in bootstrap.split(","):
            host, _, port = address.rpartition(":")
            if not host or not port.isdecimal():
                raise ValueError(f"not a Kafka address, host:port: {address!r}")
        self._settings = Settings(bootstrap, timeout)
        self._sends = Budget(records=sends, size=buffer_bytes)
        self._publishes = Budget(records=publishes, size=buffer_bytes)
        self._writer = Writer(self._settings)
        self._inquiry = Inquiry(self._settings)
        self._readers: set[KafkaReader] = set()

    async def send(self, topic: str, partition: int, record: Record) -> None:
        """Send one record and wait until it is durable.

        Raises:
            BusFullError: too many sends are under way. Nothing was sent.
            RecordTooLargeError: the record is over the topic's limit. Nothing was sent.
            BusUnavailableError: no acknowledgement came in time. The record may be on the topic or get there
                yet: what is sent again must be told apart by its id.
        """
        check_record(topic, record)
        size = self._writer.size((record,))
        if not self._sends.try_take(1, size):
            raise BusFullError(f"send to {topic}: too many are under way; try again later")
        await self._writer.send((topic, partition), record, size=size, budget=self._sends)

    async def publish(self, topic: str, partition: int, records: Sequence[Record]) -> Awaitable[None]:
        """Hand over records in order; the returned awaitable ends once all are acknowledged.

        The awaitable raises BusUnavailableError when an acknowledgement did not come, and so do those of
        all other calls under way: records without acknowledgement may be on the topic, or not. Whoever
        starts again at its first such record may repeat some and skips none.

        Raises:
            RecordTooLargeError: a record is over the limit. Nothing was sent.
            BusUnavailableError: an earlier call on this partition failed and its awaitable was not awaited.
        """
        for record in records:
            check_record(topic, record)
        size = self._writer.size(records)
        if not self._publishes.try_take(len(records), size):
            await self._publishes.take(len(records), size)
        return self._writer.publish((topic, partition), records, size=size, budget=self._publishes)

    async def reader(self, topic: str) -> KafkaReader:
        """A new reader of a topic, which reads nothing until assigned."""
        reader = KafkaReader(self._settings, topic, self._readers.discard)
        self._readers.add(reader)
        return reader

    async def bounds(self, topic: str, partitions: Collection[int]) -> dict[int, tuple[int, int]]:
        """First offset held and next offset to be written, by partition."""
        return await self._inquiry.bounds(topic, partitions)

    async def offsets_at(self, topic: str, partitions: Collection[int], moment: float) -> dict[int, int]:
        """The offset of the first record that is not older than a moment, by partition; else the end."""
        return await self._inquiry.offsets_at(topic, partitions, moment)

    async def last(self, topic: str, partition: int) -> Message | None:
        """The last record of a partition, ``None`` when it holds none."""
        return await self._inquiry.last(topic, partition)

    async def commit(self, topic: str, offsets: Mapping[int, int], *, group: str) -> None:
        """Tell lag tools how far a group is."""
        await self._inquiry.commit(topic, offsets, group=group)

    async def partitions(self, topic: str) -> int:
        """How many partitions a topic has, 0 when it does not exist."""
        return await self._inquiry.partitions(topic)

    async def create(
        self, topics: Mapping[str, int], *, configs: Mapping[str, Mapping[str, str]], replication: int = 1
    ) -> list[str]:
        """Create the topics that do not exist, and wait until they can be written to; gives their names.

        Raises:
            BusError: a broker refused a topic; the others may exist.
        """
        patient = Settings(self._settings.bootstrap, max(self._settings.timeout, _CREATE_TIMEOUT))
        async with administration(patient, "create topics") as admin:
            created = await admin.create(topics, configs, replication)
        inquiry = Inquiry(patient)
        try:
            await inquiry.await_writable(topics)
        finally:
            await inquiry.close()
        return created

    async def configs(self, topic: str) -> dict[str, str]:
        """The settings of a topic, and ``replicas``: the copies that every partition has."""
        async with administration(self._settings, f"settings of {topic}") as admin:
            found = await admin.configs(topic)
        return {**found, "replicas": str(await self._inquiry.replicas(topic))}

    async def alter(self, topic: str, configs: Mapping[str, str]) -> None:
        """Change these settings of a topic; all others stay.

        Raises:
            BusError: the broker refused; says why.
        """
        async with administration(self._settings, f"settings of {topic}") as admin:
            await admin.alter(topic, configs)

    async def ping(self) -> None:
        """Ask the brokers for an answer, for readiness."""
        await self._inquiry.ping()

    async def close(self) -> None:
        """Flush what was handed over, within a bounded time, and let go of every connection."""
        await self._writer.close()
        for reader in list(self._readers):
            await reader.close()
        await self._inquiry.close()
