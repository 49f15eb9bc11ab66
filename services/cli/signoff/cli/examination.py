"""Whether an installation is well: what `signoff doctor` finds out, without changing anything."""

import time
from collections.abc import AsyncIterator, Callable
from typing import Final

from signoff.access.secrets.sealing import Sealer
from signoff.audit.checkpoints.signing import LABEL, Signer
from signoff.cli.upkeep.checkpoints import examine_checkpoints
from signoff.cli.upkeep.configuration import examine_secrets
from signoff.cli.upkeep.dead import place_of
from signoff.cli.upkeep.finding import Finding
from signoff.cli.upkeep.logs import examine_logs
from signoff.cli.upkeep.opening import Installation
from signoff.cli.upkeep.topics import examine_topics
from signoff.events.errors import (
    BlobError,
    BusError,
    BusUnavailableError,
    StoreError,
    StoreUnavailableError,
)
from signoff.events.store.base import EventStore
from signoff.events.times import iso
from signoff.events.topics import PARTITIONS

_MOST: Final = 100
"""Dead commands and broken executions that are listed."""

SKEW: Final = 1.0
"""Seconds by which the clock of this machine may differ from the database's."""


async def examine(
    installation: Installation,
    sealer: Sealer,
    *,
    everything: bool = False,
    checkpoint_every: float = 60.0,
    clock: Callable[[], float] = time.time,
) -> AsyncIterator[Finding]:
    """Look at the log and its rows and, where there is one, at the broker.

    Args:
        installation: what is looked at.
        sealer: has the secret keys of this server.
        everything: all logs with their large values, not only some.
        checkpoint_every: seconds between two checkpoints.
        clock: the time of this machine, in seconds since the epoch, UTC.
    """
    try:
        async for finding in _examine_database(installation, clock):
            yield finding
        async for finding in examine_secrets(installation.store, sealer):
            yield finding
        yield await examine_checkpoints(
            installation.store,
            Signer(sealer.keys_for(LABEL)).keys,
            every=checkpoint_every,
            running=installation.bus is not None,
        )
    except StoreUnavailableError as error:
        remedy = "is it up, and is SIGNOFF_DATABASE_URL right?"
        yield Finding("database", ok=False, detail=f"{error}: {remedy} Nothing else was looked at")
        return
    except StoreError as error:
        yield Finding("database", ok=False, detail=str(error))
        return
    if installation.bus is not None:
        try:
            async for finding in examine_topics(installation.store, installation.bus):
                yield finding
        except BusUnavailableError as error:
            remedy = "is it up, and is SIGNOFF_KAFKA right?"
            yield Finding("broker", ok=False, detail=f"{error}: {remedy} Topics were not looked at")
        except BusError as error:
            yield Finding("broker", ok=False, detail=str(error))
    try:
        async for finding in examine_logs(installation, everything=everything):
            yield finding
    except BlobError as error:
        yield Finding("object store", ok=False, detail=str(error))


async def _examine_database(installation: Installation, clock: Callable[[], float]) -> AsyncIterator[Finding]:
    store = installation.store
    await store.check(partitions=PARTITIONS)
    position = await store.last_position()
    yield Finding("database", ok=True, detail=f"{position} events; the schema is up to date")
    async for finding in _examine_leases(store, running=installation.bus is not None):
        yield finding
    apart = clock() - await store.upkeep.now()
    detail = f"this machine's differs from the database's by {apart:+.3f} s"
    remedy = "" if abs(apart) <= SKEW else ": synchronise both (NTP); deadlines go by the database's"
    yield Finding("clock", ok=not remedy, detail=detail + remedy)
    for command in await store.dead_commands(limit=_MOST):
        name = command.command_id or "without an id"
        yield Finding(
            "dead command",
            ok=False,
            detail=f"{name} ({place_of(command)}, {iso(command.died_at)}): {command.reason}; after a fix "
            f"`signoff doctor --retry-dead`, or give it up: `--discard-dead {place_of(command)}`",
        )
    for row in await store.broken(limit=_MOST):
        name = row.execution_id or str(row.log_id)
        yield Finding(
            "broken execution",
            ok=False,
            detail=f"{name} of {row.workflow_id}: {row.broken}; after a fix `signoff doctor --rebuild`",
        )
    wordless = await store.upkeep.wordless()
    if wordless:
        detail = (
            f"{wordless} executions lack the words that they are found by, which slows searches for a text"
        )
        remedy = "when no executor of an older version runs, run `signoff migrate`"
        yield Finding("words", ok=False, detail=f"{detail}: {remedy}")


async def _examine_leases(store: EventStore, *, running: bool) -> AsyncIterator[Finding]:
    leases = await store.leases()
    free = [lease.partition for lease in leases if lease.seconds_left <= 0]
    owners = {lease.owner for lease in leases if lease.seconds_left > 0}
    held = f"{len(leases) - len(free)} of {len(leases)} partitions are held by {len(owners)} executors"
    wrong = running and bool(free)
    remedy = f"; nobody holds {', '.join(map(str, free))}: start `signoff executor`" if wrong else ""
    yield Finding("leases", ok=not wrong, detail=held + remedy)
