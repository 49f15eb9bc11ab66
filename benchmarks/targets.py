"""What the figures should be on two cores with everything on them."""

from benchmarks.figures import Target
from msgspec import Struct


class Targets(Struct, frozen=True, kw_only=True):
    """The targets that differ between the sizes, and those that do not.

    Attributes:
        steps: durable steps in a second.
        p50: milliseconds from start, or resume, to completion: the median.
        p99: the same for all but one in a hundred; None: not asked for.
        disk: bytes for each parked execution.
        memory: bytes for each parked execution in all our processes; what is below is noise.
        restart: seconds from the first start command after a crash to the first resume that completed.
        violations: how often two steps of one execution may share a transaction.
        resumes: executions in a second that go on from a pause to their end.
        own: milliseconds of the gateway's own time for a request: the median.
        gateway_execution: milliseconds of the gateways' CPU for a synchronous execution; None: they are in
            one process with all the rest.
        gateway_read: the same for a read of an execution's status.
    """

    steps: Target
    p50: Target
    p99: Target | None = None
    disk: Target = Target(6 * 1024)
    memory: Target = Target(100)
    restart: Target = Target(2.0)
    violations: Target = Target(0)
    resumes: Target = Target(1_500, least=True)
    own: Target = Target(1.0)
    gateway_execution: Target | None = None
    gateway_read: Target | None = None


TARGETS = {
    "embedded": Targets(steps=Target(8_000, least=True), p50=Target(6.0)),
    "cluster": Targets(
        steps=Target(5_000, least=True),
        p50=Target(12.0),
        p99=Target(40.0),
        gateway_execution=Target(1.0),
        gateway_read=Target(0.65),
    ),
}
"""By the name of the system."""
