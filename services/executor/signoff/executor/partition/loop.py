"""The loop around the engine: one task per owned partition.

For each message in turn: decide, and fold at once, so that the next message sees it. Then the whole
batch is appended; answers and effects come only after the commit. If the append fails, or its
outcome is unknown, the states it touched are forgotten and the messages decided again.
"""

import asyncio
import math
import time
from collections.abc import Iterator, Sequence
from typing import Final
from uuid import UUID

import structlog

from signoff.audit.accesses.log import AccessLog
from signoff.engine.deciding.commands import refused
from signoff.engine.deciding.workflow import WorkflowState
from signoff.engine.messages import (
    BLOCK_RESULTS,
    BlockFailed,
    BlockResult,
    BlockSays,
    Input,
    Tick,
)
from signoff.engine.state import State
from signoff.events import faults
from signoff.events.bus.base import Message
from signoff.events.errors import (
    AppendUnknownError,
    BlobError,
    BlobNotFoundError,
    LeaseLostError,
    StoreUnavailableError,
    VersionConflictError,
)
from signoff.events.store.base import Append, DeadCommand, Lease
from signoff.events.times import recordable
from signoff.events.types import (
    Command,
)
from signoff.executor.forks.forking import with_past
from signoff.executor.logs.loaded import shrink
from signoff.executor.logs.loader import BrokenExecutionError
from signoff.executor.partition.accesses import AccessLogs
from signoff.executor.partition.early import with_makers
from signoff.executor.partition.inbox import Inbox, Internal, Item
from signoff.executor.partition.memory import Memory
from signoff.executor.partition.pending import Pending
from signoff.executor.partition.performing import Performer
from signoff.executor.partition.scheduled import prepare_schedules
from signoff.executor.partition.shared import Shared
from signoff.executor.partition.turn import (
    Turn,
    Work,
    add_rows,
    add_step,
    dead_command,
    log_of,
    read_items,
    results_of,
    tell_dead,
)

BATCH: Final = 200
"""Messages that one append may hold."""

_PAUSE: Final = 0.2
_LOAD: Final = 500

_log = structlog.get_logger("signoff.executor.partition")


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
        self._pending = Pending()
        self._memory = Memory(shared, self._pending)
        hot = self._memory.hot
        self._access_logs = AccessLogs(lease, hot, shared.loader, addresses=shared.addresses)
        self._performer = Performer(
            self, shared, number=self.number, pending=self._pending, hot=hot, access_logs=self._access_logs
        )
        self._closed = False
        self._begins_until = math.inf

    def __len__(self) -> int:
        return len(self._memory.hot)

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
        for log_id, loaded in self._memory.hot.items():
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
        self._memory.doubtful = True
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
                self._memory.doubtful = False
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
            self._memory.forget({*(work.log_id for work in works), *turn.involved})
            if isinstance(error, AppendUnknownError):
                self._pending.doubted(turn.effects)
            raise
        self._pending.settled(work.log_id for work in works)

    def _read(self, items: Sequence[Item], dead: list[DeadCommand]) -> Iterator[Work]:
        return read_items(items, dead, self._shared.clock(), self._shared.partitions)

    async def _decide_all(self, works: Sequence[Work], turn: Turn) -> None:
        for work in [*await self._memory.load(works, turn), *works]:
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

    async def _decide(self, work: Work, turn: Turn) -> None:
        loaded = self._memory.hot.get(work.log_id)
        if loaded is None:
            loaded = await self._memory.begin(work, turn)
            if loaded is None:
                return
        now = max(recordable(self._shared.clock()), loaded.state.time)
        try:
            message = with_makers(work.message, loaded, self._shared.directory.state, now)
            message = await with_past(message, loaded, self._shared.store)
            step = loaded.step(results_of(loaded, message, now), now)
        except StoreUnavailableError:
            raise  # what it needs cannot be read now: that is no fault of the message
        except Exception as error:
            raise DecisionError(f"{type(error).__name__}: {error}") from error
        if step.oversized:
            await shrink(loaded, step, self._shared.blobs)
        if isinstance(loaded.state, WorkflowState):
            await prepare_schedules(loaded.state, self._shared.store, self._shared.blobs)
            loaded.due = loaded.state.next_due(now)
        add_step(turn, loaded, work.message, step)
        await self._access_logs.record(turn, loaded, work, step, now)
        if isinstance(loaded.state, AccessLog):
            await asyncio.sleep(0)  # a busy day's batches keep nobody else waiting

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
                self._performer.expect_end(loaded, loaded.state, command, outcome)
        for loaded, effect in turn.effects:
            self._performer.perform(turn, loaded, effect)
        for loaded in turn.involved.values():
            self._performer.keep_or_drop(loaded)

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
            await self._memory.mark_broken(BrokenExecutionError(item.log_id, reason), turn)
            await self._shared.store.append(turn.append)

    async def _bury_command(self, item: Message, reason: str) -> None:
        dead: list[DeadCommand] = []
        works = list(self._read([item], dead))
        append = Append(partition=self.number, epoch=self.epoch, next_offset=item.offset + 1)
        append.rows += dead
        for work in works:
            if isinstance(work.message, Command):
                append.rows.append(dead_command(item, reason, self._shared.clock(), work))
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


def _failed(result: BlockResult, reason: str) -> BlockFailed:
    return BlockFailed(
        instance=result.instance,
        attempt=result.attempt,
        input=None,
        error=f"The block's result cannot be recorded: {reason}",
        code="INTERNAL_ERROR",
        retryable=False,
    )
