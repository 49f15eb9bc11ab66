"""Keeps deliveries going: what ends with an error is begun again, after a while.

Leases are not given up for it: executions go on, and another executor would meet the same event.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Final

import structlog

from signoff.executor.hooks.deliverer import Deliverer
from signoff.executor.hooks.metrics import HookMetrics
from signoff.runtime.health import Health

_FIRST_WAIT: Final = 1.0
_LONGEST_WAIT: Final = 60.0
_NAME: Final = "webhooks"

_log = structlog.get_logger("signoff.executor.hooks")


class HookService:
    """Runs one deliverer after the other. Readiness is down from an error until the next one begins.

    Args:
        begin: makes a deliverer, which goes on where positions and records say.
        health: what is reported to.
        metrics: counts errors.
        first_wait: seconds before a deliverer is begun again; twice as many each time, up to a minute.
    """

    def __init__(
        self,
        begin: Callable[[], AbstractAsyncContextManager[Deliverer]],
        health: Health,
        metrics: HookMetrics,
        *,
        first_wait: float = _FIRST_WAIT,
    ) -> None:
        self._begin = begin
        self._health = health
        self._metrics = metrics
        self._first_wait = first_wait

    async def run(self) -> None:
        """Deliver, for ever."""
        wait = self._first_wait
        while True:
            begun_at = time.monotonic()
            try:
                async with self._begin() as deliverer:
                    self._health.opened(_NAME)
                    await deliverer.run()
            except Exception as error:  # noqa: BLE001  (whatever it is, it is told, and deliveries go on)
                if time.monotonic() - begun_at > _LONGEST_WAIT:
                    wait = self._first_wait
                self._tell(error, wait)
            await asyncio.sleep(wait)
            wait = min(2 * wait, _LONGEST_WAIT)

    def _tell(self, error: Exception, wait: float) -> None:
        self._metrics.failures.inc()
        _log.error("deliveries ended with an error", again_in=wait, exc_info=error)
        reason = f"ended with {type(error).__name__}: {error}; begun again in {wait:g} s: look at the log"
        self._health.closed(_NAME, reason)
