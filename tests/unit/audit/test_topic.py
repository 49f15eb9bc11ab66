"""Topic and log compared: what is wrong is named with its place, and nothing else is."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signoff.audit.verify import topic_sources
from signoff.client.topics import Receiver
from signoff.events.bus.base import Record
from signoff.events.bus.memory import MemoryBus
from signoff.events.store.sqlite import SqliteStore
from signoff.events.topology import apply
from support.topic_of_log import LOGS, TopicOfLog, places, published, with_header


@pytest.fixture
async def site() -> AsyncIterator[TopicOfLog]:
    async with TopicOfLog.in_memory() as site:
        yield site


@pytest.fixture
async def expired() -> AsyncIterator[TopicOfLog]:
    """One of whose topic some records have expired."""
    async with TopicOfLog.in_memory(expired=100) as site:
        yield site


@pytest.fixture(params=[1, 3, 2_000])
def page(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of several sizes."""
    monkeypatch.setattr(topic_sources, "_PAGE", request.param)


pytestmark = pytest.mark.usefixtures("page")


def counted(site: TopicOfLog, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[int]]:
    """How many events each read of the log asks for, by the method."""
    limits: dict[str, list[int]] = {"read": [], "read_all": []}

    def count(name: str) -> None:
        read = getattr(site.store, name)

        async def counting(*given: Any, limit: int = 1_000, **named: Any) -> Any:
            limits[name].append(limit)
            return await read(*given, limit=limit, **named)

        monkeypatch.setattr(site.store, name, counting)

    for name in limits:
        count(name)
    return limits


# What is not wrong ----------------------------------------------------------------------------------


async def test_a_topic_that_has_all_of_the_log_is_well(site: TopicOfLog) -> None:
    events = await site.write("abcabcab")
    await site.publish([published(event) for event in events])

    assert await site.faults() == []
    assert (site.compared.events, site.compared.repeats, site.compared.behind) == (8, 0, 0)


async def test_repeated_records_are_counted(site: TopicOfLog) -> None:
    events = await site.write("abcabcab")
    again = [published(event, again=True) for event in events]
    await site.publish([*map(published, events[:5]), *again[2:], *again[:1]])

    assert await site.faults() == []
    assert (site.compared.events, site.compared.repeats) == (8, 4)


async def test_what_retention_took_away_is_not_missing(expired: TopicOfLog) -> None:
    events = await expired.write("abcabcab")
    await expired.publish([published(event) for event in events[3:]])

    assert await expired.faults() == []
    assert (expired.compared.events, expired.compared.expired) == (5, 3)


async def test_old_events_that_were_republished_before_what_expired_are_not_the_beginning(
    expired: TopicOfLog,
) -> None:
    events = await expired.write("abcabcab")
    again = [published(event, again=True) for event in events]
    await expired.publish([again[0], published(events[5]), again[1], published(events[6]), *again[2:]])

    assert await expired.faults() == []
    assert (expired.compared.events, expired.compared.expired) == (4, 4)


async def test_a_topic_all_of_which_has_expired_is_well(expired: TopicOfLog) -> None:
    await expired.write("abc")

    assert await expired.faults() == []
    assert expired.compared.expired == 3


async def test_what_is_committed_and_not_relayed_yet_is_behind(site: TopicOfLog) -> None:
    events = await site.write("abc")
    await site.publish([published(event) for event in events])
    await site.write("ab", relayed=False)

    assert await site.faults() == []
    assert (site.compared.events, site.compared.behind) == (3, 2)


async def test_what_waits_long_for_an_owner_that_lives_is_named() -> None:
    async with TopicOfLog.in_memory(age=3_000) as site:
        await site.write("ab", relayed=False)

        (fault,) = await site.faults()

    assert places([fault]) == [("a", 1)]
    assert "2 events of the partition are not on the topic, the oldest for 3000 s" in fault.meaning


async def test_another_order_of_different_logs_is_nothing_wrong(site: TopicOfLog) -> None:
    a1, b1, a2 = await site.write("aba")
    await site.publish([published(b1), published(a1), published(a2)])

    assert await site.faults() == []


async def test_what_was_lost_and_republished_with_all_behind_it_is_well(site: TopicOfLog) -> None:
    events = await site.write("aabaab")
    lost = [published(event) for event in events if event.version != 2]
    await site.publish([*lost, *(published(event, again=True) for event in events[1:])])

    assert await site.faults() == []


async def test_bytes_that_are_no_event_in_the_log_either_are_for_its_own_verification_to_name(
    site: TopicOfLog,
) -> None:
    await site.write("a")
    await site.write("a", state=b"nonsense")
    a1, a2, b1 = await site.write("b")
    bare = Record(str(a2.log_id).encode(), a2.state)
    await site.publish([published(a1), bare, published(b1)])

    assert await site.faults() == []
    assert site.compared.events == 3


# What is wrong --------------------------------------------------------------------------------------


async def test_a_missing_record_is_named(site: TopicOfLog) -> None:
    events = await site.write("abcabcab")
    await site.publish([published(event) for event in events if event != events[3]])

    (fault,) = await site.faults()

    assert places([fault]) == [("a", 2)]
    assert fault.place.position == events[3].position
    assert "event 2 is not on the topic, and 1 that follow on it wait" in fault.meaning


@pytest.mark.parametrize("lost", [0, 7])
async def test_a_missing_first_or_last_record_is_named(site: TopicOfLog, lost: int) -> None:
    events = await site.write("abcabcab")
    await site.publish([published(event) for event in events if event != events[lost]])

    assert places(await site.faults()) == [("abcabcab"[lost], events[lost].version)]


async def test_an_empty_topic_is_named(site: TopicOfLog) -> None:
    await site.write("aab")

    assert places(await site.faults()) == [("a", 1), ("b", 1)]


async def test_a_topic_that_was_made_anew_is_named_once(site: TopicOfLog) -> None:
    events = await site.write("ab" * 200)
    await site.publish([published(event) for event in events[300:]])

    (fault,) = await site.faults()

    assert "begins with event 151" in fault.meaning
    assert "300 events before it are not there" in fault.meaning


async def test_an_altered_record_is_named(site: TopicOfLog) -> None:
    events = await site.write("abcab")
    records = [published(event) for event in events]
    altered = records[3].value.replace(b'"causationId":"c"', b'"causationId":"d"')
    records[3] = msgspec.structs.replace(records[3], value=altered)
    await site.publish(records)

    (fault,) = await site.faults()

    assert (places([fault]), fault.place.offset) == ([("a", 2)], 3)
    assert "other bytes" in fault.meaning


async def test_a_record_whose_bytes_are_no_event_is_named(site: TopicOfLog) -> None:
    events = await site.write("abcab")
    records = [published(event) for event in events]
    records[3] = msgspec.structs.replace(records[3], value=b"nonsense")
    await site.publish(records)

    (fault,) = await site.faults()

    assert (places([fault]), fault.place.offset) == ([("a", 2)], 3)
    assert "no event" in fault.meaning


async def test_bytes_that_are_no_event_stand_for_the_one_that_they_tell_or_else_the_next_of_their_log(
    site: TopicOfLog,
) -> None:
    events = await site.write("aabb")
    records = [published(event) for event in events]
    again = msgspec.structs.replace(records[0], value=b"nonsense")
    records[1] = Record(records[1].key, b"nonsense")
    await site.publish([*records[:3], again, records[3]])

    found = await site.faults()

    assert [fault.place.offset for fault in found] == [1, 3]
    assert places(found) == [("a", 2), ("a", 1)]


async def test_bytes_that_are_no_event_cost_a_look_at_one_event_at_most(
    site: TopicOfLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = await site.write("a" * 50)
    key = str(LOGS["a"]).encode()
    garbage = [Record(key, b"%d" % number, (("ce_eventid", b"1"),)) for number in range(20)]
    await site.publish([*map(published, events), *garbage, *(Record(key, b"x") for _ in range(20))])
    limits = counted(site, monkeypatch)

    found = await site.faults()

    assert len(found) == 40
    assert {fault.meaning for fault in found} == {"the record's bytes are no event"}
    assert sum(limits["read"]) <= len(garbage)


async def test_repetitions_in_whatever_order_cost_a_look_at_few_pages(
    site: TopicOfLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(topic_sources, "_PAGE", 2)
    monkeypatch.setattr(topic_sources, "_PAST", 1)
    monkeypatch.setattr(topic_sources, "_CREDIT", 4 * topic_sources._PRICE)
    events = await site.write("ab" * 200)
    again = [published(event, again=True) for event in events]
    await site.publish([*map(published, events), *again[::-7], with_header(again[9], "ce_type", b"forged")])
    limits = counted(site, monkeypatch)

    (fault,) = await site.faults()

    assert "headers contradict event 5: ce_type" in fault.meaning
    assert site.compared.repeats == len(again[::-7]) + 1
    assert len(limits["read_all"]) <= 400 / 64 + 4 + 1


async def test_repetitions_in_order_are_looked_up_by_the_page(
    site: TopicOfLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"_PAGE": 20, "_PAST": 1, "_PRICE": 10, "_CREDIT": 10}.items():
        monkeypatch.setattr(topic_sources, name, value)
    events = await site.write("ab" * 200)
    await site.publish([*map(published, events), *(published(event, again=True) for event in events)])
    limits = counted(site, monkeypatch)

    assert await site.faults() == []
    assert site.compared.repeats == 400
    assert len(limits["read"]) <= 400 / 20


@pytest.mark.parametrize(
    "number", [b"0", b"-1", b"9223372036854775809", b"9" * 19, b"9" * 5_000, "²".encode()]
)
async def test_the_number_of_no_event_is_named_whatever_the_database_could_hold(
    tmp_path: Path, number: bytes
) -> None:
    store = await SqliteStore.open(tmp_path / "signoff.db")
    bus = MemoryBus()
    await store.migrate(partitions=1)
    await apply(bus, partitions=1)
    site = TopicOfLog(store, bus, partitions=1)
    (event,) = await site.write("a")
    record = published(event)
    forged = record.value.replace(b'"eventId":1', b'"eventId":' + number)
    await site.publish(
        [
            record,
            msgspec.structs.replace(record, value=forged),
            Record(record.key, b"x", (("ce_eventid", number),)),
        ]
    )

    found = await site.faults()
    await bus.close()
    await store.close()

    assert [fault.place.offset for fault in found] == [1, 2]


async def test_a_repetition_with_other_bytes_is_named(site: TopicOfLog) -> None:
    events = await site.write("ab")
    records = [published(event) for event in events]
    altered = records[0].value.replace(b'"causationId":"c"', b'"causationId":"d"')
    await site.publish([*records, msgspec.structs.replace(records[0], value=altered)])

    (fault,) = await site.faults()

    assert (places([fault]), fault.place.offset) == ([("a", 1)], 2)


async def test_swapped_records_of_a_log_are_named(site: TopicOfLog) -> None:
    a1, b1, a2, a3 = await site.write("abaa")
    await site.publish([published(event) for event in (a1, b1, a3, a2)])

    (fault,) = await site.faults()

    assert places([fault]) == [("a", 3)]
    assert fault.place.offset == 3
    assert "does not come again" in fault.meaning


async def test_a_forged_key_is_named(site: TopicOfLog) -> None:
    events = await site.write("abcab")
    records = [published(event) for event in events]
    records[3] = msgspec.structs.replace(records[3], key=records[4].key)
    await site.publish(records)

    (fault,) = await site.faults()

    assert fault.place.offset == 3
    assert f"its key says {LOGS['b']}" in fault.meaning


async def test_a_key_that_is_no_log_is_named(site: TopicOfLog) -> None:
    await site.publish([Record(b"nobody", b"{}")])

    (fault,) = await site.faults()

    assert "the key b'nobody' is no log's id" in fault.meaning


async def test_an_event_that_is_not_in_the_log_is_named(site: TopicOfLog) -> None:
    events = await site.write("aa")
    records = [published(event) for event in events]
    forged = records[1].value.replace(b'"eventId":2', b'"eventId":3')
    await site.publish([*records, msgspec.structs.replace(records[1], value=forged)])

    (fault,) = await site.faults()

    assert f"event 3 of log {LOGS['a']} is not in the log" in fault.meaning


@pytest.mark.parametrize(
    "name", ["ce_type", "ce_id", "ce_eventid", "ce_workspaceid", "ce_source", "ce_attempt"]
)
async def test_a_header_that_contradicts_its_event_is_named(site: TopicOfLog, name: str) -> None:
    events = await site.write("abab")
    records = [published(event) for event in events]
    records[2] = with_header(records[2], name, b"forged")
    await site.publish(records)

    (fault,) = await site.faults()

    assert (places([fault]), fault.place.offset) == ([("a", 2)], 2)
    assert f"headers contradict event 2: {name}" in fault.meaning


async def test_one_log_alone_can_be_compared(site: TopicOfLog) -> None:
    events = await site.write("abcabcab")
    await site.publish([published(event) for event in events if event.version != 2])

    assert places(await site.faults(log="b")) == [("b", 2)]
    assert (site.compared.records, site.compared.events) == (2, 2)


async def test_what_is_older_than_a_moment_is_not_looked_at(site: TopicOfLog) -> None:
    events = await site.write("ab")
    await site.publish([published(event) for event in events])

    assert await site.faults(since=4e9) == []
    assert site.compared.records == 0


# Whatever happens -----------------------------------------------------------------------------------


@st.composite
def relayed_topics(draw: st.DrawFn) -> tuple[str, list[tuple[int, bool]]]:
    """A log, and its topic as relays write it: by index, and whether it says ``republished``."""
    names = draw(st.text("abc", min_size=1, max_size=14))
    topic: list[tuple[int, bool]] = []
    at, known = 0, 0
    while at < len(names):
        end = draw(st.integers(at + 1, len(names)))
        topic += [(index, index < known) for index in range(at, end)]
        known = max(known, end)
        at = draw(st.integers(0, end)) if draw(st.booleans()) and len(topic) < 60 else end
    return names, topic


@given(relayed_topics(), st.integers(0, 60))
@settings(deadline=None, max_examples=60)
def test_nothing_is_wrong_with_what_relays_write_and_retention_leaves(
    written: tuple[str, list[tuple[int, bool]]], gone: int
) -> None:
    names, topic = written

    async def check() -> None:
        async with TopicOfLog.in_memory(expired=min(gone, len(topic))) as site:
            events = await site.write(names)
            await site.publish([published(events[index], again=again) for index, again in topic[gone:]])

            assert await site.faults() == []

    asyncio.run(check())


@given(relayed_topics(), st.data())
@settings(deadline=None, max_examples=60)
def test_a_log_is_named_exactly_where_its_consumers_come_to_a_halt(
    written: tuple[str, list[tuple[int, bool]]], data: st.DataObject
) -> None:
    names, topic = written
    lost = data.draw(st.sets(st.sampled_from(range(len(topic))), max_size=4))
    left = [each for at, each in enumerate(topic) if at not in lost]
    one, other = (data.draw(st.integers(0, len(topic) - 1)) for _ in range(2))
    if max(one, other) < len(left):
        left[one], left[other] = left[other], left[one]

    async def check() -> None:
        async with TopicOfLog.in_memory() as site:
            events = await site.write(names)
            records = [published(events[index], again=again) for index, again in left]
            await site.publish(records)
            cursors: dict[str, int] = {}
            for _ in Receiver(cursors, on_gap=lambda _: None).events(
                (record.key, record.value, record.headers) for record in records
            ):
                pass

            named = {each.place.log_id for each in await site.faults()}

            halted = {
                str(LOGS[name]) for name in set(names)
                if cursors.get(str(LOGS[name]), 0) < names.count(name)
            }  # fmt: skip
            assert named == halted

    asyncio.run(check())
