"""An embedded server that has something of everything, for tests that send what nobody would think of."""

import http.client
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

from e2e.shell import Embedded, eventually

_KEY: Final = "the-key-that-strange-requests-carry"
_LIMIT: Final = 20.0
_DIGEST: Final = re.compile(r'"\$blob": "sha256:([0-9a-f]{64})"')
_STATUS: Final = re.compile(r"^VmRSS:\s+(\d+) kB$", re.MULTILINE)

_WORKFLOWS: Final[Mapping[str, str]] = {
    "greet": """
        workflow: greet
        input: {name: string, times: {type: number, default: 1}}
        blocks: {greet: {type: function, code: "return {name: <start.name>, times: <start.times>}"}}
        """,
    "approve": """
        workflow: approve
        input: {amount: number}
        blocks:
          approve: {type: human_in_the_loop, show: {Amount: <start.amount>}, form: {approved: boolean}}
        """,
    "fail": """
        workflow: fail
        blocks: {charge: {type: function, code: "throw new Error('the card was declined')"}}
        """,
    "large": """
        workflow: large
        blocks: {write: {type: function, code: "return 'x'.repeat(300000)"}}
        """,
    "pushed": """
        workflow: pushed
        blocks:
          pushed: {type: webhook, then: note}
          note: {type: function, code: "return <pushed>"}
        """,
    "yearly": """
        workflow: yearly
        blocks:
          yearly: {type: schedule, cron: "0 0 1 1 *", then: note}
          note: {type: function, code: "return 1"}
        """,
}


class PopulatedServer:
    """A server with workflows, and with what became of them.

    Args:
        folder: for its data.

    Attributes:
        url: its base.
        key: of its first administrator.
        known: for each name in a path, such as ``execution``, values that are somebody's.
    """

    def __init__(self, folder: Path) -> None:
        self._embedded = Embedded(folder / "data")
        self._errors = folder / "server.log"
        self._pid = 0
        self.url = self._embedded.url
        self.key = _KEY
        self.known: dict[str, list[str]] = {}

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        place = urlsplit(self.url)
        return str(place.hostname), int(place.port or 0)

    def serve(self) -> None:
        """Start it, and let things happen."""
        said = self._embedded.serve(
            "--examples",
            SIGNOFF_BOOTSTRAP_API_KEY=self.key,
            SIGNOFF_LOG_FORMAT="json",
            SIGNOFF_SYNC_TIMEOUT="3",
            SIGNOFF_ALLOW_PRIVATE_NETWORKS="127.0.0.0/8",  # where nobody answers a webhook, at once
        )
        self._pid = said["pid"]
        for workflow_id, definition in _WORKFLOWS.items():
            self.ask("PUT", f"/api/workflows/{workflow_id}", definition, media="application/yaml")
        self.known = self._things()

    def ask(self, method: str, path: str, body: Any = None, *, media: str = "application/json") -> Any:
        """What a route answers; a body that is no text is sent as JSON."""
        status, told = self.send(method, path, body, media=media)
        assert status < 300, (method, path, status, told)
        return json.loads(told)

    def send(
        self, method: str, path: str, body: Any = None, *, media: str = "application/json"
    ) -> tuple[int, bytes]:
        """Status and body of an answer, whatever they are."""
        connection = http.client.HTTPConnection(*self.address, timeout=_LIMIT)
        sent = body if body is None or isinstance(body, str) else json.dumps(body)
        try:
            connection.request(method, path, sent, {"X-API-Key": self.key, "Content-Type": media})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def memory(self) -> int:
        """The kibibytes that its process holds."""
        found = _STATUS.search(Path(f"/proc/{self._pid}/status").read_text())
        assert found is not None
        return int(found[1])

    def complaints(self) -> list[dict[str, Any]]:
        """What it logged as errors."""
        # Warnings of libraries are no JSON.
        text = self._errors.read_text().splitlines()
        lines = [json.loads(line) for line in text if line.startswith("{")]
        return [line for line in lines if line["level"] in ("error", "critical")]

    def kill(self) -> None:
        """End it."""
        self._embedded.kill()

    def _things(self) -> dict[str, list[str]]:
        """Executions that paused, ended and failed, a large value, a file, a webhook, a value, people."""
        paused = self.ask("POST", "/api/workflows/approve/execute", {"input": {"amount": 5}})
        done = self.ask("POST", "/api/workflows/greet/execute", {"input": {"name": "Ada"}})
        _, failed = self.send("POST", "/api/workflows/fail/execute", {})
        large = self.ask("POST", "/api/workflows/large/execute", {})
        executions = [each["executionId"] for each in (paused, done, json.loads(failed), large)]
        hook = self.ask("POST", "/api/hooks", {"url": "http://127.0.0.1:9/", "enabled": False})
        self.ask("PUT", "/api/environment/TOKEN", {"value": "s3cr3t"})
        workflows = [*_WORKFLOWS, "refund-approval", "batch-review"]
        contexts = [paused["output"]["data"]["_resume"]["contextId"]]
        blocks = ["pushed", "yearly"]
        return {
            "id": workflows, "workflowId": workflows, "execution": executions, "executionId": executions,
            "run": executions, "runId": executions, "context": contexts, "contextId": contexts,
            "block": blocks, "blockId": blocks, "hook": [hook["hookId"]], "hookId": [hook["hookId"]],
            **self._people(), "name": ["TOKEN"], "key": [self._upload()],
            "digest": self._digests(executions[-1]),
        }  # fmt: skip

    def _people(self) -> dict[str, list[str]]:
        workspace = self.ask("POST", "/api/workspaces", {"name": "Finance"})
        user = self.ask("POST", "/api/users", {"email": "ada@example.org", "name": "Ada"})
        group = self.ask("POST", "/api/groups", {"name": "accounting", "roles": ["approver"]})
        key = self.ask("POST", "/api/keys", {"name": "nightly", "roles": ["read"]})
        things = {"workspaceId": workspace, "userId": user, "groupId": group, "keyId": key}
        return {name: [thing["id"]] for name, thing in things.items()}

    def _digests(self, execution_id: str) -> list[str]:
        path = f"/api/executions/{quote(execution_id)}/events?limit=100"

        def found() -> list[str]:
            return _DIGEST.findall(json.dumps(self.ask("GET", path)))

        eventually(lambda: bool(found()), limit=_LIMIT)
        return found()

    def _upload(self) -> str:
        part = 'Content-Disposition: form-data; name="file"; filename="a.txt"\r\nContent-Type: text/plain'
        body = f"--edge\r\n{part}\r\n\r\ncontents\r\n--edge--\r\n"
        media = "multipart/form-data; boundary=edge"
        key: str = self.ask("POST", "/api/files", body, media=media)["files"][0]["key"]
        return key
