"""``POST /api/webhooks/{workflowId}/{blockId}``: another system's event starts an execution."""

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Annotated, Final
from uuid import UUID

import structlog
from aiohttp import web
from msgspec import UNSET, Meta, Struct, UnsetType, field

from signoff.access.callers import Principal
from signoff.access.errors import SealError
from signoff.engine.definitions.definition import decode
from signoff.events.ids import new_id
from signoff.events.store.base import WorkflowRow
from signoff.events.topics import DEFAULT_WORKSPACE, delivery_log_id
from signoff.events.types import Actor, Json, Outcome, StartExecution
from signoff.gateway.admission import Admission
from signoff.gateway.commands import Asked
from signoff.gateway.errors import ApiError, bad_field, refused
from signoff.gateway.executions.file_inputs import FileInputs
from signoff.gateway.gateway import GATEWAY, Gateway, find_definition
from signoff.gateway.hooks.payloads import read_payload
from signoff.gateway.hooks.signatures import is_signed
from signoff.gateway.http.bodies import read_bytes
from signoff.gateway.http.headers import IDENTIFIER, call_chain, traceparent
from signoff.gateway.http.responses import answer
from signoff.gateway.http.routing import Answer, Route
from signoff.gateway.overload.starts import PLACE
from signoff.gateway.schemas import Queued
from signoff.gateway.workflows.webhooks import Webhook, webhooks_of

_ROUTE: Final = "webhook"
_SENDER: Final = Actor(type="system", id="webhook")
_NOBODYS: Final = secrets.token_hex(32)
"""A secret that nothing is signed with."""

_LONGEST: Final = 255
_KEEP: Final = 1000

_log = structlog.get_logger("signoff.gateway.webhooks")


class Webhooks:
    """Takes deliveries.

    Args:
        admission: who may start without a signature.
        clock: seconds since the epoch, UTC.
    """

    def __init__(self, admission: Admission, *, clock: Callable[[], float] = time.time) -> None:
        self._admission = admission
        self._clock = clock
        self._known: OrderedDict[tuple[UUID, int], Mapping[str, Webhook]] = OrderedDict()

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Start an execution with what was sent, once for each delivery.

        Raises:
            ApiError: 401, nobody known sent it; in the same way where there is no such webhook, so that
                strangers cannot find out which there are. 404 is for callers with a key.
        """
        gateway = request.app[GATEWAY]
        caller = await self._caller(request) if _carries_key(request.headers) else None
        workspace_id = _named_workspace(request) if caller is None else caller.workspace_id
        found = await self._find(gateway, workspace_id, request.match_info["id"], request.match_info["block"])
        if not _is_open(gateway, workspace_id):
            found = None
        if found is None and caller is not None:
            raise ApiError(404, "Webhook not found")
        body = await read_bytes(request)
        secret = None if found is None else found[1].secret
        if found is None or caller is None or secret is not None:
            await self._check(gateway, workspace_id, found and found[1], request.headers, body)
        if found is None:
            raise _unsigned()
        sender = caller or _sender(workspace_id)
        await gateway.limits.count(request, sender, "async")
        with self._admission.starting(request, workspace_id):
            return await _start(request, sender, *found, body)

    async def _caller(self, request: web.Request) -> Principal:
        caller = await self._admission.principal(request, await self._admission.caller(request))
        if not caller.may("executions:start"):
            raise ApiError(403, "Access denied")
        return caller

    async def _check(
        self,
        gateway: Gateway,
        workspace_id: UUID,
        webhook: Webhook | None,
        headers: Mapping[str, str],
        body: bytes,
    ) -> None:
        """Check a signature; where there is none to be had, one is computed all the same."""
        values = await gateway.environments.values(workspace_id)
        name = None if webhook is None else webhook.secret
        secret = None if name is None else _look_up(values, name)
        header = None if webhook is None else webhook.signature_header
        signed = is_signed(headers, body, secret or _NOBODYS, header=header, now=self._clock())
        if not (signed and secret):
            raise _unsigned()

    async def _find(
        self, gateway: Gateway, workspace_id: UUID, workflow_id: str, block_id: str
    ) -> tuple[WorkflowRow, Webhook] | None:
        """The webhook of a workflow's active version, if it takes executions."""
        row = None
        if IDENTIFIER.fullmatch(workflow_id):
            row = await gateway.store.workflow(workspace_id, workflow_id)
        if row is None or not row.is_deployed:
            return None
        webhook = (await self._webhooks_of(gateway, row)).get(block_id)
        return None if webhook is None else (row, webhook)

    async def _webhooks_of(self, gateway: Gateway, row: WorkflowRow) -> Mapping[str, Webhook]:
        """A version never changes, so its webhooks are kept."""
        key = (row.log_id, row.version)
        webhooks = self._known.get(key)
        if webhooks is None:
            document = await find_definition(gateway, row.workspace_id, row.workflow_id, row.version)
            webhooks = {each.block_id: each for each in webhooks_of(decode(document))}
            self._known[key] = webhooks
        self._known.move_to_end(key)
        if len(self._known) > _KEEP:
            self._known.popitem(last=False)
        return webhooks


def _look_up(values: Mapping[str, str], name: str) -> str | None:
    """A webhook's secret. To its senders one that does not open is none: operators are told."""
    try:
        secret, reason = values.get(name), "it is not set"
    except SealError as error:
        secret, reason = None, str(error)
    if not secret:
        _log.error("a webhook has no secret: all it is sent is refused", name=name, reason=reason)
    return secret


def _unsigned() -> ApiError:
    return ApiError(401, "Invalid signature", headers={"WWW-Authenticate": "Bearer"})


def _carries_key(headers: Mapping[str, str]) -> bool:
    return "X-API-Key" in headers or "Authorization" in headers


def _named_workspace(request: web.Request) -> UUID:
    """The workspace that a webhook's address names: senders of deliveries cannot set headers."""
    try:
        return UUID(request.query.get("workspaceId", ""))
    except ValueError:
        return DEFAULT_WORKSPACE


def _is_open(gateway: Gateway, workspace_id: UUID) -> bool:
    workspace = gateway.directory.state.workspaces.get(str(workspace_id))
    return workspace is not None and not workspace.closed


def _sender(workspace_id: UUID) -> Principal:
    return Principal(
        actor=_SENDER, workspace_id=workspace_id, roles=frozenset({"read"}), auth_method="signature"
    )


async def _start(
    request: web.Request, caller: Principal, workflow: WorkflowRow, webhook: Webhook, body: bytes
) -> web.Response:
    gateway = request.app[GATEWAY]
    delivery = _delivery(webhook, request.headers)
    log_id = new_id() if delivery is None else delivery_log_id(workflow.log_id, webhook.block_id, delivery)
    data = StartExecution(
        workspace_id=str(workflow.workspace_id),
        workflow_id=workflow.workflow_id,
        workflow_version=workflow.version,
        definition_digest=workflow.digest,
        trigger="webhook",
        trigger_block_id=webhook.block_id,
        mode="async",
        input=await _input(request, workflow, webhook, body),
        time_limit=gateway.settings.async_timeout,
        call_chain=call_chain(request.headers),
    )
    asked = Asked(
        principal=caller, route=_ROUTE, key=delivery, traceparent=traceparent(request.headers),
        place=request.get(PLACE),
    )  # fmt: skip
    with (
        await gateway.limits.begin_execution(workflow.workspace_id),
        await gateway.commands.send(data, asked, log_id=log_id) as call,
    ):
        return _answer(gateway, await call.outcome())


def _delivery(webhook: Webhook, headers: Mapping[str, str]) -> str | None:
    """What names the delivery, the same when it is sent again."""
    name = next((name for name in webhook.delivery_headers if name in headers), None)
    if name is None:
        return None
    value = headers[name]
    if not (0 < len(value) <= _LONGEST and value.isprintable()):
        raise bad_field(name, f"must have 1 to {_LONGEST} printable characters")
    return value


async def _input(request: web.Request, workflow: WorkflowRow, webhook: Webhook, body: bytes) -> Json:
    payload = read_payload(body, request.content_type, request.charset)
    if isinstance(payload, dict) and webhook.files:
        files = FileInputs(request.app[GATEWAY].files, workflow.workspace_id)
        return await files.keep(payload, webhook.files, within="input")
    return payload


def _answer(gateway: Gateway, outcome: Outcome) -> web.Response:
    if outcome.outcome == "refused":
        raise refused(outcome)
    again = outcome.outcome == "duplicate"
    execution_id = outcome.execution_id
    queued = Queued(
        job_id=execution_id,
        execution_id=execution_id,
        message="Webhook was delivered before" if again else "Webhook accepted",
        status_url=gateway.links.job(execution_id),
    )
    return answer(queued, status=200 if again else 202, headers={"X-Execution-Id": execution_id})


async def take(request: web.Request) -> web.StreamResponse:
    """``POST /api/webhooks/{id}/{block}``."""
    return await request.app[WEBHOOKS].take(request)


def open_webhooks(app: web.Application, admission: Admission) -> None:
    """Let an application take deliveries."""
    app[WEBHOOKS] = Webhooks(admission)


class WebhookHeaders(Struct, frozen=True, kw_only=True):
    """The headers of a delivery, where the author of the webhook named no others.

    Attributes:
        signature: `sha256=` and the HMAC-SHA256 of the body in hex, or `t=<seconds>,v1=<hex>` of the time, a
            dot and the body; also read from `X-Hub-Signature-256` and `Stripe-Signature`.
        delivery: Names the delivery, which starts one execution however often it comes; also read from
            `X-GitHub-Delivery` and `Webhook-Id`.
        call_chain: The workflows that called one another up to this request, by commas; at most 24.
    """

    signature: str | UnsetType = field(default=UNSET, name="X-Signoff-Signature")
    delivery: Annotated[str, Meta(min_length=1, max_length=_LONGEST)] | UnsetType = field(
        default=UNSET, name="Idempotency-Key"
    )
    call_chain: str | UnsetType = field(default=UNSET, name="X-Sim-Via")


WEBHOOKS: Final = web.AppKey("webhooks", Webhooks)
_RUN: Final = {"X-Execution-Id": "The execution's id."}

ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="POST",
        path="/api/webhooks/{id}/{block}",
        handler=take,
        operation=None,
        name="deliverWebhook",
        summary="Start an execution with what another system sends.",
        description="A webhook with a secret takes what is signed with it; one without asks for an API key.",
        tag="Webhooks",
        headers=WebhookHeaders,
        body=Json,
        body_note="The input: JSON, a form, or text.",
        answers={
            200: Answer(body=Queued, description="The delivery came before: its execution.", headers=_RUN),
            202: Answer(body=Queued, description="An execution has begun.", headers=_RUN),
        },
        errors={
            401: "The signature is missing or wrong, or, without a secret, the API key.",
            403: "The key may not start executions.",
            409: "The execution exists, and is another one, or the call chain is too deep.",
            415: "The body is neither JSON nor a form nor text.",
            429: "Too many deliveries.",
        },
        rate=None,
    ),
)
