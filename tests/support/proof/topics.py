"""The topic is the log: what a consumer has who drops what it has seen."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from support.proof.chains import Log
from support.proof.facts import Published


def broken_topic(records: Sequence[Published], logs: Mapping[str, Log], *, settled: bool) -> Iterator[str]:
    """Where topic and log differ. No record at all means that there is no topic.

    Args:
        records: by partition and offset.
        logs: by their ids.
        settled: everything is on the topic.
    """
    heads: dict[str, int] = {}
    partitions: dict[str, int] = {}
    for record in records:
        key = record.key.decode()
        if partitions.setdefault(key, record.partition) != record.partition:
            yield f"{key} is in partitions {partitions[key]} and {record.partition}"
        yield from _differs(record, key, logs.get(key), heads)
    if settled and records:
        for log in logs.values():
            if heads.get(log.log_id, 0) < len(log.entries):
                yield f"{log.name}: of {len(log.entries)} events {heads.get(log.log_id, 0)} are on the topic"


def _differs(record: Published, key: str, log: Log | None, heads: dict[str, int]) -> Iterator[str]:
    event: dict[str, Any] = json.loads(record.value)
    event_id, head = int(event["eventId"]), heads.get(key, 0)
    where = f"record {record.partition}/{record.offset}, event {event_id} of {key}"
    if log is None or event_id > len(log.entries):
        yield f"{where}: it is not in the log"
    elif record.value != log.entries[event_id - 1].state:
        yield f"{where}: it is not what the log has"
    elif event_id > head + 1:
        yield f"{where}: event {head + 1} was due"
    if "ce_id" in record.headers and record.headers["ce_id"].decode() != f"{key}/{event_id}":
        yield f"{where}: it is called {record.headers['ce_id'].decode()}"
    heads[key] = max(head, event_id)
