"""Records have the same headers whether published as events are decided, or read from the log again."""

from uuid import uuid4

from signoff.access.directory.fold import Directory
from signoff.events.cloudevents import common_headers_from
from signoff.events.types import SYSTEM, Event, GroupSet
from signoff.executor.logs.loaded import Loaded


def test_the_directorys_records_have_the_same_headers_from_the_log() -> None:
    log_id = uuid4()
    fact = GroupSet(
        actor=SYSTEM, request_digest="sha256:0", workspace_id=str(uuid4()), group_id="g", name="accounting",
        roles=["approver"], user_ids=[],
    )  # fmt: skip
    first = Event(
        type=GroupSet.TYPE, event_id=1, log_id=str(log_id), workflow_id="$directory",
        timestamp="2026-05-01T12:00:00.000000Z", causation_id="c", data=fact,
    )  # fmt: skip
    loaded = Loaded(log_id, Directory(), None)
    loaded.name(execution_id=None, workflow_id="$directory")

    assert loaded.origin.headers == common_headers_from(first)
