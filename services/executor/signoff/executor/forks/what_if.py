"""Dry runs: what forks would come to, a few at a time, and nothing is left of them."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID

import msgspec

from signoff.access.assignees import Assignees
from signoff.access.directory.live import LiveDirectory
from signoff.access.secrets.environment import Environments
from signoff.access.secrets.form_secrets import FormSecrets
from signoff.access.secrets.sealing import Sealer
from signoff.access.signing_in.people import People
from signoff.audit.life.aside import Aside
from signoff.audit.life.what_if import TIME_LIMIT, DryRun
from signoff.blocks import Registry
from signoff.engine.deciding.forks import MAX_EVENTS
from signoff.events.blobs import BlobStore
from signoff.events.files import Files
from signoff.events.store.base import EventStore
from signoff.events.times import recordable
from signoff.events.types import Command, Fork, Refusal, StartExecution
from signoff.executor.blocks.base import Tools
from signoff.executor.blocks.llm.memory import StoredMemory
from signoff.executor.blocks.llm.settings import LlmSettings, open_llm
from signoff.executor.forks.course import Course
from signoff.executor.forks.forking import PastError, forking, read_past
from signoff.executor.forks.past_results import PastResults
from signoff.executor.forks.places import Places
from signoff.executor.logs.loaded import Step
from signoff.executor.logs.plans import Plan, Plans, UnknownVersionError
from signoff.executor.partition.turn import new_log, results_of
from signoff.executor.running.reading import Sources
from signoff.executor.running.runner import Runner
from signoff.runtime.guard import guarded_session, parse_networks
from signoff.runtime.settings import Settings
from signoff.sandbox.pool import Sandbox

_PLANS: Final = 100


class DryRuns:
    """Answers what forks would come to (`signoff.audit.life.what_if.WhatIf`).

    Args:
        store: the log of the sources.
        plans: compiled definitions.
        sources: values that a log only names.
        tools: of blocks that do not act outside.
        clock: the time of day, in seconds since the epoch, UTC.
    """

    def __init__(
        self,
        store: EventStore,
        plans: Plans,
        sources: Sources,
        tools: Tools,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._plans = plans
        self._sources = sources
        self._tools = tools
        self._clock = clock
        self._places = Places()

    async def __call__(self, command: Command, values: Aside) -> DryRun | Refusal:
        """What would follow from a ``StartExecution`` with a ``fork``.

        Raises:
            TooManyDryRunsError: others are tried out.
            StoreError: the log cannot be read.
            BlobError: a large value cannot be read.
        """
        data = command.data
        if not isinstance(data, StartExecution) or data.fork is None:
            raise TypeError(f"{command.type} forks nothing")
        async with self._places.place(data.workspace_id):
            return await self._answer(command, data, data.fork, values)

    async def _answer(
        self, command: Command, data: StartExecution, fork: Fork, values: Aside
    ) -> DryRun | Refusal:
        plan = await self._plan(data)
        if isinstance(plan, Refusal):
            return plan
        loaded = new_log(UUID(fork.log_id), command, plan)
        if loaded is None:
            raise TypeError(f"{command.type} begins no log")
        try:
            events = await read_past(self._store, fork, beyond=MAX_EVENTS)
        except PastError as error:
            return Refusal(code=error.code, message=str(error))
        message = await forking(self._store, command, fork, events[: fork.event_id])
        now = recordable(self._clock())
        # A long past takes a moment to fold, in which others are answered.
        step = await asyncio.to_thread(lambda: loaded.step(results_of(loaded, message, now), now))
        refusal = _refusal(step)
        if refusal is not None:
            return refusal
        runner = Runner(self._tools, msgspec.structs.replace(self._sources, blobs=values))
        past = PastResults(events, after=fork.event_id)
        course = Course(loaded, plan, runner, past, values=values, now=now)
        course.take(step)
        try:
            async with asyncio.timeout(TIME_LIMIT):
                stop = await course.follow()
        except TimeoutError:
            stop = "limit"
        return course.told(stop)

    async def _plan(self, data: StartExecution) -> Plan | Refusal:
        try:
            return await self._plans.find(data.workspace_id, data.workflow_id, data)
        except UnknownVersionError as error:
            return Refusal(code="WORKFLOW_NOT_FOUND", message=str(error))


def _refusal(step: Step) -> Refusal | None:
    return next((each.refusal for each in step.outcomes if each.refusal is not None), None)


@asynccontextmanager
async def open_what_if(
    settings: Settings,
    *,
    store: EventStore,
    blobs: BlobStore,
    registry: Registry,
    sandbox: Sandbox,
    directory: LiveDirectory,
    sealer: Sealer,
) -> AsyncIterator[DryRuns]:
    """Dry runs on ports that somebody else opened; nothing that acts outside is ever asked to.

    Args:
        settings: the environment of blocks.
        store: the log.
        blobs: hold large values.
        registry: the blocks that definitions may use.
        sandbox: runs functions and conditions.
        directory: who can be asked for a decision.
        sealer: opens environment values, and what was submitted in secret.
    """
    networks = parse_networks("")
    async with (
        guarded_session(networks) as http,
        open_llm(LlmSettings(), StoredMemory(blobs.objects)) as llm,
    ):
        with ThreadPoolExecutor(1) as threads:
            tools = Tools(
                sandbox, http, threads, llm, Files(blobs.objects), Assignees(directory, People(store.records))
            )
            environments = Environments(settings.environment, directory, store.records, sealer)
            secrets = FormSecrets(store.records, sealer)
            yield DryRuns(
                store,
                Plans(store, blobs, registry, llm, keep=_PLANS),
                Sources(blobs, environments.values, secrets.find),
                tools,
            )
