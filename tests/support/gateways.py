"""A whole server in memory: gateway and executor as they are, on a log and topics of this process."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

from aiohttp.test_utils import TestClient, TestServer

from signoff.access.directory.live import LiveDirectory, following
from signoff.access.gate import Gate
from signoff.access.secrets.sealing import Sealer
from signoff.blocks import Context, Registry, block
from signoff.events.blobs import BlobStore
from signoff.events.bus.memory import MemoryBus
from signoff.events.store.memory import MemoryStore
from signoff.events.topology import apply
from signoff.executor.app import Executor, open_tools
from signoff.executor.forks.what_if import open_what_if
from signoff.gateway.app import create_app
from signoff.runtime.health import Health
from signoff.runtime.settings import Settings
from support.contract import CONTRACT, checking
from support.growing_logs import until
from support.looks import pauses

KEY = "a-bootstrap-key-for-tests"
SECRET = b"a secret key of 32 characters ..."
PARTITIONS = 64
LIMIT = 30.0
"""Seconds that a test waits for what must happen."""

_LEASE: Final = 60.0
"""Seconds: a server for many tests keeps its partitions on a machine that stands still for a while."""

_numbers = itertools.count(1)


class BlockGate:
    """Holds blocks of type ``hold`` and, when they have said their words, ``say`` until it is opened.

    A block of type ``fussy`` fails until it is opened.
    """

    def __init__(self) -> None:
        self._held: dict[str, asyncio.Event] = {}
        self._reached: dict[str, asyncio.Event] = {}

    def registry(self) -> Registry:
        @block("hold")
        async def hold(name: str) -> str:
            self._event(self._reached, name).set()
            await self._event(self._held, name).wait()
            return name

        @block("say")
        async def say(name: str, words: list[str], ctx: Context) -> dict[str, str]:
            for word in words:
                ctx.emit(word)
            await hold(name)
            return {"content": "".join(words)}

        @block("fussy")
        async def fussy(name: str) -> str:
            if not self._event(self._held, name).is_set():
                raise ValueError("not yet")
            return name

        return Registry([vars(each)["__signoff_block__"] for each in (hold, say, fussy)])

    async def reached(self, name: str) -> None:
        """Wait until a block is held."""
        async with asyncio.timeout(LIMIT):
            await self._event(self._reached, name).wait()

    def open(self, name: str) -> None:
        self._event(self._held, name).set()

    @staticmethod
    def _event(events: dict[str, asyncio.Event], name: str) -> asyncio.Event:
        return events.setdefault(name, asyncio.Event())


class Server:
    """A running server and its client."""

    def __init__(
        self,
        client: TestClient[Any, Any],
        store: MemoryStore,
        bus: MemoryBus,
        blobs: BlobStore,
        *,
        gate: BlockGate,
        directory: LiveDirectory,
    ) -> None:
        self.client = client
        self.store = store
        self.bus = bus
        self.blobs = blobs
        self.gate = gate
        self.directory = directory

    async def call(self, method: str, path: str, **given: Any) -> tuple[int, Any]:
        """Call a route as the administrator; gives status and JSON."""
        headers = {"X-API-Key": KEY, **given.pop("headers", {})}
        async with (
            asyncio.timeout(LIMIT),
            self.client.request(method, path, headers=headers, **given) as response,
        ):
            return response.status, None if response.status == 204 else await response.json()

    async def get(self, path: str, **given: Any) -> tuple[int, Any]:
        return await self.call("GET", path, **given)

    async def post(self, path: str, **given: Any) -> tuple[int, Any]:
        return await self.call("POST", path, **given)

    async def deploy(self, blocks: dict[str, Any], **more: Any) -> str:
        """Deploy blocks as a new workflow; gives its id."""
        workflow_id = f"workflow-{next(_numbers)}"
        status, body = await self.call(
            "PUT", f"/api/workflows/{workflow_id}", json={"blocks": blocks, **more}
        )
        assert status == 201, body
        return workflow_id

    async def execute(self, workflow_id: str, **given: Any) -> Any:
        """Run a workflow to a pause or its end; gives the answer."""
        status, body = await self.post(f"/api/workflows/{workflow_id}/execute", **given)
        assert status == 200, body
        return body

    async def ended_job(self, job_id: str) -> dict[str, Any]:
        """Wait for the end of a run; gives its job."""
        async with asyncio.timeout(LIMIT):
            pause = pauses()
            while True:
                _, job = await self.get(f"/api/jobs/{job_id}")
                if job["status"] not in ("pending", "processing"):
                    return dict(job)
                await asyncio.sleep(next(pause))

    async def lines(self, path: str, **given: Any) -> list[str]:
        """The ``data:`` lines of a streamed answer."""
        async with (
            asyncio.timeout(LIMIT),
            self.client.post(path, headers={"X-API-Key": KEY}, **given) as response,
        ):
            assert response.status == 200, await response.text()
            assert response.headers["Content-Type"] == "text/event-stream"
            text = await response.text()
        return [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: ")]

    async def events(self, execution_id: str) -> list[Any]:
        _, body = await self.get(f"/api/executions/{execution_id}/events?limit=1000")
        return list(body["events"])


def settings(**changes: Any) -> Settings:
    return Settings(bootstrap_api_key=KEY, **changes)


@asynccontextmanager
async def serving(
    given: Settings, *, executor: bool = True, look_every: float = 1.0
) -> AsyncIterator[Server]:
    """Run a server for as long as the block lasts."""
    async with AsyncExitStack() as stack:
        store, bus, blobs = MemoryStore(), MemoryBus(), BlobStore.open("memory:")
        stack.push_async_callback(store.close)
        stack.push_async_callback(bus.close)
        await store.migrate(partitions=PARTITIONS)
        await apply(bus, partitions=PARTITIONS)
        gate, health = BlockGate(), Health()
        sealer = Sealer([SECRET])
        directory = await stack.enter_async_context(following(store, health.watch, look_every=0.05))
        registry = gate.registry()
        tools = await stack.enter_async_context(open_tools(given, blobs))
        what_if = await stack.enter_async_context(
            open_what_if(
                given, store=store, blobs=blobs, registry=registry, sandbox=tools.sandbox,
                directory=directory, sealer=sealer,
            )
        )  # fmt: skip
        app = create_app(
            given, store=store, bus=bus, blobs=blobs, registry=registry, sandbox=tools.sandbox,
            gate=Gate(store, directory, given), sealer=sealer,
            health=health, look_every=look_every, what_if=what_if,
        )  # fmt: skip
        unlike: list[str] = []
        app.middlewares.insert(0, checking(CONTRACT, unlike))
        client = await stack.enter_async_context(TestClient(TestServer(app)))
        if executor:
            works = Executor(
                given, store=store, bus=bus, blobs=blobs, registry=registry, tools=tools, health=health,
                directory=directory, sealer=sealer, lease=_LEASE,
            )  # fmt: skip
            await stack.enter_async_context(works.running())
            await until(lambda: len(works.owned) == PARTITIONS)
        yield Server(client, store, bus, blobs, gate=gate, directory=directory)
        assert unlike == [], "answers that are not as the OpenAPI document says"


APPROVAL = {
    "approve": {
        "type": "human_in_the_loop",
        "show": {"Amount": "<start.amount>"},
        "form": {"approved": {"type": "boolean", "required": True}, "comments": "string"},
        "then": "done",
    },
    "done": {"type": "variables", "set": {"approved": "<approve.approved>"}},
}
"""A workflow that stops once for a decision."""
