"""Several decisions at once, each judged and recorded as if it had come alone."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Final, Literal

import msgspec
import structlog
from aiohttp import web
from msgspec import UNSET, Meta, Struct, UnsetType

from signoff.access.callers import Principal
from signoff.engine.points.decisions import PAGES
from signoff.events.errors import BlobError, BusError, BusFullError, StoreError
from signoff.events.types import Actor, Json, Verdict
from signoff.gateway.errors import ApiError, Detail, GatewayError, unavailable
from signoff.gateway.executions.deciding import Asking, Decided, decide
from signoff.gateway.gateway import GATEWAY, find_execution
from signoff.gateway.http.headers import IdempotencyKey, idempotency_key
from signoff.gateway.inbox.people import Person

MOST: Final = 100
"""Decisions in one request."""

AT_ONCE: Final = 32
"""Of these, so many under way: enough that executors and log take them in groups."""

_UNKNOWN: Final = "Paused execution not found or already resumed"
_log = structlog.get_logger("signoff.gateway")


class OneDecision(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A decision on one pause point.

    Attributes:
        execution_id: Of the execution.
        context_id: Of the pause point.
        input: The submission, or `{submission}` with it.
        content_digest: Of what its maker saw; required from pages.
        idempotency_key: A retry with it gets the first result; without it the request's own counts.
    """

    execution_id: Annotated[str, Meta(min_length=1, max_length=200)]
    context_id: Annotated[str, Meta(min_length=1, max_length=1000)]
    input: Json = None
    content_digest: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    idempotency_key: IdempotencyKey | None = None


class DecisionResult(Struct, frozen=True, kw_only=True, rename="camel"):
    """What became of one decision. What it did not lead to is left out.

    Attributes:
        status: `started`: a run began. `queued`: it begins after others. `recorded`: it counts among several.
            `refused`: nothing changed.
        http_status: 200, or what the decision alone would have been refused with.
        event_id: The event that records it; of a refusal, the one that was first.
        run_id: Of the run that it begins.
        error: Why it was refused.
        code: The same for programs, where one status has several reasons.
        outcome: Nobody can say yet what became of it: send it again with its key.
        details: What does not fit the form.
        resumed_by: Who was first.
        claimed_by: Who keeps the point to themselves.
        content_digest: Of what the point shows now, where its maker saw something else.
    """

    execution_id: str
    context_id: str
    status: Literal["started", "queued", "recorded", "refused"]
    http_status: int
    event_id: int | UnsetType = UNSET
    run_id: str | UnsetType = UNSET
    queue_position: int | UnsetType = UNSET
    verdict: Verdict | UnsetType = UNSET
    approvals: int | UnsetType = UNSET
    rejections: int | UnsetType = UNSET
    required: int | UnsetType = UNSET
    error: str | UnsetType = UNSET
    code: str | UnsetType = UNSET
    outcome: Literal["unknown"] | UnsetType = UNSET
    details: list[Detail] | UnsetType = UNSET
    resumed_by: Actor | UnsetType = UNSET
    resumed_at: str | UnsetType = UNSET
    claimed_by: Person | UnsetType = UNSET
    content_digest: str | UnsetType = UNSET


_NAMES: Final = frozenset(DecisionResult.__struct_encode_fields__)


async def decide_all(
    request: web.Request, caller: Principal, decisions: Sequence[OneDecision]
) -> list[DecisionResult]:
    """Take decisions, `AT_ONCE` at a time; what becomes of each, in their order. No run is waited for."""
    room = asyncio.Semaphore(AT_ONCE)

    async def take(one: OneDecision) -> DecisionResult:
        async with room:
            return await _result(request, caller, one)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(take(one)) for one in decisions]
    return [task.result() for task in tasks]


async def _result(request: web.Request, caller: Principal, one: OneDecision) -> DecisionResult:
    try:
        return _told(one, await _decide(request, caller, one))
    except ApiError as error:
        return _refused(one, error)
    except BusFullError:
        return _refused(one, unavailable())
    except (BlobError, BusError, StoreError) as error:
        _log.warning("a decision was not sent", execution=one.execution_id, reason=str(error))
        return _refused(one, unavailable("Service temporarily unavailable"))


async def _decide(request: web.Request, caller: Principal, one: OneDecision) -> Decided:
    if caller.auth_method in PAGES and one.content_digest is None:
        raise ApiError(428, "Send what you saw as contentDigest: the contentDigest of the pause point")
    row = await find_execution(request.app[GATEWAY], caller, one.execution_id, missing=_UNKNOWN)
    asked = Asking(
        context_id=one.context_id,
        seen=one.content_digest,
        key=one.idempotency_key or idempotency_key(request),
        wait=False,
    )
    body = {} if one.input is None else {"input": one.input}  # as of a decision that comes alone
    return await decide(request, caller, row, asked, body=body)


def _told(one: OneDecision, decided: Decided) -> DecisionResult:
    recorded = decided.recorded
    if recorded is not None:
        return DecisionResult(
            execution_id=one.execution_id,
            context_id=one.context_id,
            status="recorded",
            http_status=200,
            event_id=decided.event_id or UNSET,
            verdict=recorded.verdict,
            approvals=recorded.approvals,
            rejections=recorded.rejections,
            required=recorded.required,
        )
    if decided.run_id is None:
        raise GatewayError("a decision was accepted, and the log has neither it nor its run")
    return DecisionResult(
        execution_id=one.execution_id,
        context_id=one.context_id,
        status="started" if decided.queue_position is None else "queued",
        http_status=200,
        event_id=decided.event_id or UNSET,
        run_id=decided.run_id,
        queue_position=decided.queue_position or UNSET,
    )


def _refused(one: OneDecision, error: ApiError) -> DecisionResult:
    """A refusal with what its answer would have told."""
    told = {name: value for name, value in error.body().items() if name in _NAMES}
    own = {
        "executionId": one.execution_id,
        "contextId": one.context_id,
        "status": "refused",
        "httpStatus": error.status,
    }
    return msgspec.convert(msgspec.to_builtins(told | own), DecisionResult)
