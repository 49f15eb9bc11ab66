"""What a block says while it runs, on its way into the log: in few events, whole secrets left out."""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from signoff.executor.running.scope import redact

OFTEN: Final = 0.1
"""Seconds between two events of one block when there is little else to do …"""

SELDOM: Final = 1.0
"""… and when much waits to be decided."""

_BUSY: Final = 1000
"""Messages waiting at which blocks are heard as seldom as that."""


class Secrets(Protocol):
    """Whose values must not be said."""

    @property
    def secrets(self) -> set[str]:
        """Values that the block has read."""
        ...


class Speech:
    """Collects one try's text and passes it on at intervals.

    Args:
        facts: the values that the log may not hold.
        say: takes an offset in characters and the text that follows it.
        backlog: how many messages wait to be decided.
    """

    __slots__ = ("_backlog", "_facts", "_held", "_offset", "_say", "_timer")

    def __init__(self, facts: Secrets, say: Callable[[int, str], None], backlog: Callable[[], int]) -> None:
        self._facts = facts
        self._say = say
        self._backlog = backlog
        self._held = ""
        self._offset = 0
        self._timer: asyncio.TimerHandle | None = None

    def add(self, text: str) -> None:
        """Take text; it is passed on soon."""
        self._held += text
        if self._timer is None and text:
            share = min(1.0, self._backlog() / _BUSY)
            delay = OFTEN + (SELDOM - OFTEN) * share
            self._timer = asyncio.get_running_loop().call_later(delay, self._pass_on)

    def finish(self) -> None:
        """Pass on what is left."""
        self.stop()
        self._send(self._held)

    def stop(self) -> None:
        """Pass nothing on any more by itself."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _pass_on(self) -> None:
        """A secret may be half said: what could be its beginning waits for the rest."""
        self._timer = None
        self._send(self._held[: len(self._held) - self._unfinished()])

    def _unfinished(self) -> int:
        """Characters at the end that may be the beginning of a secret."""
        longest = 0
        for secret in self._facts.secrets:
            for size in range(min(len(secret) - 1, len(self._held)), longest, -1):
                if self._held.endswith(secret[:size]):
                    longest = size
                    break
        return longest

    def _send(self, text: str) -> None:
        self._held = self._held[len(text) :]
        shown = redact(text, self._facts.secrets)
        if shown:
            self._say(self._offset, shown)
            self._offset += len(shown)
