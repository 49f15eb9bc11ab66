"""The topics of a cluster, on a real broker and on the bus of one process."""

import json
import uuid
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from local_services.kafka import Kafka

from signoff.cli.exits import Exit
from signoff.cli.main import call
from signoff.events import topology
from signoff.events.bus import open_bus
from signoff.events.bus.base import Bus
from signoff.events.errors import BusError
from signoff.events.topics import CHECKPOINTS, COMMANDS, EXECUTIONS, OUTCOMES, PARTITIONS
from signoff.events.topology import Alteration, Topic

DAY = 24 * 3_600_000
NAMES = [COMMANDS, EXECUTIONS, OUTCOMES, CHECKPOINTS]


async def test_the_topics_are_made_once() -> None:
    bus = await open_bus("memory:")

    assert await topology.apply(bus) == NAMES
    assert await topology.apply(bus) == []

    assert [await bus.partitions(name) for name in NAMES] == [*[PARTITIONS] * 3, 1]


async def test_a_broker_without_topics_is_told_with_what_to_run() -> None:
    bus = await open_bus("memory:")

    with pytest.raises(BusError, match=r"no signoff\.commands, .* run `signoff topics apply`"):
        await topology.check(bus)

    await topology.apply(bus)
    await topology.check(bus)


async def test_topics_with_another_number_of_partitions_are_refused() -> None:
    bus = await open_bus("memory:")
    await topology.apply(bus, partitions=4)

    with pytest.raises(BusError, match="4 partitions, not 8"):
        await topology.apply(bus, partitions=8)


async def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="host:port"):
        await open_bus("kafka.example")


# What is not as it should be ------------------------------------------------------------------------------


def altered(name: str, **actual: str) -> dict[str, str]:
    """What would be set, with settings whose names have underscores here."""
    given = {key.replace("_", "."): value for key, value in actual.items()}
    return {each.setting: each.wanted for each in topology.find_alterations(name, given)}


def test_a_retention_is_made_longer_and_never_shorter() -> None:
    assert altered(EXECUTIONS, retention_ms=str(DAY)) == {"retention.ms": str(7 * DAY)}
    assert altered(EXECUTIONS, retention_ms=str(30 * DAY)) == {}
    assert altered(EXECUTIONS, retention_ms="-1") == {}


@pytest.mark.parametrize(("copies", "least", "wanted"), [
    ("1", "2", "1"), ("2", "2", "1"), ("3", "1", "2"), ("3", "3", "2"), ("5", "1", "4"),
])  # fmt: skip
def test_a_write_waits_for_all_copies_but_one(copies: str, least: str, wanted: str) -> None:
    assert altered(COMMANDS, replicas=copies, min_insync_replicas=least) == {"min.insync.replicas": wanted}


@pytest.mark.parametrize(("copies", "least"), [("1", "1"), ("2", "1"), ("3", "2"), ("5", "3")])
def test_copies_that_are_enough_are_left_alone(copies: str, least: str) -> None:
    assert altered(COMMANDS, replicas=copies, min_insync_replicas=least) == {}


def test_a_topic_that_would_lose_what_it_must_keep_is_altered() -> None:
    assert altered(CHECKPOINTS, cleanup_policy="delete") == {"cleanup.policy": "compact"}
    assert altered(COMMANDS, cleanup_policy="compact") == {"cleanup.policy": "delete"}
    assert altered(COMMANDS, max_message_bytes="9").keys() == {"max.message.bytes"}
    assert altered(COMMANDS, max_message_bytes="99999999") == {}


@pytest.mark.parametrize(
    ("given", "told"), [({EXECUTIONS: DAY}, "168 hours at least"), ({CHECKPOINTS: DAY}, "no retention")]
)
async def test_a_retention_that_cannot_be_is_refused(given: Mapping[str, int], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        await topology.make_plan(await open_bus("memory:"), retention_ms=given)


# On a broker ----------------------------------------------------------------------------------------------


@pytest.fixture
async def bus(kafka: Kafka) -> AsyncIterator[Bus]:
    bus = await open_bus(f"kafka://{kafka.bootstrap}")
    yield bus
    await bus.close()


@pytest.fixture
def topics(monkeypatch: pytest.MonkeyPatch) -> dict[str, Topic]:
    """A topic that is compacted and one that is not, with names that no other test uses."""
    own = uuid.uuid4().hex
    made = {
        f"signoff.executions.{own}": Topic(retention_ms=7 * DAY, partitions=2),
        f"signoff.checkpoints.{own}": Topic(retention_ms=None, partitions=1),
    }
    monkeypatch.setattr(topology, "TOPICS", made)
    return made


async def test_what_was_made_is_as_it_should_be(bus: Bus, topics: dict[str, Topic]) -> None:
    plan = await topology.make_plan(bus)
    await topology.carry_out(bus, plan)

    assert [each.topic for each in plan.creations] == list(topics)
    assert (await topology.make_plan(bus)).is_empty


async def test_settings_are_brought_to_what_is_wanted_and_others_stay(
    bus: Bus, topics: dict[str, Topic]
) -> None:
    name, compacted = topics
    strange = {"retention.ms": "60000", "segment.ms": "86400000"}
    await bus.create({name: 2, compacted: 1}, configs={name: strange})

    plan = await topology.make_plan(bus, retention_ms={name: 30 * DAY}, replication=3)
    await topology.carry_out(bus, plan)

    assert Alteration(topic=name, setting="retention.ms", found="60000", wanted=str(30 * DAY)) in (
        plan.alterations
    )
    assert any("kafka-reassign-partitions" in each for each in plan.remarks)
    told = await bus.configs(name)
    assert (told["retention.ms"], told["segment.ms"]) == (str(30 * DAY), "86400000")
    assert (await bus.configs(compacted))["cleanup.policy"] == "compact"
    assert [await bus.partitions(each) for each in topics] == [2, 1]
    assert (await topology.make_plan(bus)).is_empty


async def test_more_copies_than_brokers_are_refused_with_what_to_do(
    bus: Bus, topics: dict[str, Topic]
) -> None:
    plan = await topology.make_plan(bus, replication=3)

    with pytest.raises(BusError, match=r"1 broker\(s\) are registered.*fewer brokers than copies"):
        await topology.carry_out(bus, plan)

    assert [await bus.partitions(each) for each in topics] == [0, 0]


async def test_a_setting_that_a_broker_does_not_take_is_refused(bus: Bus, topics: dict[str, Topic]) -> None:
    await topology.carry_out(bus, await topology.make_plan(bus))

    with pytest.raises(BusError, match=r"settings of signoff\.executions.*retention\.ms"):
        await bus.alter(next(iter(topics)), {"retention.ms": "for ever"})


# As it is typed -------------------------------------------------------------------------------------------


@pytest.fixture
def typed(kafka: Kafka, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings of a cluster that has this broker."""
    monkeypatch.setenv("SIGNOFF_KAFKA", kafka.bootstrap)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.usefixtures("typed")
def test_the_difference_is_told_and_then_made(
    topics: dict[str, Topic], capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(["topics", "apply", "--dry-run"]) is Exit.FAILED
    told = lines(capsys)
    assert call(["topics", "apply"]) is Exit.OK
    made = lines(capsys)
    assert call(["topics", "apply", "--dry-run"]) is Exit.OK
    nothing = lines(capsys)

    assert [each["topic"] for each in made] == list(topics)
    assert [each | {"applied": True} for each in told] == made
    assert (made[0]["action"], made[0]["partitions"], made[0]["replication"]) == ("create", 2, 1)
    assert nothing == [{"action": None, "topic": None, "applied": False}]


@pytest.mark.usefixtures("typed", "topics")
def test_a_refusal_of_the_broker_is_told_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["topics", "apply", "--replication", "3"]) is Exit.REFUSED

    assert "ask for a lower --replication" in capsys.readouterr().err


def test_a_broker_that_is_away_is_told_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SIGNOFF_KAFKA", "127.0.0.1:1")

    assert call(["topics", "apply"]) is Exit.REFUSED
    assert "signoff.commands" in capsys.readouterr().err


def test_a_retention_that_is_too_short_is_wrong_usage(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SIGNOFF_KAFKA", "127.0.0.1:1")

    assert call(["topics", "apply", "--retention-days", "1"]) is Exit.USAGE
    assert "168 hours at least" in capsys.readouterr().err
