"""How far the deliveries of one partition have come."""


class Progress:
    """The position of a partition behind which nothing is owed, or all that is was put aside.

    Events are opened in the order of the log, once for each hook, and closed in any order.

    Args:
        position: of the log, up to which nothing is owed.

    Attributes:
        read: up to here events are read.
        recorded: up to here the database knows.
        told: something was owed since it was recorded.
        given_up: something that is owed is no longer under way: begin again from what is recorded.
    """

    def __init__(self, position: int) -> None:
        self.read = position
        self.recorded = position
        self.told = False
        self.given_up = False
        self._open: dict[int, int] = {}

    @property
    def position(self) -> int:
        """Up to here nothing is owed."""
        return next(iter(self._open)) - 1 if self._open else self.read

    @property
    def idle(self) -> bool:
        """Nothing that was read is owed."""
        return not self._open

    def open(self, position: int) -> None:
        """Note an event that a hook is owed; ``position`` is not below that of any other."""
        self.told = True
        self._open[position] = self._open.get(position, 0) + 1

    def close(self, position: int) -> None:
        """Note that it was delivered, or put aside."""
        self._open[position] -= 1
        if not self._open[position]:
            del self._open[position]
