"""Processes that outlive the program that started them, found again by their pid file."""

import os
import pwd
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from .ports import held
from .waiting import LocalServicesError, wait_until

_TAIL_BYTES = 4096
_AFTER_KILL = 10.0


@dataclass(frozen=True)
class Identity:
    """A process, told from a later one with the same pid by its start time.

    Attributes:
        pid: The process id.
        started: When it started, in clock ticks since boot (field 22 of `/proc/<pid>/stat`, see proc(5)).
    """

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> Self | None:
        """The living process with this pid; None when there is none, or an empty zombie."""
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return None
        state, *fields = stat.rpartition(")")[2].split()  # the name before it may hold spaces and parentheses
        threads, started = int(fields[16]), int(fields[18])
        # A killed Java process is a zombie at once, but has its ports until its last thread is gone.
        return None if state in "ZX" and threads <= 1 else cls(pid, started)


@dataclass(frozen=True)
class Account:
    """A user of this machine that a process runs as."""

    name: str
    uid: int
    gid: int


def unprivileged_account() -> Account | None:
    """Who runs a server that refuses to run as root; None when we are not root and may run it ourselves.

    Raises:
        LocalServicesError: We are root, and the machine has neither a user `postgres` nor `nobody`.
    """
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise LocalServicesError(
        "PostgreSQL does not run as root, and there is no user postgres or nobody: add one"
    )


def run(
    command: Sequence[str | Path],
    *,
    limit: float,
    environment: Mapping[str, str] | None = None,
    account: Account | None = None,
    folder: Path | None = None,
) -> str:
    """Run a program to its end and return what it wrote to standard output.

    Args:
        command: The program and its arguments.
        limit: Seconds after which it is killed.
        environment: Its whole environment; ours when None.
        account: The user to run it as; ours when None.
        folder: Its working folder; ours when None.

    Raises:
        LocalServicesError: It failed, or did not end within the limit; the message holds what it wrote.
    """
    name = Path(command[0]).name
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=limit,
            check=False,
            env=environment,
            cwd=folder,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
    except subprocess.TimeoutExpired as error:
        raise LocalServicesError(f"{name} did not end within {limit:.0f} s: {error}") from error
    if done.returncode != 0:
        written = (done.stderr.strip() or done.stdout.strip())[-_TAIL_BYTES:]
        raise LocalServicesError(f"{name} failed with exit code {done.returncode}: {written}")
    return done.stdout


class Process:
    """One server process with a pid file and a log; a later program finds it by the same name and folder.

    Args:
        name: Names the files `run/<name>.pid` and `logs/<name>.log`.
        folder: Where these files are.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.log = folder / "logs" / f"{name}.log"
        self._pid_file = folder / "run" / f"{name}.pid"
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def identity(self) -> Identity | None:
        """The process if it runs, None if it does not: also when another one now has its pid."""
        if self._child is not None and self._child.poll() is not None:
            self._child = None
        try:
            pid, started = self._pid_file.read_text().split()
        except FileNotFoundError:
            return None
        recorded = Identity(int(pid), int(started))
        # Our own child runs until it has been waited for, even if /proc shows a zombie already.
        is_ours = self._child is not None and self._child.pid == recorded.pid
        return recorded if is_ours or Identity.of(recorded.pid) == recorded else None

    def start(
        self,
        command: Sequence[str | Path],
        *,
        environment: Mapping[str, str],
        folder: Path,
        account: Account | None = None,
    ) -> None:
        """Start the process in a session of its own, so that no signal of our terminal reaches it.

        Args:
            command: The program and its arguments.
            environment: Its whole environment.
            folder: Its working folder.
            account: The user to run it as; ours when None.

        Raises:
            LocalServicesError: It runs already, or the program cannot be started.
        """
        if (running := self.identity) is not None:
            raise LocalServicesError(f"{self.name} is already running (pid {running.pid})")
        for parent in (self.log.parent, self._pid_file.parent):
            parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            try:
                self._child = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=environment,
                    cwd=folder,
                    start_new_session=True,
                    pass_fds=held(),
                    user=account.uid if account else None,
                    group=account.gid if account else None,
                    extra_groups=[] if account else None,
                )
            except OSError as error:
                raise LocalServicesError(f"{self.name} cannot be started: {error}") from error
        identity = Identity.of(self._child.pid)
        if identity is None:
            raise LocalServicesError(f"{self.name} ended at once: {self.last_words()}")
        self._pid_file.write_text(f"{identity.pid} {identity.started}\n")

    def send(self, number: signal.Signals) -> None:
        """Send a signal if the process runs."""
        if (running := self.identity) is not None:
            os.kill(running.pid, number)

    def stop(self, *, limit: float, by: signal.Signals = signal.SIGTERM) -> None:
        """End the process and wait until it has ended; does nothing if it does not run.

        Args:
            limit: Seconds that it may take.
            by: The signal that asks it to end.

        Raises:
            LocalServicesError: It did not end within the limit, and was killed.
        """
        self.send(by)
        try:
            self.wait_for_end(limit)
        except LocalServicesError:
            self.send(signal.SIGKILL)
            self.wait_for_end(_AFTER_KILL)
            raise

    def kill(self) -> None:
        """End the process as a crash would (SIGKILL) and wait until it is gone."""
        self.send(signal.SIGKILL)
        self.wait_for_end(_AFTER_KILL)

    def wait_for_end(self, limit: float) -> None:
        """Wait until the process has ended.

        Raises:
            LocalServicesError: It runs on after `limit` seconds.
        """
        wait_until(
            lambda: self.identity is None,
            limit=limit,
            otherwise=f"{self.name} did not end within {limit:.0f} s; its log is {self.log}",
        )
        self._pid_file.unlink(missing_ok=True)

    def last_words(self, size: int = _TAIL_BYTES) -> str:
        """The end of its log.

        Args:
            size: At most this many bytes.
        """
        if not self.log.exists():
            return ""
        with self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - size))
            return log.read().decode(errors="replace")
