"""Pause points: listed, looked at, decided."""

from collections.abc import AsyncGenerator, Mapping, Sequence

import msgspec
from msgspec import Struct

from signoff.client.answers.pauses import PausedExecution, PausePoint, PauseStatus, Resumed, ResumeStatus
from signoff.client.errors import BadAnswerError, Json
from signoff.client.resources.resource import Paged, Resource
from signoff.client.transport import RUN_LIMIT, Parameters, api_path, query


class _PausedList(Paged):
    paused_executions: list[PausedExecution]


class _Context(Struct, rename="camel"):
    pause_point: PausePoint


class _ResumeBody(Struct, rename="camel"):
    execution_id: str
    job_id: str | None = None
    status: ResumeStatus | None = None
    output: Json = None
    error: str | None = None
    queue_position: int | None = None


class AsyncPauses(Resource):
    """``client.pauses``."""

    def list(
        self, workflow_id: str, *, statuses: Sequence[PauseStatus] = ()
    ) -> AsyncGenerator[PausedExecution, None]:
        """The paused executions of a workflow, the newest first; up to 200.

        Args:
            workflow_id: the workflow.
            statuses: only those in one of these states.
        """
        return self._listed(
            api_path("workflows", workflow_id, "paused"),
            _PausedList,
            lambda page: page.paused_executions,
            params=query(status=",".join(statuses) or None),
        )

    async def get(self, workflow_id: str, execution_id: str) -> PausedExecution:
        """An execution that paused, with all its points.

        Raises:
            NotFoundError: it never paused.
        """
        return await self._transport.call(
            PausedExecution, "GET", api_path("workflows", workflow_id, "paused", execution_id)
        )

    async def point(self, workflow_id: str, execution_id: str, context_id: str) -> PausePoint:
        """One pause point, with the digest of what it shows. Looking decides nothing.

        Raises:
            NotFoundError: there is none.
        """
        reply = await self._transport.request(
            "GET", api_path("resume", workflow_id, execution_id, context_id)
        )
        tag = reply.headers.get("ETag")
        digest = None if tag is None else tag.removeprefix("W/").strip('"')
        return msgspec.structs.replace(reply.decode(_Context).pause_point, content_digest=digest)

    async def resume(
        self,
        workflow_id: str,
        execution_id: str,
        context_id: str,
        input: Json = None,  # noqa: A002 - the API's own word
        *,
        content_digest: str | None = None,
        idempotency_key: str | None = None,
    ) -> Resumed:
        """Decide a pause point.

        Waits for the end of the resumed run if the execution was started by a synchronous call.

        Args:
            workflow_id: the workflow.
            execution_id: the paused execution.
            context_id: the point.
            input: what fills its form.
            content_digest: what was seen, from :meth:`point`: where another content is shown by now,
                nothing is decided.
            idempotency_key: the same key and input again give the first answer again.

        Raises:
            InvalidRequestError: its ``details`` name the fields that do not fit the form.
            ConflictError: somebody was faster (409), or the content is another one (412).
            NotFoundError: there is no such point.
        """
        return await self._decide(
            workflow_id,
            execution_id,
            context_id,
            input=input,
            headers={} if content_digest is None else {"If-Match": f'"{content_digest}"'},
            params={},
            key=idempotency_key,
        )

    async def retry(
        self,
        workflow_id: str,
        execution_id: str,
        context_id: str,
        input: Json = None,  # noqa: A002 - the API's own word
        *,
        idempotency_key: str | None = None,
    ) -> Resumed:
        """Decide a point again whose run failed; needs write permission.

        Args:
            workflow_id: the workflow.
            execution_id: the execution; one that failed reopens.
            context_id: the point.
            input: what fills its form.
            idempotency_key: the same key and input again give the first answer again.

        Raises:
            ConflictError: its run has not failed.
        """
        return await self._decide(
            workflow_id,
            execution_id,
            context_id,
            input=input,
            headers={},
            params={"retry": "true"},
            key=idempotency_key,
        )

    async def _decide(
        self,
        *place: str,
        input: Json,  # noqa: A002 - the API's own word
        headers: Mapping[str, str],
        params: Parameters,
        key: str | None,
    ) -> Resumed:
        reply = await self._transport.request(
            "POST",
            api_path("resume", *place),
            body=msgspec.json.encode({"input": input}),
            headers=headers,
            params=params,
            key=key,
            within=RUN_LIMIT,
        )
        if (
            reply.is_stream
        ):  # an execution that began as a stream is resumed as one; anybody can follow its run
            return Resumed(run_id=reply.headers["X-Execution-Id"], status="started")
        return _resumed(reply.decode(_ResumeBody))


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
