"""A receiver of webhooks, and a log with executions and hooks whose deliverers a test starts and stops."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import msgspec
from aiohttp import web
from aiohttp.test_utils import TestServer
from prometheus_client import CollectorRegistry

from signoff.access.directory.fold import Directory, Hook, Workspace
from signoff.access.hooks import HookRecords, Pending, Secret, Target, new_secret
from signoff.access.secrets.sealing import Sealer
from signoff.events.codec import TOPIC_BY_TYPE, encode
from signoff.events.store.base import Append, EventStore, Lease, NewEvent
from signoff.events.times import iso
from signoff.events.topics import DEFAULT_WORKSPACE, partition_of
from signoff.events.types import Actor, Copy, Event, EventData, ExecutionCompleted, ExecutionStarted
from signoff.executor.hooks.deliverer import Deliverer, delivering
from signoff.executor.hooks.limits import Limits
from signoff.executor.hooks.metrics import HookMetrics
from signoff.runtime.guard import parse_networks

PARTITIONS = 8
WORKSPACE = DEFAULT_WORKSPACE
LOOPBACK = parse_networks("127.0.0.0/8")
QUICK = Limits(
    timeout=5,
    first_wait=0.02,
    longest_wait=0.1,
    turn=0.2,
    due_poll=0.01,
    poll=0.01,
    idle_poll=0.01,
    step=0.01,
    idle_step=0.01,
)
"""Short waits, so that a test sees the next attempt."""


class Received(msgspec.Struct, frozen=True):
    """A request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def event(self) -> tuple[str, int]:
        """Log and event, from the id."""
        _, log_id, event_id = self.id.split("/")
        return log_id, int(event_id)


class Receiver:
    """A server on loopback that keeps what it is sent.

    Attributes:
        answer: makes the answer to a request; 204 unless a test sets it.
    """

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.answer: Callable[[Received], Any] = lambda _: web.Response(status=204)
        self._came = asyncio.Condition()
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._take)
        self._server = TestServer(app)

    async def _take(self, request: web.Request) -> web.StreamResponse:
        received = Received(request.path, dict(request.headers), await request.read())
        self.received.append(received)
        async with self._came:
            self._came.notify_all()
        answer = self.answer(received)
        if isinstance(answer, web.StreamResponse):
            return answer
        response: web.StreamResponse = await answer
        return response

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Receiver"]:
        await self._server.start_server()
        yield self
        await self._server.close()

    def url(self, path: str = "/hook") -> str:
        return str(self._server.make_url(path))

    async def until(self, condition: Callable[[], object], *, limit: float = 10.0) -> None:
        """Wait until a condition holds; it is looked at whenever something came."""
        async with asyncio.timeout(limit), self._came:
            await self._came.wait_for(condition)

    def ids(self) -> list[str]:
        return [each.id for each in self.received]

    def of(self, log_id: UUID) -> list[int]:
        """The events of a log in the order in which they came."""
        return [each.event[1] for each in self.received if each.event[0] == str(log_id)]


class KnownDirectory:
    """A directory that a test changes."""

    def __init__(self) -> None:
        self.state = Directory()

    @property
    def version(self) -> int:
        return self.state.version

    async def look(self) -> None:
        pass

    def set_hook(self, hook_id: str, workspace_id: UUID = WORKSPACE, **settings: Any) -> None:
        self.state.version += 1
        fields = {"host": "localhost", "types": [], "workflow_ids": [], "enabled": True, **settings}
        workspace = self.state.workspaces.setdefault(str(workspace_id), Workspace(name="another"))
        workspace.hooks[hook_id] = Hook(**fields, set_at=float(self.state.version))

    def remove_hook(self, hook_id: str, workspace_id: UUID = WORKSPACE) -> None:
        self.state.version += 1
        del self.state.workspaces[str(workspace_id)].hooks[hook_id]


class HookSite:
    """A log whose partitions one writer holds, with hooks.

    Attributes:
        metrics: of the deliverer that was begun last.
    """

    def __init__(
        self, store: EventStore, leases: list[Lease], clock: Callable[[], float] = time.time
    ) -> None:
        self.store = store
        self.clock = clock
        self.directory = KnownDirectory()
        self.sealer = Sealer([b"a secret key of at least 32 characters"])
        self.kept = HookRecords(store.records, self.sealer)
        self.metrics = CollectorRegistry()
        self._leases = {lease.partition: lease for lease in leases}
        self._versions: dict[UUID, int] = defaultdict(int)

    @classmethod
    async def on(cls, store: EventStore, clock: Callable[[], float] = time.time) -> "HookSite":
        """On a migrated log that nobody else writes."""
        return cls(store, await store.acquire("writer", most=PARTITIONS, ttl=600), clock)

    async def hook(
        self, url: str, *, created_at: float = 0.0, workspace_id: UUID = WORKSPACE, **settings: Any
    ) -> str:
        """Set a hook; gives its id."""
        hook_id = str(uuid4())
        target = Target(url=url, secrets=[Secret(new_secret())], created_at=created_at)
        await self.kept.keep_target(workspace_id, hook_id, target, expected=0)
        self.directory.set_hook(hook_id, workspace_id, **settings)
        return hook_id

    def new_log(self, partition: int = 0) -> UUID:
        return UUID(int=uuid4().int & ~0xFFFF | partition)

    async def append(self, log_id: UUID, *data: EventData, copied: bool = False) -> int:
        """Append events to an execution's log, as such or as copies of another's; gives the last position."""
        lease = self._leases[partition_of(log_id, PARTITIONS)]
        events = [self._event(log_id, each, copied=copied) for each in data]
        return await self.store.append(Append(partition=lease.partition, epoch=lease.epoch, events=events))

    def _event(self, log_id: UUID, data: EventData, *, copied: bool) -> NewEvent:
        self._versions[log_id] += 1
        version = self._versions[log_id]
        now = iso(self.clock())
        event = Event(
            type=data.TYPE,
            event_id=version,
            execution_id=str(log_id),
            workflow_id="refund",
            timestamp=now,
            causation_id=str(uuid4()),
            copy_of=Copy(event_id=version, timestamp=now) if copied else None,
            data=data,
        )
        return NewEvent(log_id, version, TOPIC_BY_TYPE[data.TYPE], encode(event))

    async def executed(self, partition: int = 0) -> UUID:
        """An execution that started and completed."""
        log_id = self.new_log(partition)
        await self.append(log_id, STARTED, COMPLETED)
        return log_id

    async def replay(self, hook_id: str, log_id: UUID, event_id: int) -> bool:
        """Let a hook be told of an execution once more, from an event on."""
        pending = Pending(next_event=event_id, due_at=self.clock())
        return await self.kept.owe(WORKSPACE, hook_id, log_id, pending)

    @asynccontextmanager
    async def delivering(
        self, *, owned: Collection[int] = range(PARTITIONS), limits: Limits = QUICK, store: Any = None
    ) -> AsyncIterator[Deliverer]:
        """A deliverer at work, for partitions that may change meanwhile."""
        self.metrics = CollectorRegistry()
        async with delivering(
            store or self.store,
            self.directory,
            self.sealer,
            lambda: owned,
            HookMetrics(self.metrics),
            networks=LOOPBACK,
            partitions=PARTITIONS,
            limits=limits,
            clock=self.clock,
        ) as deliverer:
            task = asyncio.create_task(deliverer.run())
            try:
                yield deliverer
            finally:
                task.cancel()
                ended = await asyncio.gather(task, return_exceptions=True)
        assert isinstance(ended[0], asyncio.CancelledError), ended


STARTED = ExecutionStarted(
    workspace_id=str(WORKSPACE),
    workflow_version=1,
    definition_digest="sha256:1",
    trigger="api",
    mode="async",
    actor=Actor(type="apiKey", id="tester"),
    start_time="2026-01-01T00:00:00.000000Z",
)
COMPLETED = ExecutionCompleted(
    success=True,
    output={"paid": 100},
    duration=1.0,
    start_time="2026-01-01T00:00:00.000000Z",
    end_time="2026-01-01T00:00:01.000000Z",
)
