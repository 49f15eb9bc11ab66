"""A PostgreSQL server that archives its write-ahead log, and goes back to a moment of the past.

server.archive()            # from now on every segment is kept
server.back_up()
server.mark("before")       # a moment with a name
server.restore("before")    # what came after it is gone
"""

import shutil
from pathlib import Path
from typing import Final

from local_services.postgres import Postgres
from local_services.process import run
from local_services.waiting import wait_until

_LIMIT: Final = 30.0


class ArchivedPostgres(Postgres):
    """A server with an archive and one backup.

    Args:
        folder: its data, the archive and the backup lie under it.
        port: where it listens on 127.0.0.1.
    """

    def __init__(self, folder: Path, *, port: int) -> None:
        super().__init__(folder, port=port)
        self._archive = folder / "archive"
        self._backup = folder / "backup"
        self._target: str | None = None

    def archive(self) -> None:
        """Keep the write-ahead log from now on; the server is started again for that."""
        self._make_folder(self._archive)
        self.configure(archive_mode="on", archive_command=f"cp %p {self._archive}/%f")
        self.stop()
        self.start()

    def back_up(self) -> None:
        """Copy all data while the server runs."""
        self._make_folder(self._backup)
        where = f"host=127.0.0.1 port={self.port} user=postgres"
        self._run_as_server(
            *("pg_basebackup", f"--pgdata={self._backup}", f"--dbname={where}", "--checkpoint=fast"),
            folder=self._backup,
        )

    def mark(self, name: str) -> None:
        """Give this moment a name, and wait until the archive has what came before it."""
        self.query(f"SELECT pg_create_restore_point('{name}')")
        segment = self.query("SELECT pg_walfile_name(pg_switch_wal())").strip()
        wait_until(
            lambda: self.query("SELECT last_archived_wal FROM pg_stat_archiver").strip() >= segment,
            limit=_LIMIT,
            otherwise=f"the segment {segment} does not come to the archive",
        )

    def restore(self, name: str) -> None:
        """Stop the server, and start it as it was at a moment."""
        self.stop()
        shutil.rmtree(self._data)
        self._target = name
        self.start()
        wait_until(
            lambda: self.query("SELECT pg_is_in_recovery()").strip() == "f",
            limit=_LIMIT,
            otherwise=f"the server does not come to {name}",
        )

    def _fill(self, folder: Path) -> None:
        if self._target is None:
            super()._fill(folder)
            return
        # Attributes and all: the server runs as another user when we are root.
        run(("cp", "--archive", f"{self._backup}/.", f"{folder}/"), limit=_LIMIT)
        with (folder / "postgresql.auto.conf").open("a") as settings:
            settings.write(
                f"restore_command = 'cp {self._archive}/%f %p'\n"
                f"recovery_target_name = '{self._target}'\n"
                "recovery_target_action = 'promote'\n"
            )
        (folder / "recovery.signal").touch()
