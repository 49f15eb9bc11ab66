"""``POST /api/executions/bulk``: cancel or retry every execution that a filter finds."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Final

import structlog
from aiohttp import web
from msgspec import UNSET, Meta, Struct, UnsetType

from signoff.access.callers import Principal
from signoff.events.errors import StoreError
from signoff.events.store.base import ExecutionRow
from signoff.gateway.commands import Asked, request_digest
from signoff.gateway.executions.bulk import Action, Bulk, BulkResult, candidates, each, matching
from signoff.gateway.executions.filters import ExecutionFilter, read_filter
from signoff.gateway.gateway import GATEWAY, shown_id
from signoff.gateway.http.bodies import convert, read_object
from signoff.gateway.http.headers import CommandHeaders, idempotency_key, traceparent
from signoff.gateway.http.responses import answer
from signoff.gateway.http.routing import Answer, Route
from signoff.gateway.http.sse import data_frame
from signoff.tail.sending import DONE, HEADERS

_ROUTE: Final = "bulk"
_MOST: Final = 10_000
_SHOWN: Final = 1_000
"""Results in an answer that is no stream."""

_WRITE_LIMIT: Final = 30.0
"""Seconds that a reader may leave a frame unread before it counts as gone."""

_REASONS: Final[dict[Action, str]] = {
    "cancel": "Workflow execution was cancelled",
    "retry": "Retried with others",
}
_AWAY: Final = "Service temporarily unavailable"
_log = structlog.get_logger("signoff.gateway.executions.bulk")

Results = AsyncGenerator[BulkResult]


class BulkBody(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What to do, and to which executions.

    Attributes:
        action: `cancel` stops those that have not ended; `retry` tries failed ones again.
        filter: Which executions; `{}` is every one of the workspace.
        reason: Recorded with each.
        limit: How many at most, the newest first.
        dry_run: Only say which would be meant.
    """

    action: Action
    filter: ExecutionFilter
    reason: Annotated[str, Meta(min_length=1, max_length=1000)] | None = None
    limit: Annotated[int, Meta(ge=1, le=_MOST)] = _MOST
    dry_run: bool = False


class BulkAnswer(Struct, frozen=True, kw_only=True, rename="camel"):
    """How it went.

    Attributes:
        done: False: the log went away before all executions were looked at; the same request goes on.
        succeeded: How many are cancelled or retried, now or before.
        results: The first thousand. In a stream each was a frame of its own.
    """

    done: bool
    dry_run: bool
    total: int
    succeeded: int
    refused: int
    results: list[BulkResult] | UnsetType = UNSET
    error: str | UnsetType = UNSET


class _Tally:
    """What is told at the end."""

    def __init__(self, *, dry_run: bool) -> None:
        self._dry_run = dry_run
        self.total = self._refused = 0
        self._first: list[BulkResult] = []

    def add(self, result: BulkResult) -> None:
        self.total += 1
        self._refused += result.result == "refused"
        if len(self._first) < _SHOWN:
            self._first.append(result)

    def told(self, *, results: bool, error: str | UnsetType = UNSET) -> BulkAnswer:
        return BulkAnswer(
            done=error is UNSET,
            dry_run=self._dry_run,
            total=self.total,
            succeeded=0 if self._dry_run else self.total - self._refused,
            refused=self._refused,
            results=self._first if results else UNSET,
            error=error,
        )


async def bulk(request: web.Request, caller: Principal) -> web.StreamResponse:
    """Do it to all, and tell of each: as it comes where the caller accepts a stream, else at the end.

    Once begun it goes on to its end, whoever reads.
    """
    given = await read_object(request)
    body = convert(given, BulkBody)
    gateway = request.app[GATEWAY]
    search = candidates(read_filter(body.filter, caller.workspace_id), body.action)
    key = idempotency_key(request)
    asked = Asked(
        principal=caller,
        route=_ROUTE,
        key=key,
        digest=None if key is None else request_digest(_ROUTE, given),
        traceparent=traceparent(request.headers),
    )
    action = Bulk(gateway.commands, asked, action=body.action, reason=body.reason or _REASONS[body.action])
    tally = _Tally(dry_run=body.dry_run)
    async with (
        aclosing(matching(gateway.store, search, most=body.limit)) as rows,
        aclosing(each(rows, _look if body.dry_run else action.act)) as results,
    ):
        if "text/event-stream" in request.headers.get("Accept", ""):
            return await _stream(request, results, tally)
        return await _answer(results, tally)


async def _look(row: ExecutionRow) -> BulkResult:
    return BulkResult(execution_id=shown_id(row), result="matched")


async def _answer(results: Results, tally: _Tally) -> web.Response:
    try:
        async for result in results:
            tally.add(result)
    except StoreError as error:
        if not tally.total:
            raise  # nothing was done: the caller may come again as if nothing had been
        _log.warning("a bulk action was cut short", reason=str(error))
        return answer(tally.told(results=True, error=_AWAY))
    return answer(tally.told(results=True))


async def _stream(request: web.Request, results: Results, tally: _Tally) -> web.StreamResponse:
    response = web.StreamResponse(headers=HEADERS)
    await response.prepare(request)
    reader = _Reader(response)
    try:
        async for result in results:
            tally.add(result)
            await reader.tell(data_frame(result))
        end = tally.told(results=False)
    except StoreError as error:
        # The status is sent already: what went wrong can only be said in the stream.
        _log.warning("a bulk action was cut short", reason=str(error))
        end = tally.told(results=False, error=_AWAY)
    await reader.tell(data_frame(end))
    await reader.tell(DONE)
    return response


class _Reader:
    """Whoever reads the stream, until they go away."""

    def __init__(self, response: web.StreamResponse) -> None:
        self._response = response
        self._gone = False

    async def tell(self, frame: bytes) -> None:
        if self._gone:
            return
        try:
            async with asyncio.timeout(_WRITE_LIMIT):
                await self._response.write(frame)
        except (ConnectionError, TimeoutError) as error:
            self._gone = True
            _log.debug("the reader of a bulk action went away", reason=str(error))


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="POST",
        path="/api/executions/bulk",
        handler=bulk,
        operation="executions:manage",
        name="bulkExecutions",
        summary="Cancel or retry every execution that a filter finds.",
        description=(
            "It goes on to its end, whoever reads. With the same `Idempotency-Key` no execution is cancelled "
            "or retried twice. With `Accept: text/event-stream` its progress is a stream."
        ),
        tag="Executions",
        headers=CommandHeaders,
        body=BulkBody,
        body_required=True,
        body_example={
            "action": "retry",
            "filter": {"workflowId": ["refund-approval"], "error": "bank", "startedAfter": "2026-05-01"},
            "reason": "the bank is back",
        },
        answers={
            200: Answer(
                body=BulkAnswer,
                description="It was done to all that were found.",
                streamed="A frame `data: {executionId, result, runId?, error?}` for each execution as soon "
                "as it is known, then one with the answer but for `results`, then `data: [DONE]`.",
                example={
                    "done": True,
                    "dryRun": False,
                    "total": 1,
                    "succeeded": 1,
                    "refused": 0,
                    "results": [
                        {
                            "executionId": "refund-1",
                            "result": "retried",
                            "runId": "5b0f6d0e-6a0c-5d8e-9a51-2b8f0e9d7c11",
                        }
                    ],
                },
            )
        },
        rate="async",
    ),
)
