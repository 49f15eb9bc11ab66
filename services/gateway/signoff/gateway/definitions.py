"""A definition as it comes in: JSON or YAML, our spelling or Sim's, checked to the last block."""

import json
from collections.abc import Collection

from aiohttp import web

from signoff.blocks import Registry
from signoff.engine.faults import Fault
from signoff.engine.parse import Parsed, parse
from signoff.events.types import Json
from signoff.gateway.bodies import decode_json
from signoff.gateway.errors import ApiError, Detail
from signoff.gateway.yaml_text import decode_yaml


def read_definition(raw: bytes, content_type: str, *, types: Registry, workflow_id: str) -> Parsed:
    """Read and check a definition. Takes up to seconds for a large one: call it in a thread.

    Args:
        raw: the body.
        content_type: of the body; where it names neither JSON nor YAML, the first character tells.
        types: the registered Python blocks.
        workflow_id: the workflow's name where the document has none.

    Raises:
        ApiError: 400 for a body that cannot be read, 422 for a definition with faults: all of them.
    """
    parsed = parse(_decode(raw, content_type), types=types.output_fields, workflow_id=workflow_id)
    if parsed.definition is None or parsed.faults:
        raise ApiError(422, "The definition has faults", details=details(parsed.faults))
    return parsed


def details(faults: Collection[Fault]) -> list[Detail]:
    """Faults as answers list them."""
    return [Detail(fault.path, fault.message, fault.hint) for fault in faults]


def _decode(raw: bytes, content_type: str) -> Json:
    is_yaml = "yaml" in content_type or ("json" not in content_type and not raw.lstrip().startswith(b"{"))
    if is_yaml:
        return decode_yaml(raw)
    value = decode_json(raw)
    _refuse_duplicates(raw)
    return value


def _refuse_duplicates(raw: bytes) -> None:
    """JSON readers keep the last of two equal keys: a block would be lost without a word."""
    duplicates: dict[str, None] = {}

    def note(pairs: list[tuple[str, Json]]) -> None:
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                duplicates[key] = None
            seen.add(key)

    json.loads(raw, object_pairs_hook=note)
    if duplicates:
        raise ApiError(
            422,
            "The definition has keys that stand twice",
            details=[Detail(key, "stands twice in one object") for key in duplicates],
        )


def content_type_of(request: web.Request) -> str:
    """The ``Content-Type`` as it was sent, in lower case; empty when there is none."""
    return request.headers.get("Content-Type", "").lower()
