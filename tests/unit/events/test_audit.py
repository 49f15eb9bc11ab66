"""The bridge to the stock ``eventsourcing`` library, without a database of its own."""

import threading
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest
from eventsourcing.domain import Aggregate
from eventsourcing.persistence import (
    JSONTranscoder,
    Mapper,
    MapperDeserialisationError,
    Notification,
    StoredEvent,
    UUIDAsHex,
)
from eventsourcing.popo import POPOApplicationRecorder

from signoff.events.audit import FollowerMapper, LogEntry, LogMapper, LogRecorder, LogSubscription

LIMIT = 10.0
LANDED = (
    b'{"type":"moon:landed","eventId":1,"workflowId":"w","timestamp":"2026-01-01T00:00:00.000000Z",'
    b'"causationId":"1","data":{}}'
)


def stored(topic: str = "signoff:MoonLanded", state: bytes = LANDED) -> StoredEvent:
    return StoredEvent(originator_id=uuid4(), originator_version=1, topic=topic, state=state)


class Recorder(POPOApplicationRecorder):
    """A log in memory that remembers from where on it was asked for events."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[int | None] = []
        self.looked = threading.Semaphore(0)

    def select_notifications(self, start: int | None, *given: Any, **bounds: Any) -> Sequence[Notification]:
        self.asked.append(start)
        return super().select_notifications(start, *given, **bounds)

    def max_notification_id(self) -> int | None:
        self.looked.release()
        return super().max_notification_id()


def mappers() -> list[Mapper[UUID]]:
    return [kind(JSONTranscoder()) for kind in (LogMapper, FollowerMapper)]


@pytest.mark.parametrize("mapper", mappers(), ids=lambda mapper: type(mapper).__name__)
@pytest.mark.parametrize("state", [b"", b"\xff{", b"{}", LANDED.replace(b"moon:landed", b"variables:set")])
def test_bytes_that_are_no_event_are_named_by_log_and_number(mapper: Mapper[UUID], state: bytes) -> None:
    event = stored("signoff:VariablesSet", state)

    with pytest.raises(MapperDeserialisationError) as refused:
        mapper.to_domain_event(event)

    assert str(refused.value).startswith(f"event 1 of log {event.originator_id} (signoff:VariablesSet) ")


def test_a_follower_maps_events_of_its_own_both_ways_and_ours_to_entries() -> None:
    transcoder = JSONTranscoder()
    transcoder.register(UUIDAsHex())
    mapper = FollowerMapper(transcoder)
    own = Aggregate.Snapshot(originator_id=uuid4(), originator_version=1, timestamp=0, topic="t", state={})

    again = mapper.to_domain_event(mapper.to_stored_event(own))

    assert again == own
    assert isinstance(mapper.to_domain_event(stored()), LogEntry)


def test_a_subscription_does_not_look_again_through_what_is_of_other_topics() -> None:
    recorder = Recorder()
    recorder.insert_events([stored("signoff:Other") for _ in range(3)])
    subscription = LogSubscription(recorder, topics=["signoff:MoonLanded"])
    following = threading.Thread(target=lambda: [next(subscription), next(subscription)])
    following.start()
    for _ in range(2):
        assert recorder.looked.acquire(timeout=LIMIT)

    for _ in range(2):
        recorder.insert_events([stored()])
    following.join(LIMIT)

    assert not following.is_alive()
    assert recorder.asked[:2] == [0, 3]


def test_a_subscription_gives_more_than_one_batch_in_order() -> None:
    recorder = Recorder()
    recorder.insert_events([stored() for _ in range(1_201)])

    with LogRecorder(recorder).subscribe(gt=1) as subscription:
        seen = [next(subscription).id for _ in range(1_200)]

    assert seen == list(range(2, 1_202))


def test_a_subscription_that_waits_ends_when_it_is_stopped() -> None:
    recorder = Recorder()
    subscription = LogSubscription(recorder)
    ended: list[Notification] = []
    following = threading.Thread(target=lambda: ended.extend(subscription))
    following.start()
    assert recorder.looked.acquire(timeout=LIMIT)

    subscription.stop()
    following.join(LIMIT)

    assert not following.is_alive()
    assert ended == []
