"""Finds the PostgreSQL server that takes writes, and leaves one that no longer does.

All hosts of a URL are asked at once, so that one which has gone silently costs no time. Reads go to the
primary too: a standby is behind it. Where there are several hosts, a connection of its own asks the primary
for a sign of life each second, and all are asked now and then, or when there is none: as soon as another one
takes writes, every connection to the old one is ended, so that nobody waits for its answer.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from msgspec import Struct

from signoff.events.errors import SignoffError, StoreUnavailableError
from signoff.events.store.postgres_connection import Connection, NotPrimaryError, dial, translated

CONNECT_LIMIT: Final = 5.0
_LIMIT_OF_MANY: Final = 2.0
"""Seconds to connect where there are several hosts: by then another one may be the primary."""

_CHECK: Final = 1.0
_CHECKS: Final = 4
"""Signs of life between two looks at all hosts: one that was replaced may live on, cut off from its heir."""

_ANSWER_LIMIT: Final = 2.0
_log: Final = logging.getLogger(__name__)


class _Answer(Struct, frozen=True):
    """A server that takes writes, and which timeline it is on."""

    host: str
    connection: Connection
    timeline: int


class Primary:
    """Makes connections to the server that takes writes.

    Args:
        url: ``postgresql://user:password@host:port,host:port/database?options``, as libpq has it.
        queries: the named queries. Each promotion begins a timeline: by it a former primary that comes
            back, and takes writes by mistake, is told from the one that took over.
    """

    def __init__(self, url: str, queries: Mapping[str, str]) -> None:
        self._hosts = each_host(url)
        self._queries = queries
        self._timeline = 0
        self._current: str | None = None
        self._connections: WeakKeyDictionary[Connection, str] = WeakKeyDictionary()
        self._watching: asyncio.Task[None] | None = None

    async def connect(self, _url: str | None = None, **options: Any) -> Connection:
        """A connection to the server that takes writes.

        Args:
            _url: unused; a pool of asyncpg gives one.
            **options: of asyncpg.

        Raises:
            NotPrimaryError: there is none; or whatever else asyncpg raises of the server that is away.
        """
        if len(self._hosts) == 1:
            return await self._dial(self._hosts[0], limit=CONNECT_LIMIT, **options)
        if self._watching is None:
            self._watching = asyncio.create_task(self._watch(), name="watch of the primary")
        return await self._connect(options, all_of_them=not self._timeline)

    async def close(self) -> None:
        """Stop watching. The connections belong to those who asked for them."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait({self._watching})
            self._watching = None

    async def _connect(self, options: dict[str, Any], *, all_of_them: bool) -> Connection:
        answer = await self._find(options, all_of_them=all_of_them)
        if answer.host != self._current:
            self._move_to(answer.host)
        self._timeline = answer.timeline
        self._connections[answer.connection] = answer.host
        return answer.connection

    async def _find(self, options: dict[str, Any], *, all_of_them: bool) -> _Answer:
        """Ask all hosts at once; the first that is not behind what we have seen is the one, or the latest."""
        asking = {asyncio.create_task(self._ask(host, options)) for host in self._hosts}
        found: list[_Answer] = []
        errors: list[Exception] = []
        waiting = asking
        try:
            while waiting:
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    try:
                        found.append(task.result())
                    except Exception as error:  # noqa: BLE001  (one of them is raised when nobody answers)
                        errors.append(error)
                found.sort(key=lambda answer: answer.timeline)
                if found and found[-1].timeline >= self._timeline and not (all_of_them and waiting):
                    return found.pop()
        finally:
            await _call_off(waiting)
            for answer in found:
                answer.connection.terminate()
        if found:
            raise StoreUnavailableError(
                f"PostgreSQL: {_name(found[-1].host)} takes writes on timeline {found[-1].timeline}, which "
                f"timeline {self._timeline} has replaced: make it a standby, or restart this process"
            )
        # That a host is a standby says less than why the primary is not there.
        raise min(errors, key=lambda error: type(error) is NotPrimaryError)

    async def _ask(self, host: str, options: dict[str, Any]) -> _Answer:
        connection = await self._dial(host, limit=_LIMIT_OF_MANY, **options)
        timeline = await _first_answer(connection, self._queries["timeline"])
        return _Answer(host, connection, timeline)

    async def _dial(self, host: str, *, limit: float, **options: Any) -> Connection:
        connection = await dial(host, limit=limit, **options)
        await _first_answer(connection, self._queries["keep_commits"])
        return connection

    def _move_to(self, host: str) -> None:
        moved, self._current = self._current is not None, host
        for connection, other in list(self._connections.items()):
            if other != host:
                connection.terminate()
        if moved:
            _log.warning("PostgreSQL: the primary is %s now", _name(host))

    async def _watch(self) -> None:
        while True:
            try:
                with translated():
                    await self._look_at_it()
            except SignoffError as error:
                _log.warning("no sign of life from the primary, all hosts are asked: %s", error)
                await asyncio.sleep(_CHECK)

    async def _look_at_it(self) -> None:
        """Look at all hosts for the primary, and then at that one for a while."""
        connection = await self._connect({"command_timeout": _ANSWER_LIMIT}, all_of_them=True)
        try:
            for _ in range(_CHECKS):
                await asyncio.sleep(_CHECK)
                await connection.execute("SELECT 1")
        finally:
            connection.terminate()


def each_host(url: str) -> list[str]:
    """A URL for each of the hosts that a URL names; libpq parts them by commas."""
    parts = urlsplit(url)
    user, at, hosts = parts.netloc.rpartition("@")
    return [parts._replace(netloc=f"{user}{at}{host}").geturl() for host in hosts.split(",")]


def _name(url: str) -> str:
    """The host and port of a URL, without user and password."""
    return urlsplit(url).netloc.rpartition("@")[2]


async def _first_answer(connection: Connection, query: str) -> Any:
    """Ask on a new connection, which ends when there is no answer."""
    try:
        return await connection.fetchval(query, timeout=_ANSWER_LIMIT)
    except BaseException:
        connection.terminate()
        raise


async def _call_off(asking: set[asyncio.Task[_Answer]]) -> None:
    """End attempts that are of no use any more, with the connections that they made meanwhile."""
    for task in asking:
        task.cancel()
    for result in await asyncio.gather(*asking, return_exceptions=True):
        if isinstance(result, _Answer):
            result.connection.terminate()
