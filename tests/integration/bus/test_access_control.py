"""`signoff topics apply` on a broker that does not let it do all: it says what it lacks."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from local_services.kafka import Kafka

from signoff.events import topology
from signoff.events.bus import open_bus
from signoff.events.bus.base import Bus
from signoff.events.errors import BusError
from signoff.events.topology import Topic
from support import kafka_tools
from support.ports import unused_port
from support.processes import LocalRun

MADE: Final = "signoff.made"
NEW: Final = "signoff.new"
_AUTHORIZER: Final = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "allow.everyone.if.no.acl.found": "true",
}


@pytest.fixture(scope="module")
def guarded(local_run: LocalRun) -> Iterator[Kafka]:
    """A broker with access control, on which everybody may do all as yet."""
    port = unused_port()
    folder = local_run.folder / "guarded"
    folder.mkdir()
    broker = Kafka(folder, port=port, controller_port=unused_port(taken=[port]), properties=_AUTHORIZER)
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture(scope="module")
def jars() -> Path:
    return kafka_tools.fetch()


async def rule(jars: Path, broker: Kafka, principal: str, *operations: str) -> None:
    """Allow or deny something on the cluster and on both topics, with Kafka's own command."""
    named = [part for operation in operations for part in ("--operation", operation)]
    await kafka_tools.run(
        jars, kafka_tools.ACL, "--bootstrap-server", broker.bootstrap, "--add", "--cluster",
        "--topic", MADE, "--topic", NEW, principal, "User:ANONYMOUS", *named,
    )  # fmt: skip


async def refusal(bus: Bus) -> str:
    with pytest.raises(BusError) as told:
        await topology.carry_out(bus, await topology.make_plan(bus))
    return str(told.value)


@pytest.mark.soak
@pytest.mark.timeout(300)  # the first time, Maven fetches Kafka's tools
async def test_what_the_brokers_do_not_allow_is_said(
    guarded: Kafka, jars: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bus = await open_bus(f"kafka://{guarded.bootstrap}")
    await bus.create({MADE: 1}, configs={MADE: {"retention.ms": "60000"}})
    await rule(jars, guarded, "--allow-principal", "All")
    await rule(jars, guarded, "--deny-principal", "Create", "AlterConfigs")

    monkeypatch.setattr(topology, "TOPICS", {NEW: Topic(retention_ms=1, partitions=1)})
    told = [await refusal(bus)]
    monkeypatch.setattr(topology, "TOPICS", {MADE: Topic(retention_ms=100_000, partitions=1)})
    told.append(await refusal(bus))
    await rule(jars, guarded, "--deny-principal", "Describe")
    told.append(await refusal(bus))
    await bus.close()

    doing = ["create signoff.new", "settings of signoff.made", "partitions of signoff.made"]
    assert [each.partition(": ")[0] for each in told] == doing
    assert all("the brokers do not let Signoff do this" in each for each in told), told
