"""Executors for tests, driven by commands and watched by log, topics and outcomes, as a gateway does."""

import asyncio
import inspect
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from msgspec import Struct

from signoff.blocks import Context, Registry, block
from signoff.engine.definition import digest
from signoff.engine.definition import encode as dump
from signoff.engine.parse import parse
from signoff.events.blobs import BlobStore
from signoff.events.bus.base import Bus, Message, Reader, Record
from signoff.events.bus.memory import MemoryBus
from signoff.events.codec import broken_link, decode_event, decode_outcome, encode
from signoff.events.errors import AppendUnknownError, BusUnavailableError, StoreUnavailableError
from signoff.events.ids import new_id
from signoff.events.store.base import Append, EventStore, WorkflowRow
from signoff.events.store.memory import MemoryStore
from signoff.events.times import iso
from signoff.events.topics import (
    COMMANDS,
    DEFAULT_WORKSPACE,
    EXECUTIONS,
    OUTCOMES,
    partition_of,
    record_key,
    workflow_log_id,
)
from signoff.events.topology import apply
from signoff.events.types import (
    Actor,
    CancelExecution,
    Command,
    CommandData,
    DeployWorkflow,
    Event,
    Outcome,
    ResumeExecution,
    StartExecution,
)
from signoff.executor.app import Executor
from signoff.executor.blocks.base import Tools
from signoff.runtime.health import Health
from signoff.runtime.settings import Settings

LIMIT = 15.0
"""Seconds that a test waits for what must happen."""

WORKSPACE = str(DEFAULT_WORKSPACE)
ACTOR = Actor(type="apiKey", id="tester")
REFUND = {
    "workflow": "refund",
    "input": {"amount": {"type": "number", "required": True}, "customer": "string"},
    "blocks": {
        "check": {
            "type": "condition",
            "cases": [{"when": "<start.amount> <= 100", "then": "pay"}, {"else": "approve"}],
        },
        "approve": {
            "type": "human_in_the_loop",
            "show": {"Customer": "<start.customer>", "Amount": "<start.amount>"},
            "form": {"approved": {"type": "boolean", "required": True}, "comments": "string"},
            "then": "decided",
        },
        "decided": {
            "type": "condition",
            "cases": [{"when": "<approve.approved>", "then": "pay"}, {"else": "refuse"}],
        },
        "pay": {"type": "function", "code": "return <start.amount> * 2", "then": "rest"},
        "rest": {"type": "wait", "for": "20ms"},
        "refuse": {"type": "response", "data": {"refunded": False, "why": "<approve.comments>"}},
    },
}


async def until(condition: Callable[[], object | Awaitable[object]], *, limit: float = LIMIT) -> None:
    """Wait until a function, or coroutine function, gives something true."""
    deadline = time.monotonic() + limit
    while True:
        answer = condition()
        if await answer if inspect.isawaitable(answer) else answer:
            return
        assert time.monotonic() < deadline, f"what the test waits for did not come within {limit:g} s"
        await asyncio.sleep(0.005)


class Sent(Struct, frozen=True):
    """A command on its way."""

    log_id: UUID
    command_id: str


class Site:
    """A log, a bus and an object store, and everything that a gateway does with them.

    Args:
        partitions: of every topic; few are quicker.
    """

    def __init__(
        self, store: EventStore, bus: Bus, blobs: BlobStore, tools: Tools, *, partitions: int = 8
    ) -> None:
        self.store = store
        self.bus = bus
        self.blobs = blobs
        self.tools = tools
        self.partitions = partitions
        self._types: Registry = Registry()
        self._reader: Reader | None = None
        self._outcomes: list[Outcome] = []

    @classmethod
    async def in_memory(
        cls, tools: Tools, *, partitions: int = 8, clock: Callable[[], float] = time.time
    ) -> "Site":
        """A site of this process, migrated, with its topics."""
        store, bus = MemoryStore(clock=clock), MemoryBus()
        await store.migrate(partitions=partitions)
        await apply(bus, partitions=partitions)
        return cls(store, bus, BlobStore.open("memory:"), tools, partitions=partitions)

    async def close(self) -> None:
        """Let go of everything."""
        if self._reader is not None:
            await self._reader.close()
        await self.bus.close()
        await self.store.close()

    # Executors ----------------------------------------------------------------------------------------

    @asynccontextmanager
    async def executor(
        self,
        registry: Registry | None = None,
        *,
        store: Any = None,
        bus: Any = None,
        owner: str | None = None,
        owns: int | None = None,
        health: Health | None = None,
        **settings: Any,
    ) -> AsyncIterator[Executor]:
        """A running executor that has taken over its partitions.

        Args:
            registry: its Python blocks.
            store: in place of the site's, such as one that fails.
            bus: likewise.
            owner: its name in the leases.
            owns: how many partitions it must own before it counts as running; all of them by default.
            health: what it reports to.
            settings: fields of its settings.
        """
        self._types = registry or Registry()
        executor = Executor(
            Settings(**settings),
            store=store or self.store,
            bus=bus or self.bus,
            blobs=self.blobs,
            registry=self._types,
            tools=self.tools,
            health=health or Health(),
            partitions=self.partitions,
            owner=owner,
        )
        async with executor.running():
            await until(lambda: len(executor.owned) >= (self.partitions if owns is None else owns))
            yield executor

    # Commands -----------------------------------------------------------------------------------------

    def partition_of(self, log_id: UUID) -> int:
        """The partition of a log."""
        return partition_of(log_id, self.partitions)

    def new_log(self, partition: int | None = None) -> UUID:
        """An id for a new execution, in a partition if one is given."""
        log_id = new_id()
        return log_id if partition is None else UUID(int=log_id.int & ~0xFFFF | partition)

    async def send(self, data: CommandData, log_id: UUID, **envelope: Any) -> Sent:
        """Send a command for a log; its outcome comes to this site."""
        command = Command(
            **{
                "command_id": str(new_id()),
                "type": data.TYPE,
                "execution_id": str(log_id),
                "issued_at": iso(time.time()),
                "actor": ACTOR,
                "reply_to": 0,
                "data": data,
                **envelope,
            }
        )
        await self.send_bytes(encode(command), log_id)
        return Sent(log_id, command.command_id)

    async def send_bytes(self, value: bytes, log_id: UUID) -> None:
        """Send whatever to where a log's commands go."""
        await self._listen()
        await self.bus.send(COMMANDS, self.partition_of(log_id), Record(record_key(log_id), value))

    async def deploy(self, document: Mapping[str, Any], workflow_id: str = "refund") -> WorkflowRow:
        """Deploy a definition and wait until it is active."""
        parsed = parse(document, types=self._types, workflow_id=workflow_id)
        assert parsed.definition is not None, parsed.faults
        data = DeployWorkflow(
            workspace_id=WORKSPACE,
            workflow_id=workflow_id,
            name=workflow_id,
            definition=dump(parsed.definition),
            digest=digest(parsed.definition),
        )
        sent = await self.send(data, workflow_log_id(WORKSPACE, workflow_id))
        assert (await self.outcome(sent)).outcome == "accepted"
        row = await self.store.workflow(DEFAULT_WORKSPACE, workflow_id)
        assert row is not None
        return row

    async def start(
        self, workflow: WorkflowRow, given: object = None, *, log_id: UUID | None = None, **fields: Any
    ) -> Sent:
        """Start an execution; ``fields`` are of the command's data, or of its envelope."""
        envelope = {name: fields.pop(name) for name in list(fields) if name in Command.__struct_fields__}
        data = StartExecution(
            **{
                "workspace_id": WORKSPACE,
                "workflow_id": workflow.workflow_id,
                "mode": "sync",
                "workflow_version": workflow.version,
                "definition_digest": workflow.digest,
                "input": given,
                **fields,
            }
        )
        return await self.send(data, log_id or self.new_log(), **envelope)

    async def resume(self, log_id: UUID, context_id: str, given: object, **envelope: Any) -> Sent:
        """Decide on a pause point."""
        return await self.send(ResumeExecution(context_id=context_id, input=given), log_id, **envelope)

    async def cancel(self, log_id: UUID) -> Sent:
        """Cancel an execution."""
        return await self.send(CancelExecution(reason="no longer wanted"), log_id)

    async def run(self, workflow: WorkflowRow, given: object = None, **fields: Any) -> list[Event]:
        """Start an execution, wait until its run has ended and give its events."""
        sent = await self.start(workflow, given, **fields)
        await self.ended(sent)
        return await self.events(sent.log_id)

    # What came of them ----------------------------------------------------------------------------------

    async def _listen(self) -> Reader:
        if self._reader is None:
            reader = await self.bus.reader(OUTCOMES)
            await reader.assign({0: (await self.bus.bounds(OUTCOMES, [0]))[0][1]})
            self._reader = reader
        return self._reader

    async def outcome(self, sent: Sent, *, ended: bool = False, limit: float = LIMIT) -> Outcome:
        """Wait for what an executor says of a command, or with ``ended`` of the end of its run."""
        reader = await self._listen()
        deadline = time.monotonic() + limit
        while True:
            for outcome in self._outcomes:
                if outcome.command_id == sent.command_id and (outcome.outcome == "ended") == ended:
                    return outcome
            assert time.monotonic() < deadline, f"no outcome; the log has {await self.types(sent.log_id)}"
            self._outcomes += [decode_outcome(message.value) for message in await reader.poll(wait=0.1)]

    async def ended(self, sent: Sent) -> Outcome:
        """Wait until the run that a command began has ended."""
        return await self.outcome(sent, ended=True)

    async def raw(self, log_id: UUID) -> list[bytes]:
        """The bytes of a log, whose chain must hold."""
        raws = [recorded.state for recorded in await self.store.read(log_id)]
        assert broken_link(raws) is None
        return raws

    async def raw_of(self, events: list[Event]) -> list[bytes]:
        """The bytes of the log that some events are from."""
        return await self.raw(UUID(events[0].log_id or events[0].execution_id))

    async def events(self, log_id: UUID) -> list[Event]:
        """The events of a log, whose chain must hold."""
        return [decode_event(raw) for raw in await self.raw(log_id)]

    async def types(self, log_id: UUID) -> list[str]:
        """The types of the events of a log."""
        return [event.type for event in await self.events(log_id)]

    async def until_event(
        self, log_id: UUID, kind: str, *, count: int = 1, limit: float = LIMIT
    ) -> list[Event]:
        """Wait until a log has some events of a type, and give them."""

        async def there() -> bool:
            return (await self.types(log_id)).count(kind) >= count

        await until(there, limit=limit)
        return [event for event in await self.events(log_id) if event.type == kind]

    async def topic(self, partition: int) -> list[Message]:
        """All records of a partition of ``signoff.executions``."""
        first, end = (await self.bus.bounds(EXECUTIONS, [partition]))[partition]
        reader = await self.bus.reader(EXECUTIONS)
        await reader.assign({partition: first})
        found: list[Message] = []
        deadline = time.monotonic() + LIMIT
        while len(found) < end - first and time.monotonic() < deadline:
            found += await reader.poll(wait=0.2)
        await reader.close()
        return found

    async def topic_equals_log(self, *, exactly: bool = False) -> None:
        """Wait until every event of the log is on the topic, in the log's order, with the log's bytes.

        Args:
            exactly: nothing may have been repeated either.
        """
        for partition in range(self.partitions):
            log = [
                each.state
                for each in await self.store.read_all(after=0, limit=100_000, partitions=[partition])
            ]

            async def complete(partition: int = partition, log: list[bytes] = log) -> bool:
                return _first_seen(await self.topic(partition)) == log

            await until(complete)
            assert not exactly or len(await self.topic(partition)) == len(log)


def _first_seen(messages: list[Message]) -> list[bytes]:
    """What a consumer makes of a partition: each event once, by the rule that the architecture gives it."""
    last: dict[bytes, int] = {}
    seen: list[bytes] = []
    for message in messages:
        version = int(dict(message.headers)["ce_eventid"])
        if version <= last.get(message.key, 0):
            continue
        assert version == last.get(message.key, 0) + 1, "the topic skips an event"
        last[message.key] = version
        seen.append(message.value)
    return seen


def of_type(events: list[Event], kind: str) -> list[Any]:
    """The data of the events of a type."""
    return [event.data for event in events if event.type == kind]


def output_of(events: list[Event], block_id: str) -> Any:
    """The recorded output of a finished block."""
    return next(data.output for data in of_type(events, "block:completed") if data.block_id == block_id)


def registry(*functions: Callable[..., object]) -> Registry:
    """A registry of functions that ``@block`` marked."""
    return Registry(vars(function)["__signoff_block__"] for function in functions)


class Probe:
    """Python blocks that a test watches.

    ``work`` gives back its ``value``. ``hold`` is held on its first try until the test releases its
    execution; a later try returns at once. ``endless`` never returns.

    Attributes:
        calls: the context of each call, in order.
        held: the executions in which ``hold`` is held.
    """

    def __init__(self) -> None:
        self.calls: list[Context] = []
        self.held: set[str] = set()
        self._released: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self.registry = registry(self._work(), self._hold(), self._endless())

    def tries(self, block_id: str) -> list[int]:
        """The attempts that a block was called with."""
        return [context.attempt for context in self.calls if context.block_id == block_id]

    def release(self, log_id: UUID) -> None:
        """Let ``hold`` of an execution return."""
        self._released[str(log_id)].set()

    def _work(self) -> Callable[..., object]:
        @block("probe.work")
        async def work(ctx: Context, value: object = None) -> object:
            self.calls.append(ctx)
            return {"value": value}

        return work

    def _hold(self) -> Callable[..., object]:
        @block("probe.hold")
        async def hold(ctx: Context) -> object:
            self.calls.append(ctx)
            if ctx.attempt == 1:
                self.held.add(ctx.execution_id)
                try:
                    await self._released[ctx.execution_id].wait()
                finally:
                    self.held.discard(ctx.execution_id)
            return {"attempt": ctx.attempt}

        return hold

    def _endless(self) -> Callable[..., object]:
        @block("probe.endless")
        async def endless(ctx: Context) -> None:
            self.calls.append(ctx)
            await asyncio.Event().wait()

        return endless


class FaultyStore:
    """A store that fails when told to.

    Attributes:
        away: every call fails, and nothing is written.
        unknown: so many appends of events are written, and fail as if nobody knew.
        refused: so many appends of events fail, and nothing is written.
    """

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self.away = False
        self.unknown = 0
        self.refused = 0

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)

        async def call(*given: Any, **named: Any) -> Any:
            if self.away:
                raise StoreUnavailableError("the database is away")
            return await method(*given, **named)

        return call

    async def append(self, append: Append) -> int:
        if self.away:
            raise StoreUnavailableError("the database is away")
        if append.events and self.refused:
            self.refused -= 1
            raise StoreUnavailableError("the database was away for a moment")
        position = await self._store.append(append)
        if append.events and self.unknown:
            self.unknown -= 1
            raise AppendUnknownError("the connection broke during the commit")
        return position


class FaultyBus:
    """A bus on which nothing can be published while it is ``away``."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.away = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bus, name)

    async def publish(self, topic: str, partition: int, records: Any) -> Any:
        if self.away:
            raise BusUnavailableError("the broker is away")
        return await self._bus.publish(topic, partition, records)
