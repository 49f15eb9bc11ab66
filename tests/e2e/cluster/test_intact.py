"""Nothing intact is ever reported: everything that a server does is done, and `audit verify` says nothing."""

import json
import urllib.error
import urllib.request
from typing import Any, Final

import pytest

from e2e.cluster.local_cluster import LocalCluster
from e2e.shell import REPOSITORY, Embedded, eventually

pytestmark = pytest.mark.timeout(180)

EXAMPLES: Final = sorted(path.parent for path in (REPOSITORY / "examples").glob("*/input.json"))
WORKFLOWS: Final = {
    "called": """
        workflow: called
        blocks: {say: {type: function, code: "return 1"}}
        """,
    "calling": """
        workflow: calling
        blocks:
          call: {type: workflow, workflow: called, then: write}
          write: {type: function, code: "return 'x'.repeat(300000)"}
        """,
    "asking": """
        workflow: asking
        input: {amount: number}
        blocks:
          ask: {type: human_in_the_loop, form: {approved: boolean}, then: last}
          last: {type: function, code: "return <ask.submission>"}
        """,
    "failing": """
        workflow: failing
        blocks: {charge: {type: function, code: "throw new Error('the card was declined')"}}
        """,
    "pushed": """
        workflow: pushed
        blocks:
          pushed: {type: webhook, then: note}
          note: {type: function, code: "return <pushed>"}
        """,
    "hourly": """
        workflow: hourly
        blocks:
          hourly: {type: schedule, cron: "0 * * * *", then: note}
          note: {type: function, code: "return 1"}
        """,
}
NEW_SECRET: Final = "another secret key, of at least 32 characters"


class Actor:
    """Somebody who may do everything, and what became of it."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url
        self._key = key

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and JSON of an answer, whatever they are."""
        sent = body if isinstance(body, str) else json.dumps(body)
        media = "application/yaml" if isinstance(body, str) else "application/json"
        request = urllib.request.Request(
            self._url + path, data=None if body is None else sent.encode(), method=method,
            headers={"X-API-Key": self._key, "Content-Type": media},
        )  # fmt: skip
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                status, told = response.status, response.read()
        except urllib.error.HTTPError as error:
            with error:
                status, told = error.code, error.read()
        assert status < 500 or path.endswith("/execute"), (method, path, status, told)
        return status, json.loads(told) if told[:1] in (b"{", b"[") else None

    def do(self, method: str, path: str, body: Any = None) -> Any:
        """The same of what must go well."""
        status, told = self.ask(method, path, body)
        assert status < 300, (method, path, status, told)
        return told

    def start(self, workflow_id: str, given: Any = None) -> str:
        """Run a workflow to its end or a pause, whatever becomes of it."""
        _, told = self.ask("POST", f"/api/workflows/{workflow_id}/execute", {"input": given})
        assert "executionId" in told, told
        return str(told["executionId"])

    def status(self, execution_id: str) -> str:
        return str(self.do("GET", f"/api/executions/{execution_id}")["status"])


def run_examples(actor: Actor) -> None:
    """Those that ask a model, which nobody serves here, fail: that is recorded, too."""
    for folder in EXAMPLES:
        definition = (folder / "workflow.yaml").read_text()
        actor.do("PUT", f"/api/workflows/{folder.name}", definition)
        given = json.loads((folder / "input.json").read_text())
        actor.ask("POST", f"/api/workflows/{folder.name}/execute", {"input": given})


def decide_and_fork(actor: Actor) -> None:
    asked = [actor.start("asking", {"amount": amount}) for amount in range(4)]
    decided, cancelled, forked, _ = asked
    resume = f"/api/resume/asking/{decided}/ask"
    actor.do("POST", f"/api/inbox/{decided}/ask/comment", {"text": "is that right?"})
    actor.do("POST", f"/api/inbox/{decided}/ask/claim")
    actor.do("POST", resume, {"approved": True})
    assert actor.ask("POST", resume, {"approved": False})[0] == 409
    actor.do("POST", f"/api/workflows/asking/executions/{cancelled}/cancel")
    actor.do("POST", f"/api/executions/{forked}/forks", {"eventId": 3, "mode": "live"})
    actor.do(
        "POST", f"/api/executions/{decided}/forks", {"eventId": 3, "mode": "live", "input": {"amount": 9}}
    )


def trigger_and_retry(actor: Actor) -> None:
    actor.start("calling")
    failed = actor.start("failing")
    eventually(lambda: actor.status(failed) == "failed")
    actor.do("POST", f"/api/executions/{failed}/retry")
    eventually(lambda: actor.status(failed) == "failed")
    actor.ask("POST", "/api/webhooks/pushed/pushed", {"pushed": True})
    for enabled in (False, True):
        actor.do("PATCH", "/api/schedules/hourly/hourly", {"enabled": enabled})


def look_after_people(actor: Actor) -> None:
    user = actor.do("POST", "/api/users", {"email": "ada@example.org", "name": "Ada"})
    group = actor.do("POST", "/api/groups", {"name": "accounting", "roles": ["approver"]})
    key = actor.do("POST", "/api/keys", {"name": "nightly", "roles": ["read"]})
    actor.do("PUT", "/api/environment/TOKEN", {"value": "a secret"})
    for path in (f"users/{user['id']}", f"groups/{group['id']}", f"keys/{key['id']}"):
        actor.do("DELETE", f"/api/{path}")
    actor.do("DELETE", "/api/environment/TOKEN")
    assert actor.ask("GET", "/api/executions/nobody")[0] == 404


def live(actor: Actor) -> None:
    """Let everything happen that is recorded."""
    for name, definition in WORKFLOWS.items():
        actor.do("PUT", f"/api/workflows/{name}", definition)
    run_examples(actor)
    decide_and_fork(actor)
    trigger_and_retry(actor)
    look_after_people(actor)


def checkpoints(server: Embedded) -> set[str]:
    return {path.name for path in (server.data / "checkpoints").rglob("*.jsonl")}


def test_an_embedded_server_that_was_killed_and_given_a_new_key(embedded: Embedded) -> None:
    embedded.serve("--examples", SIGNOFF_CHECKPOINT_EVERY="1", SIGNOFF_ACCESS_LOG="all")
    actor = Actor(embedded.url, embedded.key)
    actor.do("POST", "/api/hooks", {"url": "http://127.0.0.1:9/"})  # where nobody takes anything
    live(actor)
    eventually(lambda: bool(checkpoints(embedded)))
    embedded.kill()
    before = checkpoints(embedded)
    keys = {
        "SIGNOFF_SECRET_KEY": NEW_SECRET,
        "SIGNOFF_SECRET_KEY_PREVIOUS": (embedded.data / "secret.key").read_text().strip(),
    }
    embedded.environment |= keys
    embedded.serve("--examples", SIGNOFF_CHECKPOINT_EVERY="1", SIGNOFF_ACCESS_LOG="all")
    Actor(embedded.url, embedded.key).start("calling")
    eventually(lambda: checkpoints(embedded) > before)
    embedded.stop()

    verified = embedded.signoff("audit", "verify")

    assert (verified.code, verified.err) == (0, ""), verified.out
    (summary,) = verified.lines
    assert summary["logs"] > 20
    assert summary["lastCheckpoint"] > len(before)
    assert not any("unfolded" in each or "signatures" in each for each in summary["notShown"])


def test_a_cluster(cluster: LocalCluster) -> None:
    live(Actor(cluster.url, cluster.settings["SIGNOFF_API_KEY"]))

    verified = cluster.signoff("audit", "verify")

    assert (verified.code, verified.err) == (0, ""), verified.out
