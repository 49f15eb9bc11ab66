"""Makes rows from the log again, while services run: ``signoff doctor --rebuild``."""

from collections.abc import AsyncIterator, Collection
from typing import Final, get_args
from uuid import UUID

from msgspec import Struct

from signoff.cli.upkeep.comparison import TRIES, Compared, Table, compare
from signoff.cli.upkeep.opening import Installation
from signoff.cli.upkeep.walking import every_log, for_each
from signoff.events.store.upkeep import NO_LOG
from signoff.events.topics import PARTITIONS, partition_of

TABLES: Final[tuple[Table, ...]] = get_args(Table)
"""What can be rebuilt."""

_KIND: Final = "rebuild"
_KEPT: Final = 86_400.0
"""Seconds for which an interrupted rebuild can go on."""


class Rebuilt(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A log whose rows were wrong: what is right again, or why it cannot be made so."""

    log_id: UUID
    tables: tuple[Table, ...] = ()
    problem: str | None = None


class Progress(Struct, rename="camel"):
    """How far a rebuild is."""

    looked_at: int = 0
    rebuilt: int = 0
    failed: int = 0
    partitions: set[int] = set()
    """Those whose owners must load what they do not know of."""


async def rebuild(
    installation: Installation, tables: Collection[Table], progress: Progress
) -> AsyncIterator[Rebuilt]:
    """Compare the rows of every log with its fold, and replace those that differ.

    Rows are replaced under the writers' lock, and only while the log is what was folded. What was
    interrupted goes on where it was, for a day. Where executions are in flight of which executors did not
    know, or are no longer broken, their partitions change hands at the end, so that they go on.

    Args:
        installation: whose rows.
        tables: which of them.
        progress: is kept up to date.
    """
    key = ",".join(sorted(tables))
    records = installation.store.records
    kept = await records.get(_KIND, NO_LOG, key)
    after = UUID(bytes=kept.value[:16]) if kept is not None else NO_LOG
    if kept is not None:
        progress.partitions |= set(kept.value[16:])
    async for page in every_log(installation.store, after=after):
        async for rebuilt in for_each(lambda log_id: _rebuild(installation, log_id, tables, progress), page):
            if rebuilt is not None:
                yield rebuilt
        if page:
            place = page[-1].bytes + bytes(sorted(progress.partitions))
            expires_at = await installation.store.upkeep.now() + _KEPT
            await records.put(_KIND, NO_LOG, key, place, expires_at=expires_at)
    await _hand_over(installation, progress.partitions)
    await records.remove(_KIND, NO_LOG, key)


async def _rebuild(
    installation: Installation, log_id: UUID, tables: Collection[Table], progress: Progress
) -> Rebuilt | None:
    progress.looked_at += 1
    for _ in range(TRIES):
        compared = await compare(installation.store, installation.deriver, log_id)
        if compared.unfoldable is not None:
            progress.failed += 1
            return Rebuilt(log_id=log_id, problem=f"it cannot be folded: {compared.unfoldable}")
        if compared.reading is None:
            break
        if compared.differing.isdisjoint(tables):
            return None
        if await installation.store.upkeep.put_derived(compared.reading.derived):
            return _done(compared, progress)
    progress.failed += 1
    return Rebuilt(log_id=log_id, problem="it moves on all the time: run this again")


def _done(compared: Compared, progress: Progress) -> Rebuilt:
    progress.rebuilt += 1
    if compared.wakes or compared.is_marked_broken:  # whoever found it broken refuses its commands till then
        progress.partitions.add(partition_of(compared.log_id, PARTITIONS))
    return Rebuilt(log_id=compared.log_id, tables=tuple(sorted(compared.differing)))


async def _hand_over(installation: Installation, partitions: Collection[int]) -> None:
    """Free the leases of some partitions: whoever takes them loads all that is in flight."""
    for row in await installation.store.leases():
        if row.partition in partitions and row.owner is not None:
            await installation.store.release({row.partition: row.epoch}, owner=row.owner)
