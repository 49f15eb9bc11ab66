"""Hooks on a real PostgreSQL."""

from collections.abc import AsyncIterator

import pytest

from signoff.events.store.postgres import PostgresStore
from support.hooks import HookSite, Receiver
from support.logs import logs_of_a_service
from support.stores import log_url

__all__ = ["log_url", "logs_of_a_service"]


@pytest.fixture
async def site(log_url: str) -> AsyncIterator[HookSite]:
    store = await PostgresStore.open(log_url)
    yield await HookSite.on(store)
    await store.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver().serving() as receiver:
        yield receiver
