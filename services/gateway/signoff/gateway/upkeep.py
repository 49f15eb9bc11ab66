"""What a gateway looks after beside requests: records that expired, secrets under an old key or forgotten."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final
from uuid import UUID

import structlog

from signoff.access.directory.live import LiveDirectory
from signoff.access.directory.orphans import Orphans
from signoff.access.hooks import TARGET
from signoff.access.secrets import environment
from signoff.access.secrets.resealing import reseal
from signoff.access.secrets.sealing import Sealer
from signoff.events.errors import StoreUnavailableError
from signoff.events.records import Records

EVERY: Final = 60.0
"""Seconds between two rounds."""

ROUNDS_A_SWEEP: Final = 60
"""Rounds from one look for secrets that nothing names any more to the next."""

_PURGE: Final = 1000
_SOME: Final = 10
_log = structlog.get_logger("signoff.gateway")


class Upkeep:
    """Does so again and again. Several gateways may at once.

    Args:
        records: to look after.
        directory: tells the workspaces.
        sealer: with the newest key and earlier ones.
        kinds: of sealed records → what each is bound to, by workspace and key.
        every: seconds between two rounds.
    """

    def __init__(
        self,
        records: Records,
        directory: LiveDirectory,
        sealer: Sealer,
        kinds: Mapping[str, Callable[[UUID, str], str]],
        *,
        every: float = EVERY,
    ) -> None:
        self._records = records
        self._directory = directory
        self._sealer = sealer
        self._kinds = kinds
        self._every = every
        self._resealed = False
        self._orphans = Orphans(
            records,
            directory,
            {environment.KIND: lambda each: each.environment, TARGET: lambda each: each.hooks},
        )
        self._until_sweep = 0

    async def run(self) -> None:
        """Go round until cancelled; a round that the database does not let be is made up for by the next."""
        while True:
            try:
                await self._round()
            except StoreUnavailableError as error:
                _log.warning("upkeep waits for the database", reason=str(error))
            await asyncio.sleep(self._every)

    async def _round(self) -> None:
        while await self._records.purge(limit=_PURGE) == _PURGE:
            pass
        if not self._resealed:
            await self._reseal()
        if self._until_sweep == 0:
            await self._sweep()
            self._until_sweep = ROUNDS_A_SWEEP
        self._until_sweep -= 1

    async def _sweep(self) -> None:
        if count := await self._orphans.sweep():
            _log.info("secrets were forgotten that nothing named any more", count=count)

    async def _reseal(self) -> None:
        done = await reseal(self._directory.state, self._records, self._sealer, self._kinds)
        if done.count:
            _log.info("secrets were sealed under the new SIGNOFF_SECRET_KEY", count=done.count)
        if done.unopened:
            _log.error(
                "secrets do not open: name their key in SIGNOFF_SECRET_KEY_PREVIOUS, or set them anew",
                count=len(done.unopened),
                some=done.unopened[:_SOME],
            )
        self._resealed = not done.unopened
