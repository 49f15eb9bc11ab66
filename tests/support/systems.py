"""Whole servers as their callers meet them: HTTP, real processes, nothing else.

``embedded`` is one process with its own files; ``distributed`` is a gateway, two executors and a stream
service on a real PostgreSQL and a real Kafka. What is said to them is the same.
"""

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote
from uuid import uuid4

import aiohttp
import msgspec
import pytest
import pytest_asyncio
from msgspec import UNSET, UnsetType

from signoff.events.times import from_iso
from signoff.events.types import Json
from support.cast import PLAINLY, Manner
from support.looks import pauses
from support.openai_server import OpenAiServer
from support.processes import LocalRun
from support.system_people import add_cast
from support.system_services import SYNC_LIMIT, Services, distributed, embedded, settings, start
from support.told import Told, in_short

LIMIT: Final = 25.0
"""Seconds that a case waits for what must happen."""

BY_THE_MINUTE: Final = "by-the-minute"
REPLACED: Final = "by-the-minute-replaced"
UNDEPLOYED: Final = "by-the-minute-undeployed"
"""Workflows with a schedule, one that lasts and two that were ended at once. They are deployed when a server
opens, so that the clock has come to a full minute when a test asks for it."""

_SCHEDULE: Final = {
    "blocks": {
        "minute": {"type": "schedule", "cron": "* * * * *", "then": "note"},
        "note": {"type": "test.give", "with": {"value": "<minute.scheduledFor>"}},
    }
}
_NO_SCHEDULE: Final = {"blocks": {"note": {"type": "test.give"}}}


class System:
    """A running server.

    Args:
        services: its processes.
        key: an API key.

    Attributes:
        scheduled_at: when :data:`BY_THE_MINUTE` was deployed, the last of all schedules, in seconds since the
            epoch by the server's clock.
    """

    def __init__(self, services: Services, key: str) -> None:
        self._services = services
        self._key = key
        self._url = f"http://127.0.0.1:{services.all[0].port}"
        self._session: aiohttp.ClientSession
        self._keys: Mapping[str, str] = {}
        self.scheduled_at = 0.0

    async def open(self) -> None:
        """Start all processes, a client, and the schedules."""
        await asyncio.to_thread(start, self._services.all)
        self._session = aiohttp.ClientSession(
            self._url,
            headers={"X-API-Key": self._key},
            timeout=aiohttp.ClientTimeout(total=LIMIT),
        )
        await self._schedule()
        self._keys = await add_cast(self._url, self._key)

    async def _schedule(self) -> None:
        for workflow_id in (REPLACED, UNDEPLOYED):
            await self.deploy(_SCHEDULE, workflow_id)
        await self.deploy(_NO_SCHEDULE, REPLACED)
        await self.call("DELETE", f"/api/workflows/{UNDEPLOYED}")
        status, deployed = await self.deploy(_SCHEDULE, BY_THE_MINUTE)
        assert status == 201, deployed
        self.scheduled_at = from_iso(deployed["deployedAt"])

    async def close(self) -> None:
        """End client and processes."""
        await self._session.close()
        for service in reversed(self._services.all):
            await asyncio.to_thread(service.kill)

    async def crash(self) -> None:
        """Kill every process that runs blocks, and start it again."""
        for service in self._services.workers:
            await asyncio.to_thread(service.kill)
        await asyncio.to_thread(start, self._services.workers)

    async def call(
        self,
        method: str,
        path: str,
        *,
        by: str | None = None,
        headers: Mapping[str, str] | None = None,
        **given: Any,
    ) -> tuple[int, Any]:
        """Send a request, as one of `support.cast` or with the server's own key; gives status and JSON."""
        own = {} if by is None else {"X-API-Key": self._keys[by]}
        async with self._session.request(
            method, path, headers={**own, **(headers or {})}, **given
        ) as response:
            return response.status, await response.json()

    async def tell(self, execution_id: str) -> Told:
        """What the log of any execution tells."""
        return Told([json.loads(raw) for raw in await self.log(execution_id)])

    async def until(
        self, execution_id: str, holds: Callable[[Told], bool], what: str, *, within: float = LIMIT
    ) -> Told:
        """Wait until the log of an execution tells something.

        Args:
            execution_id: the execution.
            holds: whether it does.
            what: a word for it.
            within: seconds.
        """
        deadline = time.monotonic() + within
        pause = pauses()
        while not holds(told := await self.tell(execution_id)):
            assert time.monotonic() < deadline, f"no {what}; it is {told.status}:\n{told}"
            await asyncio.sleep(next(pause))
        return told

    def without_its_address(self, answer: Any) -> Any:
        """An answer whose links are paths, as in the log."""
        return json.loads(json.dumps(answer).replace(self._url, ""))

    async def download(self, path: str) -> bytes:
        """The contents of a file."""
        async with self._session.get(path) as response:
            assert response.status == 200, await response.text()
            return await response.read()

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
        webhook: str | None = None,
        via: Sequence[str] = (),
        by: str | None = None,
    ) -> None:
        """Start, and wait for the answer; without it where the caller is ``detached``.

        Args:
            given: the input.
            detached: the caller does not wait.
            limit: the run's time limit, in whole seconds; of one that is not detached ``SYNC_LIMIT``.
            stop_after: the block to stop after.
            webhook: the block that the input is sent to, in place of a call.
            via: the workflows that called one another up to the start.
            by: who starts it.
        """
        if webhook is not None:
            await self._deliver(webhook, given)
            return
        assert detached or limit in (None, SYNC_LIMIT), "the time limit of those who wait is the server's"
        headers = {"X-Execution-Id": self.execution_id}
        headers |= {"X-Execution-Mode": "async"} if detached else {}
        headers |= {"X-Sim-Via": ",".join(via)} if via else {}
        headers |= {} if limit is None or not detached else {"X-Execution-Timeout-Seconds": f"{limit:g}"}
        body = {"input": given} | ({} if stop_after is None else {"stopAfterBlockId": stop_after})
        path = f"/api/workflows/{self.workflow_id}/execute"
        status, answer = await self._system.call("POST", path, json=body, headers=headers, by=by)
        if detached:
            assert status == 202, answer
        else:
            _check_answer(status, self._system.without_its_address(answer), await self.tell())

    async def _deliver(self, webhook: str, given: Json) -> None:
        path = f"/api/webhooks/{self.workflow_id}/{webhook}"
        status, answer = await self._system.call("POST", path, json=given)
        assert status == 202, answer
        self.execution_id = answer["executionId"]

    async def rerun(self, block_id: str, *, stop_after: str | None = None) -> str | None:
        """Begin another execution with a block and this one's past; gives the text of a refusal.

        Args:
            block_id: the block.
            stop_after: the block to stop after.
        """
        body: dict[str, Json] = {"runFromBlock": {"startBlockId": block_id, "executionId": self.execution_id}}
        body |= {} if stop_after is None else {"stopAfterBlockId": stop_after}
        again = str(uuid4())
        path = f"/api/workflows/{self.workflow_id}/execute"
        status, answer = await self._system.call("POST", path, json=body, headers={"X-Execution-Id": again})
        if status == 400:
            return str(answer["error"])
        self.execution_id = again
        _check_answer(status, self._system.without_its_address(answer), await self.tell())
        return None

    async def fork(
        self, after: str | None, *, given: Json | UnsetType, decide: str | None, saying: Json, by: str | None
    ) -> str | None:
        """Go on in a fork, once it does not run; gives the text of a refusal.

        Args:
            after: the event that it begins after, in short.
            given: another input.
            decide: the point that is decided at once.
            saying: the decision.
            by: who forks.
        """
        body: dict[str, Json] = {"mode": "live"}
        if after is not None:
            told = [in_short(json.loads(raw)) for raw in await self.log()]
            body["eventId"] = told.index(after) + 1
        if given is not UNSET:
            body["input"] = given
        if decide is not None:
            body["decision"] = {"contextId": decide, "input": saying}
        path = f"/api/executions/{self.execution_id}/forks"
        status, answer = await self._system.call("POST", path, json=body, by=by)
        if status >= 400:
            return str(answer["error"])
        self.execution_id = answer["executionId"]
        await self._until(lambda told: not told.running, "end")
        return None

    async def retry(self) -> str | None:
        """Try what failed again, and wait until the execution does not run; gives the text of a refusal."""
        path = f"/api/executions/{self.execution_id}/retry"
        status, answer = await self._system.call("POST", path, json={"reason": "mended"})
        if status >= 400:
            return str(answer["error"])
        await self._until(lambda told: not told.running, "end")
        return None

    async def resume(self, context_id: str, given: Json, how: Manner = PLAINLY) -> str | None:
        """Decide on a pause point; gives the text of a refusal.

        Args:
            context_id: of the point.
            given: the input.
            how: who decides, and in which way.
        """
        workflow_id, execution_id = self.workflow_id, self.execution_id
        if how.child is not None:
            called = (await self.tell()).child_of(how.child)
            workflow_id, execution_id = called["childWorkflowId"], called["childExecutionId"]
        path = f"/api/resume/{workflow_id}/{execution_id}/{quote(context_id)}"
        headers = {} if how.seen is None else {"If-Match": f'"{how.seen}"'}
        query = {"retry": "true"} if how.again else {}
        if how.early is not None:
            query = {"early": "true", "expiresInSeconds": f"{how.early:g}"}
        if how.link:
            query["token"] = await self._link(context_id, how.by)
            headers |= {"If-Match": f'"{(await self.tell()).digest_of(context_id)}"'}
        status, answer = await self._system.call(
            "POST",
            path,
            json={} if given is None else {"input": given},
            params=query,
            headers=headers,
            by=how.by,
        )
        return answer["error"] if status >= 400 else None

    async def _link(self, context_id: str, by: str | None) -> str:
        path = f"/api/inbox/{self.execution_id}/{quote(context_id)}/links"
        status, link = await self._system.call("POST", path, json={}, by=by)
        assert status == 201, link
        return str(link["token"])

    async def act(
        self, act: str, context_id: str, given: Mapping[str, Json], *, by: str | None
    ) -> str | None:
        """Do something at a pause point beside deciding; gives the text of a refusal.

        Args:
            act: the last word of the route for it.
            context_id: of the point.
            given: the body.
            by: who does it.
        """
        path = f"/api/inbox/{self.execution_id}/{quote(context_id)}/{act}"
        amends = act == "content"
        headers = {"If-Match": f'"{(await self.tell()).digest_of(context_id)}"'} if amends else {}
        method = "PUT" if amends else "POST"
        status, answer = await self._system.call(method, path, json=dict(given), headers=headers, by=by)
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
        return await self._system.until(execution_id or self.execution_id, holds, what)

    async def log(self) -> list[bytes]:
        """The events as they are."""
        return await self._system.log(self.execution_id)

    async def tell(self, execution_id: str | None = None) -> Told:
        """What the log tells now; or that of another execution."""
        return await self._system.tell(execution_id or self.execution_id)

    async def execute(self, **body: Json) -> tuple[int, Any]:
        """Execute the workflow once more, with any body; gives status and answer."""
        return await self._system.call("POST", f"/api/workflows/{self.workflow_id}/execute", json=body)


def _check_answer(status: int, answer: Any, log: Told) -> None:
    """A synchronous answer says what the log says of the run that it is for."""
    told = log.first_run()
    end = told.last_end
    if "responseBlockId" in end:
        assert (status, answer) == (told.output["status"], told.output["data"]), told
        return
    expected = {"completed": 200, "paused": 200, "failed": 408 if end.get("code") == "TIMEOUT" else 500}
    seen = (status, answer.get("error"), answer.get("output"))
    assert seen == (expected[told.status], told.error, told.output), told


_KINDS: Final = {"embedded": embedded, "distributed": distributed}


@pytest_asyncio.fixture(scope="session", loop_scope="session", params=list(_KINDS))
async def system(
    request: pytest.FixtureRequest, local_run: LocalRun, model: OpenAiServer
) -> AsyncIterator[System]:
    """A server, shared by all tests: embedded, then distributed. Its blocks ask the fixture ``model``."""
    folder = local_run.folder / f"system-{request.param}"
    folder.mkdir()
    key = secrets.token_hex(16)
    make = _KINDS[request.param]
    services = await asyncio.to_thread(make, request, folder, settings(key, folder, model))
    made = System(services, key)
    await made.open()
    yield made
    await made.close()
