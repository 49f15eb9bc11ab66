"""Whole servers as their callers meet them: HTTP, real processes, nothing else.

``embedded`` is one process with its own files; ``distributed`` is a gateway, two executors and a stream
service on a real PostgreSQL and a real Kafka. What is said to them is the same.
"""

import asyncio
import json
import os
import secrets
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote
from uuid import uuid4

import aiohttp
import msgspec
import pytest
import pytest_asyncio
from local_services.service import LocalService
from local_services.signoff import Kind, SignoffService, run_signoff
from local_services.waiting import answers_ok

from signoff.events.types import Json
from support.ports import unused_port
from support.processes import LocalRun
from support.told import Told, in_short

LIMIT: Final = 25.0
"""Seconds that a case waits for what must happen."""

ENVIRONMENT: Final = {"TOKEN": "s3cr3t-t0ken", "ODD": 's3cr3t "with" a/b+c&d ü'}
"""Values of ``{{NAME}}`` for every case."""

SYNC_LIMIT: Final = 5
"""Seconds that a run may take whose caller waits for it."""

_LOOK_EVERY: Final = 0.02
_PROGRAM: Final = Path(sys.executable).with_name("signoff")


class EmbeddedService(LocalService):
    """``signoff serve`` as a process."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        super().__init__("embedded", folder, port=unused_port())
        self._environment = dict(environment)

    def answers(self) -> bool:
        """Whether it is ready."""
        return answers_ok(self.port, "/readyz")

    def _launch(self) -> None:
        command = (_PROGRAM, "serve", "--port", str(self.port))
        self.process.start(command, environment=self._environment, folder=self.folder)


class System:
    """A running server.

    Args:
        services: its processes; the first one is called.
        workers: those of them that run blocks.
        key: an API key.
    """

    def __init__(self, services: Sequence[LocalService], workers: Sequence[LocalService], key: str) -> None:
        self._services = services
        self._workers = workers
        self._key = key
        self._url = f"http://127.0.0.1:{services[0].port}"
        self._session: aiohttp.ClientSession

    async def open(self) -> None:
        """Start all processes, and a client."""
        await asyncio.to_thread(_start, self._services)
        self._session = aiohttp.ClientSession(
            self._url,
            headers={"X-API-Key": self._key},
            timeout=aiohttp.ClientTimeout(total=LIMIT),
        )

    async def close(self) -> None:
        """End client and processes."""
        await self._session.close()
        for service in reversed(self._services):
            await asyncio.to_thread(service.kill)

    async def crash(self) -> None:
        """Kill every process that runs blocks, and start it again."""
        for service in self._workers:
            await asyncio.to_thread(service.kill)
        await asyncio.to_thread(_start, self._workers)

    async def call(self, method: str, path: str, **given: Any) -> tuple[int, Any]:
        """Send a request; gives status and JSON."""
        async with self._session.request(method, path, **given) as response:
            return response.status, await response.json()

    def without_its_address(self, answer: Any) -> Any:
        """An answer whose links are paths, as in the log."""
        return json.loads(json.dumps(answer).replace(self._url, ""))

    async def deploy(self, document: object, workflow_id: str) -> tuple[int, Any]:
        """Deploy a definition; gives status and answer."""
        return await self.call("PUT", f"/api/workflows/{workflow_id}", json=document)

    async def run(self, document: object, others: Mapping[str, object] | None = None) -> "SystemRun":
        """An execution of a definition, which is deployed for it; not started yet.

        Args:
            document: the definition.
            others: those that it calls, by their ids.
        """
        workflow_id = f"case-{uuid4()}"
        for each, other in {**(others or {}), workflow_id: document}.items():
            status, answer = await self.deploy(other, each)
            assert status == 201, answer
        return SystemRun(self, workflow_id)

    async def log(self, execution_id: str) -> list[bytes]:
        """The very bytes of an execution's events; none while it does not exist."""
        raws: list[bytes] = []
        after: int | None = 0
        while after is not None:
            path = f"/api/executions/{execution_id}/events?from={after}&limit=1000"
            async with self._session.get(path) as response:
                if response.status == 404:
                    return []
                page = msgspec.json.decode(await response.read(), type=_Page)
            raws += [bytes(raw) for raw in page.events]
            after = page.next_from
        return raws


class _Page(msgspec.Struct, rename="camel"):
    """A page of events as they are."""

    events: list[msgspec.Raw]
    next_from: int | None


class SystemRun:
    """One execution: a player of cases (see ``semantics.cases``).

    Attributes:
        workflow_id: what it is an execution of.
        execution_id: as this client chose it.
    """

    def __init__(self, system: System, workflow_id: str) -> None:
        self._system = system
        self.workflow_id = workflow_id
        self.execution_id = str(uuid4())

    async def start(
        self,
        given: Json,
        *,
        detached: bool = False,
        limit: float | None = None,
        stop_after: str | None = None,
    ) -> None:
        """Start, and wait for the answer; without it where the caller is ``detached``.

        Args:
            given: the input.
            detached: the caller does not wait.
            limit: the run's time limit, in whole seconds; of one that is not detached ``SYNC_LIMIT``.
            stop_after: the block to stop after.
        """
        assert detached or limit in (None, SYNC_LIMIT), "the time limit of those who wait is the server's"
        headers = {"X-Execution-Id": self.execution_id}
        headers |= {"X-Execution-Mode": "async"} if detached else {}
        headers |= {} if limit is None or not detached else {"X-Execution-Timeout-Seconds": f"{limit:g}"}
        body = {"input": given} | ({} if stop_after is None else {"stopAfterBlockId": stop_after})
        path = f"/api/workflows/{self.workflow_id}/execute"
        status, answer = await self._system.call("POST", path, json=body, headers=headers)
        if detached:
            assert status == 202, answer
        else:
            _check_answer(status, self._system.without_its_address(answer), await self.tell())

    async def resume(
        self, context_id: str, given: Json, *, seen: str | None = None, child: str | None = None
    ) -> str | None:
        """Decide on a pause point; gives the text of a refusal.

        Args:
            context_id: of the point.
            given: the input.
            seen: the digest of what the decision was made on.
            child: the block whose child execution the point is in.
        """
        workflow_id, execution_id = self.workflow_id, self.execution_id
        if child is not None:
            called = (await self.tell()).child_of(child)
            workflow_id, execution_id = called["childWorkflowId"], called["childExecutionId"]
        path = f"/api/resume/{workflow_id}/{execution_id}/{quote(context_id)}"
        headers = {} if seen is None else {"If-Match": f'"{seen}"'}
        status, answer = await self._system.call("POST", path, json={"input": given}, headers=headers)
        return answer["error"] if status >= 400 else None

    async def cancel(self) -> str | None:
        """Cancel the execution; gives the text of a refusal."""
        path = f"/api/workflows/{self.workflow_id}/executions/{self.execution_id}/cancel"
        status, answer = await self._system.call("POST", path)
        return answer["error"] if status >= 400 else None

    async def crash(self) -> None:
        """Kill the processes in which blocks run, and start them again."""
        await self._system.crash()

    async def reach(self, event: str, *, child: str | None = None) -> None:
        """Wait until the log holds an event.

        Args:
            event: as `in_short` names it.
            child: the block whose child execution it is in.
        """
        execution_id = self.execution_id
        if child is not None:
            await self._until(lambda told: f"child:called {child}" in map(in_short, told.events), "call")
            execution_id = (await self.tell()).child_of(child)["childExecutionId"]
        await self._until(lambda told: event in map(in_short, told.events), event, execution_id)

    async def until(self, status: str) -> Told:
        """Wait until the execution has a status."""
        return await self._until(lambda told: told.status == status, status)

    async def _until(self, holds: Callable[[Told], bool], what: str, execution_id: str | None = None) -> Told:
        deadline = time.monotonic() + LIMIT
        while not holds(told := await self.tell(execution_id)):
            assert time.monotonic() < deadline, f"no {what}; it is {told.status}:\n{told}"
            await asyncio.sleep(_LOOK_EVERY)
        return told

    async def log(self) -> list[bytes]:
        """The events as they are."""
        return await self._system.log(self.execution_id)

    async def tell(self, execution_id: str | None = None) -> Told:
        """What the log tells now; or that of another execution."""
        return Told([json.loads(raw) for raw in await self._system.log(execution_id or self.execution_id)])

    async def call(self, method: str, path: str, **given: Any) -> tuple[int, Any]:
        """Send another request to the server; gives status and JSON."""
        return await self._system.call(method, path, **given)


def _check_answer(status: int, answer: Any, told: Told) -> None:
    """A synchronous answer says what the log says."""
    end = told.last_end
    if "responseBlockId" in end:
        assert (status, answer) == (told.output["status"], told.output["data"]), told
        return
    expected = {"completed": 200, "paused": 200, "failed": 408 if end.get("code") == "TIMEOUT" else 500}
    seen = (status, answer.get("error"), answer.get("output"))
    assert seen == (expected[told.status], told.error, told.output), told


def _start(services: Sequence[LocalService]) -> None:
    for service in services:
        service.launch()
    for service in services:
        service.await_ready()


def _settings(key: str, folder: Path) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SIGNOFF_")}
    ours = [str(Path(__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        **clean,
        **{f"SIGNOFF_ENV_{name}": value for name, value in ENVIRONMENT.items()},
        "PYTHONPATH": os.pathsep.join(ours),
        "SIGNOFF_BOOTSTRAP_API_KEY": key,
        "SIGNOFF_BLOCKS": "support.semantic_blocks",
        "SIGNOFF_ALLOW_PRIVATE_NETWORKS": "127.0.0.0/8",
        "SIGNOFF_DATA": str(folder / "data"),
        "SIGNOFF_LOG_LEVEL": "warning",
        "SIGNOFF_SYNC_TIMEOUT": str(SYNC_LIMIT),
    }


def _embedded(request: pytest.FixtureRequest, folder: Path, key: str) -> System:
    service = EmbeddedService(folder, _settings(key, folder))
    return System([service], [service], key)


def _distributed(request: pytest.FixtureRequest, folder: Path, key: str) -> System:
    environment = _settings(key, folder) | {
        "SIGNOFF_DATABASE_URL": request.getfixturevalue("postgres").fresh_database(),
        "SIGNOFF_KAFKA": request.getfixturevalue("kafka").bootstrap,
    }
    run_signoff(_PROGRAM, "migrate", environment=environment)
    run_signoff(_PROGRAM, "topics", "apply", environment=environment)

    def service(kind: Kind, number: int) -> SignoffService:
        return SignoffService(
            kind, number, folder, port=unused_port(), program=_PROGRAM, environment=environment
        )

    executors = [service("executor", 1), service("executor", 2)]
    return System([service("gateway", 1), *executors], executors, key)


_KINDS: Final = {"embedded": _embedded, "distributed": _distributed}


@pytest_asyncio.fixture(scope="session", loop_scope="session", params=list(_KINDS))
async def system(request: pytest.FixtureRequest, local_run: LocalRun) -> AsyncIterator[System]:
    """A server, shared by all tests: embedded, then distributed."""
    folder = local_run.folder / f"system-{request.param}"
    folder.mkdir()
    made = await asyncio.to_thread(_KINDS[request.param], request, folder, secrets.token_hex(16))
    await made.open()
    yield made
    await made.close()
