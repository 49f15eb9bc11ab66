"""Executions: started, searched, changed in bulk; and handles of those that are known."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Literal, TypeAlias, TypedDict, Unpack

import msgspec
from msgspec import Struct

from signoff.client.answers.executions import (
    Accepted,
    Answer,
    BulkResult,
    Counts,
    ExecutionStatus,
    FoundExecution,
    FromBlock,
)
from signoff.client.bulk import bulk_results
from signoff.client.errors import Json
from signoff.client.resources.execution import AsyncExecution
from signoff.client.resources.resource import Paged, Resource
from signoff.client.transport import RUN_LIMIT, api_path, is_answer_of_a_run, query

Order: TypeAlias = Literal[
    "startedAt", "-startedAt", "updatedAt", "-updatedAt", "endedAt", "-endedAt", "duration", "-duration"
]
"""What found executions are sorted by; with ``-`` the latest, or longest, come first.

By ``endedAt`` and ``duration`` only those that have ended are found.
"""


class Filters(TypedDict, total=False):
    """Which executions are meant: those that fit all that is given.

    Attributes:
        workflows: of one of these.
        statuses: in one of these states.
        triggers: started by one of these, such as ``schedule``.
        actor: who started them: an id, or a type and an id such as ``user:ann``.
        started_after: not before this moment, ISO 8601; without an offset it is UTC.
        started_before: before this moment.
        error: a part of why they failed, in any case.
        attributes: what their workflows let them be found by: ``customer:Ada``, ``amount>=100``.
            Several values of one name are alternatives.
        forked_from: forks of this execution, by its own id.
        text: the beginning of their id, or words: each begins a word of their id, their workflow's id,
            their error or one of their attributes.
    """

    workflows: Sequence[str]
    statuses: Sequence[ExecutionStatus]
    triggers: Sequence[str]
    actor: str
    started_after: str
    started_before: str
    error: str
    attributes: Sequence[str]
    forked_from: str
    text: str


_NAMES: Mapping[str, str] = {
    "workflows": "workflowId",
    "statuses": "status",
    "triggers": "trigger",
    "actor": "actor",
    "started_after": "startedAfter",
    "started_before": "startedBefore",
    "error": "error",
    "attributes": "attribute",
    "forked_from": "forkedFrom",
    "text": "text",
}
"""As the API calls the filters."""


class _FoundPage(Paged):
    executions: list[FoundExecution]


class _Counted(Struct):
    counts: Counts


class AsyncExecutions(Resource):
    """``client.executions``."""

    async def start(
        self,
        workflow_id: str,
        input: Json = None,  # noqa: A002 - the API's own word
        *,
        execution_id: str | None = None,
        from_block: FromBlock | None = None,
        stop_after: str | None = None,
        timeout_seconds: int | None = None,
        idempotency_key: str | None = None,
    ) -> AsyncExecution:
        """Start a workflow and do not wait: follow it, or wait for it, by its handle.

        Args:
            workflow_id: the workflow.
            input: its input.
            execution_id: an id of the caller's own, unique in its workspace: a second start is refused.
            from_block: the block to begin with; needs write permission.
            stop_after: the id of the block that is the last one to run.
            timeout_seconds: that the run may take, at most a week.
            idempotency_key: the same key and input again give the same execution.

        Raises:
            ConflictError: the execution's id was used before.
            PermissionDeniedError: also where the workflow is not deployed.
        """
        body: dict[str, Json] = {} if input is None and from_block else {"input": input}
        if from_block is not None:
            body["runFromBlock"] = from_block
        if stop_after is not None:
            body["stopAfterBlockId"] = stop_after
        headers = {"X-Execution-Mode": "async"}
        if execution_id is not None:
            headers["X-Execution-Id"] = execution_id
        if timeout_seconds is not None:
            headers["X-Execution-Timeout-Seconds"] = str(timeout_seconds)
        reply = await self._transport.request(
            "POST",
            api_path("workflows", workflow_id, "execute"),
            body=msgspec.json.encode(body),
            headers=headers,
            key=idempotency_key,
        )
        accepted = reply.decode(Accepted)
        return AsyncExecution(
            self._transport,
            accepted.execution_id,
            workflow_id=workflow_id,
            status_url=accepted.status_url,
            patience=self._patience,
        )

    async def run(
        self,
        workflow_id: str,
        input: Json = None,  # noqa: A002 - the API's own word
        *,
        timeout: float = RUN_LIMIT,  # noqa: ASYNC109 - as in other SDKs
        idempotency_key: str | None = None,
    ) -> Answer:
        """Run a workflow and wait until it ends or pauses, for up to five minutes.

        A run that failed is an answer, too; for longer ones start it and wait by its handle.

        Args:
            workflow_id: the workflow.
            input: its input.
            timeout: seconds to wait for the answer, retries included.
            idempotency_key: the same key and input again give the first answer again.

        Raises:
            TimedOutError: no answer in time. The execution goes on.
            PermissionDeniedError: also where the workflow is not deployed.
        """
        reply = await self._transport.request(
            "POST",
            api_path("workflows", workflow_id, "execute"),
            body=msgspec.json.encode({"input": input}),
            key=idempotency_key,
            within=timeout,
            is_answer=is_answer_of_a_run,
        )
        body = reply.decode_any()
        named = body.get("executionId") if isinstance(body, dict) else None
        return Answer(
            http_status=reply.status,
            body=body,
            execution_id=reply.headers.get("X-Execution-Id") or (named if isinstance(named, str) else None),
        )

    def handle(
        self, execution_id: str, *, workflow_id: str | None = None, run_id: str | None = None
    ) -> AsyncExecution:
        """A handle of an execution; the server is not asked.

        Args:
            execution_id: the execution, or a run of it.
            workflow_id: its workflow, where it is known: that saves a request.
            run_id: the run that :meth:`AsyncExecution.follow` shows, in place of the whole execution.
        """
        return AsyncExecution(
            self._transport, execution_id, workflow_id=workflow_id, run_id=run_id, patience=self._patience
        )

    def search(
        self, *, sort: Order = "-startedAt", page_size: int = 100, **filters: Unpack[Filters]
    ) -> AsyncGenerator[FoundExecution, None]:
        """The executions that fit, in order; those that start meanwhile neither hide nor repeat any.

        Args:
            sort: the order.
            page_size: how many are asked for at once.
            **filters: see :class:`Filters`.
        """
        return self._listed(
            api_path("executions"),
            _FoundPage,
            lambda page: page.executions,
            page_size=page_size,
            params=query(**_spelled(filters), sort=sort),
        )

    async def counts(self, **filters: Unpack[Filters]) -> Counts:
        """How many executions fit, by status, whatever ``statuses`` says.

        Args:
            **filters: see :class:`Filters`.
        """
        answer = await self._transport.call(
            _Counted, "GET", api_path("executions"), params=query(**_spelled(filters), counts=True, limit=1)
        )
        return answer.counts

    def bulk(
        self,
        action: Literal["cancel", "retry"],
        *,
        reason: str | None = None,
        limit: int | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
        **filters: Unpack[Filters],
    ) -> AsyncGenerator[BulkResult, None]:
        """Cancel, or retry, all executions that fit; gives what became of each as it happens.

        It is done when the iterator ends, and goes on to its end where nobody reads. A connection
        that breaks is made again, and nothing is done twice.

        Args:
            action: ``cancel`` those that have not ended, or ``retry`` those that failed.
            reason: why, for the record.
            limit: how many at most, the newest first; up to 10,000.
            dry_run: only say which ones it would be: their ``result`` is ``matched``.
            idempotency_key: the same key and request again do nothing further.
            **filters: see :class:`Filters`.
        """
        body: dict[str, Json] = {"action": action, "filter": _spelled(filters)}
        body |= {"reason": reason} if reason is not None else {}
        body |= {"limit": limit} if limit is not None else {}
        body |= {"dryRun": True} if dry_run else {}
        return bulk_results(self._transport, body, key=idempotency_key, patience=self._patience)


def _spelled(filters: Filters) -> dict[str, str | list[str]]:
    given: Mapping[str, str | Sequence[str]] = msgspec.convert(
        filters, dict[str, str | list[str]], strict=True
    )
    return {_NAMES[name]: value if isinstance(value, str) else list(value) for name, value in given.items()}
