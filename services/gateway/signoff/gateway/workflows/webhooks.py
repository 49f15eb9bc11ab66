"""The webhooks of a workflow's version: what starts executions with what other systems send."""

from typing import Final

from msgspec import Struct

from signoff.engine.definitions.definition import Block, Definition
from signoff.gateway.executions.file_inputs import file_fields

DELIVERY_HEADERS: Final = ("X-GitHub-Delivery", "Webhook-Id", "Idempotency-Key")
"""Headers that name a delivery, the first that is there."""

_TYPES: Final = ("webhook", "generic_webhook")


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


def webhooks_of(definition: Definition) -> list[Webhook]:
    """The webhooks of a version that are enabled."""
    return [_read(block) for block in definition.blocks if block.enabled and block.type in _TYPES]


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
