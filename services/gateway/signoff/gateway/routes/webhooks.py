"""``POST /api/webhooks/{workflowId}/{blockId}``: another system's event starts an execution."""

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Final
from uuid import UUID

import structlog
from aiohttp import web
from msgspec import Struct

from signoff.access.keys import Principal
from signoff.engine.definition import Block, decode
from signoff.events.ids import new_id
from signoff.events.store.base import WorkflowRow
from signoff.events.topics import DEFAULT_WORKSPACE, delivery_log_id
from signoff.events.types import Actor, Json, Outcome, StartExecution
from signoff.gateway.admission import Admission
from signoff.gateway.bodies import read_bytes
from signoff.gateway.commands import Asked
from signoff.gateway.errors import ApiError, bad_field, refused
from signoff.gateway.file_inputs import FileInputs, file_fields
from signoff.gateway.gateway import GATEWAY, Gateway, find_definition
from signoff.gateway.headers import IDENTIFIER, traceparent
from signoff.gateway.payloads import read_payload
from signoff.gateway.responses import answer
from signoff.gateway.schemas import Queued
from signoff.gateway.signatures import is_signed

DELIVERY_HEADERS: Final = ("X-GitHub-Delivery", "Webhook-Id", "Idempotency-Key")
"""Headers that name a delivery, the first that is there."""

_TYPES: Final = ("webhook", "generic_webhook")
_ROUTE: Final = "webhook"
_SENDER: Final = Principal(Actor(type="system", id="webhook"), DEFAULT_WORKSPACE, "read")
_LONGEST: Final = 255
_KEEP: Final = 1000

_log = structlog.get_logger("signoff.gateway.webhooks")


class Webhook(Struct, frozen=True, kw_only=True):
    """A webhook of a workflow's version.

    Attributes:
        secret: the name of the environment value that deliveries are signed with; None: an API key is asked.
        signature_header: that holds the signature, where the author named one.
        delivery_headers: that may name a delivery.
        files: fields of the input that hold files.
    """

    block_id: str
    secret: str | None
    signature_header: str | None
    delivery_headers: tuple[str, ...]
    files: frozenset[str]


class Webhooks:
    """Takes deliveries.

    Args:
        admission: how many requests are worked on at once, and who may start without a signature.
        clock: seconds since the epoch, UTC.
    """

    def __init__(self, admission: Admission, *, clock: Callable[[], float] = time.time) -> None:
        self._admission = admission
        self._clock = clock
        self._known: OrderedDict[tuple[UUID, int], Mapping[str, Webhook]] = OrderedDict()

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Start an execution with what was sent, once for each delivery."""
        gateway = request.app[GATEWAY]
        workflow, webhook = await self._find(gateway, request.match_info["id"], request.match_info["block"])

        async def start(request: web.Request, caller: Principal) -> web.StreamResponse:
            return await _start(request, caller, workflow, webhook, await read_bytes(request))

        if webhook.secret is None:
            return await self._admission.guard(start)(request)
        with self._admission.place():
            body = await read_bytes(request)
            self._check(gateway, webhook, webhook.secret, request.headers, body)
            return await _start(request, _SENDER, workflow, webhook, body)

    def _check(
        self, gateway: Gateway, webhook: Webhook, name: str, headers: Mapping[str, str], body: bytes
    ) -> None:
        secret = gateway.settings.environment.get(name)
        if not secret:
            _log.error("a webhook's secret is not set: all it is sent is refused", name=name)
        elif is_signed(headers, body, secret, header=webhook.signature_header, now=self._clock()):
            return
        raise ApiError(401, "Invalid signature")

    async def _find(self, gateway: Gateway, workflow_id: str, block_id: str) -> tuple[WorkflowRow, Webhook]:
        """The webhook of a workflow's active version; what is missing is not told from what is not shown."""
        row = None
        if IDENTIFIER.fullmatch(workflow_id):
            row = await gateway.store.workflow(DEFAULT_WORKSPACE, workflow_id)
        if row is not None and row.is_deployed:
            webhook = (await self._webhooks_of(gateway, row)).get(block_id)
            if webhook is not None:
                return row, webhook
        raise ApiError(404, "Webhook not found")

    async def _webhooks_of(self, gateway: Gateway, row: WorkflowRow) -> Mapping[str, Webhook]:
        """A version never changes, so its webhooks are kept."""
        key = (row.log_id, row.version)
        webhooks = self._known.get(key)
        if webhooks is None:
            document = await find_definition(gateway, row.workspace_id, row.workflow_id, row.version)
            webhooks = {
                block.id: _read(block)
                for block in decode(document).blocks
                if block.enabled and block.type in _TYPES
            }
            self._known[key] = webhooks
        self._known.move_to_end(key)
        if len(self._known) > _KEEP:
            self._known.popitem(last=False)
        return webhooks


def _read(block: Block) -> Webhook:
    params = block.params
    secret, named = params.get("secret"), params.get("deduplicateBy")
    return Webhook(
        block_id=block.id,
        secret=secret.strip()[2:-2].strip() if secret else None,  # {{NAME}}: a deploy lets nothing else in
        signature_header=params.get("signatureHeader"),
        delivery_headers=(named,) if named else DELIVERY_HEADERS,
        files=frozenset(file_fields(params.get("inputFormat"))),
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
    )
    asked = Asked(principal=caller, route=_ROUTE, key=delivery, traceparent=traceparent(request.headers))
    with await gateway.commands.send(data, asked, log_id=log_id) as call:
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
