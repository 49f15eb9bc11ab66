"""Connections to SQLite, the threads that use them, and what their errors mean."""

import asyncio
import fcntl
import os
import queue
import sqlite3
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import quote

from signoff.events.errors import (
    MisshapenRowError,
    SchemaError,
    SignoffError,
    StoreError,
    StoreUnavailableError,
    ValueNotStorableError,
    VersionConflictError,
)

Result = TypeVar("Result")

_OLDEST: Final = (3, 38, 0)
"""The first SQLite with the ``->>`` operator."""

_BUSY_LIMIT: Final = 5.0
_CALL_LIMIT: Final = 15.0
_MAX_WAITING: Final = 1_000
_MISSHAPEN: Final = ("JSON cannot hold BLOB", "malformed JSON", "Could not decode to UTF-8")
"""What SQLite says of values that stand where no such value was ever written."""

_PRAGMAS: Final = (
    "PRAGMA synchronous = FULL",
    "PRAGMA wal_autocheckpoint = 4000",
    "PRAGMA cache_size = -16384",
    "PRAGMA temp_store = MEMORY",
)


def connect(path: Path) -> sqlite3.Connection:
    """A connection on which every commit is on the disk when it returns.

    Raises:
        SchemaError: this SQLite, or this file system, cannot promise that.
    """
    if sqlite3.sqlite_version_info < _OLDEST:
        raise SchemaError(f"SQLite {sqlite3.sqlite_version} is too old: 3.38 or later is needed")
    connection = sqlite3.connect(path, timeout=_BUSY_LIMIT, isolation_level=None, check_same_thread=False)
    try:
        _make_durable(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def connect_to_read(path: Path) -> sqlite3.Connection:
    """A connection that changes, makes and removes no file: what a log left behind stays as it was found.

    Nobody may write to the file meanwhile: :meth:`FileLock.share` sees to that.
    """
    wal = path.with_name(path.name + "-wal")
    has_wal = wal.exists() and wal.stat().st_size > 0
    # A file without a WAL is read as one that nobody can change. With a WAL, of which `immutable` would read
    # nothing: its index is in memory where locking is exclusive, and no lock is asked of the file system.
    how = "vfs=unix-none" if has_wal else "immutable=1"
    connection = sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?mode=ro&{how}", uri=True, timeout=_BUSY_LIMIT,
        isolation_level=None, check_same_thread=False,
    )  # fmt: skip
    for pragma in ("PRAGMA locking_mode = EXCLUSIVE", *_PRAGMAS):
        connection.execute(pragma).fetchall()
    return connection


def _make_durable(connection: sqlite3.Connection, path: Path) -> None:
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    for pragma in _PRAGMAS:
        connection.execute(pragma).fetchall()
    (synchronous,) = connection.execute("PRAGMA synchronous").fetchone()
    if (mode, synchronous) != ("wal", 2):
        raise SchemaError(
            f"{path}: journal mode {mode}, synchronous {synchronous} keep no commit: use a local disk"
        )


def meaning(error: Exception) -> SignoffError:
    """The error of ours that says what an error of sqlite3 means."""
    if isinstance(error, SignoffError):
        return error
    if isinstance(error, sqlite3.IntegrityError) and "UNIQUE" in str(error):
        return VersionConflictError(f"SQLite: {error}: read the log again")
    if isinstance(error, (sqlite3.IntegrityError, sqlite3.DataError, OverflowError, UnicodeError)):
        return ValueNotStorableError("$", f"SQLite cannot hold it ({error})")
    if isinstance(error, sqlite3.OperationalError) and "no such" in str(error):
        return SchemaError(f"the database is not of this version ({error}): run `signoff migrate`")
    if isinstance(error, sqlite3.OperationalError) and any(text in str(error) for text in _MISSHAPEN):
        return MisshapenRowError("", str(error))
    return StoreUnavailableError(f"SQLite: {error}")


class Connections:
    """Some connections to one file, each used by one thread at a time, off the event loop.

    Args:
        path: the file.
        count: how many connections and threads.
        name: what the threads are for.
        opening: makes a connection.
    """

    def __init__(
        self,
        path: Path,
        *,
        count: int,
        name: str,
        opening: Callable[[Path], sqlite3.Connection] = connect,
    ) -> None:
        self._path = path
        self._connect = opening
        self._threads = ThreadPoolExecutor(count, thread_name_prefix=name)
        self._idle: queue.SimpleQueue[sqlite3.Connection | None] = queue.SimpleQueue()
        self._waiting = 0
        self._closed = False
        for _ in range(count):
            self._idle.put(None)

    async def run(
        self, work: Callable[[sqlite3.Connection], Result], *, late: type[StoreError] = StoreUnavailableError
    ) -> Result:
        """Run some work on a connection, in a thread.

        Args:
            work: what to do with the connection.
            late: the error for work that takes too long; it may still come to its end.

        Raises:
            StoreUnavailableError: too much work waits already.
            SignoffError: what an error of sqlite3 meant.
        """
        if self._closed or self._waiting >= _MAX_WAITING:
            raise StoreUnavailableError(
                "the store is closed" if self._closed else "too many queries wait already"
            )
        self._waiting += 1
        try:
            async with asyncio.timeout(_CALL_LIMIT):
                return await asyncio.get_running_loop().run_in_executor(self._threads, self._work, work)
        except TimeoutError as error:
            raise late(f"SQLite did not answer within {_CALL_LIMIT:.0f} s") from error
        except (sqlite3.Error, OverflowError, UnicodeError) as error:
            raise meaning(error) from error
        finally:
            self._waiting -= 1

    async def close(self) -> None:
        """Wait for the work under way, and close every connection."""
        self._closed = True
        await asyncio.get_running_loop().run_in_executor(None, self._close)

    def _work(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        connection = self._idle.get()
        try:
            if connection is None:
                connection = self._connect(self._path)
            return work(connection)
        finally:
            self._idle.put(connection)

    def _close(self) -> None:
        self._threads.shutdown(wait=True)
        while not self._idle.empty():
            connection = self._idle.get()
            if connection is not None:
                connection.close()


class FileLock:
    """Makes sure that only one process writes a database. It ends with the process, however that ends."""

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(path.name + ".lock")
        self._descriptor: int | None = None
        self._is_writer = False

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            StoreUnavailableError: another process holds it; the message names it.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._hold(descriptor, fcntl.LOCK_EX)
        self._is_writer = True
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"process {os.getpid()} ({Path(sys.argv[0]).name})\n".encode())

    def share(self) -> None:
        """Keep writers away, and change nothing for that. Others may do so at the same time.

        Raises:
            StoreUnavailableError: a process that writes holds the lock; the message names it.
        """
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return  # a copy, which no server has had open
        except OSError as error:
            raise StoreUnavailableError(f"{self._path} cannot be read: {error.strerror}") from error
        self._hold(descriptor, fcntl.LOCK_SH)

    def release(self) -> None:
        """Give the lock back."""
        if self._descriptor is None:
            return
        if self._is_writer:
            os.ftruncate(self._descriptor, 0)  # so that nobody is told of this process who meets a reader
        os.close(self._descriptor)
        self._descriptor = None

    def _hold(self, descriptor: int, operation: int) -> None:
        try:
            fcntl.flock(descriptor, operation | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 200).decode(errors="replace").strip()
            os.close(descriptor)
            raise StoreUnavailableError(
                f"{self._path.with_suffix('')} is open in {holder or 'another process'}: stop that first"
            ) from None
        self._descriptor = descriptor
