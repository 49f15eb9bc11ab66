"""Named places in the code where a test lets things go wrong: free when nothing is armed.

Each point stands between two steps of which one may happen without the other. ``SIGNOFF_FAULTS`` kills,
stops or holds up a process there (``relay.acknowledged=kill@3``); a simulation uses :func:`install`.
A call costs one look at a module's variable while nothing is armed:

    if faults.armed:
        await faults.reach("relay.acknowledged")
"""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Literal, cast, get_args

from msgspec import Struct

from signoff.events.errors import FaultSpecError

POINTS: Final[Mapping[str, str]] = {
    "gateway.sending": "a command is ready, and not on its topic",
    "gateway.sent": "a command is on its topic, and nobody waits for its outcome yet",
    "lease.taken": "partitions were taken, and nothing of them is loaded",
    "lease.renewing": "leases are about to be renewed",
    "lease.releasing": "partitions have stopped, and their leases are not free yet",
    "partition.decided": "a batch is decided and folded, and not appended",
    "partition.appended": "a batch is appended: no answer was sent, no effect begun, nothing published",
    "partition.performed": "a batch's answers and effects are under way",
    "store.begun": "a transaction holds the writers' lock, and nothing is written",
    "store.committing": "a transaction is written, and not committed",
    "store.committed": "a transaction is committed, and nobody was told",
    "runner.starting": "a block's start is durable, and the block has not begun",
    "runner.ended": "a block has ended, and its result is not recorded",
    "notice.told": "somebody was told, and that is not recorded",
    "relay.publishing": "events are committed, and not on their topic",
    "relay.acknowledged": "events are on their topic, and the position has not moved",
    "relay.reporting": "positions are about to be recorded",
    "outcomes.sending": "outcomes are ready, and not sent",
    "stream.sending": "frames are ready, and their reader has none of them",
}
"""What each point stands for. The tests of guarantees go through all of them."""

Action = Literal["kill", "stop", "wait", "raise"]
Handler = Callable[[str], Awaitable[None]]

armed = False
"""Whether anything is to happen at any point."""

_handler: Handler | None = None


class FaultInjectedError(Exception):
    """What the action ``raise`` raises: an error that nobody foresaw."""


class _Fault(Struct):
    """What happens at one point: ``action`` at its ``visit``-th visit, waiting for ``seconds``."""

    action: Action
    visit: int = 1
    seconds: float = 0.0


async def reach(point: str) -> None:
    """Let happen what is armed for a point. Call it only while :data:`armed`."""
    if _handler is not None:
        await _handler(point)


def install(handler: Handler | None) -> None:
    """Let a handler decide what happens at each point; ``None`` disarms.

    Args:
        handler: is awaited with the name of each point that is reached. It may raise.
    """
    global armed, _handler  # noqa: PLW0603  (one process has one set of faults)
    _handler = handler
    armed = handler is not None


def install_from(text: str) -> None:
    """Arm what ``SIGNOFF_FAULTS`` says; nothing for an empty text.

    Args:
        text: ``<point>=<action>[@<visit>]`` by commas. ``kill`` and ``stop`` send this process SIGKILL and
            SIGSTOP, ``wait:<seconds>`` holds it up at every visit from that one on, ``raise`` raises once.

    Raises:
        FaultSpecError: it cannot be read; says what can.
    """
    faults = dict(map(_parse, filter(None, map(str.strip, text.split(",")))))
    visits = dict.fromkeys(faults, 0)

    async def happen(point: str) -> None:
        fault = faults.get(point)
        if fault is None:
            return
        visits[point] += 1
        if fault.action == "wait" and visits[point] >= fault.visit:
            await asyncio.sleep(fault.seconds)
        elif fault.action != "wait" and visits[point] == fault.visit:
            _strike(fault.action, point)

    install(happen if faults else None)


def _strike(action: Action, point: str) -> None:
    if action == "raise":
        raise FaultInjectedError(f"a fault was asked for at {point}")
    os.kill(os.getpid(), signal.SIGKILL if action == "kill" else signal.SIGSTOP)


def _parse(text: str) -> tuple[str, _Fault]:
    point, _, what = text.partition("=")
    what, _, visit = what.partition("@")
    name, _, seconds = what.partition(":")
    if point not in POINTS:
        raise FaultSpecError(f"{text!r}: there is no point {point!r}; there are {', '.join(POINTS)}")
    if name not in get_args(Action) or (name == "wait") != bool(seconds):
        raise FaultSpecError(f"{text!r}: say <point>=kill, stop, raise or wait:<seconds>, and @<visit>")
    try:
        return point, _Fault(action=cast("Action", name), visit=int(visit or 1), seconds=float(seconds or 0))
    except ValueError as error:
        raise FaultSpecError(f"{text!r}: a visit is a whole number, seconds are a number") from error
