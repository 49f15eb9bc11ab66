"""The rows of a log made anew from its first event on, by what executors make them with."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from signoff.engine.deciding.workflow import WorkflowState
from signoff.engine.state import TERMINAL, State
from signoff.events.blobs import BlobStore
from signoff.events.codec import decode_event
from signoff.events.errors import BlobDamagedError, BlobError, BlobNotFoundError, StoreUnavailableError
from signoff.events.parts import references
from signoff.events.store.base import EventStore, ExecutionRow, PointRow, Recorded
from signoff.events.store.paging import PAGE_BYTES, is_full
from signoff.events.store.upkeep import Derived
from signoff.events.topics import PARTITIONS, event_topic
from signoff.events.types import Event, PauseOpened
from signoff.executor.logs.inbox_rows import point_rows
from signoff.executor.logs.loaded import Loaded, NewerEventError
from signoff.executor.logs.loader import UNFOLDABLE, BrokenExecutionError, Loader
from signoff.executor.logs.plans import UnknownVersionError
from signoff.executor.logs.projections import RUNS_BEGUN, SHOWN_TOPICS, execution_row, run_rows, workflow_row
from signoff.executor.partition.scheduled import prepare_schedules

_PAGE: Final = 500
_BLOB: Final = b'"$blob"'
_OF_RUNS_AND_POINTS: Final = frozenset(event_topic(kind.__name__) for kind in (*RUNS_BEGUN, PauseOpened))
_values: Final = msgspec.json.Decoder()


class Reading(Struct, kw_only=True):
    """A log, read from its first event on.

    Attributes:
        version: of the last event that was read.
        shown: of the last event that changes an execution's row.
        derived: its rows.
        digests: of the large values that its events name, each with the first event that does.
        workspace: whose they are; ``None`` where it is no execution and no workflow.
    """

    version: int
    shown: int
    derived: Derived
    digests: dict[str, int]
    workspace: UUID | None


class Deriver:
    """Makes rows from logs.

    Args:
        store: the log.
        loader: knows how a log begins.
        blobs: hold large definitions.
        partitions: how many there are.
    """

    def __init__(
        self,
        store: EventStore,
        loader: Loader,
        blobs: BlobStore,
        *,
        partitions: int = PARTITIONS,
    ) -> None:
        self._store = store
        self._loader = loader
        self._blobs = blobs
        self._partitions = partitions

    async def read(self, log_id: UUID, *, upto: int | None = None) -> Reading:
        """Read and fold a log, check its chain, and make its rows.

        Args:
            log_id: the log. One without events has no rows.
            upto: read no further than this version.

        Raises:
            BrokenExecutionError: it cannot be folded: bytes that are no event, a gap, a broken chain, a
                definition that cannot run here.
            StoreUnavailableError: the database is away.
            BlobError: the object store is away.
        """
        walk, more = Walk(log_id), True
        while more:
            limit = _PAGE if upto is None else min(_PAGE, upto - walk.version)
            page = await self._store.read(log_id, after=walk.version, limit=limit, size=PAGE_BYTES)
            await self.take(walk, page)
            more = is_full(page, limit=limit, size=PAGE_BYTES) and walk.version != upto
        return await self.finish(walk)

    async def take(self, walk: "Walk", page: list[Recorded]) -> None:
        """Fold the next events of a log that is read by somebody else.

        Args:
            walk: through the log.
            page: what follows on the events before.

        Raises:
            BrokenExecutionError: it cannot be folded.
            StoreUnavailableError: the database is away.
            BlobError: the object store is away.
        """
        with _unfoldable(walk.log_id):
            if page and walk.loaded is None:
                walk.loaded = await self._loader.begin(walk.log_id, page[0])
            walk.take(page)

    async def finish(self, walk: "Walk") -> Reading:
        """Make the rows of a log, all of whose events were taken.

        Raises:
            BrokenExecutionError: it has none, since its workflow cannot run here.
            StoreUnavailableError: the database is away.
            BlobError: the object store is away.
        """
        with _unfoldable(walk.log_id):
            return Reading(
                version=walk.version,
                shown=walk.shown,
                derived=await self._derive(walk, walk.loaded),
                digests=walk.digests,
                workspace=walk.workspace,
            )

    async def _derive(self, walk: "Walk", loaded: Loaded | None) -> Derived:
        empty = Derived(log_id=walk.log_id, version=walk.version)
        if loaded is None:
            return empty
        state = loaded.state
        if isinstance(state, WorkflowState) and state.versions:
            await prepare_schedules(state, self._store, self._blobs)
            due_at = state.next_due(max(await self._store.now(), state.time))
            return msgspec.structs.replace(empty, workflow=workflow_row(walk.log_id, state, due_at))
        if not isinstance(state, State):
            return empty
        if loaded.unrunnable is not None and state.status not in TERMINAL:
            raise UnknownVersionError(loaded.unrunnable)
        graph = None if loaded.plan is None else loaded.plan.graph
        rows = point_rows(walk.log_id, state, graph, walk.events)
        return msgspec.structs.replace(
            empty,
            execution=self._execution(walk.log_id, state, loaded),
            runs=tuple(run_rows(walk.log_id, walk.events)),
            points=tuple(
                sorted((row for row in rows if isinstance(row, PointRow)), key=lambda row: row.context_id)
            ),
        )

    def _execution(self, log_id: UUID, state: State, loaded: Loaded) -> ExecutionRow:
        definition = None if loaded.plan is None else loaded.plan.graph.definition
        return execution_row(log_id, state, definition, self._partitions)


@contextmanager
def _unfoldable(log_id: UUID) -> Iterator[None]:
    """What a log raises that cannot be folded, as one error; what is away stays what it is."""
    try:
        yield
    except (BlobNotFoundError, BlobDamagedError) as error:
        raise BrokenExecutionError(log_id, str(error)) from error
    except (StoreUnavailableError, BlobError):
        raise
    except UNFOLDABLE as error:
        newer = isinstance(error, NewerEventError)
        raise BrokenExecutionError(log_id, f"{type(error).__name__}: {error}", newer=newer) from error


class Walk:
    """What is kept of the events on the way: those of runs and points, and what large values they name."""

    def __init__(self, log_id: UUID) -> None:
        self.log_id = log_id
        self.loaded: Loaded | None = None
        self.version = 0
        self.shown = 0
        self.events: list[Event] = []
        self.digests: dict[str, int] = {}
        self.workspace: UUID | None = None

    def take(self, page: list[Recorded]) -> None:
        """Fold a page of events.

        Raises:
            ValueError: an event does not follow the one before it.
            SignoffError: one cannot be read.
        """
        if not page or self.loaded is None:
            return
        self.loaded.fold(page)
        for recorded in page:
            if recorded.topic in SHOWN_TOPICS:
                self.shown = recorded.version
            if recorded.topic in _OF_RUNS_AND_POINTS:
                self.events.append(decode_event(recorded.state))
            if _BLOB in recorded.state:
                for digest in references(_values.decode(recorded.state)["data"]):
                    self.digests.setdefault(digest, recorded.version)
        self.version = page[-1].version
        if self.loaded.state.workspace_id:
            self.workspace = self.loaded.workspace
