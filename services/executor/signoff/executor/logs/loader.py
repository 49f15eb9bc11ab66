"""Brings logs into memory: the snapshot, if there is one, and the events after it."""

import asyncio
from collections.abc import Collection
from typing import Final
from uuid import UUID

import structlog

from signoff.access.directory.fold import Directory
from signoff.audit.accesses.log import AccessLog
from signoff.audit.life.folding import mark_waypoint
from signoff.engine.deciding.unrunnable import UNATTENDED
from signoff.engine.deciding.workflow import WorkflowState
from signoff.engine.state import TERMINAL, State
from signoff.events.codec import decode_event
from signoff.events.errors import BlobError, BlobNotFoundError, SignoffError, StoreUnavailableError
from signoff.events.store.base import EventStore, Recorded
from signoff.events.types import AccessFact, DirectoryFact, ExecutionStarted
from signoff.executor.logs.loaded import Loaded, NewerEventError
from signoff.executor.logs.plans import Plans, UnknownVersionError
from signoff.executor.logs.snapshots import load_snapshot, snapshot_of

_PAGE: Final = 500

_log = structlog.get_logger("signoff.executor.loader")

SNAPSHOT_EVENTS: Final = 500
"""A snapshot is made when at least so many events came since the last one …"""

SNAPSHOT_SHARE: Final = 0.25
"""… and they outweigh this share of it."""


UNFOLDABLE: Final = (SignoffError, ValueError, LookupError, TypeError, AttributeError, RecursionError)
"""What a log that cannot be folded raises."""


class BrokenExecutionError(SignoffError):
    """A log that cannot be folded. Its commands are refused; nobody else waits for it.

    Attributes:
        newer: by this version only: one that knows its events goes on with it.
    """

    def __init__(self, log_id: UUID, reason: str, *, newer: bool = False) -> None:
        super().__init__(f"execution {log_id} cannot be folded: {reason}")
        self.log_id = log_id
        self.reason = reason
        self.newer = newer


class Loader:
    """Reads logs and folds them."""

    def __init__(self, store: EventStore, plans: Plans) -> None:
        self._store = store
        self._plans = plans

    async def load(self, log_ids: Collection[UUID]) -> dict[UUID, Loaded | BrokenExecutionError]:
        """Fold the logs that exist; the first pages of all come in one query.

        Returns:
            A loaded log or why it cannot be folded, by id; logs without events are left out.

        Raises:
            StoreUnavailableError: the database is away.
            BlobError: the object store is away, which holds a large definition.
        """
        pages = await self._store.read_many(dict.fromkeys(log_ids, 0), limit=_PAGE)
        return {log_id: await self._fold(log_id, page) for log_id, page in pages.items()}

    async def _fold(self, log_id: UUID, page: list[Recorded]) -> Loaded | BrokenExecutionError:
        try:
            loaded = await self.begin(log_id, page[0])
            if len(page) == _PAGE and await load_snapshot(self._store, loaded):
                page = await self._store.read(log_id, after=loaded.state.version, limit=_PAGE)
            while page:
                loaded.fold(page)
                full = len(page) == _PAGE
                page = await self._store.read(log_id, after=page[-1].version, limit=_PAGE) if full else []
            ended = isinstance(loaded.state, State) and loaded.state.status in TERMINAL
            if loaded.unrunnable is not None and not ended:
                raise UnknownVersionError(loaded.unrunnable)
        except NewerEventError as error:
            return BrokenExecutionError(log_id, str(error), newer=True)
        except BlobNotFoundError as error:
            return BrokenExecutionError(log_id, str(error))
        except (StoreUnavailableError, BlobError):
            raise
        except UNFOLDABLE as error:
            return BrokenExecutionError(log_id, f"{type(error).__name__}: {error}")
        return loaded

    async def begin(self, log_id: UUID, first: Recorded) -> Loaded:
        """An empty fold of what a log's first event says it is; the event is not folded.

        Raises:
            CodecError: the first event cannot be read.
            UnknownVersionError: an execution's workflow cannot run here.
            BlobError: a part of its definition cannot be read.
        """
        event = decode_event(first.state)
        if isinstance(event.data, DirectoryFact):
            return Loaded(log_id, Directory(), None)
        if isinstance(event.data, AccessFact):
            return Loaded(log_id, AccessLog(), None)
        if not isinstance(event.data, ExecutionStarted):
            return Loaded(log_id, WorkflowState(), None)
        try:
            plan = await self._plans.find(event.data.workspace_id, event.workflow_id, event.data)
        except UnknownVersionError as error:
            if event.data.trigger not in UNATTENDED:
                raise
            loaded = Loaded(log_id, State(), None)
            loaded.unrunnable = str(error)
            return loaded
        return Loaded(log_id, State(), plan)

    async def make_snapshot(self, log_id: UUID) -> None:
        """Fold a log afresh, apart from the loop's own state, and keep the result."""
        found = (await self.load([log_id])).get(log_id)
        if isinstance(found, Loaded):
            await self._store.keep_snapshot(await asyncio.to_thread(snapshot_of, found))
            if isinstance(found.state, State):
                await mark_waypoint(self._store, log_id)


def wants_snapshot(loaded: Loaded) -> bool:
    """Whether enough came since the last snapshot for a new one to be worth it."""
    count, size = loaded.since_snapshot
    return count >= SNAPSHOT_EVENTS and size > SNAPSHOT_SHARE * loaded.snapshot_size
