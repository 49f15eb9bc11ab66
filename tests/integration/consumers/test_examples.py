"""The example consumers have each event exactly once, whatever dies meanwhile."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from local_services.kafka import Kafka

from integration.executor.conftest import Fleet
from signoff.cli.upkeep.republishing import Republisher
from signoff.events.codec import decode_event
from support.example_consumers import COMMANDS, ExampleConsumer, Row, View
from support.executors import Sent, Site, until
from support.topic_of_log import LOGS, TopicOfLog, published

LIMIT = 45.0
WORK = {
    "blocks": {
        "first": {"type": "journal.work", "then": "second"},
        "second": {"type": "journal.work", "then": "third"},
        "third": {"type": "journal.work"},
    }
}


@pytest.fixture
async def consumers(topics: Kafka, tmp_path: Path) -> AsyncIterator[dict[str, ExampleConsumer]]:
    commands = {name: await asyncio.to_thread(command) for name, command in COMMANDS.items()}
    made = {
        name: ExampleConsumer(command, topics.bootstrap, tmp_path / f"{name}.db")
        for name, command in commands.items()
    }
    yield made
    for consumer in made.values():
        await asyncio.to_thread(consumer.kill)


async def of_the_log(site: Site) -> View:
    """What a view must say, by the log itself."""
    views: dict[str, Row] = {}
    blocks: defaultdict[str, int] = defaultdict(int)
    for recorded in await site.store.read_all(after=0, limit=100_000):
        log, event = str(recorded.log_id), decode_event(recorded.state)
        blocks[log] += event.type == "block:completed"
        kind, _, what = event.type.partition(":")
        status = what if kind == "execution" else views[log].status if log in views else None
        views[log] = Row(status, recorded.version, blocks[log])
    return views


async def until_views(consumers: dict[str, ExampleConsumer], holds: Callable[[View], bool]) -> None:
    """Wait until something holds for each view; a consumer that has ended meanwhile is started again."""
    waiting = dict(consumers)

    async def none_waits() -> bool:
        for name, consumer in list(waiting.items()):
            await asyncio.to_thread(consumer.run)
            if holds(await asyncio.to_thread(consumer.view)):
                del waiting[name]
        return not waiting

    try:
        await until(none_waits, limit=LIMIT)
    except AssertionError:
        for name, consumer in waiting.items():
            print(f"{name} says: {consumer.view()}\n{consumer.told[-2_000:]}")
        raise


async def ended(site: Site, sent: list[Sent]) -> None:
    for each in sent:
        await site.until_event(each.log_id, "execution:completed", limit=LIMIT)


@pytest.mark.timeout(400)  # the first time, Maven and npm fetch what they need
async def test_views_equal_the_log_after_executor_broker_and_consumers_died(
    site: Site, fleet: Fleet, topics: Kafka, consumers: dict[str, ExampleConsumer]
) -> None:
    one = await fleet.start()
    workflow = await site.deploy(WORK)
    for consumer in consumers.values():
        consumer.run()
    sent = [await site.start(workflow) for _ in range(40)]

    await until_views(consumers, bool)
    for consumer in consumers.values():
        await asyncio.to_thread(consumer.kill)
        consumer.run()
    sent += [await site.start(workflow) for _ in range(40)]
    await one.kill()
    await asyncio.to_thread(topics.stop)
    await asyncio.to_thread(topics.start)
    await fleet.start()
    for partition in range(site.partitions):
        await Republisher(site.store, site.bus, partition).run(0)
    sent += [await site.start(workflow) for _ in range(20)]
    await ended(site, sent)

    expected = await of_the_log(site)
    assert len(expected) == 101
    await until_views(consumers, lambda view: view == expected)


@pytest.mark.timeout(400)
async def test_no_example_passes_a_gap(site: Site, consumers: dict[str, ExampleConsumer]) -> None:
    written = TopicOfLog(site.store, site.bus, partitions=site.partitions)
    events = await written.write("abaabb")
    await written.publish([published(event) for event in events if event.position != events[2].position])

    for consumer in consumers.values():
        consumer.run()
    for consumer in consumers.values():
        await until(lambda consumer=consumer: consumer.has_ended, limit=LIMIT)

    for consumer in consumers.values():
        assert str(LOGS["a"]) in consumer.told
        assert consumer.view().get(str(LOGS["a"]), Row(None, 0, 0)).events <= 1
