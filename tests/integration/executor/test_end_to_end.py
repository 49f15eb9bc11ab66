"""The refund workflow on the real thing: what was committed is what was published."""

import msgspec
from local_services.postgres import Postgres

from support.executor_blocks import Probe
from support.executors import REFUND, Site, of_type


async def refunded(site: Site) -> list[object]:
    async with site.executor():
        sent = await site.start(await site.deploy(REFUND), {"amount": 500, "customer": "Ann"})
        await site.ended(sent)
        resumed = await site.resume(sent.log_id, "approve", {"approved": True, "comments": "ok"})
        await site.ended(resumed)
        await site.topic_equals_log(exactly=True)
    return [sent.log_id]


async def test_a_refund_is_asked_for_decided_and_paid(site: Site) -> None:
    async with site.executor():
        sent = await site.start(await site.deploy(REFUND), {"amount": 500, "customer": "Ann"})
        assert (await site.outcome(sent)).outcome == "accepted"
        await site.ended(sent)
        assert (await site.kinds(sent.log_id))[-1] == "execution:paused"
        resumed = await site.resume(sent.log_id, "approve", {"approved": True, "comments": "ok"})
        await site.ended(resumed)

    events = await site.events(sent.log_id)
    done = [data.block_id for data in of_type(events, "block:completed")]
    assert done == ["start", "check", "approve", "decided", "pay", "rest"]
    assert events[-1].type == "execution:completed"


async def test_the_bytes_on_the_topic_are_those_in_the_database(
    site: Site, postgres: Postgres, database: str
) -> None:
    (log_id,) = await refunded(site)

    rows = postgres.query(
        "SELECT encode(state, 'hex') FROM stored_events "
        f"WHERE originator_id = '{log_id}' ORDER BY originator_version",
        database.rpartition("/")[2],
    )
    committed = [bytes.fromhex(row) for row in rows.split()]
    records = [
        each for each in await site.topic(site.partition_of(log_id)) if each.key == str(log_id).encode()
    ]
    assert [record.value for record in records] == committed
    assert len(committed) > 10


async def test_each_record_is_a_cloud_event(site: Site) -> None:
    (log_id,) = await refunded(site)

    for record in await site.topic(site.partition_of(log_id)):
        if record.key != str(log_id).encode():
            continue
        headers = {name: value.decode() for name, value in record.headers}
        event = msgspec.json.decode(record.value)
        assert headers == {
            "ce_specversion": "1.0",
            "content-type": "application/json",
            "ce_id": f"{log_id}/{event['eventId']}",
            "ce_type": event["type"],
            "ce_source": "/workflows/refund",
            "ce_time": event["timestamp"],
            "ce_subject": str(log_id),
            "ce_workspaceid": "00000000-0000-0000-0000-000000000000",
            "ce_eventid": str(event["eventId"]),
            "ce_causationid": event["causationId"],
            "ce_correlationid": event.get("correlationId", event["causationId"]),
            "ce_attempt": "1",
            "ce_republished": "false",
        }


async def test_the_topic_equals_the_log_under_concurrent_work(site: Site, probe: Probe) -> None:
    chain = {f"b{i}": {"type": "probe.work", "then": f"b{i + 1}"} for i in range(5)}
    async with site.executor(probe.registry):
        workflow = await site.deploy({"blocks": {**chain, "b5": {"type": "probe.work"}}})
        sent = [await site.start(workflow) for _ in range(100)]
        for each in sent:
            await site.ended(each)
        await site.topic_equals_log(exactly=True)

    assert len(probe.calls) == 600
