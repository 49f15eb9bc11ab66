"""Which topics exist, and how: applied to a broker by ``signoff topics apply``."""

from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct

from signoff.events.bus.base import Bus
from signoff.events.bus.limits import MAX_RECORD_BYTES
from signoff.events.errors import BusError
from signoff.events.topics import CHECKPOINTS, COMMANDS, EXECUTIONS, OUTCOMES, PARTITIONS

_HOUR: Final = 3_600_000
_DAY: Final = 24 * _HOUR
_FOREVER: Final = -1


class Topic(Struct, frozen=True, kw_only=True):
    """How a topic is made.

    Attributes:
        retention_ms: milliseconds that it holds a record, at least; ``None`` for one that is compacted, which
            holds the newest record of each key for ever.
        partitions: how many; ``None`` for as many as there are partitions of the log.
    """

    retention_ms: int | None
    partitions: int | None = None

    def count(self, partitions: int) -> int:
        """Its partitions in a cluster whose log has so many."""
        return partitions if self.partitions is None else self.partitions

    def configs(self, *, copies: int = 1) -> dict[str, str]:
        """Its settings, as Kafka spells them.

        With three copies or more a write waits for all but one, so that it outlives any one broker and does
        not stop with it.
        """
        kept = {"cleanup.policy": "compact"}
        if self.retention_ms is not None:
            kept = {"cleanup.policy": "delete", "retention.ms": str(self.retention_ms)}
        return {
            **kept,
            "max.message.bytes": str(MAX_RECORD_BYTES),
            "min.insync.replicas": str(max(1, copies - 1)),
        }


TOPICS: Final[Mapping[str, Topic]] = {
    COMMANDS: Topic(retention_ms=7 * _DAY),
    EXECUTIONS: Topic(retention_ms=7 * _DAY),
    OUTCOMES: Topic(retention_ms=_HOUR),
    CHECKPOINTS: Topic(retention_ms=None, partitions=1),
}
"""By name. The log holds everything; an outcome is only a hint; checkpoints are for whoever holds a copy."""


class Creation(Struct, frozen=True, kw_only=True):
    """A topic that is not there, as it is to be.

    Attributes:
        replication: copies of each partition.
        configs: its settings.
    """

    topic: str
    partitions: int
    replication: int
    configs: dict[str, str]


class Alteration(Struct, frozen=True, kw_only=True):
    """A setting of a topic that is not as it should be."""

    topic: str
    setting: str
    found: str
    wanted: str


class Plan(Struct, frozen=True, kw_only=True):
    """What brings a broker's topics to what is wanted.

    Attributes:
        remarks: what it does not change, and who does.
    """

    creations: tuple[Creation, ...] = ()
    alterations: tuple[Alteration, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Nothing is to be done."""
        return not self.creations and not self.alterations


async def check(bus: Bus) -> None:
    """Make sure that the broker answers and has every topic, for readiness.

    Raises:
        BusError: it is away, or has been made anew.
    """
    missing = [name for name in TOPICS if not await bus.partitions(name)]
    if missing:
        raise BusError(f"the broker has no {', '.join(missing)}: run `signoff topics apply`")


async def make_plan(
    bus: Bus,
    *,
    partitions: int = PARTITIONS,
    replication: int | None = None,
    retention_ms: Mapping[str, int] | None = None,
) -> Plan:
    """Compare the topics of a broker with what is wanted; changes nothing.

    Args:
        bus: where.
        partitions: of the log and of each topic that follows it, fixed for the life of a cluster.
        replication: copies of each partition of a new topic; 3 on a cluster of brokers that must lose
            nothing, 1 without it. Topics that exist keep theirs.
        retention_ms: milliseconds by topic, at least the usual ones; of others, a longer time that somebody
            has set stays.

    Raises:
        BusError: a topic has another number of partitions, which would send records astray.
        ValueError: a time is below the usual one, or for a topic that has none.
    """
    given = retention_ms or {}
    _check_retention(given)
    creations, alterations, remarks = [], [], []
    for name, topic in TOPICS.items():
        wanted, found = topic.count(partitions), await bus.partitions(name)
        if not found:
            configs = topic.configs(copies=replication or 1)
            if name in given:
                configs["retention.ms"] = str(given[name])
            creations.append(
                Creation(topic=name, partitions=wanted, replication=replication or 1, configs=configs)
            )
            continue
        if found != wanted:
            raise BusError(f"{name} has {found} partitions, not {wanted}: choose another cluster of brokers")
        actual = await bus.configs(name)
        alterations += find_alterations(name, actual, retention_ms=given.get(name))
        copies = int(actual.get("replicas", replication or 1))
        if replication is not None and copies != replication:
            remarks.append(
                f"{name} has {copies} copies of each partition, not {replication}: change that with Kafka's "
                "own kafka-reassign-partitions"
            )
    return Plan(creations=tuple(creations), alterations=tuple(alterations), remarks=tuple(remarks))


def find_alterations(
    name: str, actual: Mapping[str, str], *, retention_ms: int | None = None
) -> list[Alteration]:
    """The settings of a topic that are not as they should be.

    Args:
        name: of the topic.
        actual: its settings, as :meth:`Bus.configs` tells them.
        retention_ms: exactly this time; without it, a longer one than usual is as good.
    """
    wanted = TOPICS[name].configs(copies=int(actual.get("replicas", "1")))
    if retention_ms is not None:
        wanted["retention.ms"] = str(retention_ms)
    return [
        Alteration(topic=name, setting=setting, found=actual[setting], wanted=value)
        for setting, value in wanted.items()
        if setting in actual and not _is_well(setting, actual, value, exactly=retention_ms is not None)
    ]


def _is_well(setting: str, actual: Mapping[str, str], wanted: str, *, exactly: bool) -> bool:
    found = actual[setting]
    match setting:
        case "retention.ms" if not exactly:
            return int(found) == _FOREVER or int(found) >= int(wanted)
        case "max.message.bytes":
            return int(found) >= int(wanted)
        case "min.insync.replicas":
            return found == wanted or 1 < int(found) < int(actual.get("replicas", "1"))
        case _:
            return found == wanted


def _check_retention(given: Mapping[str, int]) -> None:
    for name, asked in given.items():
        least = TOPICS[name].retention_ms
        if least is None:
            raise ValueError(f"{name} is compacted: it has no retention to set")
        if asked < least:
            raise ValueError(
                f"{name} keeps records for {least // _HOUR} hours at least, so that who stood still can go on"
            )


async def carry_out(bus: Bus, plan: Plan) -> None:
    """Create and alter what a plan says.

    Raises:
        BusError: a broker refused; what comes before it in the plan is done.
    """
    if plan.creations:
        await bus.create(
            {each.topic: each.partitions for each in plan.creations},
            configs={each.topic: each.configs for each in plan.creations},
            replication=plan.creations[0].replication,  # the same of all
        )
    for name, settings in _by_topic(plan):
        await bus.alter(name, settings)


def _by_topic(plan: Plan) -> Iterator[tuple[str, dict[str, str]]]:
    for name in dict.fromkeys(each.topic for each in plan.alterations):
        yield name, {each.setting: each.wanted for each in plan.alterations if each.topic == name}


async def apply(bus: Bus, *, partitions: int = PARTITIONS, replication: int = 1) -> list[str]:
    """Create the topics that do not exist, and leave the others as they are; gives their names.

    Args:
        bus: where.
        partitions: of the log.
        replication: copies of each partition.

    Raises:
        BusError: a topic has another number of partitions, or a broker refused.
    """
    plan = await make_plan(bus, partitions=partitions, replication=replication)
    await carry_out(bus, Plan(creations=plan.creations))
    return [each.topic for each in plan.creations]
