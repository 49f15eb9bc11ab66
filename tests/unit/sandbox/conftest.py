from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio

from signoff.executor.sandbox.errors import ProgramError
from signoff.executor.sandbox.pool import Sandbox
from signoff.executor.sandbox.programs import Program, ProgramResult

Run = Callable[..., Awaitable[ProgramResult]]
Fault = Callable[..., Awaitable[ProgramError]]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def sandbox() -> AsyncIterator[Sandbox]:
    async with await Sandbox.start(workers=2) as sandbox:
        yield sandbox


@pytest.fixture
def run(sandbox: Sandbox) -> Run:
    async def run(source: str, kind: str = "function", **rest: Any) -> ProgramResult:
        return await sandbox.run(Program(kind=kind, source=source, **rest), workspace="home")

    return run


@pytest.fixture
def fault(run: Run) -> Fault:
    """Run a program that must fail and give its error."""

    async def fault(source: str, kind: str = "function", **rest: Any) -> ProgramError:
        with pytest.raises(ProgramError) as caught:
            await run(source, kind, **rest)
        return caught.value

    return fault
