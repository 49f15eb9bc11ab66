"""Blocks that wait for their turn, served in turn between workspaces.

Whoever has ten thousand waiting delays another's one block by one round at most. And nobody holds all places
with blocks that take long: a part is left for who comes (:mod:`signoff.runtime.shares`).
"""

import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final

from signoff.executor.running.jobs import Job
from signoff.runtime.shares import Shares

FULL: Final = 10_000
"""Blocks that may wait before no more commands are read: what is under way may still bring some."""

MOST_WAITING: Final = 5_000
"""Blocks that may wait before callers' starts are refused; one workspace may have nine tenths of them."""

PATIENCE: Final = 1.0
"""Seconds that a workspace's next block may have waited before starts are refused whose callers wait."""

_MULTIPLE: Final = 9


class Line:
    """The waiting blocks, and the places of those that run.

    Args:
        places: how many blocks run at once.
        clock: monotonic, seconds.
    """

    def __init__(self, places: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._places = places
        self._clock = clock
        self._waiting: OrderedDict[str, deque[tuple[float, Job]]] = OrderedDict()
        self._lengths: Shares[str] = Shares(_MULTIPLE)
        self._running: Shares[str] = Shares(_MULTIPLE)

    def __len__(self) -> int:
        return self._lengths.total

    @property
    def full(self) -> bool:
        """Whether no more work should be taken in at all."""
        return len(self) >= FULL

    def add(self, job: Job) -> None:
        """Let a block wait behind those of its workspace."""
        self._waiting.setdefault(job.workspace_id, deque()).append((self._clock(), job))
        self._lengths.take(job.workspace_id)

    def next(self) -> Job | None:
        """The next block that may run; it has a place until :meth:`ended`."""
        for workspace_id in self._waiting:
            if self._running.may_take(workspace_id, self._places):
                self._running.take(workspace_id)
                return self._leave(workspace_id)
        return None

    def _leave(self, workspace_id: str) -> Job:
        waiting = self._waiting[workspace_id]
        _, job = waiting.popleft()
        self._lengths.give_back(workspace_id)
        if waiting:
            self._waiting.move_to_end(workspace_id)
        else:
            del self._waiting[workspace_id]
        return job

    def ended(self, job: Job) -> None:
        """A block that had a place has ended, or does not run after all."""
        self._running.give_back(job.workspace_id)

    def clear(self) -> None:
        """Let nobody wait any more."""
        self._waiting.clear()
        self._lengths = Shares(_MULTIPLE)

    def turns_away(self, workspace_id: str, *, waited_for: bool) -> float | None:
        """Whether a start must not add to the line: seconds after which it may come again; ``None``: it may.

        Args:
            workspace_id: whose start it is.
            waited_for: its caller waits for the end of its run.
        """
        waiting = self._waiting.get(workspace_id)
        age = 0.0 if waiting is None else self._clock() - waiting[0][0]
        if waited_for and age > PATIENCE:
            return age
        return None if self._lengths.may_take(workspace_id, MOST_WAITING) else max(age, PATIENCE)
