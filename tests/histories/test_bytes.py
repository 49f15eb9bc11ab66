"""What old versions wrote is read to the last byte."""

import json
import sqlite3
from collections import defaultdict
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from histories.past import Past
from signoff.events.codec import broken_link, decode_command, decode_event, decode_outcome, encode
from signoff.events.store import sql
from signoff.events.topics import COMMANDS, EXECUTIONS, OUTCOMES
from signoff.events.types import Unknown

_STEPS = Path(sql.__file__).parent / "migrations"


@pytest.fixture(scope="module")
def logs(log_file: Path) -> dict[str, list[bytes]]:
    """The bytes of every log of the embedded server, in order."""
    with closing(sqlite3.connect(log_file)) as connection:
        rows = connection.execute(
            "SELECT originator_id, state FROM stored_events ORDER BY originator_id, originator_version"
        ).fetchall()
    found: defaultdict[str, list[bytes]] = defaultdict(list)
    for log_id, raw in rows:
        found[log_id].append(raw)
    return found


def in_order(raw: bytes) -> Any:
    """What bytes say, with the order of their keys. A whole number may come back as a float."""
    return json.loads(raw, object_pairs_hook=list)


def test_every_event_is_known_and_says_the_same_again(logs: dict[str, list[bytes]]) -> None:
    events = [(raw, decode_event(raw)) for log in logs.values() for raw in log]

    assert not [event.type for _, event in events if isinstance(event.data, Unknown)]
    assert [in_order(encode(event)) for _, event in events] == [in_order(raw) for raw, _ in events]


def test_every_chain_holds(logs: dict[str, list[bytes]]) -> None:
    assert [log_id for log_id, raws in logs.items() if broken_link(raws) is not None] == []


def test_every_event_on_the_topic_is_what_its_headers_say(past: Past) -> None:
    records = past.records(EXECUTIONS)

    assert records
    for record in records:
        event = decode_event(record.value.encode())
        headers = dict(record.headers)
        assert headers["ce_id"] == f"{record.key}/{event.event_id}"
        assert headers["ce_type"] == event.type
        assert in_order(encode(event)) == in_order(record.value.encode())


def test_every_command_has_the_same_bytes_again(past: Past) -> None:
    raws = [record.value.encode() for record in past.records(COMMANDS)]

    assert raws
    assert [encode(decode_command(raw)) for raw in raws] == raws


def test_every_outcome_has_the_same_bytes_again(past: Past) -> None:
    raws = [record.value.encode() for record in past.records(OUTCOMES)]

    assert raws
    assert [encode(decode_outcome(raw)) for raw in raws] == raws


def test_the_steps_of_its_schema_are_still_the_same(past: Past) -> None:
    now = {
        dialect: {name: sha256((_STEPS / dialect / f"{name}.sql").read_bytes()).hexdigest() for name in steps}
        for dialect, steps in past.manifest.migrations.items()
    }

    assert now == past.manifest.migrations, "a step that was released never changes: write another one"
