"""Verifies the logs of a unit: chain, fold and rows in one reading, in bounded memory."""

from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Final
from uuid import UUID

import msgspec

from signoff.audit.verify.chain import ChainCheck
from signoff.audit.verify.faults import Fault, Place
from signoff.audit.verify.moments import Moments
from signoff.cli.auditing.kept_folds import SnapshotCheck, WaypointCheck
from signoff.cli.auditing.units import LISTED, Done, Levels, Selection, Unit
from signoff.cli.auditing.values import ValueCheck
from signoff.cli.upkeep.comparison import Compared, compare, is_equal, is_of_earlier_version
from signoff.cli.upkeep.opening import Installation
from signoff.events.codec import decode_header
from signoff.events.errors import CodecError, MisshapenRowError
from signoff.events.store.base import Recorded
from signoff.events.store.paging import is_full
from signoff.events.store.upkeep import Derived, Upkeep
from signoff.events.topics import partition_of
from signoff.executor.logs.derivation import Reading, Walk
from signoff.executor.logs.loader import BrokenExecutionError
from signoff.executor.logs.plans import NOT_HERE

_PAGE: Final = 2_000
_PAGE_BYTES: Final = 4 * 1024 * 1024
_ROWS: Final = 500
_BATCH: Final = 200
_WRITER: Final = "somebody wrote to the projections' tables: `signoff doctor --rebuild` makes them again"
_DELETER: Final = (
    "somebody deleted events of the log, or wrote to the projections' tables. The row is evidence: compare "
    "with a backup and with checkpoints before `signoff doctor --rebuild` makes it as short as the log"
)


class UnitCheck:
    """Verifies units of one installation, one at a time.

    Args:
        installation: whose.
        levels: what is checked.
        selection: of which logs.
        upto: the position up to which events are looked at.
        moments: by which events that were put in later and dated back are known.
    """

    def __init__(
        self,
        installation: Installation,
        levels: Levels,
        selection: Selection,
        *,
        upto: int,
        moments: Moments | None = None,
    ) -> None:
        self._installation = installation
        self._levels = levels
        self._selection = selection
        self._upto = upto
        self._moments = moments
        self._values = ValueCheck(installation.blobs)
        self._faults: list[Fault] = []
        self._more = 0
        self._unfolded = 0
        self._older = 0
        self._broken: UUID | None = None
        self._walk: Walk | None = None
        self._waypoints: WaypointCheck | None = None
        self._snapshots: SnapshotCheck | None = None
        self._readings: list[Reading] = []
        self._looked: UUID | None = None
        self._is_wanted = True

    async def run(self, unit: Unit) -> Done:
        """Verify a unit.

        Raises:
            StoreUnavailableError: the database is away.
            BlobError: the object store is away.
        """
        self._faults, self._more, self._unfolded, self._older = [], 0, 0, 0
        self._broken = self._walk = self._looked = None
        if self._levels.projections:
            self._waypoints = WaypointCheck(self._installation.store, unit)
            self._snapshots = SnapshotCheck(self._installation.store, unit)
        chain, compared, values = ChainCheck(self._moments), unit.after, self._values.looked_at
        async for page in self._pages(unit):
            events = self._wanted(page)
            self._add(chain.take(events))
            if self._levels.fold:
                await self._fold(events, chain.broken)
            if len(self._readings) >= _BATCH:
                compared = await self._compare(compared, self._readings[-1].derived.log_id)
        await self._finish()
        await self._compare(compared, unit.until)
        return Done(
            logs=chain.logs,
            events=chain.events,
            unfolded=self._unfolded,
            values=self._values.looked_at - values,
            older=self._older,
            faults=self._faults,
            more=self._more,
        )

    def _add(self, faults: Sequence[Fault]) -> None:
        room = LISTED - len(self._faults)
        self._faults += faults[:room]
        self._more += max(0, len(faults) - room)

    @property
    def _upkeep(self) -> Upkeep:
        return self._installation.store.upkeep

    # Reading ------------------------------------------------------------------------------------------

    async def _pages(self, unit: Unit) -> AsyncIterator[list[Recorded]]:
        after, version = unit.after, 2**62  # behind the last event of the log before
        while True:
            page = await self._upkeep.scan(
                after=after, version=version, until=unit.until, limit=_PAGE, size=_PAGE_BYTES
            )
            if page:
                yield page
                after, version = page[-1].log_id, page[-1].version
            if not is_full(page, limit=_PAGE, size=_PAGE_BYTES):
                return

    def _wanted(self, page: list[Recorded]) -> list[Recorded]:
        upto = self._upto
        events = [event for event in page if event.position <= upto]
        if self._selection.is_everything:
            return events
        return [event for event in events if self._wants(event)]

    def _wants(self, event: Recorded) -> bool:
        """Whether an event's log is selected: its first event says so, for all."""
        if event.log_id != self._looked:
            self._looked = event.log_id
            self._is_wanted = self._wants_log(event)
        return self._is_wanted

    def _wants_log(self, first: Recorded) -> bool:
        chosen = self._selection
        if chosen.partitions and partition_of(first.log_id) not in chosen.partitions:
            return False
        try:
            header = decode_header(first.state)
        except CodecError:
            return True
        return chosen.workflow in {None, header.workflow_id} and (chosen.since or "") <= header.timestamp

    # Folding ------------------------------------------------------------------------------------------

    async def _fold(self, events: Sequence[Recorded], broken: set[UUID]) -> None:
        for log_id, of_log in groupby(events, attrgetter("log_id")):
            if self._walk is not None and self._walk.log_id != log_id:
                await self._finish()
            if log_id in broken:  # what is wrong with it is named, and would be again
                self._broken, self._walk = log_id, None
            if log_id != self._broken:
                await self._take(log_id, list(of_log))

    async def _take(self, log_id: UUID, events: list[Recorded]) -> None:
        self._walk = walk = self._walk or Walk(log_id)
        parts = [events] if self._snapshots is None else await self._snapshots.parts(log_id, events)
        try:
            for part in parts:
                await self._installation.deriver.take(walk, part)
                if self._snapshots is not None and walk.loaded is not None:
                    self._add(await self._snapshots.compare(walk.loaded))
        except BrokenExecutionError as error:
            self._tell_unfoldable(error)
            return
        if self._waypoints is not None:
            self._add(await self._waypoints.take(log_id, events))

    async def _finish(self) -> None:
        walk, self._walk = self._walk, None
        if walk is None:
            return
        if self._levels.values:
            self._add(await self._values.of(walk))
        try:
            self._readings.append(await self._installation.deriver.finish(walk))
        except BrokenExecutionError as error:
            self._tell_unfoldable(error)

    def _tell_unfoldable(self, error: BrokenExecutionError) -> None:
        self._broken, self._walk = error.log_id, None
        if error.newer or NOT_HERE in error.reason:
            self._unfolded += 1
            return
        meaning = f"its events cannot have followed on each other: {error.reason}"
        self._add([Fault(kind="fold", place=Place(log_id=str(error.log_id)), meaning=meaning)])

    # Rows ---------------------------------------------------------------------------------------------

    async def _compare(self, after: UUID, until: UUID) -> UUID:
        """Compare the rows of the logs in a range with the readings; gives where the next range begins."""
        readings = {reading.derived.log_id: reading for reading in self._readings}
        self._readings = []
        if not self._levels.projections:
            return until
        try:
            runs = await self._upkeep.runs(
                [run.run_id for reading in readings.values() for run in reading.derived.runs]
            )
        except MisshapenRowError:
            runs = {}  # so that each is looked at closely, which names the one
        async for log_id, kept in self._rows(after, until):
            reading = readings.pop(log_id, None)
            if reading is None or kept is None or not is_equal(reading, kept, runs):
                await self._look_closely(log_id, reading, kept)
        for log_id, reading in readings.items():
            if not is_equal(reading, Derived(log_id=log_id, version=0), runs):
                await self._look_closely(log_id, reading, None)
        return until

    async def _rows(self, after: UUID, until: UUID) -> AsyncIterator[tuple[UUID, Derived | None]]:
        """The rows of each log; ``None`` for logs of a page with a row that is none."""
        while True:
            try:
                page = await self._upkeep.rows(after=after, until=until, limit=_ROWS)
            except MisshapenRowError:
                logs = [each for each in await self._upkeep.logs(after=after, limit=_ROWS) if each <= until]
                is_last = len(logs) < _ROWS
                rows: list[tuple[UUID, Derived | None]] = [(each, None) for each in logs]
            else:
                is_last = sum(kept.execution is not None for kept in page) < _ROWS
                rows = [(kept.log_id, kept) for kept in page]
            for row in rows:
                yield row
            if is_last:
                return
            after, _ = rows[-1]

    async def _look_closely(self, log_id: UUID, reading: Reading | None, kept: Derived | None) -> None:
        """Compare a log with its rows as both are now: services may have gone on meanwhile."""
        if reading is None and not self._selects(kept):
            return
        try:
            compared = await compare(self._installation.store, self._installation.deriver, log_id)
        except MisshapenRowError as error:
            self._add([_misshapen(log_id, error)])
            return
        if reading is None and compared.reading is not None and compared.reading.version:
            return  # it is of a log that was left out, cannot be folded here, or began since
        if is_of_earlier_version(compared):
            self._older += 1
        else:
            self._add(list(_faults_of(compared)))

    def _selects(self, kept: Derived | None) -> bool:
        row = None if kept is None else kept.execution
        chosen = self._selection
        if chosen.since or row is None:
            return chosen.is_everything
        return chosen.workflow in {None, row.workflow_id} and (
            not chosen.partitions or row.partition in chosen.partitions
        )


def _misshapen(log_id: UUID, error: MisshapenRowError) -> Fault:
    place = Place(log_id=str(log_id), table="inbox" if error.table == "points" else error.table)
    meaning = f"a row of it is none: {error.reason}, which the server never writes"
    return Fault(kind="projection", place=place, meaning=meaning, cause=_WRITER)


def _faults_of(compared: Compared) -> Iterator[Fault]:
    row = None if compared.kept is None else compared.kept.execution
    is_longer = row is not None and compared.reading is not None and row.version > compared.reading.version
    for table in sorted(compared.differing):
        place = Place(
            log_id=str(compared.log_id), execution_id=None if row is None else row.execution_id, table=table
        )
        cause = _DELETER if is_longer else _WRITER
        yield Fault(kind="projection", place=place, meaning=_difference(compared, table), cause=cause)


def _difference(compared: Compared, table: str) -> str:
    reading, kept = compared.reading, compared.kept
    if table != "executions" or reading is None or kept is None:
        return f"what {table} has of it is not what follows from the log"
    derived, row = reading.derived.execution, kept.execution
    if row is None:
        return "it has no row in executions"
    if derived is None:
        return "there is a row in executions, and no log"
    if row.version > reading.version:
        return (
            f"its row in executions is of event {row.version}, and its log ends with event {reading.version}"
        )
    if compared.is_marked_broken:
        return f"its row is marked as broken ({row.broken}), and the log can be folded"
    wrong = [
        name
        for name, one, other in zip(
            row.__struct_fields__, msgspec.structs.astuple(row), msgspec.structs.astuple(derived), strict=True
        )
        if one != other
    ]
    return f"its row in executions is not what follows from the log, in {', '.join(wrong)}"
