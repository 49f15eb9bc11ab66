"""Whether a process lives, whether it is ready, and its metrics: the same on every service."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
import structlog
from aiohttp import web
from msgspec import Struct
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from signoff.runtime.server import LEAVING

Check = Callable[[], Awaitable[str | None]]
"""Raises when something is not as it should be; may return a remark."""

CHECK_LIMIT: Final = 2.0
"""Seconds that a check may take."""

CACHE: Final = 1.0
"""Seconds for which an answer holds, so that probes are cheap."""

_log = structlog.get_logger("signoff.health")
_encode = msgspec.json.Encoder().encode


class CheckResult(Struct, frozen=True, omit_defaults=True):
    """What became of one check."""

    ok: bool
    detail: str | None = None


class Readiness(Struct, frozen=True):
    """What ``/readyz`` answers."""

    status: str
    checks: dict[str, CheckResult]


class Health:
    """Collects what a process depends on, and what went wrong in it.

    Attributes:
        registry: this process's metrics; add your own to it.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self._checks: dict[str, Check] = {}
        self._closed: dict[str, str] = {}
        self._lock = asyncio.Lock()
        self._last: Readiness | None = None
        self._last_at = 0.0

    def add_check(self, name: str, check: Check) -> None:
        """Ask this at each probe; an exception, or more than 2 s, takes readiness down."""
        self._checks[name] = check

    def closed(self, name: str, reason: str) -> None:
        """Take readiness down until :meth:`opened`: something must be done by an operator."""
        if self._closed.get(name) != reason:
            _log.error("not ready", check=name, reason=reason)
        self._closed[name] = reason
        self._last = None

    def opened(self, name: str) -> None:
        """What was closed is well again."""
        if self._closed.pop(name, None) is not None:
            self._last = None

    def watch(self, task: asyncio.Task[None], name: str) -> None:
        """Take readiness down for good when a background task ends with an error."""

        def ended(done: asyncio.Task[None]) -> None:
            error = None if done.cancelled() else done.exception()
            if error is not None:
                _log.error("background task failed", task=name, exc_info=error)
                self.closed(name, f"ended with {type(error).__name__}: {error}; restart this process")

        task.add_done_callback(ended)

    async def readiness(self) -> Readiness:
        """Run all checks at once, or give what they said less than a second ago."""
        async with self._lock:
            if self._last is None or time.monotonic() - self._last_at > CACHE:
                results = await asyncio.gather(*map(_result, self._checks.values()))
                checks = dict(zip(self._checks, results, strict=True))
                checks |= {name: CheckResult(ok=False, detail=why) for name, why in self._closed.items()}
                ready = all(result.ok for result in checks.values())
                self._last = Readiness("ready" if ready else "unavailable", checks)
                self._last_at = time.monotonic()
            return self._last


HEALTH: Final = web.AppKey("health", Health)
"""Where an application keeps the health of its process, if its routes tell of it."""


async def _result(check: Check) -> CheckResult:
    try:
        async with asyncio.timeout(CHECK_LIMIT):
            return CheckResult(ok=True, detail=await check())
    except TimeoutError:
        return CheckResult(ok=False, detail=f"no answer within {CHECK_LIMIT:g} s")
    except Exception as error:  # noqa: BLE001 - a check may fail in any way; the probe says how
        return CheckResult(ok=False, detail=str(error) or type(error).__name__)


def _stopping() -> web.Response:
    return web.Response(status=503, body=b'{"status":"stopping"}', content_type="application/json")


def add_health_routes(app: web.Application, health: Health) -> None:
    """Serve ``/healthz`` (the process lives), ``/readyz`` (it can work) and ``/metrics``.

    Both give 503 ``stopping`` once it was told to stop: it takes what still comes.
    """

    def stops(request: web.Request) -> bool:
        return LEAVING in request.app and request.app[LEAVING].is_set()

    async def healthz(request: web.Request) -> web.Response:
        if stops(request):
            return _stopping()
        return web.Response(body=b'{"status":"ok"}', content_type="application/json")

    async def readyz(request: web.Request) -> web.Response:
        if stops(request):
            return _stopping()
        readiness = await health.readiness()
        status = 200 if readiness.status == "ready" else 503
        return web.Response(status=status, body=_encode(readiness), content_type="application/json")

    async def metrics(_: web.Request) -> web.Response:
        # In a thread: the process's own figures are read from /proc.
        body = await asyncio.to_thread(generate_latest, health.registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics)
