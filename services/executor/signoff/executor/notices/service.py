"""Tells people in the background: of a bounded number of matters at once, the others in a bounded line."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Final
from uuid import UUID

import structlog
from msgspec import Struct

from signoff.access.assignees import Assignees
from signoff.access.links.links import DecisionLinks
from signoff.engine.messages import Notify, Sent, Told
from signoff.engine.state import State
from signoff.events import faults
from signoff.events.store.base import EventStore
from signoff.executor.logs.loaded import Loaded
from signoff.executor.notices.channels import Channels
from signoff.executor.notices.matter import Matter, matter_of
from signoff.executor.notices.people import Recipients
from signoff.executor.notices.results import NOTHING, failed
from signoff.executor.notices.teller import Teller
from signoff.executor.ownership.fencing import fence
from signoff.executor.running.jobs import Place
from signoff.executor.running.reading import Sources
from signoff.runtime.settings import Settings

AT_ONCE: Final = 8
"""Matters that people are told of at once."""

_LINE: Final = 2_000
"""Matters that may wait for their turn."""

_LAST_STEPS: Final = 2.0
"""Seconds that what is under way has to end."""

_Key = tuple[UUID, int]

_log = structlog.get_logger("signoff.executor.notices")


class _Waiting(Struct, frozen=True):
    place: Place
    matter: Matter


class Notices:
    """Performs the engine's `Notify`: what came of it goes into the partition's inbox as `Told`.

    People are told of an event once at a time; after a crash, and when a partition changes its owner, they
    may be told again. Nothing here is waited for, neither by the pause nor by the partition.

    Args:
        teller: sends.
        channels: by what; closed with this.
    """

    def __init__(
        self, teller: Teller, channels: Channels, *, at_once: int = AT_ONCE, line: int = _LINE
    ) -> None:
        self._teller = teller
        self._channels = channels
        self._at_once = at_once
        self._longest = line
        self._line: dict[_Key, _Waiting] = {}
        self._tasks: dict[_Key, tuple[Place, asyncio.Task[list[Sent]]]] = {}
        self._stopping: set[asyncio.Task[list[Sent]]] = set()

    def tell(self, place: Place, loaded: Loaded, state: State, effect: Notify) -> None:
        """Tell people of an event as soon as there is room.

        Args:
            place: takes what came of it.
            loaded: the execution, with its definition.
            state: its state; what is needed of it is taken now.
            effect: which event, and whom it is about.
        """
        key = (loaded.log_id, effect.event_id)
        if key in self._line or key in self._tasks:
            return
        matter = matter_of(loaded, state, effect)
        if len(self._line) >= self._longest:
            text = f"not sent: {self._longest} others wait already; see whether a channel hangs"
            _deliver(place, matter, [failed(each.written, text, ()) for each in matter.entries] or [NOTHING])
            return
        self._line[key] = _Waiting(place, matter)
        self._launch()

    def at_work_for(self, place: Place) -> bool:
        """Whether people are being told of something in a partition."""
        return any(owner is place for owner, _ in self._tasks.values())

    def drop(self, place: Place) -> None:
        """Stop whatever is for a partition that this process no longer owns: its next owner begins again."""
        for key in [key for key, waiting in self._line.items() if waiting.place is place]:
            del self._line[key]
        for key in [key for key, (owner, _) in self._tasks.items() if owner is place]:
            self._cancel(key)

    async def close(self) -> None:
        """Stop everything, and close the channels; within seconds, also if some hang."""
        self._line.clear()
        for key in list(self._tasks):
            self._cancel(key)
        if self._stopping:
            await asyncio.wait(self._stopping, timeout=_LAST_STEPS)
        await self._channels.close()

    def _cancel(self, key: _Key) -> None:
        _, task = self._tasks.pop(key)
        self._stopping.add(task)
        task.cancel()

    def _launch(self) -> None:
        while self._line and len(self._tasks) + len(self._stopping) < self._at_once:
            key = next(iter(self._line))
            waiting = self._line.pop(key)
            if not waiting.place.begins():
                continue
            task = asyncio.create_task(self._told(waiting))
            self._tasks[key] = (waiting.place, task)
            task.add_done_callback(partial(self._ended, key, waiting))

    async def _told(self, waiting: _Waiting) -> list[Sent]:
        fence(waiting.place.held)
        sent = await self._teller.tell(waiting.matter)
        if faults.armed:
            await faults.reach("notice.told")
        return sent

    def _ended(self, key: _Key, waiting: _Waiting, task: asyncio.Task[list[Sent]]) -> None:
        """Hand over what came of it; called as well for a task that was cancelled before its first step."""
        self._stopping.discard(task)
        if self._tasks.get(key, (None, None))[1] is task:
            del self._tasks[key]
            if not task.cancelled():
                _deliver(waiting.place, waiting.matter, task.result())
        self._launch()


def open_notices(
    settings: Settings,
    *,
    store: EventStore,
    assignees: Assignees,
    links: DecisionLinks,
    sources: Sources,
    clock: Callable[[], float],
) -> Notices:
    """Notices of an executor; whoever opens them closes them.

    Args:
        settings: the channels that are allowed, the operator's mail server, what links begin with.
        store: has the events that people are told of.
        assignees: who they are.
        links: makes the links in mails.
        sources: where values are that references name.
        clock: seconds since the epoch, UTC.

    Raises:
        SettingsError: a setting names a channel that there is not.
    """
    channels = Channels.of(settings)
    people = Recipients(assignees, links, public_url=channels.public_url, clock=clock)
    return Notices(Teller(channels, people, sources, store), channels)


def _deliver(place: Place, matter: Matter, sent: list[Sent]) -> None:
    for each in sent:
        if not each.success:
            _log.warning(
                "notification failed",
                execution=matter.execution_id, context=matter.context_id, occasion=matter.occasion,
                channel=each.channel, to=each.to, reason=each.error,
            )  # fmt: skip
    place.deliver(matter.log_id, Told(matter.event_id, sent))
