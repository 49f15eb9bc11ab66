"""Others read `signoff.executions`: the SDK of CloudEvents, and Kafka's own consumer."""

import json
from pathlib import Path

import pytest
from local_services.kafka import Kafka

from signoff.events.topics import EXECUTIONS
from support import kafka_tools
from support.cloud_events import everything, read_by_the_sdk
from support.executors import REFUND, Site


@pytest.fixture(scope="module")
def jars() -> Path:
    return kafka_tools.fetch()


@pytest.mark.timeout(300)  # the first time, Maven fetches it
async def test_kafkas_own_consumer_and_the_sdk_read_every_record(
    jars: Path, kafka: Kafka, site: Site
) -> None:
    async with site.executor():
        sent = await site.start(await site.deploy(REFUND), {"amount": 500, "customer": "Ann"})
        await site.ended(sent)
        await site.topic_equals_log(exactly=True)
    records = await everything(site)

    printed = await kafka_tools.run(
        jars, kafka_tools.CONSOLE_CONSUMER, "--bootstrap-server", kafka.bootstrap, "--topic", EXECUTIONS,
        "--from-beginning", "--max-messages", str(len(records)), "--timeout-ms", "30000",
        "--property", "print.headers=true", "--property", "print.key=true",
    )  # fmt: skip

    shown = [line.split("\t") for line in printed.splitlines()]
    assert sorted((key.encode(), value.encode()) for _, key, value in shown) == sorted(
        (record.key, record.value) for record in records
    )
    by_id = {event.get_id(): event for event in map(read_by_the_sdk, records)}
    for headers, key, value in shown:
        told = dict(header.split(":", 1) for header in headers.split(","))
        assert told["ce_id"] == f"{key}/{json.loads(value)['eventId']}"
        assert told["ce_type"] == by_id[told["ce_id"]].get_type() == json.loads(value)["type"]
