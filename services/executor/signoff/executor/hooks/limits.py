"""The numbers of outgoing webhooks: when a delivery is tried again, and what may be under way at once."""

import random
from collections.abc import Callable
from typing import Final

from msgspec import Struct


class Limits(Struct, frozen=True, kw_only=True):
    """Times are in seconds, sizes in bytes.

    Attributes:
        timeout: within which a receiver must have answered.
        answer: that are read of what a receiver answers.
        first_wait: before the second attempt; each further wait is twice as long …
        longest_wait: … up to this.
        give_up: after which an event is a dead letter, since the first failure of its execution.
        per_hook: requests under way to one hook.
        per_workspace: the same to all hooks of a workspace.
        in_all: requests under way of this executor.
        turn: that an execution waits for one of these places before it is put aside.
        lanes_per_hook: executions that have something under way or wait for a place, of one hook …
        lanes_per_workspace: … of all hooks of a workspace …
        lanes: … and in all.
        events: bytes of events in memory, about.
        page: events, or records, that are read at once.
        poll: between two looks for new events, while there are hooks.
        due_poll: between two looks for what has come due.
        idle_poll: while there are none.
        step: between two records of a position.
        idle_step: the same where nothing was to be delivered.
        claim: for which nobody else takes what is due.
    """

    timeout: float = 10.0
    answer: int = 64 * 1024
    first_wait: float = 1.0
    longest_wait: float = 3600.0
    give_up: float = 24 * 3600.0
    per_hook: int = 8
    per_workspace: int = 64
    in_all: int = 256
    turn: float = 5.0
    lanes_per_hook: int = 200
    lanes_per_workspace: int = 500
    lanes: int = 2000
    events: int = 32 * 1024 * 1024
    page: int = 200
    poll: float = 0.25
    due_poll: float = 0.5
    idle_poll: float = 1.0
    step: float = 1.0
    idle_step: float = 10.0
    claim: float = 20.0

    def wait(self, attempt: int, *, asked: float = 0.0, chance: Callable[[], float] = random.random) -> float:
        """Seconds before the next attempt: exponential, the later half of it by chance.

        Args:
            attempt: how many have failed, from 1.
            asked: seconds that the receiver asked for (``Retry-After``); granted up to the longest wait.
            chance: gives numbers from 0 to 1.
        """
        most = min(self.first_wait * 2.0 ** min(attempt - 1, _MOST_DOUBLINGS), self.longest_wait)
        return max(most * (0.5 + 0.5 * chance()), min(asked, self.longest_wait))


_MOST_DOUBLINGS: Final = 30
