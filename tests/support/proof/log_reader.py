"""Reads a log with the stock ``eventsourcing`` library, as an auditor does who has nothing of ours."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from eventsourcing.persistence import InfrastructureFactory, Notification
from eventsourcing.utils import Environment

from support.proof.facts import Logged

_BATCH: Final = 2_000


def read_postgres(url: str) -> list[Logged]:
    """Every row of a PostgreSQL log, by position.

    Args:
        url: of the database, with one host.
    """
    where = urlsplit(url)
    return _read(
        {
            "PERSISTENCE_MODULE": "eventsourcing.postgres",
            "POSTGRES_DBNAME": where.path[1:],
            "POSTGRES_HOST": where.hostname or "",
            "POSTGRES_PORT": str(where.port),
            "POSTGRES_USER": where.username or "",
            "POSTGRES_PASSWORD": where.password or "",
        }
    )


def read_sqlite(path: Path) -> list[Logged]:
    """Every row of an SQLite log, by position."""
    return _read({"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(path)})


def _read(settings: Mapping[str, str]) -> list[Logged]:
    found: list[Logged] = []
    environment = Environment(env={**settings, "CREATE_TABLE": "n"})
    with InfrastructureFactory.construct(environment) as factory:
        recorder = factory.application_recorder()
        while True:
            after = found[-1].position if found else 0
            batch = recorder.select_notifications(after, _BATCH, inclusive_of_start=False)
            found += map(_logged, batch)
            if not batch:
                return found


def _logged(row: Notification) -> Logged:
    return Logged(
        log_id=str(row.originator_id),
        version=row.originator_version,
        topic=row.topic,
        state=bytes(row.state),
        position=row.id,
    )
