from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio

from signoff.sandbox.errors import ProgramError
from signoff.sandbox.pool import Sandbox
from signoff.sandbox.programs import CodeFault, Program, ProgramResult

Run = Callable[..., Awaitable[ProgramResult]]
Fault = Callable[..., Awaitable[ProgramError]]
Check = Callable[..., Awaitable[list[CodeFault]]]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def sandbox() -> AsyncIterator[Sandbox]:
    async with await Sandbox.start(workers=1) as sandbox:
        yield sandbox


@pytest.fixture
def language() -> str:
    """What programs are written in; a module in another language has a fixture of its own."""
    return "javascript"


@pytest.fixture
def run(sandbox: Sandbox, language: str) -> Run:
    async def run(source: str, kind: str = "function", **rest: Any) -> ProgramResult:
        program = Program(**{"kind": kind, "language": language, "source": source} | rest)
        return await sandbox.run(program, workspace="home")

    return run


@pytest.fixture
def fault(run: Run) -> Fault:
    """Run a program that must fail and give its error."""

    async def fault(source: str, kind: str = "function", **rest: Any) -> ProgramError:
        with pytest.raises(ProgramError) as caught:
            await run(source, kind, **rest)
        return caught.value

    return fault


@pytest.fixture
def check(sandbox: Sandbox, language: str) -> Check:
    async def check(source: str, **rest: Any) -> list[CodeFault]:
        return await sandbox.check(source, **{"language": language, "workspace": "home"} | rest)

    return check
