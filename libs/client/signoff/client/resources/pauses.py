"""Pause points: listed, looked at, decided."""

from collections.abc import AsyncGenerator, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from signoff.client.answers.decisions import HeldDecision
from signoff.client.answers.pauses import (
    PausedExecution,
    PausePoint,
    PauseStatus,
    Resumed,
    ResumeStatus,
    Verdict,
)
from signoff.client.errors import BadAnswerError, FormError, InvalidRequestError, Json
from signoff.client.resources.resource import Paged, Resource
from signoff.client.transport import RUN_LIMIT, Reply, api_path, query

_MISFIT: Final = 422
"""The status of a submission that does not fit the form."""


class _PausedList(Paged):
    paused_executions: list[PausedExecution]


class _Context(Struct, rename="camel"):
    pause_point: PausePoint


class _HeldList(Paged):
    held: list[HeldDecision]


class _ResumeBody(Struct, rename="camel"):
    execution_id: str | None = None
    job_id: str | None = None
    status: ResumeStatus | None = None
    output: Json = None
    error: str | None = None
    queue_position: int | None = None
    event_id: int | None = None
    verdict: Verdict | None = None
    approvals: int = 0
    rejections: int = 0
    required: int = 1
    held_id: str | None = None
    expires_at: str | None = None


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
        path = api_path("resume", workflow_id, execution_id, context_id)
        return (await self._transport.call(_Context, "GET", path)).pause_point

    def held(self, execution_id: str) -> AsyncGenerator[HeldDecision, None]:
        """The decisions of an execution that came before their pause points, also those that were taken."""
        return self._listed(api_path("executions", execution_id, "held"), _HeldList, lambda page: page.held)

    async def resume(
        self,
        workflow_id: str,
        execution_id: str,
        context_id: str,
        input: Json = None,  # noqa: A002 - the API's own word
        *,
        content_digest: str | None = None,
        early: bool = False,
        hold_seconds: int | None = None,
        retry: bool = False,
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
            early: where the point has not opened yet, keep the decision until it does.
            hold_seconds: how long it is kept then; a week where it is left away, at most 30 days.
            retry: decide a point again whose run failed, with write permission: without an ``input`` as it
                was decided then. An execution that failed reopens.
            idempotency_key: the same key and input again give the first answer again.

        Raises:
            FormError: its ``fields`` do not fit the form.
            ConflictError: somebody was faster, it is claimed, or changes are wanted first.
            ContentChangedError: another content is shown by now.
            NotAllowedError: the caller is not among those who may decide it.
            NotFoundError: there is no such point.
        """
        try:
            reply = await self._transport.request(
                "POST",
                api_path("resume", workflow_id, execution_id, context_id),
                body=msgspec.json.encode({} if input is None else {"input": input}),
                headers={} if content_digest is None else {"If-Match": f'"{content_digest}"'},
                params=query(retry=retry or None, early=early or None, expiresInSeconds=hold_seconds),
                key=idempotency_key,
                within=RUN_LIMIT,
            )
        except InvalidRequestError as error:
            if error.status != _MISFIT:
                raise
            raise _form_error(error) from error
        return _resumed(reply)


def _form_error(error: InvalidRequestError) -> FormError:
    return FormError(
        error.status, error.message, code=error.code, details=error.details,
        execution_id=error.execution_id, body=error.body, request=error.request,
    )  # fmt: skip


def _resumed(reply: Reply) -> Resumed:
    if reply.is_stream:  # as the execution began; anybody can follow its run
        return Resumed(run_id=reply.headers["X-Execution-Id"], status="started")
    body = reply.decode(_ResumeBody)
    if body.job_id is not None:
        return Resumed(run_id=body.job_id, status="started")
    if body.status is None:
        raise BadAnswerError("the answer to a resume names no status: is the URL that of a Signoff server?")
    return Resumed(
        status=body.status,
        run_id=body.execution_id,
        output=body.output,
        error=body.error,
        queue_position=body.queue_position,
        event_id=body.event_id,
        verdict=body.verdict,
        approvals=body.approvals,
        rejections=body.rejections,
        required=body.required,
        held_id=body.held_id,
        expires_at=body.expires_at,
    )
