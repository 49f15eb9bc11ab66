"""What the gateway tells about itself at ``/metrics``."""

from collections.abc import Callable
from functools import cache

from aiohttp import web
from aiohttp.typedefs import Middleware
from prometheus_client import CollectorRegistry, Gauge, Histogram

from signoff.gateway.http import timing
from signoff.gateway.http.responses import Handler


def measure_requests(registry: CollectorRegistry) -> Middleware:
    """A middleware that measures every request, by method, route and status."""
    seconds = Histogram(
        "signoff_gateway_request_seconds",
        "How long requests took.",
        ("method", "route", "status"),
        registry=registry,
    )

    @cache
    def series(method: str, route: str, status: int) -> Histogram:
        """Kept, since finding it by its labels takes longer than counting."""
        return seconds.labels(method, route, status)

    @web.middleware
    async def measure(request: web.Request, handler: Handler) -> web.StreamResponse:
        watch = timing.begin()
        response = await handler(request)
        resource = request.match_info.route.resource
        route = "unknown" if resource is None else resource.canonical
        series(request.method, route, response.status).observe(watch.elapsed())
        return response

    return measure


def show(registry: CollectorRegistry, name: str, meaning: str, value: Callable[[], int]) -> None:
    """Show a number as it is when it is asked for."""
    Gauge(name, meaning, registry=registry).set_function(value)
