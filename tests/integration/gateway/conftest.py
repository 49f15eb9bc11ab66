from collections.abc import AsyncIterator

import pytest

from support.gateways import Server, serving, settings
from support.logs import logs_of_a_service

__all__ = ["logs_of_a_service"]


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """A new server for each test."""
    async with serving(settings()) as running:
        yield running
