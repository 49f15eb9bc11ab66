"""The requests that the measured workflows take."""

from collections.abc import Mapping, Sequence
from urllib.parse import quote

import msgspec
from benchmarks.load import LoadError, Post, Result
from benchmarks.systems import System
from benchmarks.workflows import APPROVAL, DOCUMENTS, PAUSE
from local_services.waiting import wait_until
from msgspec import Raw, Struct

_GATEWAYS = 2
_KNOWN_LIMIT = 10.0
_APPROVED = Raw(b'{"approved":true}')


class _Started(Struct, rename="camel"):
    execution_id: str


class _Made(Struct):
    key: str


def deploy(system: System) -> None:
    """Make the measured workflows known.

    Raises:
        LoadError: one is refused.
    """
    for workflow_id, document in DOCUMENTS.items():
        path = f"/api/workflows/{workflow_id}"
        status, body = system.request("PUT", path, msgspec.json.encode(document))
        if status not in (200, 201):
            raise LoadError(f"{path} answered {status}: {body.decode(errors='replace')}")


def workspace_key(system: System) -> str:
    """Make a key of the workspace that may start and see executions.

    Raises:
        LoadError: it is refused.
    """
    status, body = system.request("POST", "/api/keys", b'{"name":"benchmark","roles":["write"]}')
    if status != 201:
        raise LoadError(f"/api/keys answered {status}: {body.decode(errors='replace')}")
    key = msgspec.json.decode(body, type=_Made).key
    everybody_knows(system, {"X-API-Key": key})
    return key


def everybody_knows(system: System, caller: Mapping[str, str]) -> None:
    """Wait until all gateways know a key, or a workspace: they are asked in turn.

    Raises:
        LocalServicesError: one does not within seconds.
    """

    def known() -> bool:
        asked = [system.request("GET", "/api/workflows", b"", caller) for _ in range(_GATEWAYS * 2)]
        return all(status == 200 for status, _ in asked)

    wait_until(
        known, limit=_KNOWN_LIMIT, otherwise=f"a gateway does not know what another one made: {[*caller]}"
    )


def execute(workflow_id: str) -> Post:
    """Start an execution and wait for its end."""
    return Post(path=f"/api/workflows/{workflow_id}/execute")


def execute_v2(workflow_id: str) -> Post:
    """The same by v2."""
    return Post(path=f"/api/v2/workflows/{workflow_id}/execute")


def status(workflow_id: str, execution_id: str) -> Post:
    """Ask how an execution is."""
    path = f"/api/workflows/{workflow_id}/executions/{quote(execution_id)}"
    return Post(path=path, method="GET")


def submit(workflow_id: str) -> Post:
    """Start an execution and go on."""
    headers = {"X-Execution-Mode": "async"}
    return Post(path=f"/api/workflows/{workflow_id}/execute", headers=headers, status=202)


def resume(execution_id: str, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Post:
    """Take the decision that an approval waits for; ``status`` 202 if it was submitted."""
    path = f"/api/resume/{APPROVAL}/{quote(execution_id)}/{PAUSE}"
    return Post(path=path, body=_APPROVED, headers={**(headers or {})}, status=status)


def resume_all(execution_ids: Sequence[str]) -> Post:
    """Take the decisions that several approvals wait for, in one request."""
    decisions = [
        {"executionId": execution_id, "contextId": PAUSE, "input": {"approved": True}}
        for execution_id in execution_ids
    ]
    return Post(path="/api/inbox/decisions", body=Raw(msgspec.json.encode({"decisions": decisions})))


def execution_ids(result: Result) -> list[str]:
    """The executions that the answers are about."""
    return [msgspec.json.decode(answer, type=_Started).execution_id for answer in result.answers]
