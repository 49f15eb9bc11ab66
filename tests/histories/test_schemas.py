"""What old versions wrote fits the schemas of today, so that a topic can be read from its beginning."""

import json
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path

import jsonschema_rs
import pytest

from histories.past import Past
from signoff.events.schemas import documents
from signoff.events.schemas.structs import Schema
from signoff.events.topics import COMMANDS, EXECUTIONS, OUTCOMES


def faults(document: Callable[[], Schema], raws: Iterable[str | bytes]) -> list[str]:
    schema = jsonschema_rs.Draft202012Validator(document())
    values = [json.loads(raw) for raw in raws]
    assert values
    return [f"{error.message}: {value}" for value in values for error in schema.iter_errors(value)]


def test_every_event_of_a_log_fits(log_file: Path) -> None:
    with closing(sqlite3.connect(log_file)) as connection:
        rows = connection.execute("SELECT state FROM stored_events").fetchall()

    assert faults(documents.events, (raw for (raw,) in rows)) == []


@pytest.mark.parametrize(
    ("topic", "document"),
    [(EXECUTIONS, documents.events), (COMMANDS, documents.commands), (OUTCOMES, documents.outcomes)],
)
def test_every_record_of_a_topic_fits(past: Past, topic: str, document: Callable[[], Schema]) -> None:
    assert faults(document, (record.value for record in past.records(topic))) == []
