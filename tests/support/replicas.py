"""Two PostgreSQL servers: a primary, and a synchronous standby that takes over when it is told to.

    with replicated(folder) as pair:                   # a commit is answered once both have it
        url = pair.create_database("signoff")          # names both; a store finds the primary by it
        pair.fail_over()                               # the primary is killed, the standby promoted
        pair.primary.query("SELECT …", "signoff")      # the roles have changed by now
        pair.rejoin()                                  # the dead one is made anew, as the standby

`fail_over` is `primary.kill()` and `promote()`. Take the primary away in another way (`primary.freeze()`, or
cut it off by a proxy) and promote: it is `standby` then, and `rejoin` kills it first.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from local_services.postgres import Postgres
from local_services.waiting import wait_until

from support.ports import unused_port

_LIMIT: Final = 30.0


class Replica(Postgres):
    """A server that may follow another one.

    Args:
        folder: its pid file and its log lie under it.
        name: tells it from others there, and names it to the one that it follows.
        port: where it listens on 127.0.0.1.
        data: the folder of its data, which may be on another disk; `<name>/` under `folder` when ``None``.

    Attributes:
        follows: the server whose data it copies at its first start and then follows; nobody when ``None``.
    """

    def __init__(self, folder: Path, *, name: str, port: int, data: Path | None = None) -> None:
        super().__init__(folder, name=name, port=port, data=data)
        self.follows: Postgres | None = None

    def wipe(self) -> None:
        """Forget all data, killed if it still runs; the next start begins anew."""
        if self.running:
            self.kill()
        if self._data.exists():
            shutil.rmtree(self._data)

    def _fill(self, folder: Path) -> None:
        if self.follows is None:
            super()._fill(folder)
            return
        where = f"host=127.0.0.1 port={self.follows.port} user=postgres application_name={self.name}"
        self._run_as_server(
            *("pg_basebackup", f"--pgdata={folder}", f"--dbname={where}"),
            *("--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast"),
            folder=folder,
        )


class Pair:
    """A primary and its synchronous standby. Make one with `replicated`.

    Attributes:
        primary: takes reads and writes.
        standby: follows it, or is down since the last fail-over.
    """

    def __init__(self, primary: Replica, standby: Replica) -> None:
        self.primary = primary
        self.standby = standby
        self._ports = (primary.port, standby.port)

    @property
    def synchronous(self) -> bool:
        """Whether what the primary commits is on the standby too, before anybody is told."""
        names = "SHOW synchronous_standby_names"
        states = "SELECT sync_state FROM pg_stat_replication"
        return bool(self.primary.query(names).strip()) and "sync" in self.primary.query(states).split()

    def url(self, database: str) -> str:
        """Where clients find a database, whichever of the two is the primary."""
        hosts = ",".join(f"127.0.0.1:{port}" for port in self._ports)
        return f"postgresql://postgres@{hosts}/{database}?target_session_attrs=read-write"

    def create_database(self, name: str) -> str:
        """Make a database and return its URL.

        Raises:
            LocalServicesError: PostgreSQL refused.
        """
        self.primary.create_database(name)
        return self.url(name)

    def start(self) -> None:
        """Start both, the standby as a copy of the primary."""
        self.primary.start()
        # A standby whose primary was restarted follows it again soon.
        self.primary.configure(wal_retrieve_retry_interval="100ms")
        self._follow()

    def stop(self) -> None:
        """Stop what runs of them."""
        for server in (self.standby, self.primary):
            if server.running:
                server.thaw()
            server.stop("immediate")  # a primary that stops fast waits for its standby

    def fail_over(self) -> None:
        """Kill the primary and promote the standby."""
        self.primary.kill()
        self.promote()

    def promote(self) -> None:
        """Make the standby the primary, which commits alone until `rejoin`; returns when it does."""
        self.standby.configure(synchronous_standby_names="")
        self.standby.query(f"SELECT pg_promote(wait_seconds => {_LIMIT:.0f})")
        self.primary, self.standby = self.standby, self.primary

    def rejoin(self) -> None:
        """Make the former primary anew as the standby; what only it had is gone."""
        self.standby.wipe()
        self._follow()

    def _follow(self) -> None:
        self.standby.follows = self.primary
        self.standby.start()
        self.primary.configure(synchronous_standby_names="*")
        wait_until(
            lambda: self.synchronous, limit=_LIMIT, otherwise="the standby does not follow its primary"
        )


@contextmanager
def replicated(folder: Path) -> Iterator[Pair]:
    """Run a primary and its synchronous standby.

    Args:
        folder: their data lie under it; PostgreSQL's user must be able to enter it, as `LocalRun.folder`.
    """
    port = unused_port()
    pair = Pair(
        Replica(folder, name="postgres-a", port=port),
        Replica(folder, name="postgres-b", port=unused_port(taken={port})),
    )
    try:
        pair.start()
        yield pair
    finally:
        pair.stop()
