"""Every public method of simstudio-sdk, and every answer that it tells apart (routes of v2 and v1)."""

import io
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from requests import Response
from simstudio import AsyncExecutionResult, SimStudioClient, SimStudioError

from e2e.shell import eventually
from support.sdk_server import SimServer

Call = Callable[[SimStudioClient], object]

HELLO = {"text": "Hello, Ada", "times": 1}


class Note(io.BytesIO):
    """An open file with a type, as web frameworks give them."""

    name = "/tmp/note.txt"
    content_type = "text/plain"


def ended_run(client: SimStudioClient, workflow_id: str, run_id: str, **wanted: Any) -> dict[str, Any]:
    """A run that has ended."""
    eventually(
        lambda: client.get_workflow_run(workflow_id, run_id)["status"] not in ("queued", "running"),
    )
    return client.get_workflow_run(workflow_id, run_id, **wanted)


def test_a_run_is_answered_with_its_output(python: SimStudioClient) -> None:
    done = python.execute_workflow("greet", {"name": "Ada", "times": 2})

    assert (done.success, done.status, done.error) == (True, "completed", None)
    assert done.output["result"] == {"text": "Hello, Ada", "times": 2}
    assert done.total_duration == done.metadata["duration"] >= 0
    assert datetime.fromisoformat(done.metadata["startTime"]) <= datetime.fromisoformat(
        done.metadata["endTime"]
    )
    assert python.get_workflow_run("greet", done.metadata["runId"])["status"] == "completed"


def test_a_run_may_have_no_input(python: SimStudioClient) -> None:
    done = python.execute_workflow("greet")

    assert done.output["result"]["times"] == 1


@pytest.mark.parametrize("given", ["NVDA", 7, True, ["a", {"b": 1}]])
def test_an_input_that_is_no_object_is_called_input(python: SimStudioClient, given: object) -> None:
    done = python.execute_workflow("quote", given)

    assert done.output["result"] == given


def test_an_open_file_reaches_the_workflow(python: SimStudioClient) -> None:
    done = python.execute_workflow("measure", {"attachments": [Note(b"twelve bytes")]})

    assert done.output["result"] == [{"name": "note.txt", "type": "text/plain", "size": 12}]


def test_a_synchronous_call_waits(python: SimStudioClient) -> None:
    done = python.execute_workflow_sync("greet", {"name": "Ada"}, selected_outputs=["words.result"])

    assert done.output["result"] == HELLO


def test_a_pause_is_a_success_with_the_way_on_in_its_output(python: SimStudioClient) -> None:
    paused = python.execute_workflow("approve", {"amount": 80})

    assert (paused.success, paused.status) == (True, "paused")
    assert paused.output["data"]["_resume"]["executionId"] == paused.metadata["runId"]


@pytest.mark.parametrize(("workflow_id", "status"), [("create", 201), ("refuse", 402)])
def test_what_a_response_block_says_stays_in_the_output(
    python: SimStudioClient, workflow_id: str, status: int
) -> None:
    done = python.execute_workflow(workflow_id)

    assert (done.success, done.output["status"]) == (True, status)


def test_a_run_that_fails_is_a_result_with_the_message_of_its_block(python: SimStudioClient) -> None:
    failed = python.execute_workflow("fail")

    assert (failed.success, failed.status) == (False, "failed")
    assert "the card was declined" in failed.error


def test_a_run_out_of_time_is_a_result(impatient: SimServer) -> None:
    with SimStudioClient(impatient.key, impatient.url) as client:
        failed = client.execute_workflow("insist")

    assert (failed.success, failed.status) == (False, "failed")
    assert failed.error == "Execution timed out after 1 second"


def test_a_client_stops_waiting_after_its_own_time(python: SimStudioClient) -> None:
    with pytest.raises(SimStudioError) as failed:
        python.execute_workflow("insist", timeout=0.05)

    assert (failed.value.code, failed.value.status) == ("TIMEOUT", None)


def test_a_stream_is_sent_though_the_sdk_cannot_read_it(python: SimStudioClient) -> None:
    answers: list[Response] = []
    python._session.hooks["response"].append(lambda response, **_: answers.append(response))

    with pytest.raises(SimStudioError) as unread:
        python.execute_workflow("greet", {"name": "Ada"}, stream=True, selected_outputs=["words.result"])

    assert unread.value.code == "EXECUTION_ERROR"
    assert answers[0].headers["Content-Type"].startswith("text/event-stream")
    lines = [line for line in answers[0].text.splitlines() if line.startswith("data: ")]
    chunk, final, done = (json.loads(line.removeprefix("data: ")) for line in lines)
    assert chunk == {"blockId": "words", "chunk": "Hello, Ada"}
    assert (final["event"], final["data"]["success"]) == ("final", True)
    assert done == "[DONE]"


def test_an_asynchronous_run_is_followed_to_its_end(python: SimStudioClient, server: SimServer) -> None:
    queued = python.execute_workflow("greet", {"name": "Ada"}, async_execution=True)

    assert isinstance(queued, AsyncExecutionResult)
    run = ended_run(python, "greet", queued.run_id, include_output=True, selected_outputs=["words.result"])
    assert (run["runId"], run["workflowId"], run["status"]) == (queued.run_id, "greet", "completed")
    assert (run["output"]["result"], run["error"]) == (HELLO, None)
    assert run["blockOutputs"] == {"words.result": "Hello, Ada"}
    assert queued.status_url.removeprefix(server.url) == f"/api/v2/workflows/greet/runs/{queued.run_id}"


def test_an_asynchronous_run_that_fails_says_why(python: SimStudioClient) -> None:
    queued = python.execute_workflow("fail", async_execution=True)

    run = ended_run(python, "fail", queued.run_id)

    assert run["status"] == "failed"
    assert "the card was declined" in run["error"]["message"]


def test_an_asynchronous_run_has_the_time_that_its_caller_gives(python: SimStudioClient) -> None:
    queued = python.execute_workflow("insist", async_execution=True, execution_timeout_seconds=1)

    run = ended_run(python, "insist", queued.run_id)

    assert run["error"]["message"] == "Execution timed out after 1 second"


def test_a_run_is_a_job_too(python: SimStudioClient) -> None:
    done = python.execute_workflow("greet", {"name": "Ada"})

    job = python.get_job_status(done.metadata["runId"])

    assert (job["success"], job["taskId"], job["status"]) == (True, done.metadata["runId"], "completed")
    assert job["output"]["result"] == HELLO


def test_the_status_says_since_when_a_workflow_is_deployed(python: SimStudioClient) -> None:
    status = python.get_workflow_status("greet")

    assert (status.is_deployed, status.needs_redeployment) == (True, False)
    assert status.deployed_at is not None
    assert datetime.fromisoformat(status.deployed_at).tzinfo is not None


@pytest.mark.parametrize(("workflow_id", "valid"), [("greet", True), ("gone", False), ("nobody", False)])
def test_only_a_deployed_workflow_is_valid(python: SimStudioClient, workflow_id: str, valid: bool) -> None:
    assert python.validate_workflow(workflow_id) is valid


@pytest.mark.parametrize(
    ("call", "status", "code", "message"),
    [
        (lambda sim: sim.execute_workflow("gone"), 403, "FORBIDDEN", "Workflow is not deployed"),
        (lambda sim: sim.execute_workflow("nobody"), 404, "NOT_FOUND", "Workflow not found"),
        (lambda sim: sim.get_workflow_run("nobody", "none"), 404, "NOT_FOUND", None),
        (lambda sim: sim.get_workflow_run("greet", "none"), 404, "NOT_FOUND", None),
        (lambda sim: sim.get_workflow_status("nobody"), 404, None, "Workflow not found"),
        (lambda sim: sim.get_job_status("nobody"), 404, None, "Task not found"),
        (
            lambda sim: sim.execute_workflow("greet", selected_outputs=["nobody.result"]),
            400,
            "BAD_REQUEST",
            None,
        ),
        (lambda sim: sim.execute_workflow("quote", "x" * 11_000_000), 413, "PAYLOAD_TOO_LARGE", None),
    ],
    ids=[
        "not deployed", "no workflow", "no workflow of a run", "no run", "no status", "no job", "no block",
        "too large",
    ],
)  # fmt: skip
def test_a_refusal_is_an_error_with_its_status_code_and_message(
    python: SimStudioClient, call: Call, status: int, code: str | None, message: str | None
) -> None:
    with pytest.raises(SimStudioError) as refused:
        call(python)

    assert (refused.value.status, refused.value.code) == (status, code)
    assert message is None or str(refused.value) == message


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda sim: sim.execute_workflow("greet"), "UNAUTHORIZED"),
        (lambda sim: sim.get_workflow_run("greet", "none"), "UNAUTHORIZED"),
        (lambda sim: sim.get_workflow_status("greet"), None),
        (lambda sim: sim.get_job_status("none"), None),
        (lambda sim: sim.get_usage_limits(), None),
    ],
    ids=["execute", "run", "status", "job", "limits"],
)
def test_a_wrong_key_is_an_error_in_every_method(server: SimServer, call: Call, code: str | None) -> None:
    with (
        SimStudioClient("not-the-key-of-anybody", server.url) as client,
        pytest.raises(SimStudioError) as refused,
    ):
        call(client)

    assert (str(refused.value), refused.value.status, refused.value.code) == ("Invalid API key", 401, code)


def test_a_key_and_a_base_url_can_be_set_later(server: SimServer) -> None:
    client = SimStudioClient("not-the-key-of-anybody", "http://127.0.0.1:9")

    client.set_api_key(server.key)
    client.set_base_url(f"{server.url}/")

    assert client.validate_workflow("greet") is True
    client.close()


def test_a_retrying_call_gives_what_the_first_try_gave(python: SimStudioClient) -> None:
    done = python.execute_with_retry("greet", {"name": "Ada"})

    assert done.output["result"] == HELLO


def test_only_a_rate_limit_is_tried_again(python: SimStudioClient) -> None:
    with pytest.raises(SimStudioError) as refused:
        python.execute_with_retry("gone", initial_delay=3600.0, max_delay=3600.0)

    assert refused.value.status == 403


def test_a_server_without_limits_says_nothing_of_rates(python: SimStudioClient) -> None:
    python.execute_workflow("greet")

    assert python.get_rate_limit_info() is None


def test_usage_limits_have_what_the_contract_says(python: SimStudioClient) -> None:
    limits = python.get_usage_limits()

    assert limits.success is True
    for bucket in (limits.rate_limit["sync"], limits.rate_limit["async"]):
        assert bucket.keys() >= {"isLimited", "limit", "remaining", "resetAt"}
        assert bucket["isLimited"] is False
    assert limits.usage.keys() >= {"currentPeriodCost", "limit", "plan"}
