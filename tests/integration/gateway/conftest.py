from collections.abc import AsyncIterator

import pytest
from support.gateways import Server, serving, settings


@pytest.fixture(scope="session")
async def server() -> AsyncIterator[Server]:
    """One server for all tests of the session; each test has its own workflow."""
    async with serving(settings()) as running:
        yield running
