"""Loops and parallels: what they go over, and whether a loop with a condition goes on.

The engine runs their turns; here only their settings are read (sim-workflow-format.md, 1, Containers).
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from signoff.engine.definitions.catalog import MAX_AT_ONCE
from signoff.engine.definitions.definition import Block, Loop, Parallel
from signoff.engine.definitions.references import compile_code, compile_value, resolve_code
from signoff.engine.definitions.values import parse_number, read_items
from signoff.events.types import Json
from signoff.executor.blocks.base import BlockFailureError, Call, Opened, Tools
from signoff.executor.blocks.condition import TIMEOUT
from signoff.sandbox.errors import ProgramError, SandboxBusyError, WorkerLostError
from signoff.sandbox.programs import Program

_EMPTY_LOOP: Final = (
    "ForEach loop collection is empty. Provide an array or a reference that resolves to a collection."
)
_EMPTY_PARALLEL: Final = (
    "Parallel collection distribution is empty. "
    "Provide an array or a reference that resolves to a collection."
)


class LoopBlock:
    """A loop: a number, a collection or a condition says how often it runs."""

    def __init__(self, names: Mapping[str, str], settings: Loop) -> None:
        self._settings = settings
        self.params = compile_value({"items": settings.items} if settings.kind == "forEach" else {}, names)
        self._condition = compile_code(settings.condition, names)
        self.reads = self.params.blocks | self._condition.blocks

    async def run(self, call: Call, tools: Tools) -> Opened:
        """Give the number of iterations or, with a condition, whether the next one begins."""
        match self._settings.kind:
            case "forEach":
                items = collection(self._settings.items, call.params.get("items"), missing=_EMPTY_LOOP)
                return Opened(items=items, total=len(items))
            case "for":
                return Opened(total=self._settings.iterations)
            case "doWhile" if not self._settings.condition:
                return Opened(total=self._settings.iterations)
            case "doWhile" if call.index == 0:
                return Opened()
            case _:
                return Opened(goes_on=await self._is_true(call, tools))

    async def _is_true(self, call: Call, tools: Tools) -> bool:
        """A condition that fails, or takes too long, is not true: as in Sim."""
        source, bindings = resolve_code(self._condition, call.facts)
        if not source.strip():
            return False
        program = Program(kind="condition", source=source, bindings=bindings, timeout=TIMEOUT)
        try:
            return (await tools.sandbox.run(program, workspace=call.workspace_id)).truthy
        except ProgramError:
            return False
        except (SandboxBusyError, WorkerLostError) as error:
            raise BlockFailureError(str(error), code="SANDBOX_UNAVAILABLE") from error


class ParallelBlock:
    """A parallel: a number or a collection says how many branches it has."""

    def __init__(self, block: Block, names: Mapping[str, str], *, settings: Parallel) -> None:
        self._name = block.name
        self._settings = settings
        given = {"items": settings.items} if settings.kind == "collection" else {"count": settings.count}
        self.params = compile_value(given, names)
        self.reads = self.params.blocks

    async def run(self, call: Call, _: Tools) -> Opened:
        """Give the branches, and how many may be at work at once."""
        at_once = min(self._settings.batch_size, MAX_AT_ONCE)
        if self._settings.kind == "collection":
            items = collection(self._settings.items, call.params.get("items"), missing=_EMPTY_PARALLEL)
            return Opened(items=items, total=len(items), at_once=at_once)
        count = call.params.get("count")
        number = parse_number(count) if isinstance(count, str) else count
        if (
            isinstance(number, bool)
            or not isinstance(number, int | float)
            or number != int(number)
            or number < 0
        ):
            raise BlockFailureError(
                f'Parallel "{self._name}" needs a whole number of branches, not {json.dumps(count)[:80]}',
                code="INVALID_VALUE",
                retryable=False,
            )
        return Opened(total=int(number), at_once=at_once)


def collection(setting: Json, value: Json, *, missing: str) -> list[Any]:
    """What a container goes over: an array, the pairs of an object, or JSON text of either.

    Args:
        setting: as written: nothing there is a mistake, while a reference may give null: nothing to do.
        value: with its references resolved.
        missing: the error where nothing is written.

    Raises:
        BlockFailureError: it is missing, or something else.
    """
    if setting is None or setting == "":
        raise BlockFailureError(missing, code="INVALID_VALUE", retryable=False)
    items = read_items(value)
    if items is not None:
        return items
    raise BlockFailureError(
        f"A collection must be an array, an object or JSON text of one, not {json.dumps(value)[:80]}",
        code="INVALID_VALUE",
        retryable=False,
    )
