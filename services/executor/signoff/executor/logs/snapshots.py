"""The folds that are kept of long logs, of each kind."""

from typing import Any, Final

import msgspec

from signoff.access.directory.fold import FORMAT as DIRECTORY_FORMAT
from signoff.access.directory.fold import Directory
from signoff.audit.accesses.log import FORMAT as ACCESS_FORMAT
from signoff.audit.accesses.log import AccessLog
from signoff.engine.deciding.workflow import FORMAT as WORKFLOW_FORMAT
from signoff.engine.deciding.workflow import WorkflowState
from signoff.engine.state import FORMAT as EXECUTION_FORMAT
from signoff.engine.state import State
from signoff.events.store.base import EventStore, Snapshot
from signoff.events.store.snapshots import Kept, decode_snapshot, kept_fold
from signoff.executor.logs.loaded import Loaded

_encoder: Final = msgspec.json.Encoder()
_FORMATS: Final = {
    State: EXECUTION_FORMAT,
    WorkflowState: WORKFLOW_FORMAT,
    Directory: DIRECTORY_FORMAT,
    AccessLog: ACCESS_FORMAT,
}
_DECODERS: Final[dict[type, msgspec.json.Decoder[Kept[Any]]]] = {
    State: msgspec.json.Decoder(Kept[State]),
    WorkflowState: msgspec.json.Decoder(Kept[WorkflowState]),
    Directory: msgspec.json.Decoder(Kept[Directory]),
    AccessLog: msgspec.json.Decoder(Kept[AccessLog]),
}


def snapshot_of(loaded: Loaded) -> Snapshot:
    """What is kept of a log as it is folded; it takes a while for a large one."""
    state = loaded.state
    raw = _encoder.encode(Kept(state, loaded.prev, loaded.large))
    return Snapshot(log_id=loaded.log_id, version=state.version, format=_FORMATS[type(state)], state=raw)


async def load_snapshot(store: EventStore, loaded: Loaded) -> bool:
    """Take the state of a log from its snapshot, if there is one to be gone on from, and tell so.

    Raises:
        StoreUnavailableError: the database is away.
    """
    kind = type(loaded.state)
    snapshot = await store.snapshot(loaded.log_id)
    kept = await kept_fold(store, snapshot, _DECODERS[kind], form=_FORMATS[kind])
    if snapshot is None or kept is None:
        return False
    loaded.state = kept.state
    execution_id = kept.state.execution_id if isinstance(kept.state, State) else None
    loaded.name(execution_id=execution_id, workflow_id=kept.state.workflow_id)
    loaded.prev, loaded.large = kept.prev, kept.large
    loaded.snapshot_size = len(snapshot.state)
    return True


def bears_out(loaded: Loaded, snapshot: Snapshot) -> bool:
    """Whether a snapshot holds what a log was folded to; one of another event or shape says nothing of it.

    Raises:
        CodecError: it cannot be read.
    """
    own = snapshot_of(loaded)
    if (snapshot.version, snapshot.format) != (own.version, own.format):
        return True
    decoder = _DECODERS[type(loaded.state)]
    return decode_snapshot(snapshot, decoder) == decode_snapshot(own, decoder)
