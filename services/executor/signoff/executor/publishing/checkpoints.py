"""Checkpoints of the log, made each minute by the executor that has the first partition."""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from signoff.audit.checkpoints.files import CheckpointFiles
from signoff.audit.checkpoints.signing import Signer
from signoff.audit.checkpoints.writer import CheckpointWriter
from signoff.events.bus.base import Bus
from signoff.events.errors import BlobError, BusError, SignoffError, StoreError
from signoff.events.store.base import EventStore

FIRST: Final = 0
"""Who has this partition makes the checkpoints of the log."""

_log = structlog.get_logger("signoff.executor.checkpoints")


class Checkpoints:
    """Makes checkpoints while this executor has the first partition.

    Args:
        store: the log.
        bus: has their topic.
        signer: signs them.
        files: where they are kept besides the topic; ``None``: nowhere.
        every: seconds between two.
        held: whether the lease of a partition holds right now.
        clock: seconds since the epoch, UTC.
    """

    def __init__(
        self,
        store: EventStore,
        bus: Bus,
        signer: Signer,
        *,
        files: CheckpointFiles | None,
        every: float,
        held: Callable[[int], bool],
        clock: Callable[[], float],
    ) -> None:
        self._every = every
        self._writer = CheckpointWriter(store, bus, files, signer, held=lambda: held(FIRST), clock=clock)
        self._held = held

    async def keep(self) -> None:
        """Make them, for ever. What is away is waited for: the next one covers what has come until then."""
        while True:
            await asyncio.sleep(self._every)
            if not self._held(FIRST):
                continue
            try:
                await self._writer.write()
            except (StoreError, BusError, BlobError) as error:
                _log.warning("no checkpoint made", reason=str(error))
            except SignoffError as error:  # whoever spoils what is kept of them must not end them
                _log.error("no checkpoint made: what is kept of them was changed", reason=str(error))
