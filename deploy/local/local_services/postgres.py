"""A private PostgreSQL server."""

import os
import shutil
import signal
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal

from .process import Account, Identity, run, unprivileged_account
from .service import LocalService
from .waiting import LocalServicesError, wait_until

StopMode = Literal["smart", "fast", "immediate"]

_SIGNALS: Mapping[StopMode, signal.Signals] = {  # see pg_ctl(1)
    "smart": signal.SIGTERM,
    "fast": signal.SIGINT,
    "immediate": signal.SIGQUIT,
}
_DEBIAN = Path("/usr/lib/postgresql")
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # a socket's path may have 107 bytes only, and a checkout may lie deeper
    "max_connections": "200",
    "fsync": "on",
    "synchronous_commit": "on",
}
_COMMAND_LIMIT = 60.0
_AFTER_KILL = 10.0


def binaries() -> Path:
    """The folder of `postgres`, `initdb`, `psql` …: by PATH, else the newest that Debian installed.

    Raises:
        LocalServicesError: There is none.
    """
    if (found := shutil.which("postgres")) is not None:
        return Path(found).resolve().parent
    versions = sorted(_DEBIAN.glob("*/bin/postgres"), key=lambda path: float(path.parts[-3]))
    if not versions:
        raise LocalServicesError(
            "no PostgreSQL server found: `apt-get install postgresql`, or put its bin on PATH"
        )
    return versions[-1].parent


class Postgres(LocalService):
    """A PostgreSQL server with its own data folder, fsync on, on one loopback port, everyone trusted.

    PostgreSQL refuses to run as root: then it runs as the user `postgres` or `nobody`, who must be able to
    enter the folder.

    Args:
        folder: Its pid file and its log lie under it.
        port: Where it listens on 127.0.0.1.
        name: Tells it from other servers of the same folder.
        data: The folder of its data, which may be on another disk; `<name>/` under `folder` when None.
        wal: The folder of its write-ahead log, likewise; among the data when None.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int,
        name: str = "postgres",
        data: Path | None = None,
        wal: Path | None = None,
    ) -> None:
        super().__init__(name, folder, port=port)
        self._binaries = binaries()
        self._account = unprivileged_account()
        self._data = data or folder / name
        self._wal = wal

    def url(self, database: str = "postgres") -> str:
        """Where a client finds a database of this server."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def stop(self, mode: StopMode = "fast") -> None:
        """End the server and wait for that; does nothing if it does not run.

        Args:
            mode: `smart` waits for clients, `fast` sends them away, `immediate` leaves it to recovery.

        Raises:
            LocalServicesError: It did not end within `stop_limit` seconds, and was killed.
        """
        self.process.stop(limit=self.stop_limit, by=_SIGNALS[mode])

    def kill(self) -> None:
        """End the server and all its processes as a crash of the machine would (SIGKILL)."""
        running = self.process.identity
        children = _children(running.pid) if running is not None else []
        self.process.kill()
        for child in children:
            # Each has a session of its own, and a busy one would go on until its query ends.
            if Identity.of(child.pid) == child:
                with suppress(ProcessLookupError):
                    os.kill(child.pid, signal.SIGKILL)
        wait_until(
            lambda: all(Identity.of(child.pid) != child for child in children),
            limit=_AFTER_KILL,
            otherwise="some processes of the killed PostgreSQL server do not end",
        )
        # PostgreSQL would take a dead postmaster that process 1 has not yet waited for to be running.
        (self._data / "postmaster.pid").unlink(missing_ok=True)

    def freeze(self) -> None:
        """Stop the server and all its processes where they stand (SIGSTOP), until `thaw` or `kill`."""
        self._send_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen server go on."""
        self._send_all(signal.SIGCONT)

    def _send_all(self, number: signal.Signals) -> None:
        running = self.process.identity
        if running is None:
            raise LocalServicesError(f"{self.name} does not run: start it first")
        self.process.send(number)  # it first: a stopped one makes no more children
        for child in _children(running.pid):
            with suppress(ProcessLookupError):
                os.kill(child.pid, number)

    def answers(self) -> bool:
        """Whether the server accepts connections, by the last line of `postmaster.pid` as pg_ctl(1) does."""
        running = self.process.identity
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return (
            running is not None
            and len(lines) >= 8
            and lines[0] == str(running.pid)
            and lines[7].strip() == "ready"
        )

    def databases(self) -> frozenset[str]:
        """The names of all databases, templates included."""
        return frozenset(self.query("SELECT datname FROM pg_database").split())

    def create_database(self, name: str, *, template: str = "template1") -> str:
        """Make a database and return its URL.

        Args:
            name: The new name.
            template: The database to copy; nobody may be connected to it.

        Raises:
            LocalServicesError: PostgreSQL refused.
        """
        self._command("createdb", f"--template={template}", name)
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Remove a database, and send its clients away.

        Raises:
            LocalServicesError: PostgreSQL refused.
        """
        self._command("dropdb", "--force", name)

    def query(self, sql: str, database: str = "postgres") -> str:
        """Run SQL with psql and return the rows, one a line, columns parted by `|`.

        Raises:
            LocalServicesError: PostgreSQL refused.
        """
        options = ("--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1")
        return self._command("psql", *options, f"--dbname={database}", f"--command={sql}")

    def configure(self, **settings: str) -> None:
        """Change settings for good, and let those take effect at once that need no restart.

        Args:
            settings: Names and values as in `postgresql.conf`; no value is the default again.

        Raises:
            LocalServicesError: PostgreSQL refused.
        """
        for name, value in settings.items():
            self.query(f"ALTER SYSTEM SET {name} = '{value}'")
        self.query("SELECT pg_reload_conf()")

    def _command(self, name: str, *arguments: str) -> str:
        where = ("--host=127.0.0.1", f"--port={self.port}", "--username=postgres", "--no-password")
        return run(
            (self._binaries / name, *where, *arguments),
            limit=_COMMAND_LIMIT,
            folder=Path("/"),
        )

    def _launch(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self._data.exists():
            self._initialise()
        settings = [f"--{name}={value}" for name, value in _SETTINGS.items()]
        self.process.start(
            (self._binaries / "postgres", "-D", self._data, f"--port={self.port}", *settings),
            environment=os.environ,
            folder=self._data,
            account=self._account,
        )

    def _initialise(self) -> None:
        """Make the data folder, under another name first: an interrupted initdb leaves no half of one."""
        fresh = self._data.with_name(f"{self._data.name}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        self._make_folder(fresh)
        self._fill(fresh)
        fresh.rename(self._data)

    def _make_folder(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True)
        if self._account is not None:
            os.chown(folder, self._account.uid, self._account.gid)
            _check_reachable(folder, self._account)

    def _fill(self, folder: Path) -> None:
        """Put a database cluster into an empty folder."""
        elsewhere = []
        if self._wal is not None:
            shutil.rmtree(self._wal, ignore_errors=True)
            self._make_folder(self._wal)
            elsewhere.append(f"--waldir={self._wal}")
        self._run_as_server(
            *("initdb", f"--pgdata={folder}", "--username=postgres", "--auth=trust"),
            *("--encoding=UTF8", "--no-locale", *elsewhere),
            folder=folder,
        )

    def _run_as_server(self, name: str, *arguments: str, folder: Path) -> None:
        """Run one of PostgreSQL's programs as the user that the server runs as."""
        run(
            (self._binaries / name, *arguments),
            limit=_COMMAND_LIMIT,
            account=self._account,
            folder=folder,
        )


def _check_reachable(folder: Path, account: Account) -> None:
    try:
        run(("test", "-w", folder), limit=_COMMAND_LIMIT, account=account, folder=Path("/"))
    except LocalServicesError as error:
        raise LocalServicesError(
            f"PostgreSQL does not run as root, and the user {account.name} cannot enter {folder.parent}: "
            "use a folder under /tmp or /var/tmp, or `chmod o+x` its parents"
        ) from error


def _children(pid: int) -> list[Identity]:
    pids = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [child for child in map(Identity.of, map(int, pids)) if child is not None]
