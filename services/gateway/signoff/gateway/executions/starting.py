"""How an execution is started, whoever asks: what is wanted is read, then it begins."""

from contextlib import ExitStack
from uuid import UUID

from aiohttp import web
from msgspec import UNSET, Struct, structs

from signoff.access.callers import Principal
from signoff.events.ids import new_id
from signoff.events.store.base import WorkflowRow
from signoff.events.topics import chosen_log_id, idempotent_log_id
from signoff.events.types import Json, Mode, StartExecution
from signoff.gateway.commands import Asked, request_digest
from signoff.gateway.errors import ApiError, Detail, bad_request, refused
from signoff.gateway.executions.endings import Ending
from signoff.gateway.executions.file_inputs import FileInputs, file_fields, may_hold_files
from signoff.gateway.executions.run_from_block import Past, input_format, past_of
from signoff.gateway.executions.selection import Selected, block_names, select
from signoff.gateway.gateway import (
    END_GRACE,
    GATEWAY,
    Gateway,
    check_unused,
    find_definition,
)
from signoff.gateway.http.headers import (
    ExecuteHeaders,
    idempotency_key,
    traceparent,
)
from signoff.gateway.overload.starts import PLACE
from signoff.gateway.schemas import ExecuteBody

_ROUTE = "execute"


class Wanted(Struct, frozen=True, kw_only=True):
    """An execute request, read.

    Attributes:
        log_id: of the execution that begins.
        execution_id: as the caller chose it.
        time_limit: seconds that the run may take.
        call_chain: the workflows that called one another up to the request.
        selected: outputs to stream.
        past: what a run from a block takes from an earlier one.
    """

    asked: Asked
    log_id: UUID
    execution_id: str | None
    mode: Mode
    input: Json
    body: ExecuteBody
    time_limit: float
    call_chain: list[str]
    selected: list[Selected]
    past: Past | None

    @property
    def shown_id(self) -> str:
        """The execution's id as its caller knows it."""
        return self.execution_id or str(self.log_id)


async def read_wanted(
    request: web.Request,
    caller: Principal,
    workflow: WorkflowRow,
    headers: ExecuteHeaders,
    *,
    body: ExecuteBody,
    given: dict[str, Json],
    run_input: Json,
) -> Wanted:
    """Read an execute request, however it was written.

    Args:
        request: has further headers.
        caller: who asks.
        workflow: its active version runs.
        headers: what is asked for beside the body.
        body: the fields that are ours.
        given: the body as it came: what a retry with the same ``Idempotency-Key`` must repeat.
        run_input: of the run.

    Raises:
        ApiError: something in it cannot be served.
    """
    gateway = request.app[GATEWAY]
    if body.run_from_block is not None and not caller.may("executions:manage"):
        raise ApiError(403, "Access denied")
    mode: Mode = "stream" if body.stream and headers.mode == "sync" else headers.mode
    key = idempotency_key(request)
    execution_id = headers.execution_id
    if execution_id is not None:
        await check_unused(gateway, caller, execution_id)
    named = await _read_named(gateway, caller, workflow, body, run_input)
    return Wanted(
        asked=Asked(
            principal=caller,
            route=_ROUTE,
            key=key,
            digest=None if key is None else request_digest(_ROUTE, [key, given]),
            traceparent=traceparent(request.headers),
            place=request.get(PLACE),
        ),
        log_id=_log_id(workflow, execution_id, key),
        execution_id=execution_id,
        mode=mode,
        input=named.input,
        body=body,
        time_limit=_time_limit(gateway, mode, headers),
        call_chain=headers.call_chain,
        selected=named.selected,
        past=named.past,
    )


class Named(Struct, frozen=True, kw_only=True):
    """What a body names, found: blocks in the definition, files in the input, an earlier execution."""

    input: Json
    selected: list[Selected] = []
    past: Past | None = None


async def _read_named(
    gateway: Gateway, caller: Principal, workflow: WorkflowRow, body: ExecuteBody, given: Json
) -> Named:
    """The definition is read only for bodies that need it."""
    with_files = may_hold_files(given, within="input")
    if not (with_files or body.selected_outputs or body.stop_after_block_id or body.run_from_block):
        return Named(input=given)
    definition = await find_definition(gateway, workflow.workspace_id, workflow.workflow_id, workflow.version)
    _check_stop(body.stop_after_block_id, definition)
    selected = select(body.selected_outputs, definition)
    past = None
    if body.run_from_block is not None:
        past = await past_of(gateway, caller, workflow, definition, body.run_from_block)
        if past.start_block_id is None and body.input is UNSET and not given:
            given = past.input
    if with_files:
        fields = file_fields(input_format(definition, body.trigger_type))
        files = FileInputs(gateway.files, workflow.workspace_id)
        given = await files.keep(given, fields, within="input")
    return Named(input=given, selected=selected, past=past)


def _check_stop(block_id: str | None, definition: Json) -> None:
    if block_id is not None and block_id not in block_names(definition):
        text = f"Block not found in workflow: {block_id}"
        raise bad_request(text, Detail("stopAfterBlockId", text))


def _log_id(workflow: WorkflowRow, execution_id: str | None, key: str | None) -> UUID:
    workspace_id = str(workflow.workspace_id)
    if execution_id is not None:
        return chosen_log_id(workspace_id, execution_id)
    return new_id() if key is None else idempotent_log_id(workspace_id, workflow.workflow_id, key)


def _time_limit(gateway: Gateway, mode: Mode, headers: ExecuteHeaders) -> float:
    settings = gateway.settings
    if mode == "async":
        return settings.async_timeout if headers.timeout is None else headers.timeout
    return settings.sync_timeout


async def begin(gateway: Gateway, workflow: WorkflowRow, wanted: Wanted) -> Ending | None:
    """Begin an execution; who asks synchronously waits for the end of its run, and is given it.

    Raises:
        ApiError: it was refused, or its outcome is unknown.
    """
    with ExitStack() as held:
        with await gateway.limits.begin_execution(workflow.workspace_id):
            call = await gateway.commands.send(
                _start(workflow, wanted), wanted.asked, log_id=wanted.log_id, execution_id=wanted.execution_id
            )
            outcome = await held.enter_context(call).outcome()
        if outcome.outcome == "refused":
            raise refused(outcome)
        if outcome.outcome == "duplicate":
            await gateway.waiting.look([call])  # its run may have ended long ago
        if wanted.mode != "sync":
            return None
        ended = await call.ended(within=wanted.time_limit + END_GRACE)
    return await gateway.endings.of(
        workflow.workspace_id, wanted.log_id, ended, base64_most=base64_most(wanted.body)
    )


def _start(workflow: WorkflowRow, wanted: Wanted) -> StartExecution:
    data = StartExecution(
        workspace_id=str(workflow.workspace_id),
        workflow_id=workflow.workflow_id,
        workflow_version=workflow.version,
        definition_digest=workflow.digest,
        trigger=wanted.body.trigger_type,
        mode=wanted.mode,
        input=wanted.input,
        time_limit=wanted.time_limit,
        call_chain=wanted.call_chain,
        stop_after_block_id=wanted.body.stop_after_block_id,
    )
    if wanted.past is None:
        return data
    return structs.replace(
        data,
        source=wanted.past.source,
        trigger_block_id=wanted.past.trigger_block_id,
        start_block_id=wanted.past.start_block_id,
        outputs=wanted.past.outputs,
        variables=wanted.past.variables,
    )


def base64_most(body: ExecuteBody) -> int | None:
    """Bytes of a file that the answer brings along in base64; ``None``: no file is brought along."""
    return body.base64_max_bytes if body.include_file_base64 else None
