"""What is under way: for each execution and hook a lane, in which its events are delivered in order.

A lane is made for events that were just read from the log, and delivers them from memory. When one fails, a
record says where the execution goes on, and the lane ends: what comes later waits behind the record, in the
log. When the record is due, a lane is made again, which reads on from there and settles the record at the
log's end.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, ParamSpec, TypeVar
from uuid import UUID

import structlog
from msgspec.structs import replace

from signoff.access.hooks import Dead, HookRecords, Pending, delivery_id, lane_key
from signoff.events.codec import decode_header
from signoff.events.errors import RecordConflictError, StoreError
from signoff.events.store.base import EventStore, Recorded
from signoff.executor.hooks.attempts import Attempt, Attempts
from signoff.executor.hooks.limits import Limits
from signoff.executor.hooks.metrics import HookMetrics
from signoff.executor.hooks.progress import Progress
from signoff.executor.ownership.fencing import fence

P = ParamSpec("P")
T = TypeVar("T")

_PAGE: Final = 20
_PAUSE: Final = 0.5
_DISABLED: Final = 600.0
"""Seconds until it is looked again whether a disabled hook is enabled."""

_log = structlog.get_logger("signoff.executor.hooks")


class Budget:
    """The bytes of the events that lanes hold."""

    def __init__(self) -> None:
        self.used = 0


class Lane:
    """One execution's events for one hook.

    Attributes:
        closed: it takes no more from the reader; what comes goes behind its record.
        claim: the record that it goes on from, with its version, while nobody else may take it.
    """

    def __init__(
        self, workspace_id: UUID, hook_id: str, log_id: UUID, progress: Progress, budget: Budget
    ) -> None:
        self.workspace_id = workspace_id
        self.hook_id = hook_id
        self.log_id = log_id
        self.progress = progress
        self.owed: deque[Recorded] = deque()
        self.closed = False
        self.claim: tuple[Pending, int] | None = None
        self._budget = budget

    @property
    def key(self) -> str:
        """Names it among the lanes."""
        return lane_key(self.hook_id, self.log_id)

    @property
    def place(self) -> tuple[UUID, str, UUID]:
        """Whose it is, as :class:`HookRecords` takes it."""
        return self.workspace_id, self.hook_id, self.log_id

    def add(self, recorded: Recorded) -> None:
        """Owe an event."""
        self.owed.append(recorded)
        self._budget.used += len(recorded.state)
        self.progress.open(recorded.position)

    def release(self, event_id: int | None = None) -> None:
        """Owe nothing up to an event, or nothing at all."""
        while self.owed and (event_id is None or self.owed[0].version <= event_id):
            recorded = self.owed.popleft()
            self._budget.used -= len(recorded.state)
            self.progress.close(recorded.position)


class Lanes:
    """The lanes of one executor, each with its task.

    Args:
        store: the log.
        kept: what hooks are owed.
        attempts: tries events.
        limits: how many lanes there may be, and when one goes on.
        held: whether the lease of a log's partition holds at this moment.
        metrics: counts dead letters.
        clock: seconds since the epoch, UTC.

    Attributes:
        fault: what no lane may end with, if one did.
    """

    def __init__(
        self,
        store: EventStore,
        kept: HookRecords,
        attempts: Attempts,
        limits: Limits,
        *,
        held: Callable[[UUID], bool],
        metrics: HookMetrics,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._held = held
        self._store = store
        self._kept = kept
        self._attempts = attempts
        self._metrics = metrics
        self._limits = limits
        self._clock = clock
        self._lanes: dict[str, Lane] = {}
        self._tasks: dict[asyncio.Task[None], Lane] = {}
        self._count: Counter[UUID | str] = Counter()
        self._budget = Budget()
        self.fault: BaseException | None = None

    def __len__(self) -> int:
        return len(self._lanes)

    def __contains__(self, key: str) -> bool:
        return key in self._lanes

    def room_for(self, workspace_id: UUID, hook_id: str) -> bool:
        """Whether a lane may be made for a workspace's hook."""
        return (
            len(self._lanes) < self._limits.lanes
            and self._count[workspace_id] < self._limits.lanes_per_workspace
            and self._count[hook_id] < self._limits.lanes_per_hook
        )

    async def hand_over(
        self, workspace_id: UUID, hook_id: str, recorded: Recorded, progress: Progress
    ) -> None:
        """Take an event from the reader: into its lane or, where there is no room, behind a record.

        Raises:
            StoreError: the database is away; the event was not taken.
        """
        lane = self._lanes.get(lane_key(hook_id, recorded.log_id))
        fits = self._budget.used < self._limits.events
        if lane is not None and not lane.closed and fits:
            lane.add(recorded)
        elif lane is None and fits and self.room_for(workspace_id, hook_id):
            lane = Lane(workspace_id, hook_id, recorded.log_id, progress, self._budget)
            lane.add(recorded)
            self._start(lane, partial(self._deliver, lane))
        else:
            if lane is not None:
                lane.closed = True
            await self._kept.owe(workspace_id, hook_id, recorded.log_id, self._pending(recorded.version))

    def take_up(
        self, place: tuple[UUID, str, UUID], progress: Progress, pending: Pending, version: int
    ) -> None:
        """Go on with an execution where its record, which is this owner's now, says.

        Args:
            place: workspace, hook and log.
            progress: of the log's partition.
            pending: what the record says.
            version: of the record.
        """
        lane = Lane(*place, progress, self._budget)
        lane.claim = pending, version
        self._start(lane, partial(self._go_on, lane, pending, version))

    async def drop(self, progress: Progress | None = None) -> None:
        """Stop the lanes of a partition, or all; what they had under way is its next owner's to repeat.

        Raises:
            StoreError: the database is away; some records are due only when their claim has run out.
        """
        dropped = {task: lane for task, lane in self._tasks.items() if progress in (None, lane.progress)}
        for task in dropped:
            task.cancel()
        await asyncio.gather(*dropped, return_exceptions=True)
        for lane in dropped.values():
            if lane.claim is not None:
                pending, version = lane.claim
                await self._keep(lane, replace(pending, due_at=self._clock()), version)

    # A lane's task ------------------------------------------------------------------------------------

    def _start(self, lane: Lane, work: Callable[[], Awaitable[None]]) -> None:
        self._lanes[lane.key] = lane
        self._count.update((lane.workspace_id, lane.hook_id))
        task = asyncio.create_task(self._run(lane, work), name=f"hook {lane.key}")
        self._tasks[task] = lane
        task.add_done_callback(self._ended)

    async def _run(self, lane: Lane, work: Callable[[], Awaitable[None]]) -> None:
        fence(partial(self._held, lane.log_id))
        await work()
        # In one step with the work's last look at what is owed: the reader adds nothing between.
        self._forget(lane)

    def _forget(self, lane: Lane) -> None:
        if self._lanes.get(lane.key) is lane:
            del self._lanes[lane.key]
            self._count.subtract((lane.workspace_id, lane.hook_id))

    def _ended(self, task: asyncio.Task[None]) -> None:
        lane = self._tasks.pop(task)
        self._forget(lane)
        if task.cancelled():
            lane.progress.given_up = True  # also when the lease ran out, and was taken again at once
            self._budget.used -= sum(len(recorded.state) for recorded in lane.owed)
        elif (error := task.exception()) is not None:
            self.fault = error

    async def _deliver(self, lane: Lane) -> None:
        """Deliver what the reader handed over, unless the execution was put aside before."""
        if await _insist(self._kept.pending, *lane.place) is not None:
            await self._put_aside(lane, self._pending(lane.owed[0].version))
            return
        while lane.owed:
            recorded = lane.owed[0]
            attempt = await self._try(lane, recorded)
            match attempt.state:
                case "failed" | "busy":
                    await self._put_aside(lane, self._failed(self._pending(recorded.version), attempt))
                    return
                case "refused":
                    await self._bury(lane, recorded, 1, attempt.error)
                case _:
                    pass  # delivered, or not for this hook, or the hook takes nothing
            lane.release(recorded.version)

    async def _go_on(self, lane: Lane, pending: Pending, version: int) -> None:
        """Deliver from the log, from where the record says to the log's end; then what came meanwhile."""
        while True:
            page = await _insist(self._store.read, lane.log_id, after=pending.next_event - 1, limit=_PAGE)
            if page:
                pending, ends = await self._page(lane, page, pending)
                pending, version = await self._save(lane, pending, version)
                lane.claim = None if ends else (pending, version)
                if ends:
                    lane.release()
                    return
            elif await _insist(self._kept.settle, *lane.place, expected=version):
                break
            elif there := await _insist(self._kept.pending, *lane.place):
                pending, version = there
            else:
                break
        lane.claim = None
        lane.release(pending.next_event - 1)
        if lane.owed:
            await self._deliver(lane)

    async def _page(self, lane: Lane, page: list[Recorded], pending: Pending) -> tuple[Pending, bool]:
        """Deliver events from the log; gives where the execution goes on, and whether it waits there."""
        for recorded in page:
            attempt = await self._try(lane, recorded, replayed=True)
            match attempt.state:
                case "busy":
                    return self._failed(pending, attempt), True
                case "disabled":
                    return replace(pending, due_at=self._clock() + _DISABLED), True
                case "failed" if not self._gives_up(pending):
                    return self._failed(pending, attempt), True
                case "failed" | "refused":
                    await self._bury(lane, recorded, pending.attempt + 1, attempt.error)
                    pending = replace(pending, next_event=recorded.version + 1)
                case _:
                    pending = self._pending(recorded.version + 1)
        return replace(pending, due_at=self._clock() + self._limits.claim), False

    async def _try(self, lane: Lane, recorded: Recorded, *, replayed: bool = False) -> Attempt:
        return await _insist(
            self._attempts.event, lane.workspace_id, lane.hook_id, recorded, replayed=replayed
        )

    # Records ------------------------------------------------------------------------------------------

    def _pending(self, next_event: int) -> Pending:
        return Pending(next_event=next_event, due_at=self._clock() + self._limits.first_wait)

    def _failed(self, pending: Pending, attempt: Attempt) -> Pending:
        now, count, since = self._clock(), pending.attempt + 1, pending.first_failed_at
        return Pending(
            next_event=pending.next_event,
            due_at=now + self._limits.wait(count, asked=attempt.retry_after),
            attempt=count,
            last_error=attempt.error,
            # That nobody could try is no failure of the receiver.
            first_failed_at=now if since is None and attempt.state == "failed" else since,
        )

    def _gives_up(self, pending: Pending) -> bool:
        since = pending.first_failed_at
        return since is not None and self._clock() - since >= self._limits.give_up

    async def _put_aside(self, lane: Lane, pending: Pending) -> None:
        """Write where the execution goes on, as the last thing that the lane does.

        What the reader adds meanwhile is behind the record only if that is written after it was added:
        somebody who read the log before may be about to settle the record.
        """
        while True:
            count = len(lane.owed)
            await _insist(self._kept.owe, *lane.place, pending)
            if len(lane.owed) == count:
                lane.release()
                return

    async def _save(self, lane: Lane, pending: Pending, version: int) -> tuple[Pending, int]:
        """Write how far the execution has come; where a replay wants it to go back, it goes back."""
        while True:
            count = len(lane.owed)
            written = await _insist(self._keep, lane, pending, version)
            if written is not None:
                version = written
                if len(lane.owed) == count:
                    return pending, version
                continue
            there = await _insist(self._kept.pending, *lane.place)
            version = 0 if there is None else there[1]
            if there is not None and there[0].next_event < pending.next_event:
                pending = replace(pending, next_event=there[0].next_event)

    async def _keep(self, lane: Lane, pending: Pending, expected: int) -> int | None:
        """Write a record in place of a version of it; ``None`` when another one is there."""
        try:
            return await self._kept.keep_pending(*lane.place, pending, expected=expected)
        except RecordConflictError:
            return None

    async def _bury(self, lane: Lane, recorded: Recorded, attempts: int, error: str) -> None:
        now = self._clock()
        dead = Dead(type=decode_header(recorded.state).type, attempts=attempts, last_error=error, died_at=now)
        delivery = delivery_id(lane.hook_id, lane.log_id, recorded.version)
        _log.warning("a delivery is given up", delivery=delivery, reason=error)
        await _insist(self._kept.bury, lane.workspace_id, delivery, dead)
        self._metrics.dead.inc()


async def _insist(ask: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
    """Ask the database until it answers: nothing counts as delivered, or as put aside, before it says so."""
    while True:
        try:
            return await ask(*args, **kwargs)
        except StoreError as error:
            _log.warning("deliveries wait for the database", reason=str(error))
            await asyncio.sleep(_PAUSE)
