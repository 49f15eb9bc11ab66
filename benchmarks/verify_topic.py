"""The topic level of `benchmarks verify`: the log is published, and the topic held against it."""

import time
from contextlib import aclosing
from typing import Final

from benchmarks.figures import Figure, Target
from benchmarks.load import LoadError
from benchmarks.relay import relaying, until_relayed

from signoff.audit.verify.topic import TopicCompared
from signoff.cli.auditing.topic_parts import compare_topic
from signoff.cli.auditing.units import Selection
from signoff.events.bus import open_bus
from signoff.events.store.base import EventStore
from signoff.events.topics import PARTITIONS
from signoff.events.topology import apply
from signoff.runtime.settings import Settings

_OWNER: Final = "publisher"
_TTL: Final = 3600.0
_TARGET: Final = Target(25_000, least=True)


async def publish_all(store: EventStore, settings: Settings) -> None:
    """Bring the whole log to the topic, as a relay does that catches up."""
    bus = await open_bus(settings.bus_url)
    await apply(bus)
    leases = await store.upkeep.seize(range(PARTITIONS), owner=_OWNER, ttl=_TTL)
    epochs = {lease.partition: lease.epoch for lease in leases}
    async with relaying(store, bus, epochs, 0) as relay:
        await until_relayed(relay)
    await store.release(epochs, owner=_OWNER)
    await bus.close()


async def measure_topic(settings: Settings, *, processes: int, before: float) -> list[Figure]:
    """Compare topic and log.

    Args:
        settings: of the log and of the broker.
        processes: how many work at once.
        before: seconds that the other levels took: all of them together have one target.

    Raises:
        LoadError: the two are not equal.
    """
    compared, begun = TopicCompared(), time.perf_counter()
    async with aclosing(compare_topic(settings, Selection(), processes=processes)) as parts:
        async for part in parts:
            compared.add(part.compared)
    seconds = time.perf_counter() - begun
    if compared.faults or compared.behind:
        raise LoadError(f"the topic is not what the log is: {compared}")
    note = f"{compared.events:,} in {seconds:.1f} s"
    return [
        Figure("topic", compared.events / seconds, "events/s", None, note),
        Figure("with fold, projections and topic", compared.events / (seconds + before), "events/s", _TARGET),
    ]
