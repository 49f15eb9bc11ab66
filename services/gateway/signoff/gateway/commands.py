"""Commands out: built from a request, made small enough, and sent to the log's partition."""

import hashlib
import time
from collections.abc import Callable
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from signoff.access.callers import Principal
from signoff.events import faults
from signoff.events.blobs import ENVELOPE_ALLOWANCE, BlobStore
from signoff.events.bus.base import Bus, Record
from signoff.events.codec import MAX_RECORD, encode, encode_json
from signoff.events.errors import BusUnavailableError
from signoff.events.ids import new_id
from signoff.events.times import iso
from signoff.events.topics import (
    COMMANDS,
    PARTITIONS,
    idempotent_command_id,
    partition_of,
    record_key,
    run_id_of,
)
from signoff.events.types import (
    CancelExecution,
    Command,
    CommandData,
    DeployWorkflow,
    Json,
    ResumeExecution,
    RetryExecution,
    StartExecution,
    UndeployWorkflow,
)
from signoff.gateway.errors import outcome_unknown
from signoff.gateway.http import timing
from signoff.gateway.overload.starts import Place
from signoff.gateway.waiting import Call, Waiting

GRACE: Final = 5.0
"""Seconds after ``notAfter`` within which an executor's answer may still come."""

_SMALL: Final = 256 * 1024
_BUDGET: Final = MAX_RECORD - ENVELOPE_ALLOWANCE
_DOLLAR: Final = b'"$'
_canonical: Final = msgspec.json.Encoder(order="sorted").encode


class Asked(Struct, frozen=True, kw_only=True):
    """What every command takes from its request.

    Attributes:
        principal: who asks.
        route: what is asked for; with the key it names the command.
        key: the ``Idempotency-Key``.
        digest: of the request, where there is a key.
        traceparent: W3C trace context.
        place: of a start, in the queue for an executor.
    """

    principal: Principal
    route: str
    key: str | None = None
    digest: str | None = None
    traceparent: str | None = None
    place: Place | None = None


def request_digest(route: str, body: Json) -> str:
    """Names a request by what it asks for, so that a key used for another one is noticed."""
    return f"sha256:{hashlib.sha256(_canonical([route, body])).hexdigest()}"


def command_id_of(log_id: UUID, route: str, key: str | None) -> UUID:
    """The id of a command: a new one, or with an ``Idempotency-Key`` the one that its retry has, too."""
    return new_id() if key is None else idempotent_command_id(log_id, route, key)


class Commands:
    """Sends commands, and waits for what becomes of them.

    Args:
        bus: takes commands.
        blobs: takes their large values.
        waiting: hears what became of them.
        timeout: seconds after which no executor takes a command up.
        clock: seconds since the epoch, UTC.
    """

    def __init__(
        self,
        bus: Bus,
        blobs: BlobStore,
        waiting: Waiting,
        *,
        timeout: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._bus = bus
        self._blobs = blobs
        self._waiting = waiting
        self._timeout = timeout
        self._clock = clock

    async def send(
        self,
        data: CommandData,
        asked: Asked,
        *,
        log_id: UUID,
        execution_id: str | None = None,
        after: int = 0,
        before: Callable[[str], int] | None = None,
    ) -> Call:
        """Send a command.

        Args:
            data: what is asked for.
            asked: by whom, and how its retry is known.
            log_id: the log that it is for.
            execution_id: as callers know it, where that is not the log's UUID.
            after: the last event of the log that is known: what the command leads to comes later, unless
                it has a key and was taken up long ago.
            before: tells that last event by the command's id, where it is known also for one with a key.

        Raises:
            ApiError: 503, with ``outcome: unknown`` when the command may be on its way; otherwise nothing was
                sent.
            BusFullError: nothing was sent.
            BusUnavailableError: nothing was sent.
        """
        command_id = command_id_of(log_id, asked.route, asked.key)
        now = self._clock()
        text = str(log_id)
        command = Command(
            command_id=str(command_id),
            type=data.TYPE,
            execution_id=execution_id or text,
            log_id=None if execution_id in (None, text) else text,
            issued_at=iso(now),
            not_after=iso(now + self._timeout),
            actor=asked.principal.actor,
            request_digest=asked.digest,
            traceparent=asked.traceparent,
            reply_to=self._waiting.reply_to(),
            data=data,
        )
        raw = await self._small_enough(command, asked.principal.workspace_id)
        begins_another = isinstance(data, (ResumeExecution, RetryExecution))
        run_id = str(run_id_of(log_id, command_id)) if begins_another else None
        partition = partition_of(log_id, PARTITIONS)
        if asked.place is not None:
            asked.place.send(partition)
        call = self._waiting.expect(
            command,
            log_id=log_id,
            run_id=run_id,
            after=before(str(command_id)) if before else after if asked.key is None else 0,
            within=self._timeout + GRACE,
            place=asked.place,
        )
        try:
            record = Record(record_key(log_id), raw)
            if faults.armed:
                await faults.reach("gateway.sending")
            with timing.waiting():
                await self._bus.send(COMMANDS, partition, record)
            if faults.armed:
                await faults.reach("gateway.sent")
        except BusUnavailableError as error:
            self._waiting.forget(call)
            raise outcome_unknown(command.execution_id) from error
        except BaseException:
            self._waiting.forget(call)
            raise
        return call

    async def _small_enough(self, command: Command, workspace_id: UUID) -> bytes:
        """The command's bytes, its large values moved to the object store."""
        raw = encode(command)
        if len(raw) <= _SMALL and _DOLLAR not in raw:
            return raw
        data = command.data
        match data:
            case StartExecution() | ResumeExecution():
                room = _BUDGET - (_stored_bytes(data) if isinstance(data, StartExecution) else 0)
                kept: CommandData = msgspec.structs.replace(
                    data, input=await self._blobs.offload(data.input, workspace_id=workspace_id, budget=room)
                )
            case DeployWorkflow():
                kept = msgspec.structs.replace(
                    data, definition=await self._blobs.offload(data.definition, workspace_id=workspace_id)
                )
            case CancelExecution() | RetryExecution() | UndeployWorkflow() | _:
                return raw
        return encode(msgspec.structs.replace(command, data=kept))


def _stored_bytes(data: StartExecution) -> int:
    """What a start takes from another execution; it is in stored form, and stays as it is."""
    return len(encode_json([data.outputs, data.variables]))
