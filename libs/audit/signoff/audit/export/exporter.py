"""Exports a log: batch after batch, each of which is there whole or is made again by the next call."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

from msgspec import Struct

from signoff.audit.export.lines import Lines
from signoff.audit.export.parquet import parquet_parts
from signoff.audit.export.parts import Batch, MakePart
from signoff.audit.export.selection import Page, Row, beginning, chosen_rows, pages
from signoff.audit.export.target import Done, Format, Options, Plan, Target
from signoff.events.store.base import EventStore


class Exported(Struct, kw_only=True):
    """What one call did.

    Attributes:
        batches: how many were written.
        events: of them.
        files: of them.
        size: bytes of the files.
        position: up to which the export goes.
    """

    batches: int = 0
    events: int = 0
    files: int = 0
    size: int = 0
    position: int = 0

    def add(self, done: Done) -> None:
        """Count a batch."""
        self.batches += 1
        self.events += done.events
        self.files += len(done.files)
        self.size += sum(file.size for file in done.files)
        self.position = done.upto


class Exporter:
    """Brings a target up to what the log is at this moment.

    A batch is in memory, compressed, until it is written: some tens of MiB.

    Args:
        store: the log.
        target: where to.
        options: of the export.
        tell: is told of each batch once it is there.

    Raises:
        ExportError: the format needs what is not installed.
    """

    def __init__(
        self, store: EventStore, target: Target, options: Options, *, tell: Callable[[Done], None]
    ) -> None:
        self._store = store
        self._target = target
        self._chosen = options.selection
        self._options = options
        self._tell = tell
        self._make = _maker(options.format)
        self._exported = Exported()
        self._number = 1

    async def run(self) -> Exported:
        """Export what the target lacks.

        Raises:
            ExportError: it cannot be made; says what to do.
            StoreUnavailableError: the database is away.
            BlobError: the target is away.
        """
        await self._target.claim(self._options)
        cursor = await self._target.cursor()
        self._number = cursor.number
        if cursor.begun is not None:
            await self._again(cursor.begun)
        elif cursor.done is not None:
            self._exported.position = cursor.done.upto
        else:
            self._exported.position = await beginning(self._store, self._chosen)
        await self._go_on(self._exported.position)
        return self._exported

    async def _again(self, plan: Plan) -> None:
        """Make a batch that was begun and perhaps not ended: of the same positions, so of the same files."""
        batch = Batch(self._make)
        async with aclosing(self._rows(plan.after, plan.upto)) as found:
            async for _, rows in found:
                await asyncio.to_thread(batch.take, rows)
        await self._complete(plan, batch)

    async def _go_on(self, after: int) -> None:
        """Export what is above a position."""
        batch = Batch(self._make)
        upto = await self._store.last_position()
        async with aclosing(self._rows(after, upto)) as found:
            async for page, rows in found:
                left: Sequence[Row] = rows
                while True:
                    taken = left
                    left = await asyncio.to_thread(batch.take_some, taken)
                    if not batch.is_full:
                        break
                    end = taken[-len(left) - 1].event.position if left else page.position
                    await self._write(batch, after=after, upto=end)
                    batch, after = Batch(self._make), end
        if after < upto:
            await self._write(batch, after=after, upto=upto)

    async def _rows(self, after: int, upto: int) -> AsyncGenerator[tuple[Page, list[Row]], None]:
        async with aclosing(pages(self._store, self._chosen, after=after, upto=upto)) as found:
            async for page in found:
                yield page, await asyncio.to_thread(chosen_rows, self._chosen, page.events)

    async def _write(self, batch: Batch, *, after: int, upto: int) -> None:
        plan = Plan(number=self._number, after=after, upto=upto)
        await self._target.begin(plan)
        await self._complete(plan, batch)

    async def _complete(self, plan: Plan, batch: Batch) -> None:
        done = await self._target.complete(plan, await asyncio.to_thread(batch.finish))
        self._number = plan.number + 1
        self._exported.add(done)
        self._tell(done)


def _maker(wanted: Format) -> MakePart:
    return parquet_parts() if wanted == "parquet" else Lines
