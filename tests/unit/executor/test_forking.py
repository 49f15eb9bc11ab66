"""Copies of events in a fork's log: nothing follows from them, and their records say what they are."""

from uuid import UUID, uuid4

import pytest

from signoff.engine.deciding.forks import MAX_EVENTS
from signoff.events.codec import encode
from signoff.events.store.memory import MemoryStore
from signoff.events.types import ChildCalled, Copy, Event, Fork
from signoff.executor.forks.forking import PastError, read_past
from signoff.executor.publishing.cloudevents import origin_of, record_of
from signoff.executor.publishing.messages import lineage_of, message_of
from support.bdd import Story, calls, workflow
from support.forks import FORK_LOG, fork_of


def forked() -> Story:
    """A fork of an execution that had called a child."""
    source = Story(workflow("start > call", call="workflow"), {"call": calls()}).start()
    return fork_of(source.finish("call"))


def test_a_copy_calls_nobody() -> None:
    fork = forked()
    lineage = lineage_of(fork.state)

    copied = next(event for event in fork.events if isinstance(event.data, ChildCalled))
    fork.finish("call")
    own = fork.events[-1]

    assert copied.copy_of is not None
    assert message_of(copied, FORK_LOG, lineage, time_limit=0) is None
    assert isinstance(own.data, ChildCalled)
    message = message_of(own, FORK_LOG, lineage, time_limit=0)
    assert message is not None
    assert message.execution_id == own.data.child_execution_id != copied.data.child_execution_id


def headers(event: Event) -> dict[str, bytes]:
    origin = origin_of(FORK_LOG, str(UUID(int=0)), "refunds", str(FORK_LOG))
    return dict(record_of(event, encode(event), origin, again=False).headers)


def test_the_record_of_a_copy_says_of_which_event_it_is_one() -> None:
    fork = forked()

    assert "ce_copyof" not in headers(fork.events[0])
    assert fork.events[1].copy_of == Copy(event_id=2, timestamp=fork.events[1].happened_at)
    assert headers(fork.events[1])["ce_copyof"] == b"2"


@pytest.mark.parametrize(("event_id", "code"), [(1, "NOT_FOUND"), (MAX_EVENTS + 1, "FORK_TOO_LARGE")])
async def test_a_past_that_is_not_there_or_too_long_is_refused(event_id: int, code: str) -> None:
    store = MemoryStore()
    await store.migrate(partitions=1)
    with pytest.raises(PastError) as refused:
        await read_past(store, Fork(log_id=str(uuid4()), event_id=event_id, reason=""))
    assert refused.value.code == code
    await store.close()
