"""The executor alone, without HTTP: `python -m benchmarks executor [--profile] [--postgres] [--kafka]`.

Commands are put on the bus and outcomes read from it in the same process, so that one profile shows all of
what an executor does for a step.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote
from uuid import UUID

import uvloop
from benchmarks.profiling import Profile
from benchmarks.workflows import DOCUMENTS, STEPS, STEPS_EACH
from msgspec import Struct

from signoff.access.directory.live import LiveDirectory
from signoff.access.secrets.sealing import Sealer
from signoff.blocks import Registry
from signoff.engine.definitions.definition import digest
from signoff.engine.definitions.definition import encode as encode_definition
from signoff.engine.definitions.parse import parse
from signoff.events.blobs import BlobStore
from signoff.events.bus import open_bus
from signoff.events.bus.base import Bus, Record
from signoff.events.codec import decode_outcome, encode
from signoff.events.ids import new_id
from signoff.events.store import open_store
from signoff.events.times import iso
from signoff.events.topics import (
    COMMANDS,
    DEFAULT_WORKSPACE,
    OUTCOMES,
    PARTITIONS,
    partition_of,
    record_key,
    workflow_log_id,
)
from signoff.events.topology import apply
from signoff.events.types import Actor, Command, CommandData, DeployWorkflow, Outcome, StartExecution
from signoff.executor.app import Executor, open_tools
from signoff.runtime.health import Health
from signoff.runtime.settings import Settings

_REPLY_TO = 0
_LIMIT = 60.0
_ACTOR = Actor(type="apiKey", id="benchmark")


class Load(Struct, frozen=True, kw_only=True):
    """What to run.

    Attributes:
        executions: of ten steps each.
        clients: how many executions are under way at once.
        rounds: how often.
        folder: for the data.
        database: a URL for `open_store`; None is SQLite in the folder.
        kafka: `host:port`; None is the bus in memory.
        profile: whether to show where the time goes.
        points: how many pause points are open in inboxes; None is as many as the target speaks of.
    """

    executions: int
    clients: int
    rounds: int
    folder: Path
    database: str | None = None
    kafka: str | None = None
    profile: bool = False
    points: int | None = None


class Caller:
    """Sends commands, and waits for what becomes of them."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._waiting: dict[tuple[str, bool], asyncio.Future[Outcome]] = {}

    async def listen(self) -> None:
        """Read outcomes, for ever."""
        reader = await self._bus.reader(OUTCOMES)
        bounds = await self._bus.bounds(OUTCOMES, [_REPLY_TO])
        await reader.assign({_REPLY_TO: bounds[_REPLY_TO][1]})
        while True:
            for message in await reader.poll(wait=1.0):
                outcome = decode_outcome(message.value)
                waiting = self._waiting.pop((outcome.command_id, outcome.outcome == "ended"), None)
                if waiting is not None and not waiting.done():
                    waiting.set_result(outcome)

    async def deploy(self, workflow_id: str, document: object = None) -> str:
        """Make a workflow, one of ours or a given one; gives the digest of its definition."""
        parsed = parse(document or DOCUMENTS[workflow_id], types={"noop": None}, workflow_id=workflow_id)
        if parsed.definition is None:
            raise ValueError(parsed.faults)
        log_id = workflow_log_id(str(DEFAULT_WORKSPACE), workflow_id)
        data = DeployWorkflow(
            workspace_id=str(DEFAULT_WORKSPACE),
            workflow_id=workflow_id,
            name=workflow_id,
            definition=encode_definition(parsed.definition),
            digest=digest(parsed.definition),
        )
        await self._send("DeployWorkflow", str(log_id), data, ended=False)
        return data.digest

    async def execute(self, workflow_id: str, definition_digest: str) -> None:
        """Run an execution to its end."""
        data = StartExecution(
            workspace_id=str(DEFAULT_WORKSPACE),
            workflow_id=workflow_id,
            workflow_version=1,
            definition_digest=definition_digest,
            mode="sync",
            input={},
        )
        await self._send("StartExecution", str(new_id()), data, ended=True)

    async def _send(self, kind: str, execution_id: str, data: CommandData, *, ended: bool) -> None:
        command = Command(
            command_id=str(new_id()),
            type=kind,
            execution_id=execution_id,
            issued_at=iso(time.time()),
            actor=_ACTOR,
            reply_to=_REPLY_TO,
            data=data,
        )
        log_id = UUID(execution_id)
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting[command.command_id, ended] = future
        record = Record(record_key(log_id), encode(command))
        await self._bus.send(COMMANDS, partition_of(log_id), record)
        outcome = await asyncio.wait_for(future, _LIMIT)
        if outcome.refusal is not None:
            raise ValueError(outcome.refusal)


@contextlib.asynccontextmanager
async def running_executor(load: Load) -> AsyncIterator[Caller]:
    """An executor in this process, and who calls it."""
    sqlite = f"sqlite:///{quote(str(load.folder / 'signoff.db'))}"
    store = await open_store(load.database or sqlite)
    bus = await open_bus(f"kafka://{load.kafka}" if load.kafka else "memory:")
    await store.migrate(partitions=PARTITIONS)
    await apply(bus)
    settings, blobs = Settings(), BlobStore.open("memory:")
    async with open_tools(settings, blobs) as tools, asyncio.timeout(_LIMIT * load.rounds):
        executor = Executor(
            settings,
            store=store,
            bus=bus,
            blobs=blobs,
            registry=Registry.from_modules(["benchmarks.blocks"]),
            tools=tools,
            health=Health(),
            directory=LiveDirectory(store),
            sealer=Sealer([os.urandom(32)]),
        )
        caller = Caller(bus)
        async with executor.running():
            listening = asyncio.create_task(caller.listen())
            try:
                yield caller
            finally:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)
    await bus.close()
    await store.close()


async def _measure(load: Load) -> None:
    async with running_executor(load) as caller:
        definition_digest = await caller.deploy(STEPS)
        steps = load.executions * STEPS_EACH
        for number in range(load.rounds):
            last = number == load.rounds - 1
            with Profile() if load.profile and last else contextlib.nullcontext() as profile:
                start, cpu = time.perf_counter(), time.process_time()
                await _run_all(caller, definition_digest, load)
                seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
            print(f"{steps / seconds:8.0f} steps/s, {cpu / steps * 1e6:6.1f} µs of CPU a step")
        if profile is not None:
            print("\n".join(profile.lines(steps)))


async def _run_all(caller: Caller, definition_digest: str, load: Load) -> None:
    left = iter(range(load.executions))

    async def client() -> None:
        for _ in left:
            await caller.execute(STEPS, definition_digest)

    async with asyncio.TaskGroup() as clients:
        for _ in range(load.clients):
            clients.create_task(client())


def measure(load: Load) -> None:
    """Run the load and print how fast it went."""
    uvloop.run(_measure(load))
