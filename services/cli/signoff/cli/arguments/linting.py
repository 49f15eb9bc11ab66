"""What is wrong with a definition's file, found without a server and said as a deploy says it."""

import asyncio
from pathlib import Path

from msgspec import Struct

from signoff.cli.arguments.documents import Document, read_document
from signoff.cli.exits import CommandError, Exit
from signoff.engine.definitions.faults import Fault
from signoff.gateway.errors import ApiError, Detail
from signoff.gateway.workflows.definitions import Checking, check_definition, decode_definition
from signoff.gateway.workflows.positions import Positions, read_positions


class Remark(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """One fault or warning of a file; ``line`` counts from 1."""

    file: str
    severity: str
    message: str
    path: str = ""
    hint: str | None = None
    line: int | None = None


async def lint_file(file: Path, *, checking: Checking) -> list[Remark]:
    """Reads and checks a definition.

    Args:
        file: YAML, or JSON where its name ends so.
        checking: what it is checked with.

    Returns:
        All faults, then all warnings.

    Raises:
        CommandError: the file cannot be read, or its code cannot be checked.
    """
    document = await asyncio.to_thread(read_document, file, file.stem)
    try:
        content = await asyncio.to_thread(decode_definition, document.raw, document.media_type)
    except ApiError as error:
        return await asyncio.to_thread(_unreadable, document, error)
    try:
        parsed = await check_definition(content, workflow_id=file.stem, checking=checking)
    except ApiError as error:
        raise CommandError(f"{file}: {error}", code=Exit.REFUSED) from error
    positions = await asyncio.to_thread(_positions, document)
    return [
        *(_remark(file, "fault", each, positions) for each in parsed.faults),
        *(_remark(file, "warning", each, positions) for each in parsed.warnings),
    ]


def _unreadable(document: Document, error: ApiError) -> list[Remark]:
    """What is wrong with a file that gives no definition; lines are known where keys stand twice only."""
    positions = _positions(document) if error.status == 422 else Positions({}, {})
    details = error.details or [Detail("", str(error))]
    return [
        _remark(document.file, "fault", Fault(each.path, each.message, each.hint), positions)
        for each in details
    ]


def _positions(document: Document) -> Positions:
    return read_positions(document.raw.decode(), is_json=document.is_json)


def _remark(file: Path, severity: str, fault: Fault, positions: Positions) -> Remark:
    line = positions.line(fault.path, fault.line)
    return Remark(str(file), severity, fault.message, fault.path, fault.hint, line)
