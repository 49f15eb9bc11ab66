"""One event for one hook: whether it is for it, and what came of sending it."""

import time
from collections.abc import Callable
from typing import Final, Literal
from uuid import UUID

import structlog
from msgspec import Struct

from signoff.access.errors import SealError
from signoff.access.hooks import Target, delivery_id
from signoff.events.codec import decode_header
from signoff.events.errors import CodecError
from signoff.events.store.base import Recorded
from signoff.events.times import from_iso
from signoff.executor.hooks.metrics import HookMetrics
from signoff.executor.hooks.sending import Answer, Sender
from signoff.executor.hooks.slots import NoSlotError, Slots
from signoff.executor.hooks.subscriptions import Subscription, Subscriptions
from signoff.executor.hooks.targets import Targets

_SKEW: Final = 60.0
"""Seconds that the clocks of gateways and executors may differ."""

_log = structlog.get_logger("signoff.executor.hooks")


class Attempt(Struct, frozen=True, kw_only=True):
    """What came of an attempt.

    Attributes:
        state: ``done`` (delivered, or not for the hook), ``failed``, ``refused`` (no further attempt is
            wanted), ``busy`` (nothing was sent, for want of a place), ``disabled`` or ``removed`` (the hook).
        error: how it failed.
        retry_after: seconds that the receiver asked to be left alone.
    """

    state: Literal["done", "failed", "refused", "busy", "disabled", "removed"]
    error: str = ""
    retry_after: float = 0.0


_DONE: Final = Attempt(state="done")


class Attempts:
    """Tries to deliver events.

    Args:
        subscriptions: the hooks that there are.
        targets: where they lead.
        slots: places for requests.
        sender: sends.
        metrics: counts what came of it.
        clock: seconds since the epoch, UTC.
    """

    def __init__(
        self,
        subscriptions: Subscriptions,
        targets: Targets,
        slots: Slots,
        sender: Sender,
        *,
        metrics: HookMetrics,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._subscriptions = subscriptions
        self._targets = targets
        self._slots = slots
        self._sender = sender
        self._metrics = metrics
        self._clock = clock

    async def event(
        self, workspace_id: UUID, hook_id: str, recorded: Recorded, *, replayed: bool = False
    ) -> Attempt:
        """Try an event once.

        Args:
            workspace_id: of the hook.
            hook_id: of the workspace.
            recorded: the event as the log holds it.
            replayed: it was asked for: how old it is does not matter.

        Raises:
            StoreUnavailableError: the database is away.
        """
        subscription = self._subscriptions.find(workspace_id, hook_id)
        if subscription is None:
            return Attempt(state="removed")
        if not subscription.enabled:
            return Attempt(state="disabled")
        target = await self.target(subscription)
        if isinstance(target, Attempt):
            return target
        since = 0.0 if replayed else target.created_at - _SKEW
        if not _is_for(subscription, recorded, since):
            return _DONE
        delivery = delivery_id(hook_id, recorded.log_id, recorded.version)
        try:
            return _attempt(await self.send(subscription, target, delivery, recorded.state))
        except NoSlotError as error:
            return Attempt(state="busy", error=str(error))

    async def target(self, subscription: Subscription) -> Target | Attempt:
        """Where a hook leads, or what is the matter with it."""
        try:
            target = await self._targets.of(subscription)
        except SealError as error:
            _log.error("a hook cannot be used", hook=subscription.hook_id, reason=str(error))
            return Attempt(state="failed", error=str(error))
        return Attempt(state="removed") if target is None else target

    async def send(self, subscription: Subscription, target: Target, delivery: str, body: bytes) -> Answer:
        """Send once, when a place is free.

        Raises:
            NoSlotError: none was free in time; nothing was sent.
        """
        async with self._slots.taken(subscription.workspace_id, subscription.hook_id):
            answer = await self._sender.send(target, delivery, body)
        self._metrics.sent(answer)
        return answer


def _is_for(subscription: Subscription, recorded: Recorded, since: float) -> bool:
    """Whether a hook is told of an event, if it happened since a moment (seconds since the epoch)."""
    try:
        header = decode_header(recorded.state)
        happened_at = from_iso(header.timestamp)
    except CodecError as error:
        _log.error("no event in the log", log=str(recorded.log_id), version=recorded.version, exc_info=error)
        return False
    if header.copy_of is not None:  # hooks were told of it where it happened
        return False
    return happened_at >= since and subscription.wants(recorded.topic, header.workflow_id)


def _attempt(answer: Answer) -> Attempt:
    if answer.error is None:
        return _DONE
    return Attempt(
        state="refused" if answer.gone else "failed", error=answer.error, retry_after=answer.retry_after
    )
