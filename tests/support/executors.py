"""Executors for tests, driven by commands and watched by log, topics and outcomes, as a gateway does."""

import asyncio
import inspect
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
from msgspec import Struct

from signoff.access.directory.live import LiveDirectory
from signoff.access.secrets.sealing import Sealer
from signoff.blocks import Registry
from signoff.engine.definitions.definition import digest
from signoff.engine.definitions.definition import encode as dump
from signoff.engine.definitions.parse import parse
from signoff.events.blobs import BlobStore
from signoff.events.bus.base import Bus, Message, Reader, Record
from signoff.events.bus.memory import MemoryBus
from signoff.events.codec import broken_link, decode_event, decode_outcome, encode
from signoff.events.errors import StoreUnavailableError
from signoff.events.ids import new_id
from signoff.events.store.base import EventStore, WorkflowRow
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
from signoff.gateway.taken import ends_run
from signoff.runtime.health import Health
from signoff.runtime.settings import Settings
from support.looks import pauses

LIMIT = 30.0
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
    pause = pauses()
    while True:
        answer = condition()
        if await answer if inspect.isawaitable(answer) else answer:
            return
        assert time.monotonic() < deadline, f"what the test waits for did not come within {limit:g} s"
        await asyncio.sleep(next(pause))


class Sent(Struct, frozen=True):
    """A command on its way."""

    log_id: UUID
    command_id: str


class Site:
    """A log, a bus and an object store, and everything that a gateway does with them.

    Args:
        partitions: of every topic; few are quicker.

    Attributes:
        types: the Python blocks that definitions may use: those of the executor that started last.
    """

    def __init__(
        self, store: EventStore, bus: Bus, blobs: BlobStore, tools: Tools, *, partitions: int = 8
    ) -> None:
        self.store = store
        self.bus = bus
        self.blobs = blobs
        self.tools = tools
        self.partitions = partitions
        self.types = Registry()
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
        clock: Callable[[], float] | None = time.time,
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
            clock: the time of day that it goes by; the log's own, when none is given.
            settings: fields of its settings.
        """
        self.types = registry or Registry()
        executor = Executor(
            Settings(**settings),
            store=store or self.store,
            bus=bus or self.bus,
            blobs=self.blobs,
            registry=self.types,
            tools=self.tools,
            health=health or Health(),
            directory=LiveDirectory(store or self.store),
            sealer=Sealer([b"a secret key of 32 characters ..."]),
            partitions=self.partitions,
            owner=owner,
            clock=clock,
        )
        async with executor.running():
            await until(lambda: len(executor.owned) >= (self.partitions if owns is None else owns))
            yield executor

    # Commands -----------------------------------------------------------------------------------------

    @staticmethod
    async def no_environment(_: UUID) -> dict[str, str]:
        """The environment of a workspace that has set nothing."""
        return {}

    @staticmethod
    async def no_secrets(*_: object) -> dict[str, str]:
        """What was submitted to the forms of a workspace that has none."""
        return {}

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
        parsed = parse(document, types=self.types.output_fields, workflow_id=workflow_id)
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

    async def outcome(self, sent: Sent, *, limit: float = LIMIT) -> Outcome:
        """Wait for what an executor says of a command."""
        deadline = time.monotonic() + limit
        while (found := await self._heard(sent, ended=False, wait=0.1)) is None:
            assert time.monotonic() < deadline, f"no outcome; the log has {await self.kinds(sent.log_id)}"
        return found

    async def ended(self, sent: Sent, *, limit: float = LIMIT) -> Outcome:
        """Wait until the run that a command began has ended.

        As a gateway does: an executor says so at most once, and not at all when it loses the partition
        meanwhile; who has heard nothing for a second asks the log.
        """
        deadline = time.monotonic() + limit
        while True:
            if (heard := await self._heard(sent, ended=True, wait=1.0)) is not None:
                return heard
            if (found := await self._looked_up(sent)) is not None:
                return found
            assert time.monotonic() < deadline, f"no end; the log has {await self.kinds(sent.log_id)}"

    async def _looked_up(self, sent: Sent) -> Outcome | None:
        try:
            events = await self.events(sent.log_id)
        except StoreUnavailableError:  # some tests cut connections, ours among them
            return None
        runs = [event.run_id for event in events if event.causation_id == sent.command_id]
        for event in events:
            if runs and ends_run(event, runs[-1]):
                return Outcome(
                    command_id=sent.command_id,
                    execution_id=str(sent.log_id),
                    outcome="ended",
                    event_id=event.event_id,
                )
        return None

    async def _heard(self, sent: Sent, *, ended: bool, wait: float) -> Outcome | None:
        reader = await self._listen()
        until = time.monotonic() + wait
        while True:
            for outcome in self._outcomes:
                if outcome.command_id == sent.command_id and (outcome.outcome == "ended") == ended:
                    return outcome
            left = until - time.monotonic()
            if left <= 0:
                return None
            self._outcomes += [decode_outcome(message.value) for message in await reader.poll(wait=left)]

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

    async def kinds(self, log_id: UUID) -> list[str]:
        """The types of the events of a log."""
        return [event.type for event in await self.events(log_id)]

    async def until_event(
        self, log_id: UUID, kind: str, *, count: int = 1, limit: float = LIMIT
    ) -> list[Event]:
        """Wait until a log has some events of a type, and give them."""

        async def there() -> bool:
            try:
                return (await self.kinds(log_id)).count(kind) >= count
            except StoreUnavailableError:  # some tests cut connections, ours among them
                return False

        await until(there, limit=limit)
        return [event for event in await self.events(log_id) if event.type == kind]

    async def topic(self, partition: int) -> list[Message]:
        """All records of a partition of ``signoff.executions``."""
        return (await self._records([partition]))[partition]

    async def _records(self, partitions: Collection[int]) -> dict[int, list[Message]]:
        bounds = await self.bus.bounds(EXECUTIONS, partitions)
        left = sum(end - first for first, end in bounds.values())
        found: dict[int, list[Message]] = {partition: [] for partition in partitions}
        reader = await self.bus.reader(EXECUTIONS)
        await reader.assign({partition: first for partition, (first, _) in bounds.items()})
        deadline = time.monotonic() + LIMIT
        while left > 0:
            assert time.monotonic() < deadline, f"{left} records of the topic cannot be read"
            for message in await reader.poll(wait=0.2):
                found[message.partition].append(message)
                left -= 1
        await reader.close()
        return found

    async def topic_equals_log(self, *, exactly: bool = False) -> None:
        """Wait until every event of the log is on the topic, in the log's order, with the log's bytes.

        Args:
            exactly: nothing may have been repeated either.
        """
        log: dict[int, list[bytes]] = defaultdict(list)
        for recorded in await self.store.read_all(after=0, limit=100_000):
            log[self.partition_of(recorded.log_id)].append(recorded.state)

        async def complete() -> bool:
            records = await self._records(log.keys())
            return all(_first_seen(records[partition]) == raws for partition, raws in log.items())

        await until(complete)
        if exactly:
            records = await self._records(log.keys())
            assert {partition: len(each) for partition, each in records.items()} == {
                partition: len(each) for partition, each in log.items()
            }


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


class ExecutorProcess:
    """An executor as a process of its own, as ``signoff executor`` runs it.

    Args:
        port: of its health routes.
        settings: environment variables.
    """

    def __init__(self, port: int, **settings: str) -> None:
        self.port = port
        clean = {name: value for name, value in os.environ.items() if not name.startswith("SIGNOFF_")}
        self._process = subprocess.Popen(
            [Path(sys.executable).with_name("signoff"), "executor", "--port", str(port)],
            env={**clean, **settings, "PYTHONPATH": str(Path(__file__).parents[1])},
        )

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    async def ended(self, limit: float) -> int:
        """Wait until it has ended; gives its exit code."""
        return await asyncio.to_thread(self._process.wait, limit)

    async def kill(self) -> None:
        """End it as a crash does."""
        if self._process.poll() is None:
            self._process.kill()
            await self.ended(10)

    async def readiness(self) -> dict[str, Any]:
        """What ``/readyz`` says; nothing while it does not answer."""
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"http://127.0.0.1:{self.port}/readyz") as response,
            ):
                answer: dict[str, Any] = await response.json()
                return answer
        except aiohttp.ClientError:
            return {}

    async def ready(self) -> bool:
        """Whether it is ready."""
        return (await self.readiness()).get("status") == "ready"
