"""What holds for every test: no task is left behind, and our code never blocks the event loop."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import pytest_asyncio
from blockbuster import blockbuster_ctx

pytest_plugins = (
    "support.processes",
    "support.ports",
    "support.postgres",
    "support.kafka",
    "support.logs",
    "support.written_events",
)

_REPOSITORY = Path(__file__).resolve().parents[1]
_LAST_STEPS = 10.0
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


@pytest_asyncio.fixture(scope="session", loop_scope="session", autouse=True)
async def _loop() -> asyncio.AbstractEventLoop:
    """The event loop of all tests."""
    return asyncio.get_running_loop()


@pytest.fixture(autouse=True)
def _no_task_is_left(_loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Fail a test that ends while a task that it started still runs.

    Not async: most tests have nothing to do with the loop, and need not wait for two turns of it.
    """
    before = asyncio.all_tasks(_loop)
    yield
    left = asyncio.all_tasks(_loop) - before
    if not left:
        return
    # A cancelled task may have a last step to do.
    _, left = _loop.run_until_complete(asyncio.wait(left, timeout=_LAST_STEPS))
    for task in left:
        task.cancel()
    if left:
        pytest.fail(f"the test left {len(left)} task(s) running: {', '.join(map(repr, left))}")
