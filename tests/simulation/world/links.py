"""What lies between a process and the database or the broker: time, and now and then no answer."""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context
from functools import partial
from random import Random
from typing import Any, Final

from msgspec import Struct

_FASTEST: Final = 0.0002
_SPREAD: Final = 0.004
"""Seconds that a call is under way, about; most take much less."""

_PATIENCE: Final = 0.5
"""Seconds until somebody who hears nothing gives up."""

_LATEST: Final = 8.0
"""Seconds after which a call may still arrive whose caller gave up long ago: longer than a lease."""

_OUTSIDE: Final = Context()
"""Of servers that are no processes here: they are never killed."""

Act = Callable[[], Coroutine[Any, Any, Any]]
Lost = Callable[[bool], Exception]


class Rates(Struct):
    """How often, of a thousand calls, something goes wrong on the way; whoever makes the faults sets them.

    Attributes:
        refused: the call never arrives, and that is known.
        unsent: it does not arrive, and nobody knows.
        unheard: it arrives, and the answer does not.
        late: it arrives when the caller may have given up.
        away: nothing gets through at all.
        slow: seconds that everything may take longer.
    """

    refused: int = 0
    unsent: int = 0
    unheard: int = 0
    late: int = 0
    away: bool = False
    slow: float = 0.0

    def heal(self) -> None:
        """Let everything get through, at once."""
        self.refused = self.unsent = self.unheard = self.late = 0
        self.away, self.slow = False, 0.0


class Lock:
    """What a transaction holds whose commit is still on its way: nobody who needs it passes meanwhile.

    Attributes:
        until: when it is free.
    """

    def __init__(self) -> None:
        self.until = 0.0


class Link:
    """The connections of one process to one server.

    Args:
        random: decides how long things take, and what goes wrong.
        rates: how often; shared with whoever makes things go wrong.
        lost: makes the error for a call without an answer; told whether it certainly did nothing.

    Attributes:
        writing: calls of lanes that have not arrived yet, however long ago their callers gave up.
    """

    def __init__(self, random: Random, rates: Rates, lost: Lost) -> None:
        self._random = random
        self._rates = rates
        self._lost = lost
        self._loop = asyncio.get_running_loop()
        self._last: dict[object, float] = {}
        self.writing = 0

    def call(
        self, act: Act, *, lane: object = None, lock: Lock | None = None, lost: Lost | None = None
    ) -> asyncio.Future[Any]:
        """Let the server do something; the answer comes later, or an error.

        The server does it in its own time, also when the caller is cancelled or killed meanwhile.

        Args:
            act: what it does, without waiting for anything.
            lane: calls with an equal one arrive in the order in which they were made.
            lock: what it waits for; and holds, when it arrives late.
            lost: in place of the link's own.
        """
        answer: asyncio.Future[Any] = self._loop.create_future()
        lost = lost or self._lost
        rates, random, now = self._rates, self._random, self._loop.time()
        serve = partial(self._serve, act, lane is not None)
        fate = random.randrange(1000)
        gives_up = now + self._delay() + random.random() * _PATIENCE
        if rates.away or fate < rates.refused:
            self._fail(answer, gives_up, lost(True))
            return answer
        fate -= rates.refused
        arrives = now + self._delay()
        if lane is not None:
            arrives = self._last[lane] = max(arrives, self._last.get(lane, 0.0))
        if fate < rates.unsent:
            self._fail(answer, gives_up, lost(False))
        elif fate < rates.unsent + rates.unheard:
            serve(arrives, None, lock)
            self._fail(answer, max(gives_up, arrives), lost(False))
        elif fate < rates.unsent + rates.unheard + rates.late:
            arrives = now + random.random() ** 2 * _LATEST
            if lock is not None and lock.until <= now:
                lock.until = arrives
                serve(arrives, None, None)
            else:
                serve(arrives, None, lock)
            self._fail(answer, gives_up, lost(False))
        else:
            serve(arrives, answer, lock)
        return answer

    def _fail(self, answer: asyncio.Future[Any], when: float, error: Exception) -> None:
        self._loop.call_at(when, _reply, answer, None, error, context=_OUTSIDE.copy())

    def _serve(
        self, act: Act, counts: bool, arrives: float, answer: asyncio.Future[Any] | None, lock: Lock | None
    ) -> None:
        returns = self._delay()
        self.writing += counts

        def serve() -> None:
            if lock is not None and lock.until > self._loop.time():
                self._loop.call_at(lock.until, serve, context=_OUTSIDE.copy())
                return
            self.writing -= counts
            result, error = at_once(act())
            if answer is not None:
                self._loop.call_later(returns, _reply, answer, result, error, context=_OUTSIDE.copy())

        self._loop.call_at(arrives, serve, context=_OUTSIDE.copy())

    def _delay(self) -> float:
        random = self._random
        return _FASTEST + self._rates.slow * random.random() + random.random() ** 4 * _SPREAD


def _reply(answer: asyncio.Future[Any], result: Any, error: Exception | None) -> None:
    if answer.done():
        return
    if error is None:
        answer.set_result(result)
    else:
        answer.set_exception(error)


def at_once(work: Coroutine[Any, Any, Any]) -> tuple[Any, Exception | None]:
    """What a coroutine that waits for nothing gives, or raises."""
    try:
        work.send(None)
    except StopIteration as ended:
        return ended.value, None
    except Exception as error:  # noqa: BLE001  (it is the caller's)
        return None, error
    work.close()
    raise AssertionError(f"{work!r} waits: what a server does must happen at once")
