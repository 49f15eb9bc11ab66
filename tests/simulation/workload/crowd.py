"""The people of a simulated world: they start, decide, cancel and read, each in their own time."""

import asyncio
from collections.abc import Coroutine
from random import Random
from typing import Any, Final
from urllib.parse import quote

from signoff.events.store.base import PointRow
from simulation.workload.client import Client
from simulation.workload.paths import PATHS, path_of
from simulation.workload.workflows import NAMES, NEEDS, QUORUM, definition
from simulation.world.ports import HOOK
from simulation.world.world import World

_CASES: Final = (3, 6)
_BEGUN: Final = frozenset({200, 202})
_DECIDERS: Final = 3
_LOOK: Final = 0.5
_LOOKS: Final = (0, 0, 1, 4)
_TOGETHER: Final = 0.2
_FEEDS: Final = ("", "execution:*", "block:completed,schedule:fired")
_LONGEST_THOUGHT: Final = 6.0
_FED: Final = 0.3
_HOOKED: Final = 0.25
_SPAN: Final = 12.0
"""Seconds over which executions are started."""


class Crowd:
    """Everybody outside of one world.

    Args:
        world: what they deal with.
        client: how.
        seed: decides what they do.
    """

    def __init__(self, world: World, client: Client, seed: int) -> None:
        self._world = world
        self._client = client
        self._random = Random(f"{seed} crowd")
        self._tasks: list[asyncio.Task[Any]] = []
        self._watching: list[asyncio.Task[Any]] = []
        self._decided: set[tuple[str, str]] = set()
        names = self._random.sample(NAMES, min(len(NAMES), self._random.randint(1, 3)))
        self._cases = [self._random.choice(names) for _ in range(self._random.randint(*_CASES))]

    async def prepare(self) -> None:
        """Deploy what they will start."""
        wanted = dict.fromkeys([NEEDS[name] for name in self._cases if name in NEEDS] + self._cases)
        if QUORUM in wanted:
            await self._client.make_keys(_DECIDERS)
        for name in wanted:
            await self._client.deploy(name, definition(name))
        if self._random.random() < _HOOKED:
            await self._client.hook(HOOK)

    def begin(self) -> None:
        """Let everybody do what they want."""
        for number, name in enumerate(self._cases):
            self._do(self._live(number, name))
        self._watch(self._decide_all())
        if self._random.random() < _FED:
            self._watch(self._client.follow(self._random.choice(_FEEDS)))

    @property
    def busy(self) -> bool:
        """Whether somebody still waits for an answer, or means to do something."""
        return any(not task.done() for task in self._tasks)

    async def end(self) -> None:
        """Send those away who only watch, and wait for the others; what they did not expect is raised."""
        self._client.gone.set()
        for task in self._watching:
            task.cancel()
        for ended in await asyncio.gather(*self._tasks, *self._watching, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended

    def _do(self, work: Coroutine[Any, Any, Any]) -> None:
        self._tasks.append(asyncio.get_running_loop().create_task(work))

    def _watch(self, work: Coroutine[Any, Any, Any]) -> None:
        self._watching.append(asyncio.get_running_loop().create_task(work))

    async def _live(self, number: int, name: str) -> None:
        """One execution, and what its maker does with it."""
        random = Random(f"{self._random.random()} {number}")
        await asyncio.sleep(random.random() * _SPAN)
        ticket = f"ticket-{number}"
        amount, mode = random.randrange(100), random.choice(("sync", "async", "async", "stream"))
        answer = await self._client.start(
            name, ticket, amount, mode=mode, keyed=random.random() < 0.8,
            patience=random.random() * 2 if random.random() < 0.3 else None,
        )  # fmt: skip
        if answer.execution_id is None:
            return
        if answer.status not in _BEGUN:
            await self._try_again(random, answer.execution_id, ticket)
            return
        if answer.key is not None and random.random() < 0.2:
            await self._client.start(name, ticket, amount, mode=mode, keyed=True, patience=None)
        for _ in range(random.choice((0, 1, 2, 3))):
            self._watch(self._client.read(name, answer.execution_id, begins_in=random.random() ** 2 * 8))
        if random.random() < 0.2:
            await asyncio.sleep(random.random() * 5)
            await self._client.cancel(name, answer.execution_id, f"{ticket} cancel")
        await self._look_around(random, name, answer.execution_id)

    async def _try_again(self, random: Random, execution_id: str, ticket: str) -> None:
        """Have what failed run once more, after a moment."""
        await asyncio.sleep(random.random() * 3)
        await self._client.retry(execution_id, f"{ticket} retry")

    async def _look_around(self, random: Random, name: str, execution_id: str) -> None:
        """Ask for a few of all the things that can be looked at."""
        for _ in range(random.choice(_LOOKS)):
            await asyncio.sleep(random.random() * 2)
            await self._client.look(path_of(random.choice(PATHS), name, execution_id))

    async def _decide_all(self) -> None:
        """See every point that opens, and think about it for a while."""
        while not self._client.gone.is_set():
            await asyncio.sleep(_LOOK)
            new = [row for row in self._world.open_points() if _place(row) not in self._decided]
            self._decided.update(map(_place, new))
            if new and self._random.random() < _TOGETHER:
                self._do(self._decide_together([_place(row) for row in new]))
            for row in new:
                for who in range(self._random.choice((0, 1, 2, 3, 4))):
                    self._do(self._decide(row, f"{quote(row.context_id)} {str(row.log_id)[-8:]} {who}"))

    async def _decide_together(self, places: list[tuple[str, str]]) -> None:
        await asyncio.sleep(self._random.random() ** 2 * _LONGEST_THOUGHT)
        await self._client.resume_all(places, f"together {len(self._decided)}")

    async def _decide(self, row: PointRow, key: str) -> None:
        await asyncio.sleep(self._random.random() ** 2 * _LONGEST_THOUGHT)
        await self._client.resume(row.workflow_id, str(row.log_id), row.context_id, key)


def _place(row: PointRow) -> tuple[str, str]:
    return str(row.log_id), row.context_id
