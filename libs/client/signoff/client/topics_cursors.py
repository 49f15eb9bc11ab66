"""Where a consumer keeps how far it has come in each log: beside what it makes of the events."""

from typing import Any, Final, Protocol

from signoff.client.errors import ClientError

_CREATE: Final = "CREATE TABLE IF NOT EXISTS signoff_cursors (log TEXT PRIMARY KEY, event_id BIGINT NOT NULL)"
_GET: Final = "SELECT event_id FROM signoff_cursors WHERE log = {}"
_SET: Final = (
    "INSERT INTO signoff_cursors (log, event_id) VALUES ({0}, {0}) ON CONFLICT (log) DO UPDATE "
    "SET event_id = excluded.event_id WHERE signoff_cursors.event_id < excluded.event_id"
)


class CursorTakenError(ClientError):
    """Another consumer has handled the event meanwhile: roll back what was done for it, and go on."""


class Cursors(Protocol):
    """The last ``eventId`` of each log that was handled. A ``dict[str, int]`` is one."""

    def get(self, key: str, /) -> int | None:
        """That of a log, ``None`` for one that is not known."""
        ...

    def __setitem__(self, key: str, event_id: int, /) -> None:
        """Move that of a log. One that several consumers share raises CursorTakenError if it is there."""
        ...


class Connection(Protocol):
    """What is needed of a database's driver: ``sqlite3`` and ``psycopg`` have it."""

    def execute(self, statement: Any, parameters: Any = ..., /) -> Any:
        """Run a statement; gives a cursor of PEP 249."""
        ...


class SqlCursors:
    """Cursors in a table, moved in the very transaction in which the consumer writes what it makes of events.

    It never commits: whoever does commits cursors and results together, and a rollback forgets both. A
    consumer that was thought dead, and goes on beside its successor, cannot handle an event twice.

    Args:
        connection: of the consumer, to SQLite or PostgreSQL.
        placeholder: of parameters: ``?`` for sqlite3, ``%s`` for psycopg.
    """

    def __init__(self, connection: Connection, *, placeholder: str = "?") -> None:
        self._connection = connection
        self._get = _GET.format(placeholder)
        self._set = _SET.format(placeholder)

    def create(self) -> None:
        """Make the table, unless it is there."""
        self._connection.execute(_CREATE)

    def get(self, key: str, /) -> int | None:
        """The last ``eventId`` of a log that was handled, ``None`` for one that is not known."""
        row = self._connection.execute(self._get, (key,)).fetchone()
        return None if row is None else row[0]

    def __setitem__(self, key: str, event_id: int, /) -> None:
        """Move the cursor of a log forward.

        Raises:
            CursorTakenError: it is there already, or further.
        """
        if self._connection.execute(self._set, (key, event_id)).rowcount != 1:
            raise CursorTakenError(
                f"event {event_id} of log {key} was handled by another consumer: roll back"
            )
