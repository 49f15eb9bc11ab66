"""When a request is sent again: how often, after what pause. No I/O."""

import random
from typing import Final

from msgspec import Struct

from signoff.client.errors import ClientError, UnavailableError, UnreachableError

SHORTEST_PAUSE: Final = 0.25
"""Seconds before the first try after a failure."""

LONGEST_PAUSE: Final = 5.0
"""Seconds that the back-off grows to. A ``Retry-After`` may ask for more."""


class Retries(Struct, frozen=True):
    """How a call is retried. ``most``: tries after the first one."""

    most: int

    def pause(self, failures: int, error: ClientError) -> float | None:
        """Seconds to wait before the next try; ``None``: there is none.

        Args:
            failures: of this call so far, the last one included; from 1.
            error: the last failure.
        """
        if failures > self.most or not isinstance(error, UnreachableError | UnavailableError):
            return None
        return pause_after(failures, error)


def pause_after(failures: int, error: ClientError, *, shortest: float = SHORTEST_PAUSE) -> float:
    """Exponential back-off with jitter, so that a restarted server does not meet all its clients at once.

    Args:
        failures: so far, from 1.
        error: the last one; what it asks for is waited at least.
        shortest: seconds after the first one.
    """
    longest = min(shortest * float(1 << min(failures - 1, 10)), LONGEST_PAUSE)
    asked = error.retry_after if isinstance(error, UnavailableError) else 0.0
    return max(asked, longest * random.uniform(0.5, 1.0))  # noqa: S311 - spreads load, guards nothing
