"""Forks: tried out in memory, or begun for good."""

import time
from collections.abc import Sequence
from typing import Final

from aiohttp import web
from msgspec.structs import replace

from signoff.access.callers import Principal
from signoff.audit.life.aside import Aside
from signoff.audit.life.folding import Folded, state_as_of
from signoff.audit.life.what_if import DryRun, TooManyDryRunsError
from signoff.events.ids import new_id
from signoff.events.store.base import ExecutionRow
from signoff.events.times import iso
from signoff.events.topics import idempotent_log_id
from signoff.events.types import Command, Json, Outcome, Refusal, StartExecution
from signoff.gateway.commands import Asked, request_digest
from signoff.gateway.errors import ApiError, refused, unavailable
from signoff.gateway.executions.fork_starts import WantedFork, event_of, start_of
from signoff.gateway.executions.life_schemas import DryRunView, ForkBody, Forked, SourceView
from signoff.gateway.executions.state_views import execution_view, state_view
from signoff.gateway.gateway import GATEWAY, find_workflow, shown_id
from signoff.gateway.http.headers import idempotency_key, traceparent

_ROUTE: Final = "fork"


async def try_out(
    request: web.Request, caller: Principal, row: ExecutionRow, bodies: Sequence[ForkBody]
) -> list[DryRun]:
    """What forks from one event would come to, tried out in memory: nothing is written, nothing acts.

    Args:
        request: that it is asked with.
        caller: who asks.
        row: of the execution that is forked.
        bodies: from where, which is the same in all; and what is other there.

    Raises:
        ApiError: there would be no fork; the caller may not decide there; 503, not now, or not here.
    """
    for body in bodies:
        check_rights(caller, body)
    wanted = await _wanted(request, caller, row, bodies[0])
    told: list[DryRun] = []
    for each in (replace(wanted, body=body) for body in bodies):
        values = Aside(wanted.gateway.blobs.objects)
        told.append(await _tried(each, await start_of(each, values), values))
    return told


async def begin_fork(
    request: web.Request, caller: Principal, row: ExecutionRow, body: ForkBody, given: dict[str, Json]
) -> Forked:
    """Begin a fork for good: its blocks act.

    Args:
        request: that it is asked with.
        caller: who asks.
        row: of the execution that is forked.
        body: from where, and what is other there.
        given: the body as it came: what a repetition with the same ``Idempotency-Key`` must say.

    Raises:
        ApiError: there is nothing to fork; the caller may not; the outcome is unknown.
    """
    check_rights(caller, body)
    workflow = await find_workflow(request.app[GATEWAY], caller, row.workflow_id)
    if not workflow.is_deployed:
        raise ApiError(403, "Workflow is not deployed")
    wanted = await _wanted(request, caller, row, body)
    return await _begin(wanted, await start_of(wanted, wanted.gateway.blobs), given)


async def _wanted(request: web.Request, caller: Principal, row: ExecutionRow, body: ForkBody) -> WantedFork:
    gateway = request.app[GATEWAY]
    event_id = await event_of(gateway, row, body)
    source = (await state_as_of(gateway.store, row.log_id, upto=event_id)).state
    return WantedFork(request, caller, row, body, source)


def check_rights(caller: Principal, body: ForkBody) -> None:
    """A live fork acts on what others have decided, as a run from a block does, and needs the same right."""
    if body.mode == "live" and not caller.may("executions:manage"):
        raise ApiError(403, "A live fork needs write permission; a dry run does not")
    if body.decision is not None and not caller.may("pauses:decide"):
        raise ApiError(403, "Access denied")


async def _begin(wanted: WantedFork, start: StartExecution, given: dict[str, Json]) -> Forked:
    request, gateway, caller, row = wanted.request, wanted.gateway, wanted.caller, wanted.row
    key = idempotency_key(request)
    log_id = new_id()
    if key is not None:
        log_id = idempotent_log_id(str(row.workspace_id), row.workflow_id, key)
    asked = Asked(
        principal=caller,
        route=_ROUTE,
        key=key,
        digest=None if key is None else request_digest(_ROUTE, [key, str(row.log_id), given]),
        traceparent=traceparent(request.headers),
    )
    with (
        await gateway.limits.begin_execution(row.workspace_id),
        await gateway.commands.send(start, asked, log_id=log_id) as call,
    ):
        outcome = await call.outcome()
    if outcome.outcome == "refused":
        raise _turned_away(outcome)
    execution_id = str(log_id)
    return Forked(
        execution_id=execution_id,
        workflow_id=row.workflow_id,
        workflow_version=start.workflow_version,
        source=_source(start),
        status_url=gateway.links.absolute(f"/api/executions/{execution_id}"),
    )


async def _tried(wanted: WantedFork, start: StartExecution, values: Aside) -> DryRun:
    gateway, caller, row = wanted.gateway, wanted.caller, wanted.row
    if gateway.what_if is None:
        raise unavailable("This gateway tries nothing out: ask one that `signoff` started")
    given = await values.offload(start.input, workspace_id=row.workspace_id)
    command = Command(
        command_id=str(new_id()),
        type=start.TYPE,
        execution_id=shown_id(row),
        log_id=None if row.execution_id is None else str(row.log_id),
        issued_at=iso(time.time()),
        actor=caller.actor,
        data=replace(start, input=given, time_limit=None),
    )
    try:
        told = await gateway.what_if(command, values)
    except TooManyDryRunsError as error:
        raise unavailable(str(error)) from error
    if isinstance(told, Refusal):
        raise _turned_away(
            Outcome(
                command_id=command.command_id,
                execution_id=command.execution_id,
                outcome="refused",
                refusal=told,
            )
        )
    return told


async def dry_run(request: web.Request, caller: Principal, row: ExecutionRow, body: ForkBody) -> DryRunView:
    """What a fork would come to, with its values, as callers see it.

    Args:
        request: that it is asked with.
        caller: who asks.
        row: of the execution that is forked.
        body: from where, and what is other there.

    Raises:
        ApiError: as `try_out`.
        BlobError: a large value cannot be read.
    """
    check_rights(caller, body)
    wanted = await _wanted(request, caller, row, body)
    gateway, values = wanted.gateway, Aside(wanted.gateway.blobs.objects)
    start = await start_of(wanted, values)
    told = await _tried(wanted, start, values)
    inputs = await values.resolve([each.input for each in told.would_run], workspace_id=row.workspace_id)
    output = await values.resolve(told.end.output, workspace_id=row.workspace_id)
    shown = execution_view(told.end, final_output=output)
    view = await state_view(values, gateway.links, row, Folded(told.end, told.large), shown)
    return DryRunView(
        source=_source(start),
        stopped=told.stopped,
        would_run=[replace(each, input=value) for each, value in zip(told.would_run, inputs, strict=True)],
        recorded=told.recorded,
        events=told.events,
        state=view,
    )


def _turned_away(outcome: Outcome) -> ApiError:
    """Why there is no fork. No log has it, unlike the refusal of a decision on an execution that there is."""
    error = refused(outcome)
    error.recorded = False
    return error


def _source(start: StartExecution) -> SourceView:
    source = start.source
    if source is None:
        raise ValueError("a fork has a source")
    return SourceView(execution_id=source.execution_id, event_id=source.event_id, kind=source.kind)
