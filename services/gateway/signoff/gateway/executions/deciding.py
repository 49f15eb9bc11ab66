"""Decisions on pause points, whichever route they come by: sent, and followed until they are answered."""

from aiohttp import web
from msgspec import Struct

from signoff.access.callers import Principal
from signoff.access.makers import maker_of
from signoff.engine.definitions.values import parse_json
from signoff.engine.points.decisions import PAGES
from signoff.engine.points.pauses import form_of, normalise_input
from signoff.events.store.base import ExecutionRow
from signoff.events.times import iso
from signoff.events.types import (
    Actor,
    DecisionHeld,
    DecisionRecorded,
    Json,
    Maker,
    Outcome,
    ResumeExecution,
)
from signoff.gateway.commands import Asked, command_id_of, request_digest
from signoff.gateway.errors import ApiError
from signoff.gateway.executions.endings import Ending
from signoff.gateway.executions.file_inputs import FileInputs, file_fields, may_hold_files
from signoff.gateway.executions.history import fold, read_event
from signoff.gateway.gateway import END_GRACE, GATEWAY, Gateway
from signoff.gateway.http.addresses import address_of
from signoff.gateway.http.bodies import check_storable
from signoff.gateway.http.headers import idempotency_key, seen_digest, traceparent
from signoff.gateway.inbox.refusals import point_refused
from signoff.gateway.people.linked import note_used
from signoff.gateway.taken import taken_up
from signoff.gateway.waiting import Call


class Decided(Struct, frozen=True, kw_only=True):
    """What a decision led to.

    Attributes:
        event_id: that took it up.
        run_id: of the run that it begins; ``None``: of none yet.
        queue_position: where it waits for its turn, if another run is under way.
        recorded: it counts among those of several people, and has not settled the point.
        held: it is kept until its point opens.
        ending: how its run ended, where the caller waits for that.
    """

    event_id: int | None = None
    run_id: str | None = None
    queue_position: int | None = None
    recorded: DecisionRecorded | None = None
    held: DecisionHeld | None = None
    ending: Ending | None = None


class Asking(Struct, frozen=True, kw_only=True):
    """How a decision is asked for, beside its input.

    Attributes:
        context_id: of the pause point.
        seen: digest of the content that its maker saw.
        key: with which a retry is known.
        retry: take it anew on a point whose run failed.
        hold_until: keep it until then (seconds since the epoch, UTC), if its point has not opened.
        wait: for the end of the run, if the execution began synchronously.
    """

    context_id: str
    seen: str | None = None
    key: str | None = None
    retry: bool = False
    hold_until: float | None = None
    wait: bool = True


def asking(
    request: web.Request,
    caller: Principal,
    context_id: str,
    *,
    body: Json,
    retry: bool = False,
    hold_until: float | None = None,
) -> Asking:
    """How a request asks for a decision.

    Raises:
        ApiError: 428, it comes from a page, and does not say what its maker saw.
    """
    seen = seen_digest(request.headers)
    on_page = caller.auth_method in PAGES
    decides = (
        bool(_input(body)) if retry else hold_until is None
    )  # else nothing is to be seen, or decided anew
    if on_page and seen is None and decides:
        raise ApiError(
            428, "Send what you saw as If-Match: the ETag of the pause point (GET the same address)"
        )
    return Asking(
        context_id=context_id,
        seen=seen,
        key=idempotency_key(request),
        retry=retry,
        hold_until=hold_until,
        wait=not on_page,
    )


def maker(request: web.Request, caller: Principal) -> Maker:
    """Who asks something of a pause point, as the directory knows them now."""
    return maker_of(
        request.app[GATEWAY].directory.state,
        caller,
        now=request.app[GATEWAY].clock(),
        address=address_of(request),
        link_id=caller.link_id,
        verified=caller.verified,
    )


async def decide(
    request: web.Request, caller: Principal, row: ExecutionRow, asked: Asking, *, body: Json
) -> Decided:
    """Take a decision; of an execution that began synchronously, wait for the end of the run that follows.

    Args:
        request: that it came with.
        caller: who decides.
        row: of the execution.
        asked: how.
        body: the input, or an object with ``input``.

    Raises:
        ApiError: it was refused, or its outcome is unknown.
    """
    gateway = request.app[GATEWAY]
    actor = caller.actor  # another person with the same key must not be told this one's decision as theirs
    route = f"resume/{asked.context_id}/{actor.type}/{actor.id}"
    command_id = str(command_id_of(row.log_id, route, asked.key))
    data = ResumeExecution(
        context_id=asked.context_id,
        seen_digest=asked.seen,
        maker=maker(request, caller),
        retry=asked.retry,
        hold_until=None if asked.hold_until is None else iso(asked.hold_until),
    )
    given, named = _input(body), body
    if await gateway.form_inputs.may_hold_secrets(row):
        given = named = await _without_secrets(
            request.app, row, actor, data, given=given, command_id=command_id
        )
    call = await gateway.commands.send(
        _with_input(data, await _with_files(gateway, row, asked.context_id, given)),
        Asked(
            principal=caller,
            route=route,
            key=asked.key,
            digest=None if asked.key is None else request_digest(route, _named(asked, named)),
            traceparent=traceparent(request.headers),
        ),
        log_id=row.log_id,
        execution_id=row.execution_id,
        after=row.version,
    )
    with call:
        decided = await _taken(request.app, row, call, asked.context_id)
        await note_used(request, caller, event_id=decided.event_id)
        if decided.run_id is None or decided.queue_position is not None:
            return decided
        if row.mode != "sync" or not asked.wait:
            return decided
        ended = await call.ended(within=gateway.settings.sync_timeout + END_GRACE)
    ending = await gateway.endings.of(row.workspace_id, row.log_id, ended)
    return Decided(event_id=decided.event_id, run_id=decided.run_id, ending=ending)


def _named(asked: Asking, body: Json) -> Json:
    """What a request with a key asks for; another one with the same key is noticed."""
    named: list[Json] = [body, asked.seen]
    return [*named, asked.retry, asked.hold_until is not None] if asked.retry or asked.hold_until else named


def _with_input(data: ResumeExecution, given: dict[str, Json]) -> ResumeExecution:
    return ResumeExecution(
        context_id=data.context_id,
        input=given,
        seen_digest=data.seen_digest,
        maker=data.maker,
        retry=data.retry,
        hold_until=data.hold_until,
    )


def _input(body: Json) -> dict[str, Json]:
    """The input of a decision as an object; JSON inside a text is as good as JSON, and checked as such."""
    given = body.get("input") if isinstance(body, dict) else None
    given = body if given is None else given  # null counts as left out, as in Sim
    if isinstance(given, str):
        given = check_storable(parse_json(given, fallback=given))
        return {"value": given} if isinstance(given, str) and given else normalise_input(given)
    return normalise_input(given)


async def _without_secrets(
    app: web.Application,
    row: ExecutionRow,
    actor: Actor,
    data: ResumeExecution,
    *,
    given: dict[str, Json],
    command_id: str,
) -> dict[str, Json]:
    """The input with references to its secrets, which are kept. No digest and no command has them.

    Raises:
        ApiError: it is refused, as an executor would by what the log says; no secret is left behind.
    """
    sealed = await app[GATEWAY].form_inputs.seal(row, data, actor, given, command_id=command_id)
    if sealed.refusal is not None:
        outcome = Outcome(
            command_id=command_id,
            execution_id=row.execution_id or str(row.log_id),
            outcome="refused",
            refusal=sealed.refusal,
        )
        raise await point_refused(app, row, outcome, context_id=data.context_id)
    return sealed.input


async def _with_files(
    gateway: Gateway, row: ExecutionRow, context_id: str, given: dict[str, Json]
) -> dict[str, Json]:
    """The input, its files stored; the form is read only where something looks like one."""
    if not may_hold_files(given, within="submission"):
        return given
    point = (await fold(gateway.store, row.log_id)).state.points.get(context_id)
    if point is None:
        return given  # the executor says what is wrong
    response = await gateway.blobs.resolve(point.response, workspace_id=row.workspace_id)
    fields = file_fields(form_of(response))
    return await FileInputs(gateway.files, row.workspace_id).keep(given, fields, within="submission")


async def _taken(app: web.Application, row: ExecutionRow, call: Call, context_id: str) -> Decided:
    """What became of the decision; for a retry, what became of it the first time.

    Raises:
        ApiError: it was refused.
    """
    gateway, outcome = app[GATEWAY], await call.outcome()
    if outcome.outcome == "duplicate" and outcome.event_id is not None:
        event, _ = await read_event(gateway.store, row.log_id, outcome.event_id)
        outcome = taken_up(call.command, event) or outcome
        await gateway.waiting.look([call])  # its run may have ended long ago
    if outcome.outcome == "refused":
        raise await point_refused(app, row, outcome, context_id=context_id)
    if outcome.resume_execution_id is not None:
        position = (outcome.queue_position or 1) if outcome.outcome == "queued" else None
        return Decided(event_id=outcome.event_id, run_id=outcome.resume_execution_id, queue_position=position)
    return await _without_run(gateway, row, outcome)


async def _without_run(gateway: Gateway, row: ExecutionRow, outcome: Outcome) -> Decided:
    """A decision that began no run: it counts among those of several, or waits for its point."""
    event_id = outcome.event_id or 0
    event, _ = await read_event(gateway.store, row.log_id, event_id)
    return Decided(
        event_id=event_id,
        recorded=event.data if isinstance(event.data, DecisionRecorded) else None,
        held=event.data if isinstance(event.data, DecisionHeld) else None,
    )
