"""What an executor tells about its deliveries at ``/metrics``."""

from collections.abc import Collection

from prometheus_client import CollectorRegistry, Counter, Gauge

from signoff.executor.hooks.progress import Progress
from signoff.executor.hooks.sending import Answer


class HookMetrics:
    """The figures of one executor's deliveries, however often its deliverer is begun again.

    Args:
        registry: shows them.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.lanes = Gauge(
            "signoff_hook_lanes", "Executions that are being delivered to a webhook.", registry=registry
        )
        self.due = Gauge(
            "signoff_hook_due",
            "Deliveries put aside that were due at the last look, of those among the first records.",
            registry=registry,
        )
        self.lag = Gauge(
            "signoff_hook_lag_events",
            "How far the slowest partition's position is behind the end of the log.",
            registry=registry,
        )
        self.dead = Counter("signoff_hook_dead_letters", "Deliveries that were given up.", registry=registry)
        self.failures = Counter(
            "signoff_hook_failures",
            "How often deliveries were begun again after an error.",
            registry=registry,
        )
        self._attempts = Counter(
            "signoff_hook_attempts", "Requests to webhooks, by result.", ("result",), registry=registry
        )
        for result in ("delivered", "failed", "gone"):
            self._attempts.labels(result)

    def sent(self, answer: Answer) -> None:
        """Count an attempt."""
        failed = "gone" if answer.gone else "failed"
        self._attempts.labels("delivered" if answer.error is None else failed).inc()

    def reached(self, last: int, partitions: Collection[Progress]) -> None:
        """Show how far the partitions have come of a log that ends at a position."""
        self.lag.set(max((last - each.position for each in partitions), default=0))
