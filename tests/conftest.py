"""What holds for every test: no task is left behind, and our code never blocks the event loop."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from blockbuster import blockbuster_ctx

pytest_plugins = ("support.processes", "support.ports", "support.postgres", "support.kafka", "support.logs")

_REPOSITORY = Path(__file__).resolve().parents[1]
_LAST_STEPS = 1.0
_LOOKS_FOR_FILES = {"_read_password_file", "_parse_connect_dsn_and_args"}  # asyncpg, once a connection


@pytest.fixture(scope="session", autouse=True)
def _blocking_calls_fail() -> Iterator[None]:
    """Make a blocking call in the event loop fail when our code is on the stack; pytest itself may block."""
    with blockbuster_ctx(scanned_modules=[_sources("libs"), _sources("services")]) as blocking:
        blocking.functions["os.stat"].can_block_in("asyncpg/connect_utils.py", _LOOKS_FOR_FILES)
        yield


def _sources(folder: str) -> ModuleType:
    """Stand for all code under a folder: blockbuster compares paths, and `signoff` has many folders."""
    module = ModuleType(folder)
    module.__path__ = [str(_REPOSITORY / folder)]
    return module


@pytest.fixture(autouse=True)
async def _no_task_is_left() -> AsyncIterator[None]:
    """Fail a test that ends while a task that it started still runs."""
    before = asyncio.all_tasks()
    yield
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    if not left:
        return
    _, left = await asyncio.wait(left, timeout=_LAST_STEPS)  # a cancelled task may have a last step to do
    for task in left:
        task.cancel()
    if left:
        pytest.fail(f"the test left {len(left)} task(s) running: {', '.join(map(repr, left))}")
