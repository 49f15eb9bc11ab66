"""The loop around the engine: one task per owned partition.

For each message in turn: decide, and fold at once, so that the next message sees it. Then the whole
batch is appended; answers and effects come only after the commit. If the append fails, or its
outcome is unknown, the states it touched are forgotten and the messages decided again.
"""

import asyncio
import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final, assert_never
from uuid import UUID

import msgspec
import structlog
from msgspec import Struct

from signoff.access.directory import Directory
from signoff.access.live import LiveDirectory
from signoff.engine.commands import refused
from signoff.engine.messages import (
    BLOCK_RESULTS,
    BlockFailed,
    BlockResult,
    BlockSays,
    CancelBlock,
    Effect,
    Input,
    Notify,
    RunBlock,
    RunEnded,
    TakenOver,
    Tick,
)
from signoff.engine.state import TERMINAL, State
from signoff.engine.unrunnable import UNATTENDED
from signoff.engine.workflow import WorkflowState
from signoff.events import faults
from signoff.events.blobs import BlobStore
from signoff.events.bus.base import Message
from signoff.events.errors import (
    AppendUnknownError,
    BlobError,
    BlobNotFoundError,
    LeaseLostError,
    StoreUnavailableError,
    VersionConflictError,
)
from signoff.events.store.base import Append, DeadCommand, EventStore, Lease
from signoff.events.times import recordable
from signoff.events.types import Command, Outcome, PauseCommand, ResumeExecution, StartExecution
from signoff.executor.early import with_makers
from signoff.executor.inbox import Inbox, Internal, Item
from signoff.executor.loaded import Loaded, shrink
from signoff.executor.loader import BrokenExecutionError, Loader, wants_snapshot
from signoff.executor.notices import Notices
from signoff.executor.outcomes import Outcomes
from signoff.executor.overload import turned_away
from signoff.executor.pending import Pending, Try, tries
from signoff.executor.plans import Plan, Plans, UnknownVersionError
from signoff.executor.relay import Relay
from signoff.executor.runner import Runner
from signoff.executor.scheduled import prepare_schedules
from signoff.executor.timing import Timing
from signoff.executor.turn import (
    Turn,
    Work,
    add_rows,
    add_step,
    is_fresh,
    log_of,
    new_log,
    read_items,
    results_of,
    tell_dead,
)

BATCH: Final = 200
"""Messages that one append may hold."""

_PAUSE: Final = 0.2
_LOAD: Final = 500

_SOON: Final = 3600.0
"""Seconds ahead that a schedule is due for its workflow's log to stay in memory."""

_log = structlog.get_logger("signoff.executor.partition")


class Shared(Struct, frozen=True, kw_only=True):
    """What the partitions of one executor have in common."""

    store: EventStore
    blobs: BlobStore
    plans: Plans
    loader: Loader
    runner: Runner
    relay: Relay
    outcomes: Outcomes
    notices: Notices
    directory: LiveDirectory
    timing: Timing
    snapshot: Callable[[UUID], None]
    held: Callable[[int], bool]
    partitions: int
    clock: Callable[[], float] = time.time


class DecisionError(Exception):
    """Deciding on a message failed: a fault of ours, which must not stop the others."""


class Partition:
    """One owned partition: its inbox, the executions it has in memory, its loop.

    Args:
        lease: the right to write, with where to go on.

    Attributes:
        fault: why its commands cannot be read, for an operator.
    """

    def __init__(self, lease: Lease, shared: Shared) -> None:
        self.number = lease.partition
        self.epoch = lease.epoch
        self.next_offset = lease.next_offset
        self.inbox = Inbox()
        self.fault: str | None = None
        self._shared = shared
        self._hot: dict[UUID, Loaded] = {}
        self._broken: dict[UUID, str] = {}
        self._doubtful = False
        self._pending = Pending()
        self._closed = False
        self._begins_until = math.inf

    def __len__(self) -> int:
        return len(self._hot)

    def held(self) -> bool:
        """Whether anything may be done for it: the lease holds, by this process's own clock."""
        return not self._closed and self._shared.held(self.number)

    def begins(self) -> bool:
        """Whether blocks may start: while it is handed over, only at first."""
        return self.held() and time.monotonic() < self._begins_until

    def backlog(self) -> int:
        """Messages that wait to be decided."""
        return len(self.inbox)

    def deliver(self, log_id: UUID, message: Input) -> None:
        """Take a result or the passing of time."""
        self._pending.came(log_id, message)
        self.inbox.put(Internal(log_id, message))

    def accept(self, message: Message) -> None:
        """Take a command from Kafka."""
        self.inbox.put(message)

    def sweep(self, now: float, horizon: float) -> None:
        """Tell the timers of loaded executions whose moment is near."""
        for log_id, loaded in self._hot.items():
            if loaded.due is not None and loaded.due <= now + horizon:
                self._shared.timing.watch(self.number, log_id, loaded.due)

    def drain(self, begins: float) -> None:
        """Hand over: take no more commands, record what blocks give, and end with the last of them.

        Args:
            begins: seconds for which blocks may still start: those that follow from what short ones gave.
        """
        self._begins_until = time.monotonic() + begins
        self.inbox.drop_commands()

    def _drained(self) -> bool:
        shared = self._shared
        return (
            self._begins_until < math.inf
            and not len(self.inbox)
            and not shared.runner.at_work_for(self)
            and not shared.notices.at_work_for(self)
        )

    def close(self) -> None:
        """Stop the loop and everything that runs for it; a turn under way goes on with what is in memory."""
        self._closed = True
        self.inbox.close()
        self._shared.runner.drop(self)
        self._shared.notices.drop(self)

    async def run(self) -> None:
        """Load what is in flight, then work until the lease is lost or the partition closed.

        Raises:
            LeaseLostError: another owner has taken the partition.
        """
        waiting = await self._shared.store.unparked(self.number)
        for start in range(0, len(waiting), _LOAD):
            await self._turn([Internal(log_id, Tick()) for log_id in waiting[start : start + _LOAD]])
        await self._shared.timing.look_ahead([self.number])
        while not self._closed and not self._drained():
            self._must_hold()
            items = await self.inbox.take(BATCH)
            if items:
                await self._turn(items)
                self._pending.decided(items)

    def _must_hold(self) -> None:
        if not self._shared.held(self.number):
            raise LeaseLostError(frozenset({self.number}))

    # A batch, whole or in pieces --------------------------------------------------------------------

    async def _turn(self, items: Sequence[Item]) -> None:
        try:
            await self._until_written(items)
        except (DecisionError, VersionConflictError) as error:
            _log.error("batch failed: each message is tried alone", partition=self.number, exc_info=error)
            for item in items:
                await self._alone(item)

    async def _alone(self, item: Item) -> None:
        self._doubtful = True
        try:
            await self._until_written([item])
        except (DecisionError, VersionConflictError) as error:
            _log.error("message failed", partition=self.number, exc_info=error)
            await self._bury(item, str(error))

    async def _until_written(self, items: Sequence[Item]) -> None:
        """Decide and append; again while the database is away, for as long as the lease holds."""
        while self.held():
            try:
                await self._work(items)
            except BlobNotFoundError as error:  # it will not be there the next time either
                raise DecisionError(str(error)) from error
            except (StoreUnavailableError, AppendUnknownError, BlobError) as error:
                _log.warning("append failed: decided again", partition=self.number, reason=str(error))
                await asyncio.sleep(_PAUSE)
            except (LeaseLostError, DecisionError, VersionConflictError):
                raise
            except Exception as error:
                raise DecisionError(f"{type(error).__name__}: {error}") from error
            else:
                self._doubtful = False
                self._shared.relay.settle(self.number)
                return
        raise LeaseLostError(frozenset({self.number}))

    async def _work(self, items: Sequence[Item]) -> None:
        dead: list[DeadCommand] = []
        works = list(self._read(items, dead))
        turn = Turn(Append(partition=self.number, epoch=self.epoch))
        turn.append.rows += dead
        turn.append.next_offset = next(
            (item.offset + 1 for item in reversed(items) if isinstance(item, Message)), None
        )
        try:
            await self._decide_all(works, turn)
        except BaseException as error:
            self._forget(works)
            if isinstance(error, AppendUnknownError):
                self._pending.doubted(turn.effects)
            raise
        self._pending.settled(work.log_id for work in works)

    def _read(self, items: Sequence[Item], dead: list[DeadCommand]) -> Iterator[Work]:
        return read_items(items, dead, self._shared.clock(), self._shared.partitions)

    async def _decide_all(self, works: Sequence[Work], turn: Turn) -> None:
        for work in [*await self._load(works, turn), *works]:
            await self._decide(work, turn)
        add_rows(turn, self._shared.partitions)
        if faults.armed:
            await faults.reach("partition.decided")
        if turn.append.events or turn.append.rows or turn.append.next_offset is not None:
            self._must_hold()
            with self._shared.relay.appending(self.number):
                position = await self._shared.store.append(turn.append)
                if faults.armed:
                    await faults.reach("partition.appended")
                self._after(turn, position)
        self._answer(turn)
        if faults.armed:
            await faults.reach("partition.performed")

    def _forget(self, works: Sequence[Work]) -> None:
        """What is in memory of these executions may not be what the log holds."""
        for work in works:
            self._hot.pop(work.log_id, None)
            self._broken.pop(work.log_id, None)
        self._doubtful = True

    # Bringing executions in -------------------------------------------------------------------------

    async def _load(self, works: Sequence[Work], turn: Turn) -> list[Work]:
        """Load what is not in memory; gives the messages that say so to each loaded execution."""
        wanted = {
            work.log_id
            for work in works
            if work.log_id not in self._hot
            and work.log_id not in self._broken
            and (self._doubtful or not is_fresh(work))
        }
        if not wanted:
            return []
        reloaded: list[Work] = []
        for log_id, found in (await self._shared.loader.load(wanted)).items():
            if isinstance(found, BrokenExecutionError):
                await self._mark_broken(found, turn)
                continue
            self._hot[log_id] = found
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

    async def _mark_broken(self, error: BrokenExecutionError, turn: Turn) -> None:
        _log.error("execution cannot be folded", execution=str(error.log_id), reason=error.reason)
        self._broken[error.log_id] = error.reason
        if error.newer:
            return  # its row stays as it is, for a newer executor to go on from
        row = await self._shared.store.execution(error.log_id)
        if row is not None:
            turn.append.rows.append(
                msgspec.structs.replace(row, broken=error.reason, parked=True, due_at=None)
            )

    async def _decide(self, work: Work, turn: Turn) -> None:
        loaded = self._hot.get(work.log_id)
        if loaded is None:
            loaded = await self._begin(work, turn)
            if loaded is None:
                return
        now = max(recordable(self._shared.clock()), loaded.state.time)
        try:
            message = with_makers(work.message, loaded, self._shared.directory.state, now)
            step = loaded.step(results_of(loaded, message, now), now)
        except StoreUnavailableError:
            raise  # the directory cannot be read now: that is no fault of the message
        except Exception as error:
            raise DecisionError(f"{type(error).__name__}: {error}") from error
        if step.oversized:
            await shrink(loaded, step, self._shared.blobs)
        if isinstance(loaded.state, WorkflowState):
            await prepare_schedules(loaded.state, self._shared.store, self._shared.blobs)
            loaded.due = loaded.state.next_due(now)
        add_step(turn, loaded, work.message, step)

    async def _begin(self, work: Work, turn: Turn) -> Loaded | None:
        """A log that is not there: a command may begin it, or is refused; anything else is stale."""
        command = work.message
        if not isinstance(command, Command):
            return None
        if work.log_id in self._broken:
            reason = f"The execution cannot be folded: {self._broken[work.log_id]}"
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
            if isinstance(plan, str) and data.trigger not in UNATTENDED:
                turn.answers.append((command, refused(command, "WORKFLOW_NOT_FOUND", plan)))
                return None
        loaded = new_log(work.log_id, command, plan)
        if loaded is None:
            turn.answers.append((command, refused(command, "NOT_FOUND", "Execution not found")))
            return None
        self._hot[work.log_id] = loaded
        return loaded

    # After the commit -------------------------------------------------------------------------------

    def _after(self, turn: Turn, position: int) -> None:
        if turn.append.next_offset is not None:
            self.next_offset = turn.append.next_offset
        tell_dead(turn.append)
        for touched in turn.touched.values():
            self._shared.relay.publish(
                self.number, touched.loaded.origin, touched.events, touched.records, position
            )

    def _answer(self, turn: Turn) -> None:
        for command, outcome in turn.answers:
            self._shared.outcomes.answer(command, outcome)
            loaded = turn.involved.get(log_of(command))
            if loaded is not None and isinstance(loaded.state, State) and outcome.outcome != "refused":
                self._expect_end(loaded, loaded.state, command, outcome)
        for loaded, effect in turn.effects:
            self._perform(turn, loaded, effect)
        for loaded in turn.involved.values():
            self._keep_or_drop(loaded)

    def _expect_end(self, loaded: Loaded, state: State, command: Command, outcome: Outcome) -> None:
        if isinstance(command.data, ResumeExecution | PauseCommand) and outcome.resume_execution_id is None:
            return  # it began no run
        run_id = outcome.resume_execution_id or state.execution_id
        self._shared.outcomes.wait_for(loaded.log_id, run_id, command)
        run = state.runs.get(run_id)
        if outcome.outcome == "duplicate" and run is not None and run.ended_event is not None:
            self._shared.outcomes.ended(loaded.log_id, state.execution_id, run_id, run.ended_event)

    def _perform(self, turn: Turn, loaded: Loaded, effect: Effect) -> None:
        state = loaded.state
        if not isinstance(state, State):
            return
        match effect:
            case RunBlock():
                self._shared.runner.start(self, loaded, state, effect)
            case Notify():
                if not self._pending.told(loaded.log_id, effect.event_id):
                    self._shared.notices.tell(self, loaded, state, effect)
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

    def _keep_or_drop(self, loaded: Loaded) -> None:
        """What has nothing in flight leaves memory, for its log has everything; schedules due soon stay."""
        state = loaded.state
        if isinstance(state, WorkflowState):
            due = loaded.due
            leaves = due is None or due > self._shared.clock() + _SOON
        elif isinstance(state, Directory):
            leaves, due = False, None  # every installation has one, and it is asked for again and again
        else:
            leaves = state.status in TERMINAL or state.parked()
            due = state.next_due() if leaves else None  # the sweep looks after what stays
        if leaves:
            self._hot.pop(loaded.log_id, None)
        if due is not None:
            self._shared.timing.watch(self.number, loaded.log_id, due)
        if wants_snapshot(loaded):
            loaded.since_snapshot = (0, 0)
            self._shared.snapshot(loaded.log_id)

    # What cannot be decided -------------------------------------------------------------------------

    async def _bury(self, item: Item, reason: str) -> None:
        """Keep a command that cannot be decided, and go on; a block's bad result is that block's error."""
        if isinstance(item, Message):
            await self._bury_command(item, reason)
        elif isinstance(item.message, BlockSays):
            _log.error("what a block said is not recorded", partition=self.number, reason=reason)
        elif isinstance(item.message, BLOCK_RESULTS) and not isinstance(item.message, BlockFailed):
            await self._alone(Internal(item.log_id, _failed(item.message, reason)))
        else:
            turn = Turn(Append(partition=self.number, epoch=self.epoch))
            await self._mark_broken(BrokenExecutionError(item.log_id, reason), turn)
            await self._shared.store.append(turn.append)

    async def _bury_command(self, item: Message, reason: str) -> None:
        dead: list[DeadCommand] = []
        works = list(self._read([item], dead))
        append = Append(partition=self.number, epoch=self.epoch, next_offset=item.offset + 1)
        append.rows += dead
        for work in works:
            if isinstance(work.message, Command):
                append.rows.append(
                    DeadCommand(
                        partition=self.number,
                        offset=item.offset,
                        command_id=work.message.command_id,
                        log_id=work.log_id,
                        reason=reason,
                        command=item.value,
                        died_at=self._shared.clock(),
                    )
                )
        await self._shared.store.append(append)
        tell_dead(append)
        self.next_offset = item.offset + 1
        for work in works:
            if isinstance(work.message, Command):
                answer = refused(
                    work.message, "INTERNAL_ERROR", "The command could not be decided; it was kept"
                )
                self._shared.outcomes.answer(work.message, answer)
                self.deliver(work.log_id, Tick())  # what else the execution was about goes on


def _committed(turn: Turn, log_id: UUID, event_id: int) -> bytes:
    """An event that the turn wrote; those of one log follow each other without a gap."""
    records = turn.touched[log_id].records
    return records[event_id - records[0].version].state


def _failed(result: BlockResult, reason: str) -> BlockFailed:
    return BlockFailed(
        instance=result.instance,
        attempt=result.attempt,
        input=None,
        error=f"The block's result cannot be recorded: {reason}",
        code="INTERNAL_ERROR",
        retryable=False,
    )
