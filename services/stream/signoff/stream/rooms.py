"""How many streams a workspace may have open at once."""

from collections import Counter
from collections.abc import Collection
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

    def place(self, workspace_ids: Collection[UUID]) -> "Place":
        """A place in each of some workspaces, until its block is left.

        Raises:
            RefusedError: 429, one of them has none.
        """
        if self._most is not None and any(self._open[each] >= self._most for each in workspace_ids):
            raise RefusedError(429, "Too many streams of this workspace are open. Please try again later.")
        return Place(self._open, workspace_ids)


class Place:
    """A stream's places: a context manager with little memory, since there is one for each open stream."""

    __slots__ = ("_open", "_workspace_ids")

    def __init__(self, counted: Counter[UUID], workspace_ids: Collection[UUID]) -> None:
        self._open = counted
        self._workspace_ids = workspace_ids

    def __enter__(self) -> None:
        """Take them."""
        self._open.update(self._workspace_ids)

    def __exit__(self, *_: object) -> None:
        """Give them back."""
        for each in self._workspace_ids:
            self._open[each] -= 1
            if not self._open[each]:
                del self._open[each]
