"""What a partition has in memory of its logs, and how it comes there: from the log, when that is in doubt."""

from collections.abc import Collection, Sequence
from uuid import UUID

import msgspec
import structlog

from signoff.engine.deciding.commands import refused
from signoff.engine.deciding.unrunnable import UNATTENDED
from signoff.engine.deciding.workflow import WorkflowState
from signoff.engine.messages import TakenOver
from signoff.engine.state import State
from signoff.events.bus.base import Message
from signoff.events.types import Command, RecordAccesses, StartExecution
from signoff.executor.logs.loaded import Loaded
from signoff.executor.logs.loader import BrokenExecutionError
from signoff.executor.logs.plans import Plan, UnknownVersionError
from signoff.executor.partition.inbox import Internal
from signoff.executor.partition.overload import turned_away
from signoff.executor.partition.pending import Pending, Try, tries
from signoff.executor.partition.scheduled import prepare_schedules
from signoff.executor.partition.shared import Shared
from signoff.executor.partition.turn import Turn, Work, dead_command, is_fresh, new_log

_log = structlog.get_logger("signoff.executor.partition")


class Memory:
    """What one partition has in memory of its logs.

    Args:
        shared: by all partitions.
        pending: what is known of their blocks, and not in the log yet.

    Attributes:
        hot: logs as they are folded.
        broken: why logs cannot be folded.
        doubtful: an append failed: what is thought to be new may be in the log by now.
    """

    def __init__(self, shared: Shared, pending: Pending) -> None:
        self.hot: dict[UUID, Loaded] = {}
        self.broken: dict[UUID, str] = {}
        self.doubtful = False
        self._shared = shared
        self._pending = pending

    async def load(self, works: Sequence[Work], turn: Turn) -> list[Work]:
        """Load what is not in memory.

        Args:
            works: the messages of a turn.
            turn: takes what of it follows: tries that begin now, and rows of what cannot be folded.

        Returns:
            The messages that say so to each loaded execution.

        Raises:
            StoreUnavailableError: the database is away.
            BlobError: the object store is away.
        """
        wanted = {
            work.log_id
            for work in works
            if work.log_id not in self.hot
            and work.log_id not in self.broken
            and (self.doubtful or not is_fresh(work))
        }
        if not wanted:
            return []
        reloaded: list[Work] = []
        for log_id, found in (await self._shared.loader.load(wanted)).items():
            if isinstance(found, BrokenExecutionError):
                await self.mark_broken(found, turn)
                continue
            self.hot[log_id] = found
            if isinstance(found.state, State):
                found.due = found.state.next_due()
                message = TakenOver(self._flying(found, found.state, turn))
                reloaded.append(Work(log_id, message, Internal(log_id, message)))
            elif isinstance(found.state, WorkflowState):
                await prepare_schedules(found.state, self._shared.store, self._shared.blobs)
        return reloaded

    def _flying(self, loaded: Loaded, state: State, turn: Turn) -> frozenset[Try]:
        """The tries of an execution read again that are not lost.

        Those that have not begun do so now, and those end that the log knows to be over.
        """
        log_id, runner = loaded.log_id, self._shared.runner
        starts = self._pending.starts(log_id, state)
        turn.effects += [(loaded, start) for start in starts.values()]
        for instance, attempt in runner.at_work(log_id) - tries(state):
            runner.cancel(log_id, instance, attempt)
        return runner.at_work(log_id) | self._pending.results(log_id) | starts.keys()

    async def begin(self, work: Work, turn: Turn) -> Loaded | None:
        """A log that is not there: a command may begin it, or is refused; anything else is stale.

        Raises:
            StoreUnavailableError: the database is away.
            BlobError: the object store is away.
        """
        command = work.message
        if not isinstance(command, Command):
            return None
        if work.log_id in self.broken:
            reason = f"The execution cannot be folded: {self.broken[work.log_id]}"
            if isinstance(command.data, RecordAccesses) and isinstance(work.item, Message):
                turn.append.rows.append(dead_command(work.item, reason, self._shared.clock(), work))
            turn.answers.append((command, refused(command, "BROKEN", reason)))
            return None
        plan: Plan | str | None = None
        if isinstance(command.data, StartExecution):
            data = command.data
            refusal = turned_away(command, data, self._shared.runner.line)
            if refusal is not None:
                turn.answers.append((command, refusal))
                return None
            try:
                plan = await self._shared.plans.find(data.workspace_id, data.workflow_id, data)
            except UnknownVersionError as error:
                plan = str(error)
            if isinstance(plan, str) and (data.fork is not None or data.trigger not in UNATTENDED):
                turn.answers.append((command, refused(command, "WORKFLOW_NOT_FOUND", plan)))
                return None
        loaded = new_log(work.log_id, command, plan)
        if loaded is None:
            turn.answers.append((command, refused(command, "NOT_FOUND", "Execution not found")))
            return None
        self.hot[work.log_id] = loaded
        return loaded

    async def mark_broken(self, error: BrokenExecutionError, turn: Turn) -> None:
        """Refuse an execution's commands from now on, and let the turn write why.

        Raises:
            StoreUnavailableError: the database is away.
        """
        _log.error("execution cannot be folded", execution=str(error.log_id), reason=error.reason)
        self.broken[error.log_id] = error.reason
        if error.newer:
            return  # its row stays as it is, for a newer executor to go on from
        row = await self._shared.store.execution(error.log_id)
        if row is not None:
            turn.append.rows.append(
                msgspec.structs.replace(row, broken=error.reason, parked=True, due_at=None)
            )

    def forget(self, log_ids: Collection[UUID]) -> None:
        """What is in memory of these logs may not be what the log holds."""
        for log_id in log_ids:
            self.hot.pop(log_id, None)
            self.broken.pop(log_id, None)
        self.doubtful = True
