"""What has come due: executions that were put aside, dead letters to try once more, tests."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Final
from uuid import UUID

import msgspec
import structlog
from msgspec.structs import replace

from signoff.access.hooks import (
    DEAD,
    PENDING,
    TRIAL,
    Dead,
    HookRecords,
    Pending,
    TrialAnswer,
    lane_of,
    read_dead,
    read_pending,
)
from signoff.events.errors import RecordConflictError, StoreError
from signoff.events.records import Kept
from signoff.events.store.base import EventStore
from signoff.events.times import iso
from signoff.events.topics import partition_of
from signoff.executor.hooks.attempts import Attempt, Attempts
from signoff.executor.hooks.lanes import Lanes
from signoff.executor.hooks.limits import Limits
from signoff.executor.hooks.metrics import HookMetrics
from signoff.executor.hooks.progress import Progress
from signoff.executor.hooks.sending import Answer
from signoff.executor.hooks.slots import NoSlotError
from signoff.executor.hooks.subscriptions import Subscriptions

_AT_ONCE: Final = 16
"""Tests, and dead letters, that are sent at once."""

_WIDEST: Final = 64
"""Pages that are looked through for what is for this process."""

_UNKNOWN: Final = 1.0
"""Seconds after which the test of a hook is taken up again that is not known here yet."""

_log = structlog.get_logger("signoff.executor.hooks")


class Due:
    """Takes up what has come due.

    Args:
        store: the log.
        kept: the records.
        subscriptions: the hooks that there are.
        attempts: tries events.
        lanes: where executions go on.
        metrics: shows how much is due.
        partitions: how many there are in all.
        limits: how much is taken at once.
        clock: seconds since the epoch, UTC.

    Attributes:
        fault: what no task may end with, if one did.
    """

    def __init__(
        self,
        store: EventStore,
        kept: HookRecords,
        subscriptions: Subscriptions,
        attempts: Attempts,
        lanes: Lanes,
        *,
        metrics: HookMetrics,
        partitions: int,
        limits: Limits,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._kept = kept
        self._subscriptions = subscriptions
        self._attempts = attempts
        self._lanes = lanes
        self._metrics = metrics
        self._partitions = partitions
        self._limits = limits
        self._clock = clock
        self._pages = 1
        self._errands: dict[str, set[asyncio.Task[None]]] = {TRIAL: set(), DEAD: set()}
        self.fault: BaseException | None = None

    async def take(self, owned: Mapping[int, Progress]) -> bool:
        """Take up what has come due by now.

        Args:
            owned: the partitions whose executions are for this process; the others are left alone.

        Returns:
            Whether there may be more at once.

        Raises:
            StoreError: the database is away.
        """
        await self._run_errands()
        limit = self._pages * self._limits.page
        page = await self._kept.records.due(PENDING, before=self._clock(), limit=limit)
        taken = 0
        for workspace_id, kept in page:
            hook_id, log_id = lane_of(kept.key)
            progress = owned.get(partition_of(log_id, self._partitions))
            if progress is not None and kept.key not in self._lanes:
                await self._take(workspace_id, hook_id, log_id, kept, progress)
                taken += 1
        self._metrics.due.set(taken)
        full = len(page) == limit
        # Where others do not come for what is theirs, what is for this process is due behind it.
        self._pages = min(2 * self._pages, _WIDEST) if full and not taken else 1
        return full and (taken > 0 or limit < self._pages * self._limits.page)

    async def _take(
        self, workspace_id: UUID, hook_id: str, log_id: UUID, kept: Kept, progress: Progress
    ) -> None:
        if self._subscriptions.find(workspace_id, hook_id) is None:
            await self._kept.records.remove(PENDING, workspace_id, kept.key, expected=kept.version)
            return
        pending = read_pending(kept)
        room = self._lanes.room_for(workspace_id, hook_id)
        pending = (
            replace(pending, due_at=self._clock() + self._limits.claim) if room else self._later(pending)
        )
        try:
            version = await self._kept.keep_pending(
                workspace_id, hook_id, log_id, pending, expected=kept.version
            )
        except RecordConflictError:
            return  # its lane of an owner before, or a replay, was quicker: it is due again soon
        if room and kept.key not in self._lanes:
            self._lanes.take_up((workspace_id, hook_id, log_id), progress, pending, version)

    def _later(self, pending: Pending) -> Pending:
        """Without a request: the more often, the longer, so that few records of a slow hook are due."""
        count = pending.attempt + 1
        return replace(pending, attempt=count, due_at=self._clock() + self._limits.wait(count))

    # Dead letters and tests: any executor's -----------------------------------------------------------

    async def _run_errands(self) -> None:
        for kind, errand in ((TRIAL, self._try_hook), (DEAD, self._try_again)):
            room = _AT_ONCE - len(self._errands[kind])
            now = self._clock()
            page = await self._kept.records.due(kind, before=now, limit=room) if room > 0 else []
            for workspace_id, kept in page:
                try:
                    version = await self._kept.claim(kind, workspace_id, kept, until=now + self._limits.claim)
                except RecordConflictError:
                    continue  # another executor's
                self._start(kind, errand(workspace_id, replace(kept, version=version)))

    def _start(self, kind: str, errand: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(errand, name=kind)
        self._errands[kind].add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._errands[task.get_name()].discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, RecordConflictError):
            pass  # it was removed, or asked for again, meanwhile
        elif isinstance(error, StoreError):
            _log.warning("a test or a dead letter waits for the database", reason=str(error))
        elif error is not None:
            self.fault = error

    async def _try_again(self, workspace_id: UUID, kept: Kept) -> None:
        hook_id, log_id = lane_of(kept.key)
        event_id = int(kept.key.rpartition("/")[2])
        page = await self._store.read(log_id, after=event_id - 1, limit=1)
        attempt = Attempt(state="removed")
        if page:
            attempt = await self._attempts.event(workspace_id, hook_id, page[0], replayed=True)
        if attempt.state in {"done", "removed"}:
            await self._kept.records.remove(DEAD, workspace_id, kept.key, expected=kept.version)
            return
        if attempt.state == "busy":
            return  # nothing was sent: it comes again when the claim has run out
        before = read_dead(kept)
        again = Dead(
            type=before.type,
            attempts=before.attempts + 1,
            last_error=attempt.error or "the hook is disabled",
            died_at=self._clock(),
        )
        await self._kept.bury(workspace_id, kept.key, again, expected=kept.version)

    async def _try_hook(self, workspace_id: UUID, kept: Kept) -> None:
        hook_id = kept.key.partition("/")[0]
        subscription = self._subscriptions.find(workspace_id, hook_id)
        if subscription is None:  # removed, and the test runs out; or not known here yet
            await self._kept.claim(TRIAL, workspace_id, kept, until=self._clock() + _UNKNOWN)
            return
        target = await self._attempts.target(subscription)
        if isinstance(target, Attempt):
            answer = Answer(error=target.error or "the hook was removed")
        else:
            body = _trial_body(workspace_id, hook_id, self._clock())
            try:
                answer = await self._attempts.send(subscription, target, kept.key, body)
            except NoSlotError as error:
                answer = Answer(error=str(error))
        await self._kept.answer_trial(workspace_id, kept.key, _told(answer), now=self._clock())

    async def close(self) -> None:
        """Stop what is under way; it is due again, for whoever is there then."""
        under_way = [task for tasks in self._errands.values() for task in tasks]
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


def _trial_body(workspace_id: UUID, hook_id: str, now: float) -> bytes:
    data = {"workspaceId": str(workspace_id), "hookId": hook_id}
    return msgspec.json.encode({"type": "hook:test", "timestamp": iso(now), "data": data})


def _told(answer: Answer) -> TrialAnswer:
    return TrialAnswer(
        delivered=answer.error is None,
        status=answer.status,
        duration_ms=round(answer.seconds * 1000, 3),
        error=answer.error,
    )
