"""A view of all executions, made of `signoff.executions`: how each stands, and how many blocks it has done.

    python consumer.py localhost:9092 view.db

The view, how far it has come in each log and where it goes on reading are written in one transaction: end
this program wherever you like and start it again, and each event counts once.
"""

import asyncio
import sqlite3
import sys
from contextlib import closing

from aiokafka import AIOKafkaConsumer, TopicPartition

from signoff.client.topics import Receiver, SqlCursors, TopicEvent

TOPIC = "signoff.executions"
TABLES = """
PRAGMA journal_mode = WAL;
CREATE TABLE IF NOT EXISTS executions (
    log TEXT PRIMARY KEY, subject TEXT, status TEXT, events INTEGER NOT NULL, blocks INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS offsets (partition INTEGER PRIMARY KEY, next INTEGER NOT NULL);
"""
COUNT = """
INSERT INTO executions VALUES (:log, :subject, :status, 1, :blocks) ON CONFLICT (log) DO UPDATE SET
    status = coalesce(excluded.status, status), events = events + 1, blocks = blocks + excluded.blocks
"""
GO_ON = "INSERT INTO offsets VALUES (?, ?) ON CONFLICT (partition) DO UPDATE SET next = excluded.next"


def count(view: sqlite3.Connection, event: TopicEvent) -> None:
    """What an event changes in the view."""
    kind, _, what = event.type.partition(":")
    view.execute(
        COUNT,
        {
            "log": event.log_id,
            "subject": event.execution_id or event.workflow_id,
            "status": what if kind == "execution" else None,
            "blocks": int(event.type == "block:completed" and event.copy_of is None),
        },
    )


async def main(brokers: str, path: str) -> None:
    """Keep the view up to date, for ever."""
    with closing(sqlite3.connect(path)) as view:
        view.executescript(TABLES)
        cursors = SqlCursors(view)
        cursors.create()
        receiver = Receiver(cursors)
        consumer = AIOKafkaConsumer(TOPIC, bootstrap_servers=brokers, auto_offset_reset="earliest")
        async with consumer:  # without a group: it reads all partitions
            for number, offset in view.execute("SELECT partition, next FROM offsets").fetchall():
                consumer.seek(TopicPartition(TOPIC, number), offset)
            while True:
                batch = await consumer.getmany(timeout_ms=1_000, max_records=500)
                with view:  # one transaction, rolled back if anything fails
                    for place, records in batch.items():
                        for event in receiver.events((one.key, one.value, one.headers) for one in records):
                            count(view, event)
                        view.execute(GO_ON, (place.partition, records[-1].offset + 1))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
