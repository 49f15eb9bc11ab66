"""A workspace in which everything is: workflows, executions in every state, files, keys, groups …"""

import asyncio
import itertools
from typing import Any, Final
from uuid import uuid4

from msgspec import Struct

from support.gateways import APPROVAL, LIMIT, Server
from support.identities import PASSWORD, add_person, administrator, new_address
from support.looks import pauses

BLOB_SIZE: Final = 300_000
CLOSED_PORT: Final = "http://127.0.0.1:9/hook?tenant=7"

UPLOAD_HEADERS: Final = {"Content-Type": "multipart/form-data; boundary=b"}
UPLOAD: Final = (
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n'
    b"Content-Type: text/plain\r\n\r\na file\r\n--b--\r\n"
)

DEFINITIONS: Final[dict[str, dict[str, Any]]] = {
    "approval": APPROVAL,
    "holding": {"hold": {"type": "hold", "with": {"name": "isolation"}}},
    "failing": {"fail": {"type": "fussy", "with": {"name": "isolation"}}},
    "large": {"keep": {"type": "variables", "set": {"text": "<start.text>"}}},
    "timed": {
        "nightly": {"type": "schedule", "cron": "0 3 * * *", "then": "note"},
        "note": {"type": "variables", "set": {"a": 1}},
    },
    "pushed": {
        "hook": {"type": "webhook", "then": "note"},
        "signed": {"type": "webhook", "secret": "{{SECRET}}", "then": "note"},
        "note": {"type": "variables", "set": {"a": 1}},
    },
}

_numbers = itertools.count(1)


class Pause(Struct, frozen=True):
    """A pause point that nobody decided yet."""

    execution: str
    context: str


class World:
    """One workspace.

    Args:
        server: where it is.
        workspace_id: the workspace.

    Attributes:
        admin: may do everything in it.
    """

    def __init__(self, server: Server, workspace_id: str) -> None:
        self.server = server
        self.workspace_id = workspace_id
        self.admin = administrator(server).within(workspace_id)

    async def deploy(self, name: str) -> str:
        """Deploy one of the definitions; gives the workflow's id, which is its name."""
        await self.admin.do("PUT", f"/api/workflows/{name}", json={"blocks": DEFINITIONS[name]})
        return name

    async def fresh_workflow(self, *, versions: int = 1) -> str:
        """A workflow that nobody else has."""
        workflow_id = f"workflow-{next(_numbers)}"
        for _ in range(versions):
            await self.admin.do(
                "PUT", f"/api/workflows/{workflow_id}", json={"blocks": DEFINITIONS["approval"]}
            )
        return workflow_id

    async def start(self, workflow_id: str, body: Any = None, **headers: str) -> str:
        """Begin an execution; gives its id."""
        begun = await self.admin.do(
            "POST",
            f"/api/workflows/{workflow_id}/execute",
            json=body or {},
            headers={"X-Execution-Mode": "async", **headers},
        )
        return str(begun["executionId"])

    async def until(self, execution: str, status: str) -> str:
        """Wait for an execution's status."""
        async with asyncio.timeout(LIMIT):
            pause = pauses()
            while True:
                found = await self.admin.do("GET", "/api/executions", params={"limit": "1000"})
                now = {each["executionId"]: each["status"] for each in found["executions"]}
                if now.get(execution) == status:
                    return execution
                await asyncio.sleep(next(pause))

    async def paused(self, **headers: str) -> Pause:
        """A new execution that waits for a decision."""
        answer = await self.admin.do(
            "POST",
            "/api/workflows/approval/execute",
            json={"input": {"amount": 7}},
            headers=headers,
        )
        return Pause(answer["executionId"], answer["output"]["data"]["_resume"]["contextId"])

    async def running(self) -> str:
        """A new execution at work."""
        return await self.start("holding")

    async def failed(self) -> str:
        """A new execution that failed."""
        return await self.until(await self.start("failing"), "failed")

    async def large(self, text: str = "x" * BLOB_SIZE) -> tuple[str, str]:
        """A new execution with a large value; gives its id and the value's digest."""
        execution = await self.until(await self.start("large", {"input": {"text": text}}), "completed")
        told = await self.admin.do("GET", f"/api/executions/{execution}/events", params={"limit": "100"})
        digest, *_ = _blobs(told)
        return execution, digest.removeprefix("sha256:")

    async def file(self, content: bytes = b"a file") -> str:
        """A new file; gives its key."""
        body = UPLOAD.replace(b"a file", content)
        (kept,) = (await self.admin.do("POST", "/api/files", data=body, headers=UPLOAD_HEADERS))["files"]
        return str(kept["key"])

    async def hook(self, *, enabled: bool = False) -> str:
        """A new outgoing webhook."""
        asked = {"url": CLOSED_PORT, "enabled": enabled}
        return str((await self.admin.do("POST", "/api/hooks", json=asked))["hookId"])

    async def key(self) -> str:
        """A new key of the workspace."""
        made = await self.admin.do("POST", "/api/keys", json={"name": "a key", "roles": ["read"]})
        return str(made["id"])

    async def group(self) -> str:
        """A new group without members."""
        made = await self.admin.do("POST", "/api/groups", json={"name": f"group {next(_numbers)}"})
        return str(made["id"])

    async def member(self) -> str:
        """A new member."""
        return (await add_person(self.server, "read", workspace_id=self.workspace_id))[0]

    async def user(self, *, service: bool = False) -> str:
        """A new user of the installation, member of nothing."""
        asked: dict[str, Any] = {"name": "Ada", "service": service}
        if not service:
            asked |= {"email": new_address(), "password": PASSWORD}
        return str((await administrator(self.server).do("POST", "/api/users", json=asked))["id"])

    async def environment(self) -> str:
        """A new environment value; gives its name."""
        name = f"NAME_{next(_numbers)}"
        await self.admin.do("PUT", f"/api/environment/{name}", json={"value": str(uuid4())})
        return name


def _blobs(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$blob"]] if isinstance(value.get("$blob"), str) else []
        return own + [each for member in value.values() for each in _blobs(member)]
    return [each for member in value for each in _blobs(member)] if isinstance(value, list) else []


async def build(server: Server, workspace_id: str) -> World:
    """A workspace with all workflows deployed."""
    world = World(server, workspace_id)
    for name in DEFINITIONS:
        await world.deploy(name)
    return world
