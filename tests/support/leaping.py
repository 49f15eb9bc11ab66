"""Executors in a time that leaps: the real ones, on a log of this process, over months in a moment."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec

import pytest
from msgspec.structs import replace

from signoff.access.gate import BOOTSTRAP
from signoff.events.blobs import BlobStore
from signoff.events.store.base import Append, EventStore, PointRow
from signoff.events.store.inbox import InboxSearch
from signoff.events.times import iso
from signoff.events.topics import DEFAULT_WORKSPACE
from signoff.events.types import Event, Maker, ResumeExecution, Role
from signoff.executor.app import Executor, open_tools
from signoff.executor.blocks.base import Tools
from signoff.runtime.settings import Settings
from signoff.testing.clock import VirtualClock
from support.executors import ACTOR, Sent, Site, until

HOUR: Final = 3600.0
DAY: Final = 24 * HOUR
EVERYTHING: Final = InboxSearch(workspace_ids=(DEFAULT_WORKSPACE,))

_PARTITIONS: Final = 4
_BEGINS: Final = datetime(2027, 1, 4, 9, tzinfo=UTC).timestamp()
_Given = ParamSpec("_Given")


class CountedStore:
    """A store that tells what is asked of it.

    Attributes:
        appends: how many there were.
        loads: how many logs were read.
    """

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self.appends = 0
        self.loads = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def append(self, append: Append) -> int:
        self.appends += 1
        return await self._store.append(append)

    async def read_many(self, after: Any, *, limit: int) -> Any:
        self.loads += len(after)
        return await self._store.read_many(after, limit=limit)


class Years:
    """Executors of one log, and the time they live in.

    Attributes:
        site: sends commands and reads the log.
        clock: tells that time.
        runner: has the event loop that it leaps in.
        store: what executors write to.
    """

    def __init__(self, site: Site, clock: VirtualClock, runner: asyncio.Runner) -> None:
        self.site = site
        self.clock = clock
        self.runner = runner
        self.store = CountedStore(site.store)

    @asynccontextmanager
    async def executor(self) -> AsyncIterator[Executor]:
        """An executor, for as long as the block lasts."""
        async with self.site.executor(store=self.store, clock=self.clock) as executor:
            yield executor

    async def leap_to(self, moment: float) -> None:
        """Come to a moment, and wait until an executor has done what is due by then."""
        ahead = max(moment - self.clock(), 0.0)
        sleeper = asyncio.create_task(asyncio.sleep(ahead))
        await asyncio.sleep(0)  # it sleeps
        self.clock.leap_to(self.clock() + ahead)
        await sleeper  # and so is awake whoever slept no longer
        await until(self.idle)

    async def leap(self, seconds: float) -> None:
        """Let time pass."""
        await self.leap_to(self.clock() + seconds)

    async def idle(self) -> bool:
        """Whether nothing is at work, or due."""
        partitions = range(_PARTITIONS)
        due = await self.site.store.due(list(partitions), before=self.clock(), limit=1)
        return not due and not any([await self.site.store.unparked(each) for each in partitions])

    async def park(self, *asked: dict[str, Any], count: int = 1) -> list[Sent]:
        """Start executions that wait for a decision, each at a point for each of the policies ``asked``."""
        blocks = {f"ask{number}": _point(policy) for number, policy in enumerate(asked, 1)}
        workflow = await self.site.deploy({"start": list(blocks), "blocks": blocks}, f"parked-{id(blocks)}")
        sent = [await self.site.start(workflow, mode="async") for _ in range(count)]
        for each in sent:
            await self.site.until_event(each.log_id, "execution:paused")
        await until(self.idle)
        return sent

    async def decide(self, sent: Sent, context_id: str = "ask1", *roles: Role, **envelope: Any) -> Sent:
        """Send somebody's decision."""
        maker = Maker(user_id="ann", roles=list(roles or ("approver",)), auth_method="session")
        data = ResumeExecution(context_id=context_id, input={"approved": True}, maker=maker)
        return await self.site.send(data, sent.log_id, **{"actor": replace(ACTOR, type="user"), **envelope})

    async def hold(self, sent: Sent, context_id: str, *, until: float) -> None:
        """Decide on a point that has not opened, with the server's own key; it is kept until a moment."""
        maker = Maker(roles=["approver"], auth_method="apiKey")
        data = ResumeExecution(
            context_id=context_id, input={"approved": True}, maker=maker, hold_until=iso(until)
        )
        outcome = await self.site.outcome(await self.site.send(data, sent.log_id, actor=BOOTSTRAP))
        assert outcome.outcome == "accepted", outcome

    async def story(self, sent: Sent) -> list[tuple[str, float]]:
        """What happened to an execution after it was paused first, and at which moment of this time."""
        events = await self.site.events(sent.log_id)
        paused = [event.type for event in events].index("execution:paused")
        return [(event.type, moment(event)) for event in events[paused + 1 :]]

    async def inbox(self) -> Sequence[PointRow]:
        """All open points."""
        return await self.site.store.inbox(EVERYTHING, limit=1000)


def _point(policy: dict[str, Any]) -> dict[str, Any]:
    form = {"approved": {"type": "boolean", "required": True}}
    return {"type": "human_in_the_loop", "form": form, "assignees": ["role:approver"], **policy}


def moment(event: Event) -> float:
    """When an event was recorded, in seconds since the epoch."""
    return datetime.fromisoformat(event.timestamp).timestamp()


class _Leaping:
    """An event loop whose time leaps with a clock, and what executors in it share."""

    def __init__(self) -> None:
        self.clock = VirtualClock(_BEGINS)
        self.runner = asyncio.Runner(loop_factory=self.clock.new_loop)
        self._stack = AsyncExitStack()

    async def open(self) -> Tools:
        return await self._stack.enter_async_context(open_tools(Settings(), BlobStore.open("memory:")))

    def close(self) -> None:
        self.runner.run(self._stack.aclose())
        self.runner.close()


@pytest.fixture(scope="module")
def leaping() -> Iterator[tuple[_Leaping, Tools]]:
    """The time of a module."""
    time = _Leaping()
    yield time, time.runner.run(time.open())
    time.close()


@pytest.fixture
def years(leaping: tuple[_Leaping, Tools]) -> Iterator[Years]:
    """A new log in the module's time; a test that takes it is `in_years`."""
    time, tools = leaping
    site = time.runner.run(Site.in_memory(tools, partitions=_PARTITIONS))
    yield Years(site, time.clock, time.runner)
    time.runner.run(site.close())


def in_years(test: Callable[Concatenate[Years, _Given], Awaitable[None]]) -> Callable[..., None]:
    """Run a test in the event loop of its ``years``."""

    @wraps(test)
    def run(years: Years, *given: _Given.args, **named: _Given.kwargs) -> None:
        async def story() -> None:
            before = asyncio.all_tasks()
            await test(years, *given, **named)
            assert asyncio.all_tasks() == before, "the test left a task running"

        years.runner.run(story())

    return run
