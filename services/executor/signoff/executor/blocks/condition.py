"""``condition``: the first true expression chooses the edge (sim-workflow-format.md, 4)."""

from collections.abc import Mapping
from typing import Any, Final

from signoff.engine.definitions.definition import Block
from signoff.engine.definitions.references import compile_code, resolve_code
from signoff.executor.blocks.base import BlockFailureError, Call, Done, Plain, Tools
from signoff.sandbox.errors import ProgramError, SandboxBusyError, WorkerLostError
from signoff.sandbox.programs import Program

TIMEOUT: Final = 5.0
"""Seconds for each expression."""

_NOT_PASSED_ON: Final = frozenset({"error", "model", "tokens", "cost", "toolCalls", "providerTiming"})


class Condition(Plain):
    """The cases of a condition, in order; an ``else`` is never evaluated."""

    def __init__(
        self, block: Block, names: Mapping[str, str], *, source: str | None, targets: Mapping[str, Block]
    ) -> None:
        super().__init__(block, names, apart=("conditions",))
        self._source = source
        self._targets = targets
        self._cases = [case for case in block.params.get("conditions", ()) if isinstance(case, dict)]
        self._else = next((i for i, case in enumerate(self._cases) if _is_else(case)), len(self._cases))
        self._codes = [
            compile_code(str(case.get("value") or ""), names) for case in self._cases[: self._else]
        ]
        self.reads |= frozenset[str]().union(*(code.blocks for code in self._codes))
        if source is not None:
            self.reads |= {source}

    async def run(self, call: Call, tools: Tools) -> Done:
        """Test the cases; the output names the chosen one and carries on what the source gave."""
        context = {} if self._source is None else dict(call.facts.output(self._source) or {})
        chosen = await self._choose(call, tools, context)
        passed = {name: value for name, value in context.items() if name not in _NOT_PASSED_ON}
        if chosen is None:
            return Done({**passed, "conditionResult": False, "selectedPath": None, "selectedOption": None})
        case_id = self._cases[chosen]["id"]
        target = self._targets.get(case_id)
        path = target and {"blockId": target.id, "blockType": target.type, "blockTitle": target.name}
        return Done({**passed, "conditionResult": True, "selectedPath": path, "selectedOption": case_id})

    async def _choose(self, call: Call, tools: Tools, context: dict[str, Any]) -> int | None:
        for index, code in enumerate(self._codes):
            source, bindings = resolve_code(code, call.facts)
            if source.strip() and await self._is_true(
                index, source, {**bindings, "context": call.facts.masked(context)}, call, tools
            ):
                return index
        return self._else if self._else < len(self._cases) else None

    async def _is_true(
        self, index: int, source: str, bindings: dict[str, Any], call: Call, tools: Tools
    ) -> bool:
        program = Program(kind="condition", source=source, bindings=bindings, timeout=TIMEOUT)
        try:
            result = await tools.sandbox.run(program, workspace=call.workspace_id)
        except ProgramError as error:
            title = self._cases[index].get("title", "")
            raise BlockFailureError(f'Evaluation error in condition "{title}": {error.message}') from error
        except (SandboxBusyError, WorkerLostError) as error:
            raise BlockFailureError(str(error), code="SANDBOX_UNAVAILABLE") from error
        return result.truthy


def _is_else(case: Mapping[str, Any]) -> bool:
    return str(case.get("title", "")).strip().lower() == "else"
