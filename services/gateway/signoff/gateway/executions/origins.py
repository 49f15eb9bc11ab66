"""What an execution goes on from that takes over an earlier one's past: a fork, or a run from a block."""

from typing import Literal

from signoff.engine.points.standing import person_of
from signoff.engine.state import State
from signoff.events.store.base import ExecutionRow
from signoff.events.types import Source
from signoff.gateway.gateway import shown_id


def source_of(row: ExecutionRow, state: State, kind: Literal["run-from-block", "fork"]) -> Source:
    """The source as the log of the new execution names it.

    Who started it, and whatever that went on from, is named: what they may not decide there, they may not
    decide in the new one.

    Args:
        row: of the source.
        state: of it, after the last event that is taken.
        kind: what the new one is.
    """
    log_id = str(row.log_id)
    earlier = [] if state.source is None else state.source.started_by
    starter = [] if state.actor is None else [person_of(state.actor)]
    return Source(
        execution_id=shown_id(row),
        log_id=None if row.execution_id in (None, log_id) else log_id,
        event_id=state.version,
        kind=kind,
        started_by=list(dict.fromkeys([*earlier, *starter])),
    )
