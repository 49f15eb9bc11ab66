"""``function``: JavaScript or Python in the sandbox. References become bound values, never code."""

from collections.abc import Mapping
from typing import Final

from signoff.engine.definitions.definition import Block
from signoff.engine.definitions.references import compile_code, resolve_code
from signoff.executor.blocks.base import BlockFailureError, Call, Done, Plain, Tools
from signoff.sandbox.errors import (
    ProgramError,
    ProgramTimeoutError,
    SandboxBusyError,
    WorkerLostError,
)
from signoff.sandbox.programs import LANGUAGES, Language, Program

DEFAULT_TIMEOUT: Final = 300.0
"""Seconds, as Sim's default for a function."""


class Function(Plain):
    """A function body and the references in it."""

    def __init__(self, block: Block, names: Mapping[str, str]) -> None:
        super().__init__(block, names, apart=("code",))
        self._code = compile_code(str(block.params.get("code", "")), names)
        self.reads |= self._code.blocks

    async def run(self, call: Call, tools: Tools) -> Done:
        """Run the body; its output is ``{result, stdout}``."""
        source, bindings = resolve_code(self._code, call.facts)
        program = Program(
            kind="function",
            language=_language(call.params),
            source=source,
            bindings=bindings,
            timeout=_timeout(call.params),
        )
        try:
            result = await tools.sandbox.run(program, workspace=call.workspace_id)
        except ProgramTimeoutError as error:
            raise BlockFailureError(error.message, code="TIMEOUT") from error
        except ProgramError as error:
            where = f" (line {error.line})" if error.line else ""
            raise BlockFailureError(f"{error.message}{where}") from error
        except (SandboxBusyError, WorkerLostError) as error:
            raise BlockFailureError(str(error), code="SANDBOX_UNAVAILABLE") from error
        return Done({"result": result.value, "stdout": result.stdout})


def _language(params: Mapping[str, object]) -> Language:
    given = params.get("language") or "javascript"
    for language in LANGUAGES:
        if given == language:
            return language
    raise BlockFailureError(f'language must be {" or ".join(LANGUAGES)}, not "{given}"', retryable=False)


def _timeout(params: Mapping[str, object]) -> float:
    given = params.get("timeout")
    try:
        seconds = (
            float(given) / 1000 if isinstance(given, (int, float, str)) and given != "" else DEFAULT_TIMEOUT
        )
    except ValueError:
        raise BlockFailureError(f'timeout must be milliseconds, not "{given}"', retryable=False) from None
    return min(max(seconds, 0.001), DEFAULT_TIMEOUT)
