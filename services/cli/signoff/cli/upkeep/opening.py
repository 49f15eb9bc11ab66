"""What operators' tools work with: the log, the broker, the large values, and the fold that executors use."""

import asyncio
import getpass
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from msgspec import Struct

from signoff.events.blobs import BlobStore
from signoff.events.bus import open_bus
from signoff.events.bus.base import Bus
from signoff.events.store import open_store
from signoff.events.store.base import EventStore
from signoff.events.types import Actor
from signoff.executor.app import discover_blocks
from signoff.executor.blocks.llm.memory import StoredMemory
from signoff.executor.blocks.llm.settings import LlmSettings, open_llm
from signoff.executor.logs.derivation import Deriver
from signoff.executor.logs.loader import Loader
from signoff.executor.logs.plans import Plans
from signoff.runtime.settings import Settings

_PLANS: Final = 200


class Installation(Struct, frozen=True, kw_only=True):
    """An installation, from where its operator looks at it.

    Attributes:
        bus: ``None`` where it lives within an embedded server.
        deriver: makes rows from logs.
        loader: knows what runs in them.
        who: the operator, by the account and the host.
    """

    store: EventStore
    bus: Bus | None
    blobs: BlobStore
    deriver: Deriver
    loader: Loader
    who: str

    def actor(self, command: str) -> Actor:
        """The operator, as events name them.

        Args:
            command: what they called, such as ``signoff recover``.
        """
        return Actor(type="system", id=command, name=self.who)


@asynccontextmanager
async def opened(settings: Settings, *, read_only: bool = False) -> AsyncIterator[Installation]:
    """The installation that settings name; closed on leaving.

    Args:
        settings: of its servers.
        read_only: only looked at: nothing is made or changed, not even a file beside the log's.

    Raises:
        StoreUnavailableError: its log is open in another process.
        BlobError: there is no such object store.
        BlockError: a module with blocks cannot be imported.
    """
    registry = await asyncio.to_thread(discover_blocks, settings)
    async with AsyncExitStack() as stack:
        store = await open_store(settings.store_url, read_only=read_only)
        stack.push_async_callback(store.close)
        bus = None
        if settings.kafka is not None:
            bus = await open_bus(settings.bus_url)
            stack.push_async_callback(bus.close)
        blobs = await asyncio.to_thread(BlobStore.open, settings.blobs_url, read_only=read_only)
        llm = await stack.enter_async_context(open_llm(LlmSettings(), StoredMemory(blobs.objects)))
        loader = Loader(store, Plans(store, blobs, registry, llm, keep=_PLANS))
        yield Installation(
            store=store, bus=bus, blobs=blobs, deriver=Deriver(store, loader, blobs), loader=loader,
            who=await asyncio.to_thread(_operator),
        )  # fmt: skip


def _operator() -> str:
    """Whose account this is, and where."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as containers have them
        name = "unknown"
    return f"{name}@{socket.gethostname()}"
