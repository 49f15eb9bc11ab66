"""How many streams a workspace may have open at once."""

from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from uuid import UUID

from signoff.stream.errors import RefusedError


class Rooms:
    """Counts the streams of each workspace in this process.

    Args:
        most: that a workspace may have; ``None``: any number.
    """

    def __init__(self, most: int | None) -> None:
        self._most = most
        self._open: Counter[UUID] = Counter()

    @contextmanager
    def place(self, workspace_ids: Collection[UUID]) -> Iterator[None]:
        """A place in each of some workspaces, until the block is left.

        Raises:
            RefusedError: 429, one of them has none.
        """
        if self._most is not None and any(self._open[each] >= self._most for each in workspace_ids):
            raise RefusedError(429, "Too many streams of this workspace are open. Please try again later.")
        self._open.update(workspace_ids)
        try:
            yield
        finally:
            self._open.subtract(workspace_ids)
            self._open += Counter()  # forgets those that are at nought
