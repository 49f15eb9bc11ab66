"""The embedded size: `signoff serve`, one process, SQLite."""

import json
import os
import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import UUID

from benchmarks.systems import PROGRAM, QUERY_LIMIT, Disk, System, size_below
from local_services.ports import unused_port
from local_services.service import LocalService
from local_services.waiting import answers_ok, wait_until

_IN_FLIGHT = "SELECT count(*) FROM executions WHERE NOT parked"
_GOING_ON = """
SELECT count(*) FROM executions WHERE log_id IN (SELECT value FROM json_each(?)) AND ended_at IS NULL
"""
_LAST_END = "SELECT max(ended_at) / 1e6 FROM executions"


class ServerProcess(LocalService):
    """`signoff serve`.

    Args:
        folder: for its log, and its data below.
        port: to listen on.
        api_key: the bootstrap key.
        settings: more of its environment.
    """

    def __init__(self, folder: Path, *, port: int, api_key: str, **settings: str) -> None:
        super().__init__("serve", folder, port=port)
        self.data = folder / "data"
        self._environment = {
            "SIGNOFF_BOOTSTRAP_API_KEY": api_key,
            "SIGNOFF_DATA": str(self.data),
            "SIGNOFF_PORT": str(port),
            **settings,
        }

    def answers(self) -> bool:
        """Whether it is ready."""
        return answers_ok(self.port, "/readyz")

    def _launch(self) -> None:
        environment = {**os.environ, **self._environment}
        self.process.start((PROGRAM, "serve"), environment=environment, folder=self.folder)


class Embedded(System):
    """One server of its own.

    Args:
        folder: for its data and log; made.
    """

    name = "embedded"

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self.port = unused_port()
        self.api_key = f"sk-signoff-{secrets.token_urlsafe(24)}"
        self._server = ServerProcess(folder, port=self.port, api_key=self.api_key)

    @property
    def services(self) -> Sequence[LocalService]:
        """The one process."""
        return [self._server]

    @property
    def ours(self) -> Sequence[LocalService]:
        """The one process."""
        return [self._server]

    def start(self) -> None:
        """Start the server and wait until it is ready."""
        self._server.start()

    def stop(self) -> None:
        """Stop the server."""
        self._server.stop()

    def in_flight(self) -> int:
        """How many executions are neither ended nor parked."""
        with self._database() as database:
            return int(database.execute(_IN_FLIGHT).fetchone()[0])

    def going_on(self, execution_ids: Sequence[str]) -> int:
        """How many of some executions, named by UUIDs, have not ended."""
        wanted = json.dumps([UUID(execution_id).hex for execution_id in execution_ids])
        with self._database() as database:
            return int(database.execute(_GOING_ON, (wanted,)).fetchone()[0])

    def last_end(self) -> float:
        """When the last execution ended, seconds since the epoch."""
        with self._database() as database:
            return float(database.execute(_LAST_END).fetchone()[0])

    def disk(self) -> Disk:
        """The database file after its WAL was moved into it, and the object store."""
        wait_until(
            self._checkpoint, limit=QUERY_LIMIT, otherwise="SQLite cannot empty its WAL: a reader holds it"
        )
        return Disk(log=size_below(self._server.data))

    def _checkpoint(self) -> bool:
        with self._database() as database:
            (busy, _, _) = database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            return not busy

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        path = self._server.data / "signoff.db"
        with closing(sqlite3.connect(path, timeout=QUERY_LIMIT, isolation_level=None)) as database:
            yield database
