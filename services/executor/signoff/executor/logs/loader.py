"""Brings logs into memory: the snapshot, if there is one, and the events after it."""

import asyncio
from collections.abc import Collection
from typing import Final, Generic, TypeVar
from uuid import UUID

import msgspec
import structlog
from msgspec import Struct

from signoff.access.directory.fold import FORMAT as DIRECTORY_FORMAT
from signoff.access.directory.fold import Directory
from signoff.audit.accesses.log import FORMAT as ACCESS_FORMAT
from signoff.audit.accesses.log import AccessLog
from signoff.audit.life.folding import mark_waypoint
from signoff.engine.deciding.unrunnable import UNATTENDED
from signoff.engine.deciding.workflow import FORMAT as WORKFLOW_FORMAT
from signoff.engine.deciding.workflow import WorkflowState
from signoff.engine.state import FORMAT as EXECUTION_FORMAT
from signoff.engine.state import TERMINAL, State
from signoff.events.codec import decode_event
from signoff.events.errors import BlobError, BlobNotFoundError, SignoffError, StoreUnavailableError
from signoff.events.store.base import EventStore, Recorded, Snapshot
from signoff.events.types import AccessFact, DirectoryFact, ExecutionStarted
from signoff.executor.logs.loaded import Loaded, NewerEventError
from signoff.executor.logs.plans import Plans, UnknownVersionError

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


_Folded = TypeVar("_Folded", State, WorkflowState, Directory, AccessLog)


_Any = State | WorkflowState | Directory | AccessLog


class _Kept(Struct, Generic[_Folded]):
    """What a snapshot holds: the state, and the hash of its last event."""

    state: _Folded
    prev: str | None
    large: bool


_encoder: Final = msgspec.json.Encoder()
_of_execution: Final = msgspec.json.Decoder(_Kept[State])
_of_workflow: Final = msgspec.json.Decoder(_Kept[WorkflowState])
_of_directory: Final = msgspec.json.Decoder(_Kept[Directory])
_of_access_log: Final = msgspec.json.Decoder(_Kept[AccessLog])


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
            if len(page) == _PAGE and await self._from_snapshot(loaded):
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

    async def _from_snapshot(self, loaded: Loaded) -> bool:
        """Take the state from a snapshot, if there is one that can be read, and tell so."""
        snapshot = await self._store.snapshot(loaded.log_id)
        if snapshot is None or snapshot.format != _format_of(loaded.state):
            return False
        try:
            kept = await asyncio.to_thread(_decode, loaded.state, snapshot.state)
        except msgspec.MsgspecError as error:
            _log.warning("snapshot ignored: it cannot be read", log=str(loaded.log_id), reason=str(error))
            return False
        loaded.state = kept.state
        execution_id = kept.state.execution_id if isinstance(kept.state, State) else None
        loaded.name(execution_id=execution_id, workflow_id=kept.state.workflow_id)
        loaded.prev, loaded.large = kept.prev, kept.large
        loaded.snapshot_size = len(snapshot.state)
        return True

    async def make_snapshot(self, log_id: UUID) -> None:
        """Fold a log afresh, apart from the loop's own state, and keep the result."""
        found = (await self.load([log_id])).get(log_id)
        if isinstance(found, Loaded):
            state = found.state
            raw = await asyncio.to_thread(_encoder.encode, _Kept(state, found.prev, found.large))
            await self._store.keep_snapshot(
                Snapshot(log_id=log_id, version=state.version, format=_format_of(state), state=raw)
            )
            if isinstance(state, State):
                await mark_waypoint(self._store, log_id)


def _decode(
    state: _Any, raw: bytes
) -> _Kept[State] | _Kept[WorkflowState] | _Kept[Directory] | _Kept[AccessLog]:
    match state:
        case State():
            return _of_execution.decode(raw)
        case WorkflowState():
            return _of_workflow.decode(raw)
        case Directory():
            return _of_directory.decode(raw)
        case AccessLog():
            return _of_access_log.decode(raw)


def _format_of(state: _Any) -> int:
    match state:
        case State():
            return EXECUTION_FORMAT
        case WorkflowState():
            return WORKFLOW_FORMAT
        case Directory():
            return DIRECTORY_FORMAT
        case AccessLog():
            return ACCESS_FORMAT


def wants_snapshot(loaded: Loaded) -> bool:
    """Whether enough came since the last snapshot for a new one to be worth it."""
    count, size = loaded.since_snapshot
    return count >= SNAPSHOT_EVENTS and size > SNAPSHOT_SHARE * loaded.snapshot_size
