"""The code of a definition checked in the sandbox: within limits, and never passed unread."""

import asyncio
from collections.abc import Collection, Sequence
from typing import Final, TypeAlias

from msgspec import Struct

from signoff.engine.definitions.codes import Code
from signoff.engine.definitions.faults import Fault, Findings
from signoff.sandbox.errors import SandboxError
from signoff.sandbox.pool import Sandbox
from signoff.sandbox.programs import CodeFault

AT_ONCE: Final = 4
"""Codes of one definition in the sandbox at once."""

LIMIT: Final = 20.0
"""Seconds for all codes of one definition: some ten thousands of the usual kind, ten that hang."""

MAX_FAULTS: Final = 1000
"""Faults of code after which the rest is left unread: nobody reads more."""


class CodeFindings(Struct, frozen=True):
    """What the check has found.

    Attributes:
        faults: by the path of the code; the message begins with the line in it.
        warnings: the same, of what may run all the same.
        unread: why not all of the code was checked; None: it was.
    """

    faults: list[Fault]
    warnings: list[Fault]
    unread: str | None


async def check_codes(
    codes: Collection[Code], sandbox: Sandbox, *, workspace: str, limit: float = LIMIT
) -> CodeFindings:
    """Check code without running it. Equal code is checked once.

    Args:
        codes: of one definition.
        sandbox: does it, one by one, in turn with the programs that it runs.
        workspace: whose turns these are.
        limit: seconds for all of it.
    """
    check = _Check(codes, sandbox, workspace)
    try:
        async with asyncio.timeout(limit), asyncio.TaskGroup() as tasks:
            for _ in range(AT_ONCE):
                tasks.create_task(check.work())
    except TimeoutError:
        check.unread = f"The code could not be checked within {limit:g} s; try again later"
    return check.findings(codes)


_Text: TypeAlias = tuple[str, str, str, frozenset[str]]


def _text(code: Code) -> _Text:
    """All that the sandbox is told."""
    return code.language, code.kind, code.source, code.names


class _Check:
    """One definition on its way through the sandbox; several tasks share the work."""

    def __init__(self, codes: Collection[Code], sandbox: Sandbox, workspace: str) -> None:
        self._sandbox = sandbox
        self._workspace = workspace
        self._waiting = iter({_text(code): code for code in codes}.items())
        self._found: dict[_Text, Sequence[CodeFault]] = {}
        self._faults = 0
        self.unread: str | None = None

    async def work(self) -> None:
        """Check one code after the other, until none is left or there is no use in going on."""
        for text, code in self._waiting:
            try:
                found = await self._sandbox.check(
                    code.source,
                    language=code.language,
                    kind=code.kind,
                    names=code.names,
                    workspace=self._workspace,
                )
            except SandboxError as error:
                self.unread = f"The code could not be checked: {error}"
            else:
                self._found[text] = found
                self._faults += sum(not each.warning for each in found)
            if self.unread is not None or self._faults >= MAX_FAULTS:
                return

    def findings(self, codes: Collection[Code]) -> CodeFindings:
        """What was found so far, in the order of the definition."""
        findings = Findings()
        for code in codes:
            if len(findings.faults) >= MAX_FAULTS:
                break
            for found in self._found.get(_text(code), ()):
                note = findings.warn if found.warning else findings.fault
                note(code.path, *_said(code, found))
        return CodeFindings(findings.faults[:MAX_FAULTS], findings.warnings, self.unread)


def _said(code: Code, found: CodeFault) -> tuple[str, str | None, int | None]:
    message = code.as_written(found.message)
    line = "" if found.line is None else f"line {found.line}: "
    return f"{line}{message}", found.hint, found.line
