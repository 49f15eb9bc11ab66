"""The command that begins a fork, read from the request for one."""

from typing import Final

from aiohttp import web
from msgspec import UNSET, Struct

from signoff.access.callers import Principal
from signoff.engine.deciding.forks import MAX_EVENTS
from signoff.engine.definitions.forms import secret_names
from signoff.engine.points.decisions import PAGES
from signoff.engine.points.pauses import form_of
from signoff.engine.state import State
from signoff.events.blobs import BlobStore
from signoff.events.deployments import read_deployment
from signoff.events.store.base import ExecutionRow
from signoff.events.topics import workflow_log_id
from signoff.events.types import Fork, ForkDecision, StartExecution
from signoff.gateway.errors import ApiError, bad_field, bad_request
from signoff.gateway.executions.deciding import maker
from signoff.gateway.executions.file_inputs import file_fields
from signoff.gateway.executions.life_schemas import ForkBody
from signoff.gateway.executions.moments import end_of_step, last_event_by, read_event_id
from signoff.gateway.executions.origins import source_of
from signoff.gateway.gateway import GATEWAY, Gateway
from signoff.gateway.http.headers import call_chain, seen_digest
from signoff.gateway.http.moments import read_moment

_MOMENTS: Final = (
    "must be a time such as 2026-05-01T12:00:00Z, or a day such as 2026-05-01; without an offset it is UTC "
    "(the number of an event is given as eventId)"
)


class WantedFork(Struct, frozen=True):
    """Who wants what to go on from where.

    Attributes:
        request: as it came.
        caller: who asks.
        row: of the source.
        body: of the request.
        source: its state after the last event that is taken.
    """

    request: web.Request
    caller: Principal
    row: ExecutionRow
    body: ForkBody
    source: State

    @property
    def gateway(self) -> Gateway:
        """The ports."""
        return self.request.app[GATEWAY]


async def event_of(gateway: Gateway, row: ExecutionRow, body: ForkBody) -> int:
    """The event that a fork begins after: the last one of its step.

    Args:
        gateway: the ports.
        row: of the source.
        body: names it.

    Raises:
        ApiError: 400, there is none such; 409, it stands too late in the log.
    """
    if body.event_id is not None and body.at is not None:
        raise bad_request("Give eventId or at, not both")
    if body.event_id is not None:
        event_id = await read_event_id(gateway, row, "eventId", str(body.event_id))
    elif body.at is not None:
        event_id = await last_event_by(gateway, row, "at", _moment(body.at))
    else:
        event_id = (await gateway.store.heads([row.log_id])).get(row.log_id, 0)
    event_id = await end_of_step(gateway.store, row, event_id)
    if event_id > MAX_EVENTS:
        raise ApiError(
            409,
            f"A fork takes over at most {MAX_EVENTS} events: fork an earlier one",
            fields={"code": "FORK_TOO_LARGE"},
        )
    return event_id


def _moment(text: str) -> float:
    try:
        return read_moment("at", text)
    except ApiError as error:
        raise bad_field("at", _MOMENTS) from error


async def start_of(wanted: WantedFork, values: BlobStore) -> StartExecution:
    """The command that would begin a fork.

    Args:
        wanted: the fork.
        values: keep what is too large for the command.

    Raises:
        ApiError: what is asked for is not there, or cannot be done in one go.
        BlobError: a large value cannot be kept.
    """
    row, body, source = wanted.row, wanted.body, wanted.source
    version = body.workflow_version or source.workflow_version
    replanted = version != source.workflow_version
    digest = await _digest(wanted.gateway, row, version) if replanted else source.definition_digest
    return StartExecution(
        workspace_id=str(row.workspace_id),
        workflow_id=row.workflow_id,
        workflow_version=version,
        definition_digest=digest,
        trigger=source.trigger,
        mode="async",
        input=None if body.input is UNSET else body.input,
        time_limit=wanted.gateway.settings.async_timeout,
        stop_after_block_id=source.stop_after_block_id,
        call_chain=call_chain(wanted.request.headers) or source.call_chain,
        source=source_of(row, source, "fork"),
        trigger_block_id=None if replanted else source.trigger_block_id,
        start_block_id=None if replanted else source.start_block_id,
        fork=Fork(
            log_id=str(row.log_id),
            event_id=source.version,
            reason=body.reason,
            edited=body.input is not UNSET,
            replanted=replanted,
            decision=await _decision(wanted, values),
        ),
    )


async def _digest(gateway: Gateway, row: ExecutionRow, version: int) -> str:
    log_id = workflow_log_id(str(row.workspace_id), row.workflow_id)
    found = await read_deployment(gateway.store, log_id, version)
    if found is None:
        raise ApiError(404, "Workflow version not found")
    return found[1].digest


async def _decision(wanted: WantedFork, values: BlobStore) -> ForkDecision | None:
    """The decision that comes with a fork, in stored form."""
    body, source = wanted.body, wanted.source
    if body.decision is None:
        return None
    point = source.points.get(body.decision.context_id)
    form = [] if point is None else form_of(point.response)
    if secret_names(form) or file_fields(form):
        raise bad_field("decision", "cannot fill a form with secrets or files: fork first, then decide")
    return ForkDecision(
        context_id=body.decision.context_id,
        input=await values.offload(body.decision.input, workspace_id=wanted.row.workspace_id),
        seen_digest=_seen(wanted),
        maker=maker(wanted.request, wanted.caller),
    )


def _seen(wanted: WantedFork) -> str | None:
    """Which content the decision is made on; a page must say it, as for any other decision.

    Raises:
        ApiError: 428, it does not.
    """
    seen = seen_digest(wanted.request.headers)
    if wanted.body.mode == "live" and seen is None and wanted.caller.auth_method in PAGES:
        raise ApiError(
            428, "Send what you saw as If-Match: the ETag of the pause point that the decision is on"
        )
    return seen
