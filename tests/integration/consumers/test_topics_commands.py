"""`signoff topics verify` and `republish` on a real log and a real topic."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete
from local_services.kafka import Kafka

from signoff.cli.exits import Exit
from signoff.cli.main import call
from signoff.client.topics import Receiver
from signoff.events.bus.base import Record
from signoff.events.topics import EXECUTIONS
from support.executors import REFUND, Site
from support.stores import without_files
from support.topic_of_log import LOGS, TopicOfLog, published, with_header
from support.transactions import commit_at_end

Command = Callable[..., Awaitable[tuple[Exit, list[dict[str, Any]]]]]


@pytest.fixture
def command(
    database: str, topics: Kafka, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> Command:
    """Calls `signoff topics …` with the settings of the cluster; gives its exit code and its lines."""
    monkeypatch.setenv("SIGNOFF_DATABASE_URL", without_files(database))
    monkeypatch.setenv("SIGNOFF_KAFKA", topics.bootstrap)

    async def run(*arguments: str) -> tuple[Exit, list[dict[str, Any]]]:
        capsysbinary.readouterr()
        code = await asyncio.to_thread(call, ["topics", *arguments])
        return code, [json.loads(line) for line in capsysbinary.readouterr().out.splitlines()]

    return run


@pytest.fixture
def written(site: Site) -> TopicOfLog:
    return TopicOfLog(site.store, site.bus, partitions=site.partitions)


async def consumed(site: Site) -> dict[str, int]:
    """How far a consumer of partition 0 comes that waits at gaps."""
    cursors: dict[str, int] = {}
    records = ((each.key, each.value, each.headers) for each in await site.topic(0))
    for _ in Receiver(cursors, on_gap=lambda _: None).events(records):
        pass
    return cursors


async def test_the_topic_of_a_cluster_at_work_equals_its_log(command: Command, site: Site) -> None:
    async with site.executor():
        workflow = await site.deploy(REFUND)
        sent = [await site.start(workflow, {"amount": 50, "customer": "Ann"}) for _ in range(5)]
        for each in sent:
            await site.ended(each)
        await site.topic_equals_log(exactly=True)

        code, (summary,) = await command("verify", "--processes", "2")
        one, (of_one,) = await command("verify", "--execution", str(sent[0].log_id), "--since", "2026-01-01")

    assert (code, summary["ok"], summary["faults"], summary["repeats"]) == (Exit.OK, True, 0, 0)
    assert summary["events"] == len(await site.store.read_all(after=0, limit=1_000))
    assert (one, of_one["events"]) == (Exit.OK, len(await site.raw(sent[0].log_id)))


async def test_what_somebody_did_to_a_topic_is_named(
    command: Command, site: Site, written: TopicOfLog
) -> None:
    events = await written.write("abc" * 4)
    records = [published(event) for event in events]
    altered = records[3].value.replace(b'"causationId":"c"', b'"causationId":"d"')
    records[3] = msgspec.structs.replace(records[3], value=altered)
    records[5] = with_header(records[5], "ce_type", b"execution:completed")
    records[7] = msgspec.structs.replace(records[7], key=records[0].key)
    records[8], records[11] = records[11], records[8]
    doubled: list[Record] = [*records[:3], records[0], *records[3:10]]
    await written.publish([*doubled, records[11]])  # not the tenth: b's fourth event

    code, (*faults, summary) = await command("verify", "--partition", "0")

    a, b, c = (str(LOGS[name]) for name in "abc")
    assert code == Exit.FAILED
    assert (summary["ok"], summary["faults"], summary["repeats"]) == (False, 5, 1)
    assert {(each["kind"], each["place"]["topic"], each["place"]["partition"]) for each in faults} == {
        ("topic", EXECUTIONS, 0)
    }
    assert [
        (each["place"].get("offset"), each["place"].get("logId"), each["place"].get("eventId"))
        for each in faults
    ] == [(4, a, 2), (6, c, 2), (8, b, 3), (11, c, 4), (None, b, 4)]


async def test_what_is_missing_is_repaired_beside_an_executor_and_consumers_go_on(
    command: Command, site: Site, written: TopicOfLog
) -> None:
    events = await written.write("aabaabab")
    lost = [published(event) for event in events if event.position != events[1].position]
    await written.publish(lost)
    code, (fault, _) = await command("verify", "--partition", "0")
    assert (code, fault["place"]["eventId"]) == (Exit.FAILED, 2)
    begin = str(fault["place"]["position"])

    would, (told,) = await command("republish", "--from", begin, "--partition", "0", "--dry-run")
    still, _ = await command("verify", "--partition", "0")
    done, (did,) = await command("republish", "--from", begin, "--partition", "0")

    assert (would, told["events"], told["published"]) == (Exit.OK, 7, False)
    assert still == Exit.FAILED
    assert (done, did["events"], did["published"]) == (Exit.OK, 7, True)
    code, (summary,) = await command("verify", "--partition", "0")
    assert (code, summary["repeats"]) == (Exit.OK, 3)  # the events of b, which lacked none
    assert await consumed(site) == {str(LOGS["a"]): 5, str(LOGS["b"]): 3}


async def test_one_execution_is_published_again_as_a_whole(
    command: Command, site: Site, written: TopicOfLog
) -> None:
    events = await written.write("abab")
    await written.publish([published(event) for event in events[1:]])

    code, (did,) = await command("republish", "--from", str(LOGS["a"]))

    assert (code, did["partition"], did["events"]) == (Exit.OK, 0, 2)
    headers = [dict(each.headers) for each in (await site.topic(0))[3:]]
    assert [(each["ce_eventid"], each["ce_republished"]) for each in headers] == [
        (b"1", b"true"),
        (b"2", b"true"),
    ]
    assert (await command("verify"))[0] == Exit.OK


async def test_records_that_were_deleted_from_the_beginning_are_not_missing(
    command: Command, topics: Kafka, written: TopicOfLog
) -> None:
    events = await written.write("abcabc")
    await written.publish([published(event) for event in events])
    admin = AIOKafkaAdminClient(bootstrap_servers=topics.bootstrap)
    await admin.start()
    await admin.delete_records({TopicPartition(EXECUTIONS, 0): RecordsToDelete(before_offset=2)})
    await admin.close()

    code, (summary,) = await command("verify", "--partition", "0")

    assert (code, summary["events"], summary["expired"]) == (Exit.OK, 4, 2)


async def test_a_topic_that_ends_with_the_marker_of_a_transaction_is_compared(
    command: Command, topics: Kafka, written: TopicOfLog
) -> None:
    events = await written.write("ab")
    await written.publish([published(event) for event in events])
    await commit_at_end(topics, EXECUTIONS, [published(events[1], again=True)])

    code, (summary,) = await command("verify", "--partition", "0")

    assert (code, summary["records"], summary["repeats"]) == (Exit.OK, 3, 1)


async def test_an_execution_that_is_not_there_is_refused(command: Command) -> None:
    assert await command("republish", "--from", "refund-1") == (Exit.REFUSED, [])
