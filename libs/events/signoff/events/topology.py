"""Which topics exist, and how: applied to a broker by ``signoff topics apply``."""

from collections.abc import Mapping
from typing import Final

from signoff.events.bus.base import Bus
from signoff.events.bus.limits import MAX_RECORD_BYTES
from signoff.events.errors import BusError
from signoff.events.topics import COMMANDS, EXECUTIONS, OUTCOMES, PARTITIONS

_HOUR: Final = 3_600_000
_DAY: Final = 24 * _HOUR

RETENTION_MS: Final[Mapping[str, int]] = {
    COMMANDS: 7 * _DAY,
    EXECUTIONS: 7 * _DAY,
    OUTCOMES: _HOUR,
}
"""Milliseconds that a topic holds a record. The log holds everything; an outcome is only a hint."""


def topic_configs(*, replication: int = 1) -> dict[str, dict[str, str]]:
    """The settings of each topic, as Kafka spells them.

    With three copies or more a write waits for all but one, so that it outlives any one broker and does
    not stop with it.
    """
    return {
        name: {
            "cleanup.policy": "delete",
            "retention.ms": str(retention),
            "max.message.bytes": str(MAX_RECORD_BYTES),
            "min.insync.replicas": str(max(1, replication - 1)),
        }
        for name, retention in RETENTION_MS.items()
    }


async def check(bus: Bus) -> None:
    """Make sure that the broker answers and has every topic, for readiness.

    Raises:
        BusError: it is away, or has been made anew.
    """
    missing = [name for name in RETENTION_MS if not await bus.partitions(name)]
    if missing:
        raise BusError(f"the broker has no {', '.join(missing)}: run `signoff topics apply`")


async def apply(bus: Bus, *, partitions: int = PARTITIONS, replication: int = 1) -> list[str]:
    """Create the topics that do not exist; gives their names.

    Args:
        bus: where.
        partitions: of each topic, fixed for the life of a cluster.
        replication: copies of each partition; 3 on a cluster of brokers that must lose nothing.

    Raises:
        BusError: a topic exists with another number of partitions, which would send records astray.
    """
    for name in RETENTION_MS:
        found = await bus.partitions(name)
        if found not in (0, partitions):
            raise BusError(
                f"{name} has {found} partitions, not {partitions}: choose another cluster of brokers"
            )
    return await bus.create(
        dict.fromkeys(RETENTION_MS, partitions),
        configs=topic_configs(replication=replication),
        replication=replication,
    )
