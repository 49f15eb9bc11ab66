from collections.abc import AsyncIterator

import pytest

from support.gateways import Server, serving, settings


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """A new server for each test."""
    async with serving(settings()) as running:
        yield running
