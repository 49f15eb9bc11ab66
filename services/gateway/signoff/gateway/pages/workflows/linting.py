"""What is wrong with a definition, or looks so: in the words of a deploy and with the lines of its text."""

import asyncio
from collections.abc import Collection, Sequence

from aiohttp import web
from msgspec import Struct

from signoff.access.callers import Principal
from signoff.engine.definitions.definition import Definition
from signoff.engine.definitions.faults import Fault
from signoff.events.types import Json
from signoff.gateway.errors import ApiError, Detail
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.workflows.definitions import Checking, check_definition, decode_definition
from signoff.gateway.workflows.positions import Positions, read_positions

MAX_SHOWN = 200
"""Remarks that a page shows of each kind."""


class Remark(Struct, frozen=True, kw_only=True):
    """One thing to say about a definition.

    Attributes:
        is_fault: it keeps the definition from being deployed.
        path: what it is about, such as ``blocks.pay.then``.
        message: what is wrong.
        hint: what to do about it; empty where that is not known.
        line: of the text, from 1.
    """

    is_fault: bool
    path: str
    message: str
    hint: str
    line: int | None


class Linted(Struct, frozen=True):
    """A text that was checked.

    Attributes:
        document: what the text says; ``None`` where it cannot be read.
        definition: ``None`` where there is a fault.
        remarks: faults first.
    """

    document: Json
    definition: Definition | None
    remarks: list[Remark]


async def lint_text(request: web.Request, caller: Principal, text: str, *, workflow_id: str) -> Linted:
    """Check a text as a deploy would.

    Args:
        request: of the person who wrote it.
        caller: that person.
        text: YAML or JSON.
        workflow_id: the workflow's name where the text has none.

    Raises:
        ApiError: 503, its code cannot be checked now.
    """
    try:
        document = await asyncio.to_thread(decode_definition, text.encode("utf-8", "replace"), "")
    except ApiError as error:
        return Linted(None, None, _unread(text, error))
    gateway = request.app[GATEWAY]
    checking = Checking(gateway.registry, gateway.sandbox, str(caller.workspace_id))
    parsed = await check_definition(document, workflow_id=workflow_id, checking=checking)
    remarks = await asyncio.to_thread(_remarks, text, parsed.faults, parsed.warnings)
    return Linted(document, parsed.definition, remarks)


def _unread(text: str, error: ApiError) -> list[Remark]:
    """Of a text that says nothing; where keys stand twice, they can be found."""
    positions = _positions(text) if error.status == 422 else Positions({}, {})
    details: Sequence[Detail] = error.details or [Detail("", str(error))]
    return [_remark(Fault(each.path, each.message, each.hint), positions, is_fault=True) for each in details]


def _remarks(text: str, faults: Collection[Fault], warnings: Collection[Fault]) -> list[Remark]:
    positions = _positions(text)
    return [
        *(_remark(each, positions, is_fault=True) for each in faults),
        *(_remark(each, positions, is_fault=False) for each in warnings),
    ]


def _positions(text: str) -> Positions:
    return read_positions(text, is_json=text.lstrip().startswith("{"))


def _remark(fault: Fault, positions: Positions, *, is_fault: bool) -> Remark:
    return Remark(
        is_fault=is_fault,
        path=fault.path,
        message=fault.message,
        hint=fault.hint or "",
        line=positions.line(fault.path, fault.line),
    )
