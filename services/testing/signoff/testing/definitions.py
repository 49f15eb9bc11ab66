"""What a test gives: definitions in any spelling, blocks in any form."""

import asyncio
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from signoff.blocks import BlockSpec, Registry
from signoff.engine.definitions.catalog import BLOCK_TYPES
from signoff.engine.definitions.definition import Definition
from signoff.executor.app import discover_blocks
from signoff.gateway.errors import ApiError
from signoff.gateway.workflows.definitions import Checking, read_definition
from signoff.runtime.settings import Settings
from signoff.testing.errors import DefinitionFaultsError, UnfinishedError
from signoff.testing.outcome import LogLine

Document: TypeAlias = Mapping[str, Any] | str | Path
"""A definition: as JSON values, as YAML or JSON text, or the file that holds it."""


async def read_document(document: Document, *, workflow_id: str, checking: Checking) -> Definition:
    """Read a definition as the gateway does.

    Args:
        document: in our own spelling or in Sim's.
        workflow_id: its id, where it has none of its own.
        checking: what it is checked with.

    Raises:
        DefinitionFaultsError: lists every fault with its place.
        UnfinishedError: its code could not be checked.
        OSError: the file cannot be read.
    """
    raw = await asyncio.to_thread(_raw, document)
    try:
        definition, _ = await read_definition(raw, "", workflow_id=workflow_id, checking=checking)
    except ApiError as error:
        if error.status == 503:
            raise UnfinishedError(f"{workflow_id}: {error}") from error
        faults = [f"\n  {each.path}: {each.message}{_hint(each.hint)}" for each in error.details]
        raise DefinitionFaultsError(f"{workflow_id}: {error}{''.join(faults)}") from error
    return definition


def _raw(document: Document) -> bytes:
    match document:
        case Path():
            return document.read_bytes()
        case str():
            return document.encode()
        case _:
            return msgspec.json.encode(document)


def _hint(hint: str | None) -> str:
    return f" ({hint})" if hint else ""


def registry_of(blocks: Iterable[object] | None, logs: list[LogLine]) -> Registry:
    """The registered blocks of a run, whose log lines are noted as well.

    Args:
        blocks: functions with ``@block`` and modules that hold some; ``None``: those of installed packages.
        logs: takes the lines.

    Raises:
        BlockDefinitionError: something is no block, or names clash.
    """
    found = (
        discover_blocks(Settings()) if blocks is None else Registry.of(blocks, reserved=tuple(BLOCK_TYPES))
    )
    return Registry(_noted(spec, logs) for spec in found.values())


def _noted(spec: BlockSpec, logs: list[LogLine]) -> BlockSpec:
    name, function = spec.context_name, spec.function
    if name is None:
        return spec

    def noting(arguments: dict[str, Any]) -> dict[str, Any]:
        context = arguments[name]

        def log(message: str, /, **fields: object) -> None:
            logs.append(
                LogLine(block_id=context.block_id, attempt=context.attempt, message=message, fields=fields)
            )
            context.log(message, **fields)

        return {**arguments, name: msgspec.structs.replace(context, log=log)}

    async def call_async(**arguments: object) -> object:
        return await function(**noting(arguments))

    def call(**arguments: object) -> object:
        return function(**noting(arguments))

    return msgspec.structs.replace(spec, function=call_async if spec.is_async else call)
