"""``signoff topics republish``: brings the topic what it lacks, from the log."""

import asyncio
import sys
from contextlib import AsyncExitStack, suppress
from typing import Annotated, Any
from uuid import UUID

import msgspec
from cyclopts import Parameter

from signoff.audit.verify.topic_sources import position_at
from signoff.cli.auditing.chosen import Partitions, logs_named, moment_of
from signoff.cli.environment import require_cluster, server_settings
from signoff.cli.exits import CommandError, Exit
from signoff.cli.terminal.output import Output
from signoff.cli.upkeep.republishing import Republished, Republisher
from signoff.events.bus import open_bus
from signoff.events.bus.base import Bus
from signoff.events.errors import SignoffError
from signoff.events.store import open_store
from signoff.events.store.base import EventStore
from signoff.events.topics import PARTITIONS, partition_of
from signoff.runtime.logs import configure_logs
from signoff.runtime.settings import Settings


def topics_republish(
    *,
    from_: Annotated[str, Parameter(name="--from")],
    partition: Partitions = None,
    dry_run: Annotated[bool, Parameter(negative="")] = False,
) -> Exit:
    """Publish events to signoff.executions again, from the log, up to its end.

    Executors go on meanwhile. The records have equal bytes and say that they are republished: consumers drop
    those that they have had, and one that waits for a missing event goes on there.

    Args:
        from_: The position in the log of the first event, as `signoff topics verify` tells it; or a moment,
            ISO 8601; or the id of one execution, all of which comes again.
        partition: Only these partitions.
        dry_run: Only tell how many events that would be.
    """
    settings = server_settings()
    require_cluster(settings)
    configure_logs(settings, stream=sys.stderr)
    try:
        asyncio.run(_republish(settings, from_, tuple(partition or range(PARTITIONS)), dry_run=dry_run))
    except SignoffError as error:
        raise CommandError(str(error), code=Exit.REFUSED) from error
    return Exit.OK


async def _republish(settings: Settings, begin: str, partitions: tuple[int, ...], *, dry_run: bool) -> None:
    output = Output()
    async with AsyncExitStack() as stack:
        store = await open_store(settings.store_url)
        stack.push_async_callback(store.close)
        bus = await open_bus(settings.bus_url)
        stack.push_async_callback(bus.close)
        after, logs = await _beginning(store, begin)
        total = 0
        for republisher in _republishers(store, bus, partitions, logs, dry_run=dry_run):
            done = await republisher.run(after)
            total += done.events
            _tell(output, done, dry_run=dry_run)
    if output.is_terminal:
        output.either(None, f"{total} events {'would come' if dry_run else 'came'} again")


def _republishers(
    store: EventStore, bus: Bus, partitions: tuple[int, ...], logs: tuple[UUID, ...], *, dry_run: bool
) -> list[Republisher]:
    if not logs:
        return [Republisher(store, bus, number, dry_run=dry_run) for number in partitions]
    return [Republisher(store, bus, partition_of(each), log_id=each, dry_run=dry_run) for each in logs]


async def _beginning(store: EventStore, text: str) -> tuple[int, tuple[UUID, ...]]:
    """The position after which to begin, and the logs that are meant; none for all."""
    if text.isdecimal():
        return int(text) - 1, ()
    with suppress(CommandError):
        moment = moment_of(text, "--from")
        return await position_at(store, moment, upto=await store.last_position()), ()
    return 0, await logs_named(store, [text])


def _tell(output: Output, done: Republished, *, dry_run: bool) -> None:
    if output.is_terminal:
        if done.events:
            told = f"partition {done.partition}: {done.events} events, positions {done.first} to {done.last}"
            output.either(None, told)
        return
    record: dict[str, Any] = msgspec.to_builtins(done)
    output.line({**record, "published": not dry_run})
