"""The log: one port, three adapters."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from signoff.events.errors import StoreUnavailableError
from signoff.events.store.base import EventStore

__all__ = ["open_store"]


async def open_store(url: str, *, read_only: bool = False) -> EventStore:
    """Open the store that a URL names.

    Args:
        url: ``postgresql://…``, ``sqlite:///relative/path``, ``sqlite:////absolute/path`` or ``memory:``.
        read_only: nothing will be written: no SQLite file is made, and nothing in its folder is changed.

    Raises:
        StoreUnavailableError: the URL is of no known kind, or the file is in use.
    """
    # Imported here, so that an embedded server loads no PostgreSQL driver.
    match urlsplit(url).scheme:
        case "postgresql" | "postgres":
            from signoff.events.store.postgres import PostgresStore  # noqa: PLC0415

            return await PostgresStore.open(url)
        case "sqlite":
            from signoff.events.store.sqlite import SqliteStore  # noqa: PLC0415

            path = Path(unquote(urlsplit(url).path.removeprefix("/")))
            return await (SqliteStore.open_to_read(path) if read_only else SqliteStore.open(path))
        case "memory":
            from signoff.events.store.memory import MemoryStore  # noqa: PLC0415

            return MemoryStore()
        case scheme:
            raise StoreUnavailableError(
                f"no store for {scheme or url!r}: use postgresql://…, sqlite:///path or memory:"
            )
