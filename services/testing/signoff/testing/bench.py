"""The real executor on a log and topics in memory, with a clock that the run sets itself."""

import asyncio
import math
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID

from msgspec import structs

from signoff.access.directory.live import LiveDirectory
from signoff.access.secrets.sealing import Sealer
from signoff.blocks import Registry
from signoff.engine.definitions.definition import Definition, digest, encode
from signoff.engine.points.pauses import form_of
from signoff.events import codec
from signoff.events.blobs import BlobStore
from signoff.events.bus.base import Reader, Record
from signoff.events.bus.memory import MemoryBus
from signoff.events.codec import decode_event, decode_outcome
from signoff.events.ids import new_id
from signoff.events.store.base import ExecutionRow
from signoff.events.store.memory import MemoryStore
from signoff.events.store.search import Search
from signoff.events.times import iso
from signoff.events.topics import (
    COMMANDS,
    DEFAULT_WORKSPACE,
    EXECUTIONS,
    OUTCOMES,
    record_key,
    workflow_log_id,
)
from signoff.events.topology import apply
from signoff.events.types import (
    Actor,
    BlockStarted,
    Command,
    CommandData,
    DeployWorkflow,
    Event,
    Json,
    Refusal,
    ResumeExecution,
    StartExecution,
)
from signoff.executor.app import Executor, open_tools
from signoff.gateway.workflows.definitions import Checking
from signoff.runtime.health import Health
from signoff.runtime.settings import Settings
from signoff.testing.clock import VirtualClock
from signoff.testing.definitions import Document, read_document
from signoff.testing.errors import RefusedError, UnfinishedError
from signoff.testing.outcome import Pause, pauses_of, waiting_pauses

_WORKSPACE: Final = str(DEFAULT_WORKSPACE)
_ACTOR: Final = Actor(type="user", id="test")
_LOOPBACK: Final = ("127.0.0.0/8", "::1/128")
_LOOK: Final = 0.001
"""Seconds from one look whether everything waits to the next."""

_ALL: Final = 100_000


class Bench:
    """Sends commands to an executor and reads its log, as a gateway does.

    Args:
        limit: seconds of real time that anything here may take.
    """

    def __init__(
        self, store: MemoryStore, bus: MemoryBus, blobs: BlobStore, outcomes: Reader, health: Health, *,
        clock: VirtualClock, limit: float,
    ) -> None:  # fmt: skip
        self._store = store
        self._bus = bus
        self._blobs = blobs
        self._outcomes = outcomes
        self._health = health
        self._clock = clock
        self._limit = limit

    # Commands ---------------------------------------------------------------------------------------

    async def deploy(self, workflow_id: str, definition: Definition) -> None:
        """Make a definition the active version of a workflow."""
        data = DeployWorkflow(
            workspace_id=_WORKSPACE,
            workflow_id=workflow_id,
            name=definition.name,
            definition=encode(definition),
            digest=digest(definition),
        )
        await self._send(data, workflow_log_id(_WORKSPACE, workflow_id), f"workflow {workflow_id}")

    async def start(self, workflow_id: str, given: Json) -> UUID:
        """Begin an execution of a workflow; gives its log.

        Raises:
            RefusedError: the input does not fit.
        """
        workflow = await self._store.workflow(DEFAULT_WORKSPACE, workflow_id)
        if workflow is None:
            raise UnfinishedError(f"workflow {workflow_id} was deployed, and the log does not show it")
        log_id = new_id()
        data = StartExecution(
            workspace_id=_WORKSPACE,
            workflow_id=workflow.workflow_id,
            workflow_version=workflow.version,
            definition_digest=workflow.digest,
            mode="async",  # nobody waits at a socket: a wait of a month is no time-out
            input=given,
        )
        await self._send(data, log_id, "the input")
        return log_id

    async def resume(self, log_id: UUID, context_id: str, decision: Json) -> None:
        """Decide on a pause.

        Raises:
            RefusedError: the decision does not fit.
        """
        data = ResumeExecution(context_id=context_id, input=decision)
        await self._send(data, log_id, f"the decision on {context_id}")

    async def _send(self, data: CommandData, log_id: UUID, what: str) -> None:
        command = Command(
            command_id=str(new_id()),
            type=data.TYPE,
            execution_id=str(log_id),
            issued_at=iso(self._clock()),
            actor=_ACTOR,
            reply_to=0,
            data=data,
        )
        await self._bus.send(COMMANDS, 0, Record(record_key(log_id), codec.encode(command)))
        async with self._limited(f"no answer about {what}"):
            refusal = await self._answer(command.command_id)
        if refusal is not None:
            raise RefusedError(f"{what} was refused: {refusal.message}{_details(refusal)}", code=refusal.code)

    async def _answer(self, command_id: str) -> Refusal | None:
        while True:
            for message in await self._outcomes.poll(wait=self._limit):
                outcome = decode_outcome(message.value)
                if outcome.command_id == command_id and outcome.outcome != "ended":
                    return outcome.refusal

    # The log ----------------------------------------------------------------------------------------

    async def executions(self) -> list[ExecutionRow]:
        """Every execution, those that others called included, the oldest first."""
        return await self._store.executions(
            Search(workspace_id=DEFAULT_WORKSPACE, descending=False), limit=_ALL
        )

    async def execution(self, log_id: UUID) -> ExecutionRow:
        """One execution."""
        row = await self._store.execution(log_id)
        if row is None:
            raise UnfinishedError(f"execution {log_id} is not in the log")
        return row

    async def events(self, log_id: UUID) -> list[Event]:
        """The events of a log."""
        return [decode_event(recorded.state) for recorded in await self._store.read(log_id)]

    async def pauses(self) -> list[Pause]:
        """Every pause of every execution, in the order they began."""
        return await self._shown(pauses_of(await self._all_events()))

    async def waiting(self) -> list[Pause]:
        """Those of them that wait for a person's decision."""
        return await self._shown(waiting_pauses(await self._all_events()))

    async def _all_events(self) -> list[Event]:
        found = [
            recorded for row in await self.executions() for recorded in await self._store.read(row.log_id)
        ]
        found.sort(key=lambda recorded: recorded.position)
        return [decode_event(recorded.state) for recorded in found]

    async def _shown(self, pauses: list[Pause]) -> list[Pause]:
        """Pauses with all that is shown to whoever decides, however large."""
        shown = [(each, await self.resolve(each.response)) for each in pauses]
        return [structs.replace(each, response=value, form=form_of(value)) for each, value in shown]

    async def resolve(self, value: Json) -> Json:
        """A value of an event with its large parts in place."""
        return await self._blobs.resolve(value, workspace_id=DEFAULT_WORKSPACE)

    # Time -------------------------------------------------------------------------------------------

    async def settled(self) -> None:
        """Return when nothing is under way any more: every execution has ended or waits.

        Raises:
            UnfinishedError: something was, when the limit was over.
        """
        async with self._limited("something still runs"):
            while not await self._is_settled():  # noqa: ASYNC110 - five parts know, and none has an event
                await asyncio.sleep(_LOOK)

    async def _is_settled(self) -> bool:
        """None of these waits for anything in memory, so that together they are one moment's truth."""
        published = (await self._bus.bounds(EXECUTIONS, [0]))[0][1]
        sent = (await self._bus.bounds(COMMANDS, [0]))[0][1]
        taken = (await self._store.leases())[0].next_offset
        return (
            published >= await self._store.last_position()
            and taken >= sent
            and not await self._store.unparked(0)
            and not await self._store.due([0], before=self._clock(), limit=1)
        )

    async def leap(self) -> bool:
        """Go to the next moment at which something happens by itself; false if there is none."""
        due = await self._store.due([0], before=math.inf, limit=1)
        if due:
            self._clock.leap_to(due[0][1])
        return bool(due)

    @asynccontextmanager
    async def _limited(self, what: str) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._limit):
                yield
        except TimeoutError as error:
            raise UnfinishedError(f"{what} after {self._limit:g} s. {await self._situation()}") from error

    async def _situation(self) -> str:
        readiness = await self._health.readiness()
        faults = [f"{name}: {check.detail}" for name, check in readiness.checks.items() if not check.ok]
        at_work = [
            f"{row.workflow_id} runs {await self._last_started(row)}"
            for row in await self.executions()
            if not row.parked
        ]
        return "; ".join(faults + at_work) or "Nothing seems to be at work"

    async def _last_started(self, row: ExecutionRow) -> str:
        data = [event.data for event in await self.events(row.log_id)]
        names = [each.block_name for each in data if isinstance(each, BlockStarted)]
        return names[-1] if names else "no block yet"


@asynccontextmanager
async def open_bench(
    documents: Mapping[str, Document],
    registry: Registry,
    *,
    environment: Mapping[str, str],
    clock: VirtualClock,
    limit: float,
) -> AsyncIterator[Bench]:
    """An executor at work, to which definitions are deployed. Everything ends on leaving.

    Args:
        documents: the definitions by workflow id.
        registry: the Python blocks.
        environment: the values of ``{{NAME}}``.
        clock: the time of day.
        limit: seconds of real time that one step may take.

    Raises:
        DefinitionFaultsError: a definition has faults; all are listed.
        UnfinishedError: the code of one could not be checked.
        OSError: a file cannot be read.
    """
    settings = Settings(environment=dict(environment), allow_private_networks=_LOOPBACK)
    store, bus, blobs, health = MemoryStore(), MemoryBus(), BlobStore.open("memory:"), Health()
    await store.migrate(partitions=1)
    await apply(bus, partitions=1)
    async with open_tools(settings, blobs) as tools:
        checking = Checking(registry, tools.sandbox)
        definitions = {
            workflow_id: await read_document(document, workflow_id=workflow_id, checking=checking)
            for workflow_id, document in documents.items()
        }
        executor = Executor(
            settings, store=store, bus=bus, blobs=blobs, registry=registry, tools=tools, health=health,
            directory=LiveDirectory(store), sealer=Sealer([os.urandom(32)]), partitions=1, clock=clock,
        )  # fmt: skip
        outcomes = await bus.reader(OUTCOMES)
        await outcomes.assign({0: 0})
        async with executor.running():
            bench = Bench(store, bus, blobs, outcomes, health, clock=clock, limit=limit)
            for workflow_id, definition in definitions.items():
                await bench.deploy(workflow_id, definition)
            yield bench
        await outcomes.close()
    await bus.close()
    await store.close()


def _details(refusal: Refusal) -> str:
    return "".join(f"\n  {fault.path}: {fault.message}" for fault in refusal.details)
