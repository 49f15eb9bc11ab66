"""What tries forks out, as whoever puts services together gives it to a gateway."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from signoff.access.directory.live import LiveDirectory
from signoff.access.secrets.sealing import Sealer
from signoff.audit.life.what_if import WhatIf
from signoff.blocks import Registry
from signoff.events.blobs import BlobStore
from signoff.events.store.base import EventStore
from signoff.runtime.settings import Settings
from signoff.sandbox.pool import Sandbox


class OpenWhatIf(Protocol):
    """Opens a `WhatIf` on ports that somebody else opened; it is closed on leaving."""

    def __call__(
        self,
        settings: Settings,
        *,
        store: EventStore,
        blobs: BlobStore,
        registry: Registry,
        sandbox: Sandbox,
        directory: LiveDirectory,
        sealer: Sealer,
    ) -> AbstractAsyncContextManager[WhatIf]:
        """Open it."""
        ...
