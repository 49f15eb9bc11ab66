"""Connections to PostgreSQL as the store needs them, and what their errors mean."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import asyncpg

from signoff.events.errors import (
    SchemaError,
    SignoffError,
    StoreUnavailableError,
    ValueNotStorableError,
    VersionConflictError,
)
from signoff.events.store.schema import process_name

Connection: TypeAlias = asyncpg.Connection
Pool: TypeAlias = asyncpg.Pool
Connect: TypeAlias = Callable[..., Awaitable[Connection]]
"""Makes a connection with options of asyncpg: :meth:`~.postgres_primary.Primary.connect`."""

NotPrimaryError: TypeAlias = asyncpg.TargetServerAttributeNotMatched
"""A server takes no writes: it is a standby, or read-only."""

_CLOSE_LIMIT: Final = 2.0
COMMAND_LIMIT: Final = 15.0
"""Seconds that we wait for an answer. The server gives up before (``statement_timeout``)."""

DRIVER_ERRORS: Final = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
)
"""What asyncpg raises; time-outs are an OSError."""

_SETTINGS: Final = {
    "statement_timeout": "10s",
    # A process that is frozen within a transaction holds the writers' lock: not for ever.
    "idle_in_transaction_session_timeout": "10s",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    # Our statements are short, and compiling one takes longer than running it.
    "jit": "off",
}
_WRITER_SETTINGS: Final = {
    # The plan is made once, perhaps while the tables are empty: it must be right when they are large.
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
}
READING: Final = {
    # A plan that is kept was made for tables as they were then: on small ones it would read them whole, and
    # go on doing so until statistics are renewed, however fast they grow.
    "enable_seqscan": "off",
}
"""Settings of the connections that read by known ids and positions."""

_MICROSECONDS: Final = 1_000_000
_EPOCH_2000: Final = 946_684_800 * _MICROSECONDS
"""PostgreSQL counts microseconds from 2000-01-01 (its manual, Date/Time Types)."""


async def dial(url: str, *, limit: float, **options: Any) -> Connection:
    """A connection to a server, if it takes writes: a standby is behind, and so is no place for reads either.

    Args:
        url: of one host.
        limit: seconds that it may take.
        **options: of asyncpg.

    Raises:
        NotPrimaryError: it takes none.
        OSError: it is away; or another of ``DRIVER_ERRORS``.
    """
    settings = {**options.pop("server_settings", {}), "application_name": process_name()}
    return await asyncpg.connect(
        url,
        timeout=limit,
        **{**options, "server_settings": settings, "target_session_attrs": "read-write"},
    )


async def connect_writer(connect: Connect) -> Connection:
    """A connection for appends: plans are kept, and no sequential scan is one of them."""
    connection = await connect(
        command_timeout=COMMAND_LIMIT,
        max_cached_statement_lifetime=0,
        server_settings=_SETTINGS | _WRITER_SETTINGS,
    )
    await prepare(connection)
    return connection


async def connect_other(connect: Connect, *, command_limit: float = COMMAND_LIMIT) -> Connection:
    """A connection for anything else.

    Args:
        connect: makes it.
        command_limit: seconds that a command may take.
    """
    settings = _SETTINGS | {"statement_timeout": f"{command_limit:.0f}s"}
    connection = await connect(command_timeout=command_limit, server_settings=settings)
    await prepare(connection)
    return connection


async def open_pool(
    connect: Connect, *, size: int, settings: Mapping[str, str] = MappingProxyType({})
) -> Pool:
    """A pool for reads, with settings beside those of all. It connects when it is first used, not here.

    Connections come back as they are: every read is one statement, so there is nothing to reset, and the
    reset would double the time of a small one.
    """
    return await asyncpg.create_pool(
        connect=connect,
        min_size=0,
        max_size=size,
        command_timeout=COMMAND_LIMIT,
        max_cached_statement_lifetime=0,
        init=prepare,
        reset=_leave_as_is,
        server_settings={**_SETTINGS, **settings},
    )


async def _leave_as_is(_connection: Connection) -> None:
    return


async def prepare(connection: Connection) -> None:
    """Teach a connection our form of times, and let it notice a peer that has gone silently."""
    await connection.set_type_codec(
        "timestamptz", schema="pg_catalog", encoder=_encode_time, decoder=_decode_time, format="tuple"
    )


def _encode_time(seconds: float) -> tuple[int]:
    return (round(seconds * _MICROSECONDS) - _EPOCH_2000,)


def _decode_time(value: tuple[int]) -> float:
    return (value[0] + _EPOCH_2000) / _MICROSECONDS


async def close(resource: Connection | Pool) -> None:
    """Take leave of the server, or go without when it does not answer."""
    try:
        async with asyncio.timeout(_CLOSE_LIMIT):
            await resource.close()
    except DRIVER_ERRORS:
        resource.terminate()  # what is closed has nothing under way that could be lost


@contextmanager
def translated() -> Iterator[None]:
    """Let no error of the driver pass: raise what it means."""
    try:
        yield
    except DRIVER_ERRORS as error:
        raise meaning(error) from error


def meaning(error: Exception) -> SignoffError:
    """The error of ours that says what an error of the driver means."""
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if isinstance(
        error, (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError, asyncpg.UndefinedFunctionError)
    ):
        return SchemaError(f"the database is not of this version ({text}): run `signoff migrate`")
    if isinstance(error, asyncpg.UniqueViolationError):
        return VersionConflictError(f"{text}: another writer was faster, read the log again")
    if isinstance(error, _REFUSALS) and not isinstance(error, asyncpg.ClientConfigurationError):
        return ValueNotStorableError("$", f"PostgreSQL cannot hold it ({text})")
    return StoreUnavailableError(f"PostgreSQL: {text}")


_REFUSALS: Final = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.CardinalityViolationError,
    asyncpg.ProgramLimitExceededError,
    ValueError,  # what asyncpg raises for an argument that it cannot encode
)
