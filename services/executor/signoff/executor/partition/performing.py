"""What follows on a commit: effects, ends that somebody waits for, and what leaves memory."""

from typing import Final, assert_never
from uuid import UUID

from signoff.access.directory.fold import Directory
from signoff.audit.accesses.log import AccessLog
from signoff.engine.deciding.workflow import WorkflowState
from signoff.engine.messages import CancelBlock, Effect, Notify, RunBlock, RunEnded
from signoff.engine.state import TERMINAL, State
from signoff.events.types import Command, Outcome, PauseCommand, ResumeExecution
from signoff.executor.logs.loaded import Loaded
from signoff.executor.logs.loader import wants_snapshot
from signoff.executor.partition.accesses import AccessLogs
from signoff.executor.partition.pending import Pending
from signoff.executor.partition.shared import Shared
from signoff.executor.partition.turn import Turn
from signoff.executor.running.jobs import Place

_SOON: Final = 3600.0
"""Seconds ahead that a schedule is due for its workflow's log to stay in memory."""


class Performer:
    """Does what the turns of one partition led to.

    Args:
        place: the partition, as blocks and notices know it.
        shared: by all partitions.
        number: of the partition.
        pending: what is known of its blocks and notices, and not in the log yet.
        hot: the logs that it has in memory.
        access_logs: those among them that record accesses.
    """

    def __init__(
        self,
        place: Place,
        shared: Shared,
        *,
        number: int,
        pending: Pending,
        hot: dict[UUID, Loaded],
        access_logs: AccessLogs,
    ) -> None:
        self._number = number
        self._place = place
        self._shared = shared
        self._pending = pending
        self._hot = hot
        self._access_logs = access_logs

    def expect_end(self, loaded: Loaded, state: State, command: Command, outcome: Outcome) -> None:
        """Tell whoever sent a command, in time, that the run has ended which it began."""
        if isinstance(command.data, ResumeExecution | PauseCommand) and outcome.resume_execution_id is None:
            return  # it began no run
        run_id = outcome.resume_execution_id or state.execution_id
        self._shared.outcomes.wait_for(loaded.log_id, run_id, command)
        run = state.runs.get(run_id)
        if outcome.outcome == "duplicate" and run is not None and run.ended_event is not None:
            self._shared.outcomes.ended(loaded.log_id, state.execution_id, run_id, run.ended_event)

    def perform(self, turn: Turn, loaded: Loaded, effect: Effect) -> None:
        """Do what an effect says."""
        state = loaded.state
        if not isinstance(state, State):
            return
        match effect:
            case RunBlock():
                self._shared.runner.start(self._place, loaded, state, effect)
            case Notify():
                if not self._pending.told(loaded.log_id, effect.event_id):
                    self._shared.notices.tell(self._place, loaded, state, effect)
            case CancelBlock():
                self._shared.runner.cancel(loaded.log_id, effect.instance, effect.attempt)
            case RunEnded():
                self._shared.outcomes.ended(
                    loaded.log_id,
                    state.execution_id,
                    effect.run_id,
                    effect.event_id,
                    _committed(turn, loaded.log_id, effect.event_id),
                )
            case _:
                assert_never(effect)

    def keep_or_drop(self, loaded: Loaded) -> None:
        """What has nothing in flight leaves memory, for its log has everything; schedules due soon stay."""
        state = loaded.state
        if isinstance(state, WorkflowState):
            due = loaded.due
            leaves = due is None or due > self._shared.clock() + _SOON
        elif isinstance(state, AccessLog):
            leaves, due = False, None
            self._access_logs.used(loaded.log_id)
        elif isinstance(state, Directory):
            leaves, due = False, None  # every installation has one, and it is asked for again and again
        else:
            leaves = state.status in TERMINAL or state.parked()
            due = state.next_due() if leaves else None  # the sweep looks after what stays
        if leaves:
            self._hot.pop(loaded.log_id, None)
        if due is not None:
            self._shared.timing.watch(self._number, loaded.log_id, due)
        if wants_snapshot(loaded):
            loaded.since_snapshot = (0, 0)
            self._shared.snapshot(loaded.log_id)


def _committed(turn: Turn, log_id: UUID, event_id: int) -> bytes:
    """An event that the turn wrote; those of one log follow each other without a gap."""
    records = turn.touched[log_id].records
    return records[event_id - records[0].version].state
