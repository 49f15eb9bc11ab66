"""A definition as it comes in: JSON or YAML, our spelling or Sim's, checked to the last block."""

import asyncio
import json
from collections.abc import Collection, Iterator

import msgspec
from aiohttp import web
from msgspec import Struct

from signoff.blocks import Registry
from signoff.engine.definitions.definition import Definition
from signoff.engine.definitions.faults import Fault, at
from signoff.engine.definitions.parse import Parsed, parse
from signoff.events.types import Json
from signoff.gateway.errors import ApiError, Detail, GatewayError, keys_stand_twice, unavailable
from signoff.gateway.http.bodies import decode_json
from signoff.gateway.workflows.codes import check_codes
from signoff.gateway.workflows.yaml_text import decode_yaml
from signoff.sandbox.pool import Sandbox


class Checking(Struct, frozen=True):
    """What definitions are checked with.

    Attributes:
        types: the registered Python blocks.
        sandbox: checks their code.
        workspace: whose turns in the sandbox these are.
    """

    types: Registry
    sandbox: Sandbox
    workspace: str = ""


async def read_definition(
    raw: bytes, content_type: str, *, workflow_id: str, checking: Checking
) -> tuple[Definition, list[Fault]]:
    """Read and check a definition.

    Args:
        raw: the body.
        content_type: of the body; where it names neither JSON nor YAML, the first character tells.
        workflow_id: the workflow's name where the document has none.
        checking: what it is checked with.

    Returns:
        The definition, and what is allowed in it but probably not meant.

    Raises:
        ApiError: 400 for a body that cannot be read, 422 for a definition with faults: all of them; 503 when
            its code cannot be checked now.
    """
    document = await asyncio.to_thread(decode_definition, raw, content_type)
    return await accept_definition(document, workflow_id=workflow_id, checking=checking)


async def accept_definition(
    document: Json, *, workflow_id: str, checking: Checking
) -> tuple[Definition, list[Fault]]:
    """Check a definition that was decoded; as `read_definition`.

    Raises:
        ApiError: 422 for a definition with faults: all of them; 503 when its code cannot be checked now.
    """
    parsed = await check_definition(document, workflow_id=workflow_id, checking=checking)
    if parsed.faults:
        raise ApiError(422, "The definition has faults", details=details(parsed.faults))
    if parsed.definition is None:
        raise GatewayError("a definition without faults is missing")
    return parsed.definition, parsed.warnings


async def check_definition(document: Json, *, workflow_id: str, checking: Checking) -> Parsed:
    """Find all that is wrong with a definition, the code in it included.

    Args:
        document: from `decode_definition`.
        workflow_id: the workflow's name where the document has none.
        checking: what it is checked with.

    Raises:
        ApiError: 503, no fault is known, but not all of the code could be checked.
    """
    types = checking.types.output_fields
    parsed = await asyncio.to_thread(parse, document, types=types, workflow_id=workflow_id)
    found = await check_codes(parsed.codes, checking.sandbox, workspace=checking.workspace)
    faults = [*parsed.faults, *found.faults]
    if found.unread is not None and not faults:
        raise unavailable(found.unread)
    return msgspec.structs.replace(
        parsed,
        definition=None if faults else parsed.definition,
        faults=faults,
        warnings=[*parsed.warnings, *found.warnings],
    )


def details(faults: Collection[Fault]) -> list[Detail]:
    """Faults as answers list them."""
    return [Detail(fault.path, fault.message, fault.hint) for fault in faults]


def decode_definition(raw: bytes, content_type: str) -> Json:
    """The document that a body is. Takes up to seconds for a large one: call it in a thread.

    Args:
        raw: the body.
        content_type: as of `read_definition`.

    Raises:
        ApiError: 400 for a body that cannot be read, 413 for too long a YAML, 422 for keys that stand twice.
    """
    is_yaml = "yaml" in content_type or ("json" not in content_type and not raw.lstrip().startswith(b"{"))
    if is_yaml:
        return decode_yaml(raw)
    value = decode_json(raw)
    _refuse_duplicates(raw)
    return value


def _refuse_duplicates(raw: bytes) -> None:
    """JSON readers keep the last of two equal keys: a block would be lost without a word."""
    twice = False

    def note(pairs: list[tuple[str, Json]]) -> None:
        nonlocal twice
        twice |= len(dict(pairs)) < len(pairs)

    json.loads(raw, object_pairs_hook=note)
    if twice:
        paths = dict.fromkeys(_duplicates(json.loads(raw, object_pairs_hook=_Pairs), ""))
        raise keys_stand_twice([*paths])


class _Pairs(list[tuple[str, Json]]):
    """An object with all that was written in it."""


def _duplicates(value: Json, path: str) -> Iterator[str]:
    """The paths of keys that stand twice in one object."""
    if isinstance(value, _Pairs):
        seen: set[str] = set()
        for key, each in value:
            if key in seen:
                yield at(path, key)
            seen.add(key)
            yield from _duplicates(each, at(path, key))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _duplicates(each, at(path, index))


def content_type_of(request: web.Request) -> str:
    """The ``Content-Type`` as it was sent, in lower case; empty when there is none."""
    return request.headers.get("Content-Type", "").lower()
