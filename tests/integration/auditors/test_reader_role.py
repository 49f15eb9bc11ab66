"""The role of docs/audit.md reads the log, and can do nothing else."""

import subprocess
from collections.abc import Iterator
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from integration.auditors.conftest import Readable
from signoff.events.codec import chain_hash
from signoff.events.store.base import NewEvent
from signoff.events.store.postgres import PostgresStore
from support.audit_page import section
from support.stores import Writer, events

LOCK = 7305808869231650919  # queries.sql: begin_locked
WRITES = [
    "INSERT INTO stored_events (originator_id, originator_version) VALUES (gen_random_uuid(), 1)",
    "SELECT es_insert_events_uuid(ARRAY[(gen_random_uuid(), 1, '', '')::stored_event_uuid])",
    "COPY stored_events FROM STDIN",
    "UPDATE stored_events SET topic = ''",
    "DELETE FROM stored_events",
    "TRUNCATE stored_events",
    "SELECT FROM stored_events FOR SHARE",
    "DO 'BEGIN LOCK TABLE stored_events IN ROW EXCLUSIVE MODE; END'",
    "SELECT nextval('stored_events_notification_id_seq')",
    "SELECT setval('stored_events_notification_id_seq', 1)",
    "ALTER TABLE stored_events DISABLE TRIGGER ALL",
    "DROP TABLE stored_events",
    "CREATE TABLE mine (id int)",
    "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "COPY stored_events TO '/dev/null'",
    "CREATE ROLE another",
]


@pytest.fixture
def auditor(readable: Readable) -> Iterator["psycopg.Connection[tuple[object, ...]]"]:
    """The auditor's connection."""
    with psycopg.connect(readable.auditor, autocommit=True) as connection:
        yield connection


def test_it_reads_the_log_and_no_other_table(
    readable: Readable, auditor: "psycopg.Connection[tuple[object, ...]]"
) -> None:
    with psycopg.connect(readable.owner) as owner:
        tables = owner.execute(
            "SELECT relname FROM pg_class "
            "WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v', 'm', 'S')"
        ).fetchall()

    seen = {name for (name,) in tables if may_read(auditor, name)}

    assert {"records", "executions", "fold_snapshots"} < {name for (name,) in tables}
    assert seen == {"stored_events"}


def may_read(auditor: "psycopg.Connection[tuple[object, ...]]", table: str) -> bool:
    try:
        auditor.execute(f'SELECT * FROM "{table}" LIMIT 1'.encode())
    except InsufficientPrivilege:
        return False
    return True


@pytest.mark.parametrize("statement", WRITES)
def test_it_writes_nothing_even_where_it_says_that_it_may(
    auditor: "psycopg.Connection[tuple[object, ...]]", statement: str
) -> None:
    auditor.execute("SET default_transaction_read_only = off")

    with pytest.raises(InsufficientPrivilege):
        auditor.execute(statement.encode())


def test_it_is_read_only_and_limited_from_the_start(
    auditor: "psycopg.Connection[tuple[object, ...]]",
) -> None:
    names = ("default_transaction_read_only", "statement_timeout", "idle_in_transaction_session_timeout")

    shown = [auditor.execute(f"SHOW {name}".encode()).fetchone() for name in names]

    assert shown == [("on",), ("10min",), ("1min",)]


@pytest.mark.parametrize("taking", ["lock", "lock_shared", "xact_lock", "try_lock", "try_xact_lock_shared"])
def test_it_cannot_hold_the_lock_of_the_writers(
    auditor: "psycopg.Connection[tuple[object, ...]]", taking: str
) -> None:
    function = (
        f"pg_try_advisory_{taking.removeprefix('try_')}" if "try" in taking else f"pg_advisory_{taking}"
    )

    with pytest.raises(InsufficientPrivilege):
        auditor.execute(f"SELECT {function}({LOCK})".encode())


async def test_services_that_own_their_tables_write_on(readable: Readable) -> None:
    store = await PostgresStore.open(readable.services)
    writer = await Writer.of(store)

    assert await writer.append(*events(uuid4(), [1])) > 0

    await store.release({writer.lease.partition: writer.lease.epoch}, owner="writer")
    await store.close()


class Chained:
    """A log of three events on PostgreSQL, and what the page's statement says of it."""

    def __init__(self, readable: Readable) -> None:
        self._readable = readable
        self.log_id = uuid4()
        self.states: list[bytes] = []
        for number in (1, 2, 3):
            prev = f',"prev":"{chain_hash(self.states[-1])}"' if self.states else ""
            self.states.append(b'{"eventId":%d%s,"data":"\\u0000"}' % (number, prev.encode()))

    async def write(self) -> None:
        store = await PostgresStore.open(self._readable.services)
        writer = await Writer.of(store)
        await writer.append(
            *(NewEvent(self.log_id, n, "signoff:Tested", state) for n, state in enumerate(self.states, 1))
        )
        await store.release({writer.lease.partition: writer.lease.epoch}, owner="writer")
        await store.close()

    def change(self, statement: str, version: int) -> None:
        if not statement.startswith("SELECT"):
            statement += " WHERE originator_id = %(log)s AND originator_version = %(version)s"
        with psycopg.connect(self._readable.owner, autocommit=True) as owner:
            owner.execute(statement.encode(), {"log": self.log_id, "version": version})

    def broken(self) -> list[int]:
        """The versions of events of the log that the page's statement names."""
        where = urlsplit(self._readable.auditor)
        done = subprocess.run(
            ["bash", "-c", section("The chain")[2].text],
            env={
                "PATH": "/usr/bin:/bin",
                "PGHOST": where.hostname or "",
                "PGPORT": str(where.port),
                "PGDATABASE": where.path[1:],
                "PGUSER": "auditor",
            },
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        rows = (line.split("|") for line in done.stdout.splitlines()[1:-1])
        return sorted(int(version) for log_id, version in rows if UUID(log_id) == self.log_id)


@pytest.mark.parametrize(
    ("change", "version", "named"),
    [
        ("SELECT %(log)s, %(version)s", 1, []),
        ("UPDATE stored_events SET state = overlay(state PLACING '1'::bytea FROM 27)", 1, [2]),
        ("DELETE FROM stored_events", 2, [3]),
        ("DELETE FROM stored_events", 1, [2, 3]),
        ("UPDATE stored_events SET originator_version = 4", 3, [4]),
    ],
    ids=["nothing", "a changed event", "one left out", "the first one left out", "another number"],
)
async def test_the_pages_statement_names_what_does_not_follow(
    readable: Readable, change: str, version: int, named: list[int]
) -> None:
    chained = Chained(readable)
    await chained.write()
    chained.change(change, version)

    assert chained.broken() == named
