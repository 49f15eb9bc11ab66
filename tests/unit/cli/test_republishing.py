"""What is published again repairs a log for its consumers, also while its executor goes on."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from signoff.cli.upkeep import republishing
from signoff.cli.upkeep.republishing import Republisher, RepublishError
from signoff.client.topics import Receiver
from signoff.events.bus.base import Record
from signoff.events.topics import EXECUTIONS
from support.topic_of_log import LOGS, TopicOfLog, published


class Busy:
    """A bus beside which an executor commits and publishes events, before each page that is published here.

    Args:
        site: whose bus.
        names: the logs of the events that come, one for each page.
    """

    def __init__(self, site: TopicOfLog, names: str) -> None:
        self._site = site
        self._names = iter(names)

    async def publish(self, topic: str, partition: int, records: Sequence[Record]) -> Any:
        name = next(self._names, None)
        if name is not None:
            events = await self._site.write(name)
            await self._site.publish([published(events[-1])])
        return await self._site.bus.publish(topic, partition, records)


@pytest.fixture
async def site() -> AsyncIterator[TopicOfLog]:
    async with TopicOfLog.in_memory() as site:
        yield site


async def consumed(site: TopicOfLog) -> dict[str, int]:
    """How far a consumer comes that waits at gaps."""
    reader = await site.bus.reader(EXECUTIONS)
    await reader.assign({0: 0})
    messages = await reader.poll(wait=1, limit=10_000)
    await reader.close()
    cursors: dict[str, int] = {}
    records = ((each.key, each.value, each.headers) for each in messages)
    for _ in Receiver(cursors, on_gap=lambda _: None).events(records):
        pass
    return {name: cursors.get(str(log_id), 0) for name, log_id in LOGS.items()}


@pytest.mark.parametrize("page", [1, 2, 1_000])
async def test_consumers_at_a_gap_get_also_what_an_executor_published_meanwhile(
    site: TopicOfLog, page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(republishing, "_PAGE", page)
    events = await site.write("aabab")
    await site.publish([published(event) for event in events if event.position != events[1].position])
    assert await consumed(site) == {"a": 1, "b": 2, "c": 0}

    done = await Republisher(site.store, Busy(site, "aabca"), 0).run(events[1].position - 1)  # type: ignore[arg-type]  # as much of a bus as it needs

    assert await consumed(site) == {name: len(await site.store.read(log_id)) for name, log_id in LOGS.items()}
    assert await site.faults() == []
    assert done.first == events[1].position


async def test_one_log_is_published_without_the_others(site: TopicOfLog) -> None:
    await site.write("abab")

    done = await Republisher(site.store, site.bus, 0, log_id=LOGS["b"]).run(0)

    assert (done.events, done.first, done.last) == (2, 2, 4)
    assert await consumed(site) == {"a": 0, "b": 2, "c": 0}


async def test_a_dry_run_publishes_nothing(site: TopicOfLog) -> None:
    await site.write("abab")

    done = await Republisher(site.store, site.bus, 0, dry_run=True).run(1)

    assert (done.events, done.first, done.last) == (3, 2, 4)
    assert await site.bus.last(EXECUTIONS, 0) is None


async def test_bytes_that_are_no_event_are_not_published_again(site: TopicOfLog) -> None:
    await site.write("a")
    await site.write("a", state=b"nonsense")

    with pytest.raises(RepublishError, match="cannot be read at event 2"):
        await Republisher(site.store, site.bus, 0).run(0)

    assert await site.bus.last(EXECUTIONS, 0) is None


async def test_it_does_not_run_after_an_executor_for_ever(
    site: TopicOfLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(republishing, "_ROUNDS", 5)
    await site.write("a")

    with pytest.raises(RepublishError, match="faster than they can be published"):
        await Republisher(site.store, Busy(site, "a" * 50), 0).run(0)  # type: ignore[arg-type]  # likewise
