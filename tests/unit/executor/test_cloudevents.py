"""Each record of `signoff.executions` is a CloudEvent 1.0, as the official SDK reads it."""

import json
import re
from datetime import datetime
from typing import Final

import jsonschema_rs
import pytest
from cloudevents.core.v1.event import CloudEvent

from signoff.blocks import Context, block
from signoff.events.bus.base import Message
from signoff.events.schemas.asyncapi import document
from signoff.executor.publishing.relay import Relay
from support.cloud_events import everything, read_by_the_sdk
from support.executor_blocks import registry
from support.executors import REFUND, Site

_HEADERS: Final = document()["components"]["schemas"]["CloudEventHeaders"]
_TRIED_AGAIN: Final = {
    "blocks": {
        "a": {
            "type": "probe.flaky",
            "retry": {"maxTries": 2, "waitBetweenTriesMs": 0},
        }
    }
}


@block("probe.flaky")
async def _flaky(ctx: Context) -> int:
    """Fails once."""
    if ctx.attempt == 1:
        raise ValueError("not yet")
    return ctx.attempt


@pytest.fixture
async def records(site: Site) -> list[Message]:
    """All that a run with a pause and a decision leaves on the topic, with the deploy before it."""
    async with site.executor():
        sent = await site.start(await site.deploy(REFUND), {"amount": 500, "customer": "Ann"})
        await site.ended(sent)
        await site.ended(await site.resume(sent.log_id, "approve", {"approved": True, "comments": "ok"}))
        await site.topic_equals_log(exactly=True)
    return await everything(site)


async def test_the_sdk_reads_every_record_of_a_run(records: list[Message]) -> None:
    for record in records:
        event, value = read_by_the_sdk(record), json.loads(record.value)

        assert event.get_data() == value
        assert (event.get_type(), event.get_specversion()) == (value["type"], "1.0")
        assert event.get_id() == f"{record.key.decode()}/{value['eventId']}"
        assert event.get_source() == f"/workflows/{value['workflowId']}"
        assert event.get_time() == datetime.fromisoformat(value["timestamp"])
        assert event.get_extension("eventid") == str(value["eventId"])


async def test_headers_are_those_of_the_published_contract(records: list[Message]) -> None:
    schema = jsonschema_rs.Draft202012Validator(_HEADERS, validate_formats=True)
    for record in records:
        headers = {name: value.decode() for name, value in record.headers}

        assert [error.message for error in schema.iter_errors(headers)] == []
        assert headers.keys() <= _HEADERS["properties"].keys()
        assert [name for name in headers if not re.fullmatch(r"ce_[a-z0-9]{1,20}|content-type", name)] == []


async def test_a_retry_is_told_from_the_first_try(site: Site) -> None:
    async with site.executor(registry(_flaky)):
        await site.ended(await site.start(await site.deploy(_TRIED_AGAIN)))
        await site.topic_equals_log()
    events = [read_by_the_sdk(record) for record in await everything(site)]

    starts = [each for each in events if each.get_type() == "block:started"]
    assert [each.get_extension("attempt") for each in starts if _block_of(each) == "a"] == ["1", "2"]


def _block_of(event: CloudEvent) -> str:
    value = event.get_data()
    assert isinstance(value, dict)
    return str(value["data"]["blockId"])


async def test_what_is_published_again_is_told_from_the_first_and_has_its_id_and_its_bytes(
    site: Site, records: list[Message]
) -> None:
    relay = Relay(site.store, site.bus, partitions=site.partitions, time_limit=60.0)

    page = await site.store.read_all(after=0, limit=1000)
    again = [read_by_the_sdk(each) for each in (await relay.batches.read_again(page)).records]

    first = {each.get_id(): each for each in map(read_by_the_sdk, records)}
    assert {each.get_id() for each in again} == first.keys()
    assert [each.get_data() for each in again] == [first[each.get_id()].get_data() for each in again]
    assert {each.get_extension("republished") for each in again} == {"true"}
    assert {each.get_extension("republished") for each in first.values()} == {"false"}
