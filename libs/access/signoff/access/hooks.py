"""Outgoing webhooks as they are kept beside the log: where they lead, what signs them, what they are owed.

Which events a hook is told of stands in the directory. What it is owed follows from the log: a record says
only where an execution goes on whose delivery failed, or which event was given up.
"""

import base64
import secrets
from collections.abc import Sequence
from typing import Final, Literal
from uuid import UUID

import msgspec
from msgspec import Struct

from signoff.access.secrets.sealing import Sealer
from signoff.events.errors import RecordConflictError
from signoff.events.records import Kept, Records
from signoff.events.types import (
    ACCESS_FACTS,
    DIRECTORY_FACTS,
    EVENT_TYPES,
    ExecutionCancelled,
    ExecutionCompleted,
    ExecutionError,
    ExecutionForked,
    ExecutionPaused,
    ExecutionReopened,
    ExecutionResumed,
    ExecutionStarted,
    PauseClosed,
    PauseOpened,
)

TARGET: Final = "hook"
PENDING: Final = "delivery"
DEAD: Final = "dead-delivery"
TRIAL: Final = "hook-trial"

MAIN_TYPES: Final = tuple(
    kind.TYPE
    for kind in (
        ExecutionStarted,
        ExecutionPaused,
        ExecutionResumed,
        ExecutionCompleted,
        ExecutionError,
        ExecutionCancelled,
        ExecutionReopened,
        ExecutionForked,
        PauseOpened,
        PauseClosed,
    )
)
"""What a hook is told of that names no types."""

HOOK_TYPES: Final = frozenset(
    name
    for name, kind in EVENT_TYPES.items()
    if kind not in (*DIRECTORY_FACTS, *ACCESS_FACTS) and not name.startswith(("workflow:", "schedule:"))
)
"""What a hook may be told of: everything that stands in an execution's log."""

ROTATION: Final = 24 * 3600.0
"""Seconds for which the secret before signs, too."""

DEAD_KEPT: Final = 30 * 24 * 3600.0
"""Seconds after which a dead letter is gone."""

_SECRET_BYTES: Final = 32
_SECRETS: Final = 5
_TRIAL_KEPT: Final = 60.0
_TRIES: Final = 10
_encode: Final = msgspec.json.Encoder().encode


class Secret(Struct, frozen=True, omit_defaults=True):
    """A secret that signs, ``whsec_`` and base64; until a moment (seconds since the epoch), if one is set."""

    key: str
    until: float | None = None


class Target(Struct, frozen=True, kw_only=True, rename="camel"):
    """Where a hook leads and what signs it, the newest secret first.

    ``created_at``: the hook's, in seconds since the epoch; what happened long before is not for it.
    ``rotated_by``: the ``Idempotency-Key`` of the request that made the newest secret.
    """

    url: str
    secrets: list[Secret]
    created_at: float
    rotated_by: str | None = None

    def signing(self, now: float) -> list[str]:
        """The secrets that sign at a moment (seconds since the epoch)."""
        return [each.key for each in self.secrets if each.until is None or now < each.until]

    def rotated(self, now: float, *, by: str | None = None) -> "Target":
        """The same with a new secret; the one before signs for `ROTATION` seconds more.

        Those before that go on to sign, too: nobody knows whether the new secret of an earlier rotation
        reached whoever asked for it. Of many in a day the last ones are kept.
        """
        before = Secret(self.secrets[0].key, now + ROTATION)
        older = [each for each in self.secrets[1:] if each.until is not None and now < each.until]
        known = [Secret(new_secret()), before, *older][:_SECRETS]
        return msgspec.structs.replace(self, secrets=known, rotated_by=by)


class Pending(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Where an execution goes on for a hook.

    Attributes:
        next_event: the first event that may not have been delivered.
        due_at: when it is tried next, seconds since the epoch.
        attempt: how often it failed.
        last_error: how.
        first_failed_at: since when nothing was delivered, seconds since the epoch.
    """

    next_event: int
    due_at: float
    attempt: int = 0
    last_error: str | None = None
    first_failed_at: float | None = None


class Dead(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """An event that was given up. ``died_at``: seconds since the epoch."""

    type: str
    attempts: int
    last_error: str
    died_at: float


class TrialAnswer(Struct, frozen=True, kw_only=True, rename="camel"):
    """What a receiver made of a test. ``status`` is that of HTTP, ``None`` without an answer."""

    delivered: bool
    status: int | None
    duration_ms: float
    error: str | None


class Trial(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A test that a gateway asks the executors for, and what came of it."""

    state: Literal["asked", "answered"] = "asked"
    answer: TrialAnswer | None = None


_targets: Final = msgspec.json.Decoder(Target)
_pendings: Final = msgspec.json.Decoder(Pending)
_deads: Final = msgspec.json.Decoder(Dead)
_trials: Final = msgspec.json.Decoder(Trial)


def new_secret() -> str:
    """A secret as Standard Webhooks writes it: ``whsec_`` and the base64 of 32 random bytes."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def lane_key(hook_id: str, log_id: UUID) -> str:
    """The key of what a hook is owed of one execution."""
    return f"{hook_id}/{log_id}"


def lane_of(key: str) -> tuple[str, UUID]:
    """Hook and log of a key that begins with both.

    Raises:
        ValueError: it does not.
    """
    hook_id, log_id, *_ = key.split("/")
    return hook_id, UUID(log_id)


def delivery_id(hook_id: str, log_id: UUID, event_id: int) -> str:
    """What names one delivery: its ``webhook-id``, and the key of its dead letter."""
    return f"{lane_key(hook_id, log_id)}/{event_id}"


class HookRecords:
    """What is kept of hooks.

    Every method raises :class:`~signoff.events.errors.StoreUnavailableError` when the database is away.

    Args:
        records: of the log's database.
        sealer: of this server, for URLs and secrets.
    """

    def __init__(self, records: Records, sealer: Sealer) -> None:
        self.records = records
        self._sealer = sealer

    # Where hooks lead ---------------------------------------------------------------------------------

    async def target(self, workspace_id: UUID, hook_id: str) -> tuple[Target, int] | None:
        """Where a hook leads, with the record's version; ``None`` where there is none.

        Raises:
            SealError: it was sealed under another secret key.
        """
        kept = await self.records.get(TARGET, workspace_id, hook_id)
        if kept is None:
            return None
        plain = self._sealer.open(kept.value, context=target_context(workspace_id, hook_id))
        return _targets.decode(plain), kept.version

    async def keep_target(self, workspace_id: UUID, hook_id: str, target: Target, *, expected: int) -> None:
        """Keep where a hook leads, in place of the record's ``expected`` version, 0 for none.

        Raises:
            RecordConflictError: somebody else has written it.
        """
        sealed = self._sealer.seal(_encode(target), context=target_context(workspace_id, hook_id))
        await self.records.put(TARGET, workspace_id, hook_id, sealed, expected=expected)

    async def drop_target(self, workspace_id: UUID, hook_id: str) -> None:
        """Forget where a hook leads."""
        await self.records.remove(TARGET, workspace_id, hook_id)

    # What they are owed -------------------------------------------------------------------------------

    async def pending(self, workspace_id: UUID, hook_id: str, log_id: UUID) -> tuple[Pending, int] | None:
        """Where an execution goes on for a hook, with the record's version."""
        kept = await self.records.get(PENDING, workspace_id, lane_key(hook_id, log_id))
        return None if kept is None else (read_pending(kept), kept.version)

    async def keep_pending(
        self, workspace_id: UUID, hook_id: str, log_id: UUID, pending: Pending, *, expected: int
    ) -> int:
        """Keep where an execution goes on in place of the record's ``expected`` version; gives the new one.

        Raises:
            RecordConflictError: somebody else has written it.
        """
        return await self.records.put(
            PENDING,
            workspace_id,
            lane_key(hook_id, log_id),
            _encode(pending),
            expected=expected,
            due_at=pending.due_at,
        )

    async def settle(self, workspace_id: UUID, hook_id: str, log_id: UUID, *, expected: int) -> bool:
        """Forget where an execution goes on: everything was delivered; false if somebody has written it."""
        return await self.records.remove(PENDING, workspace_id, lane_key(hook_id, log_id), expected=expected)

    async def owe(self, workspace_id: UUID, hook_id: str, log_id: UUID, pending: Pending) -> bool:
        """Let an execution go on at an event, or where it does already, if that is before.

        A record that is there gets a new version, so that nobody settles it who read the log before.

        Returns:
            Whether it goes on as given, and not where it did already.

        Raises:
            RecordConflictError: others keep writing it.
        """
        for _ in range(_TRIES):
            there = await self.pending(workspace_id, hook_id, log_id)
            keep, version = pending, 0
            if there is not None:
                keep, version = min(there[0], pending, key=lambda each: each.next_event), there[1]
            try:
                await self.keep_pending(workspace_id, hook_id, log_id, keep, expected=version)
            except RecordConflictError:
                continue
            return keep is pending
        raise RecordConflictError(PENDING, 0)

    async def claim(self, kind: str, workspace_id: UUID, kept: Kept, *, until: float) -> int:
        """Keep a record as it is, due at a later moment, so that nobody else takes it; gives its version.

        Raises:
            RecordConflictError: somebody else has taken it.
        """
        return await self.records.put(
            kind,
            workspace_id,
            kept.key,
            kept.value,
            expected=kept.version,
            expires_at=kept.expires_at,
            due_at=until,
        )

    # Dead letters -------------------------------------------------------------------------------------

    async def bury(
        self, workspace_id: UUID, delivery: str, dead: Dead, *, expected: int | None = None
    ) -> None:
        """Keep a dead letter for `DEAD_KEPT` seconds, in place of one, or of its ``expected`` version.

        Raises:
            RecordConflictError: that is not there any more.
        """
        await self.records.put(
            DEAD,
            workspace_id,
            delivery,
            _encode(dead),
            expected=expected,
            expires_at=dead.died_at + DEAD_KEPT,
        )

    async def dig_up(self, workspace_id: UUID, delivery: str, *, now: float) -> bool:
        """Let the executors try a dead letter once more; false if there is none."""
        kept = await self.records.get(DEAD, workspace_id, delivery)
        if kept is None:
            return False
        await self.claim(DEAD, workspace_id, kept, until=now)
        return True

    async def of_hook(
        self, kind: str, workspace_id: UUID, hook_id: str, *, after: str, limit: int
    ) -> Sequence[Kept]:
        """Records of a hook, of the kind `PENDING` or `DEAD`, by key from the one after ``after``."""
        prefix = f"{hook_id}/"
        page = await self.records.list(kind, workspace_id, after=max(after, prefix), limit=limit)
        return [kept for kept in page if kept.key.startswith(prefix)]

    # Tests --------------------------------------------------------------------------------------------

    async def ask_trial(self, workspace_id: UUID, key: str, *, now: float) -> None:
        """Ask the executors to send a test."""
        await self.records.put(
            TRIAL, workspace_id, key, _encode(Trial()), expected=0, due_at=now, expires_at=now + _TRIAL_KEPT
        )

    async def answer_trial(self, workspace_id: UUID, key: str, answer: TrialAnswer, *, now: float) -> None:
        """Tell the gateway that asked."""
        value = _encode(Trial(state="answered", answer=answer))
        await self.records.put(TRIAL, workspace_id, key, value, expires_at=now + _TRIAL_KEPT)

    async def trial(self, workspace_id: UUID, key: str) -> TrialAnswer | None:
        """What came of a test; ``None`` while nothing did."""
        kept = await self.records.get(TRIAL, workspace_id, key)
        return None if kept is None else _trials.decode(kept.value).answer


def read_pending(kept: Kept) -> Pending:
    """Where an execution goes on, from a record of the kind `PENDING`."""
    return _pendings.decode(kept.value)


def read_dead(kept: Kept) -> Dead:
    """A dead letter, from a record of the kind `DEAD`."""
    return _deads.decode(kept.value)


def target_context(workspace_id: UUID, hook_id: str) -> str:
    """What the record of the kind `TARGET` is sealed for."""
    return f"hook/{workspace_id}/{hook_id}"
