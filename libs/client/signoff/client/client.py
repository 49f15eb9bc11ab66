"""The client: deploy, run, decide, look and follow over Signoff's HTTP API."""

from collections.abc import AsyncGenerator, Mapping
from types import TracebackType
from typing import Annotated, Final, Self
from urllib.parse import quote

import aiohttp
import msgspec
from msgspec import Meta, Struct

from signoff.client.answers import (
    Accepted,
    Answer,
    Cancelled,
    Deployed,
    ExecutionView,
    FromBlock,
    Json,
    PausedExecution,
    Resumed,
    ResumeStatus,
    Retried,
    StreamEvent,
)
from signoff.client.errors import BadAnswerError
from signoff.client.follow import Follower
from signoff.client.transport import Reply, Transport, accepted, refusal

_RUN_LIMIT: Final = 330.0
"""Seconds. A synchronous run is given up by the server after 300."""

_JSON: Final = {"Content-Type": "application/json"}


class _ResumeBody(Struct, rename="camel"):
    execution_id: str
    job_id: str | None = None
    status: ResumeStatus | None = None
    output: Json = None
    error: str | None = None
    queue_position: int | None = None


class _Named(Struct, rename="camel"):
    workflow_id: str


class _EventsPage(Struct, rename="camel"):
    events: Annotated[list[_Named], Meta(min_length=1)]


class Client:
    """Talks to one Signoff server. Use it as an async context manager.

    ::

        async with Client("http://127.0.0.1:8080", api_key=key) as client:
            run = await client.start("refund-approval", {"amount": 250})
            async for event in client.follow("refund-approval", run.execution_id):
                print(event.event_id, event.type)

    Every call raises :class:`~signoff.client.errors.UnreachableError` when there is no answer and
    :class:`~signoff.client.errors.RefusedError` when the server refuses.

    Args:
        url: the server's base URL.
        api_key: the key to act with.
        timeout: seconds that one answer may take; a synchronous run needs minutes.
        patience: seconds that :meth:`follow` goes on trying without a server.
    """

    def __init__(
        self, url: str, *, api_key: str | None = None, timeout: float = _RUN_LIMIT, patience: float = 60.0
    ) -> None:
        self._transport = Transport(url, api_key, timeout=timeout)
        self._patience = patience

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go of every connection."""
        await self._transport.close()

    async def deploy(
        self,
        workflow_id: str,
        definition: bytes,
        *,
        media_type: str = "application/json",
        idempotency_key: str | None = None,
    ) -> Deployed:
        """Make a definition the next version of a workflow.

        Args:
            workflow_id: the workflow, new or not.
            definition: the document, as written.
            media_type: ``application/json`` or ``application/yaml``.
            idempotency_key: the same key and definition again make no further version.

        Raises:
            RefusedError: with status 422 its ``details`` are all faults of the definition.
        """
        headers = {"Content-Type": media_type} | _keyed(idempotency_key)
        reply = await self._transport.request(
            "PUT", _path("workflows", workflow_id), body=definition, headers=headers
        )
        return accepted(reply).decode(Deployed)

    async def rollback(
        self, workflow_id: str, version: int, *, idempotency_key: str | None = None
    ) -> Deployed:
        """Let a version of a workflow that was deployed before take the executions again.

        Those that run go on with theirs. Where it is the active version already, nothing changes.

        Args:
            workflow_id: the workflow.
            version: from 1.
            idempotency_key: the same key and version again change nothing further.

        Raises:
            RefusedError: with status 404 when there is no such version.
        """
        reply = await self._post(
            _path("workflows", workflow_id, "rollback"), {"version": version}, idempotency_key
        )
        return accepted(reply).decode(Deployed)

    async def execute(
        self, workflow_id: str, given: Json = None, *, idempotency_key: str | None = None
    ) -> Answer:
        """Run a workflow and wait until it ends or pauses.

        Args:
            workflow_id: the workflow.
            given: its input.
            idempotency_key: the same key and input again give the first answer again.
        """
        reply = await self._post(
            _path("workflows", workflow_id, "execute"), {"input": given}, idempotency_key
        )
        body = reply.decode_any()
        of_a_run = isinstance(body, dict) and "success" in body and "executionId" in body
        if reply.status >= 400 and not of_a_run and "X-Execution-Id" not in reply.headers:
            raise refusal(reply)
        execution_id = body["executionId"] if of_a_run else reply.headers.get("X-Execution-Id")
        return Answer(http_status=reply.status, body=body, execution_id=execution_id)

    async def start(
        self,
        workflow_id: str,
        given: Json = None,
        *,
        execution_id: str | None = None,
        from_block: FromBlock | None = None,
        stop_after: str | None = None,
        idempotency_key: str | None = None,
    ) -> Accepted:
        """Start a workflow and do not wait: follow it, or ask for its status.

        Args:
            workflow_id: the workflow.
            given: its input.
            execution_id: an id of the caller's own, unique in its workspace: a second start is refused.
            from_block: the block to begin with; needs write permission.
            stop_after: the id of the block that is the last one to run.
            idempotency_key: the same key and input again give the same execution.
        """
        chosen = {"X-Execution-Id": execution_id} if execution_id else {}
        body: dict[str, Json] = {} if given is None and from_block else {"input": given}
        if from_block is not None:
            body["runFromBlock"] = from_block
        if stop_after is not None:
            body["stopAfterBlockId"] = stop_after
        reply = await self._post(
            _path("workflows", workflow_id, "execute"),
            body,
            idempotency_key,
            headers={"X-Execution-Mode": "async", **chosen},
        )
        return accepted(reply).decode(Accepted)

    async def resume(
        self,
        workflow_id: str,
        execution_id: str,
        context_id: str,
        given: Json = None,
        *,
        idempotency_key: str | None = None,
    ) -> Resumed:
        """Decide one pause point.

        Waits for the end of the resumed run if the execution was started by a synchronous call.

        Args:
            workflow_id: the workflow.
            execution_id: the paused execution.
            context_id: the point.
            given: what fills its form.
            idempotency_key: the same key and input again give the first answer again.

        Raises:
            RefusedError: with status 422 its ``details`` name the fields that do not fit; 409 when
                somebody was faster.
        """
        path = _path("resume", workflow_id, execution_id, context_id)
        limit = aiohttp.ClientTimeout(total=_RUN_LIMIT)
        headers = _JSON | _keyed(idempotency_key)
        body = msgspec.json.encode({"input": given})
        async with self._transport.open("POST", path, limit=limit, headers=headers, body=body) as response:
            # An execution that began as a stream is resumed as one: its run can be followed by anybody.
            if response.content_type == "text/event-stream":
                return Resumed(run_id=response.headers["X-Execution-Id"], status="started")
            reply = Reply(response.status, response.headers, await response.read())
        return _resumed(accepted(reply).decode(_ResumeBody))

    async def cancel(self, workflow_id: str, execution_id: str) -> Cancelled:
        """Stop an execution, whether it runs or is paused."""
        reply = await self._post(
            _path("workflows", workflow_id, "executions", execution_id, "cancel"), {}, None
        )
        return accepted(reply).decode(Cancelled)

    async def retry(
        self, execution_id: str, *, reason: str = "", idempotency_key: str | None = None
    ) -> Retried:
        """Try a failed execution again, from the blocks that failed, in the same log.

        Args:
            execution_id: the failed execution.
            reason: why, for the record.
            idempotency_key: the same key and reason again give the same run.

        Raises:
            RefusedError: with status 409 when it has not failed.
        """
        reply = await self._post(
            _path("executions", execution_id, "retry"), {"reason": reason}, idempotency_key
        )
        return accepted(reply).decode(Retried)

    async def status(
        self, workflow_id: str, execution_id: str, *, include_output: bool = False
    ) -> ExecutionView:
        """An execution as it is now; large outputs are resolved."""
        reply = await self._transport.request(
            "GET",
            _path("workflows", workflow_id, "executions", execution_id),
            params={"includeOutput": "true"} if include_output else None,
        )
        return accepted(reply).decode(ExecutionView)

    async def paused(self, workflow_id: str, execution_id: str) -> PausedExecution:
        """The pause points of an execution."""
        reply = await self._transport.request("GET", _path("workflows", workflow_id, "paused", execution_id))
        return accepted(reply).decode(PausedExecution)

    async def workflow_of(self, execution_id: str) -> str:
        """The workflow of an execution, or of the execution that a run belongs to."""
        reply = await self._transport.request(
            "GET", _path("executions", execution_id, "events"), params={"limit": "1"}
        )
        return accepted(reply).decode(_EventsPage).events[0].workflow_id

    def follow(
        self, workflow_id: str, execution_id: str, *, after: int = 0, through_pauses: bool = False
    ) -> AsyncGenerator[StreamEvent, None]:
        """The events of an execution or of one run, from its log and then as they happen.

        Each comes once, in order; lost connections are made again. It ends when the execution, or
        the run, pauses or ends.

        Args:
            workflow_id: the workflow.
            execution_id: the execution, or a resumed run of it.
            after: the last ``eventId`` already known.
            through_pauses: stay until the execution has ended for good.
        """
        path = _path("workflows", workflow_id, "executions", execution_id, "stream")
        return Follower(
            self._transport, path, after=after, through_pauses=through_pauses, patience=self._patience
        ).events()

    async def _post(
        self, path: str, body: Json, key: str | None, *, headers: Mapping[str, str] | None = None
    ) -> Reply:
        return await self._transport.request(
            "POST", path, body=msgspec.json.encode(body), headers={**_JSON, **_keyed(key), **(headers or {})}
        )


def _keyed(idempotency_key: str | None) -> dict[str, str]:
    return {"Idempotency-Key": idempotency_key} if idempotency_key else {}


def _path(*parts: str) -> str:
    return "/api/" + "/".join(quote(part, safe="") for part in parts)


def _resumed(body: _ResumeBody) -> Resumed:
    if body.job_id is not None:
        return Resumed(run_id=body.job_id, status="started")
    if body.status is None:
        raise BadAnswerError("the answer to a resume names no status: is the URL that of a Signoff server?")
    return Resumed(
        run_id=body.execution_id,
        status=body.status,
        output=body.output,
        error=body.error,
        queue_position=body.queue_position,
    )
