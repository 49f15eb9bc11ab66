"""Every public method of simstudio-ts-sdk, and every answer that it tells apart (routes of v1)."""

from datetime import datetime
from typing import Any

import pytest

from e2e.shell import eventually
from support.sdk_server import SimServer
from support.sdk_typescript import Node, TypeScriptClient, TypeScriptError


def ended_job(client: TypeScriptClient, job_id: str) -> Any:
    """The state of a job that has ended."""
    eventually(
        lambda: client.call("getJobStatus", job_id)["status"] not in ("pending", "processing"),
    )
    return client.call("getJobStatus", job_id)


def test_a_run_is_answered_with_its_output(typescript: TypeScriptClient) -> None:
    done = typescript.call("executeWorkflow", "greet", {"name": "Ada", "times": 2})

    assert done["success"] is True
    assert done["output"]["result"] == {"text": "Hello, Ada", "times": 2}
    assert done["metadata"]["duration"] >= 0
    assert datetime.fromisoformat(done["metadata"]["startTime"]) <= datetime.fromisoformat(
        done["metadata"]["endTime"]
    )


def test_a_run_may_have_no_input(typescript: TypeScriptClient) -> None:
    done = typescript.call("executeWorkflow", "greet")

    assert done["output"]["result"]["times"] == 1


@pytest.mark.parametrize("given", ["NVDA", 7, True, ["a", {"b": 1}]])
def test_an_input_that_is_no_object_is_called_input(typescript: TypeScriptClient, given: object) -> None:
    done = typescript.call("executeWorkflow", "quote", given)

    assert done["output"]["result"] == given


def test_a_file_reaches_the_workflow(typescript: TypeScriptClient) -> None:
    file = {"$file": {"name": "note.txt", "type": "text/plain", "text": "twelve bytes"}}

    done = typescript.call("executeWorkflow", "measure", {"attachments": [file]})

    assert done["output"]["result"] == [{"name": "note.txt", "type": "text/plain", "size": 12}]


def test_a_synchronous_call_waits_even_if_the_options_say_otherwise(typescript: TypeScriptClient) -> None:
    done = typescript.call("executeWorkflowSync", "greet", {"name": "Ada"}, {"async": True})

    assert done["output"]["result"]["text"] == "Hello, Ada"


def test_a_pause_is_a_success_with_the_way_on_in_its_output(typescript: TypeScriptClient) -> None:
    paused = typescript.call("executeWorkflow", "approve", {"amount": 80})

    assert paused["success"] is True
    assert paused["output"]["data"]["_resume"]["executionId"] == paused["executionId"]


def test_a_response_block_answers_in_place_of_the_envelope(typescript: TypeScriptClient) -> None:
    assert typescript.call("executeWorkflow", "create") == {"made": True}


def test_a_refusal_of_a_response_block_is_an_error_with_its_words(typescript: TypeScriptClient) -> None:
    with pytest.raises(TypeScriptError) as refused:
        typescript.call("executeWorkflow", "refuse")

    assert (str(refused.value), refused.value.code, refused.value.status) == ("pay first", "UNPAID", 402)


def test_a_run_that_fails_is_an_error_with_the_message_of_its_block(typescript: TypeScriptClient) -> None:
    with pytest.raises(TypeScriptError, match="the card was declined") as failed:
        typescript.call("executeWorkflow", "fail")

    assert failed.value.status == 500


def test_a_run_out_of_time_is_an_error(node: Node, impatient: SimServer) -> None:
    client = node.client(impatient.key, impatient.url)

    with pytest.raises(TypeScriptError) as failed:
        client.call("executeWorkflow", "insist")

    assert (str(failed.value), failed.value.status) == ("Execution timed out after 1 second", 408)


def test_a_client_stops_waiting_after_its_own_time(typescript: TypeScriptClient) -> None:
    with pytest.raises(TypeScriptError) as failed:
        typescript.call("executeWorkflow", "insist", {}, {"timeout": 50})

    assert (failed.value.code, failed.value.status) == ("TIMEOUT", None)


def test_selected_outputs_change_nothing_for_a_caller_that_waits(typescript: TypeScriptClient) -> None:
    done = typescript.call(
        "executeWorkflow", "greet", {"name": "Ada"}, {"stream": False, "selectedOutputs": ["words.result"]}
    )

    assert done["output"]["result"]["text"] == "Hello, Ada"


def test_selected_outputs_that_name_no_block_are_refused(typescript: TypeScriptClient) -> None:
    with pytest.raises(TypeScriptError) as refused:
        typescript.call("executeWorkflow", "greet", {}, {"selectedOutputs": ["nobody.result"]})

    assert refused.value.status == 400


def test_a_stream_is_sent_though_the_sdk_cannot_read_it(typescript: TypeScriptClient) -> None:
    with pytest.raises(TypeScriptError) as unread:
        typescript.call(
            "executeWorkflow", "greet", {"name": "Ada"}, {"stream": True, "selectedOutputs": ["words.result"]}
        )

    assert unread.value.code == "EXECUTION_ERROR"
    assert '"data: {"bl"... is not valid JSON' in str(unread.value)


def test_a_job_is_followed_to_its_end(typescript: TypeScriptClient) -> None:
    queued = typescript.call("executeWorkflow", "greet", {"name": "Ada"}, {"async": True})

    job = ended_job(typescript, queued["jobId"])

    assert (queued["success"], queued["async"]) == (True, True)
    assert (job["success"], job["taskId"], job["status"]) == (True, queued["jobId"], "completed")
    assert job["output"]["result"]["text"] == "Hello, Ada"


def test_a_job_that_fails_says_why(typescript: TypeScriptClient) -> None:
    queued = typescript.call("executeWorkflow", "fail", {}, {"async": True})

    job = ended_job(typescript, queued["jobId"])

    assert job["status"] == "failed"
    assert "the card was declined" in job["error"]


def test_a_job_that_nobody_knows_is_an_error(typescript: TypeScriptClient) -> None:
    with pytest.raises(TypeScriptError) as missing:
        typescript.call("getJobStatus", "nobody")

    assert (str(missing.value), missing.value.status) == ("Task not found", 404)


def test_the_status_says_since_when_a_workflow_is_deployed(typescript: TypeScriptClient) -> None:
    status = typescript.call("getWorkflowStatus", "greet")

    assert (status["isDeployed"], status["needsRedeployment"]) == (True, False)
    assert datetime.fromisoformat(status["deployedAt"]).tzinfo is not None


def test_the_status_of_a_workflow_that_nobody_knows_is_an_error(typescript: TypeScriptClient) -> None:
    with pytest.raises(TypeScriptError) as missing:
        typescript.call("getWorkflowStatus", "nobody")

    assert (str(missing.value), missing.value.status) == ("Workflow not found", 404)


@pytest.mark.parametrize(("workflow_id", "valid"), [("greet", True), ("gone", False), ("nobody", False)])
def test_only_a_deployed_workflow_is_valid(
    typescript: TypeScriptClient, workflow_id: str, valid: bool
) -> None:
    assert typescript.call("validateWorkflow", workflow_id) is valid


@pytest.mark.parametrize(
    ("workflow_id", "status", "message"),
    [("gone", 403, "Workflow is not deployed"), ("nobody", 404, "Workflow not found")],
)
def test_a_workflow_that_takes_no_runs_is_an_error(
    typescript: TypeScriptClient, workflow_id: str, status: int, message: str
) -> None:
    with pytest.raises(TypeScriptError) as refused:
        typescript.call("executeWorkflow", workflow_id)

    assert (str(refused.value), refused.value.status) == (message, status)


def test_an_input_that_is_too_large_is_an_error(typescript: TypeScriptClient) -> None:
    with pytest.raises(TypeScriptError) as refused:
        typescript.call("executeWorkflow", "quote", "x" * 11_000_000)

    assert refused.value.status == 413


@pytest.mark.parametrize(
    "call",
    [
        ("executeWorkflow", "greet"),
        ("getWorkflowStatus", "greet"),
        ("getJobStatus", "nobody"),
        ("getUsageLimits",),
    ],
    ids=lambda call: call[0],
)
def test_a_wrong_key_is_an_error_in_every_method(
    node: Node, server: SimServer, call: tuple[str, ...]
) -> None:
    client = node.client("not-the-key-of-anybody", server.url)

    with pytest.raises(TypeScriptError) as refused:
        client.call(*call)

    assert (str(refused.value), refused.value.status) == ("Invalid API key", 401)


def test_a_key_and_a_base_url_can_be_set_later(node: Node, server: SimServer) -> None:
    client = node.client("not-the-key-of-anybody", "http://127.0.0.1:9")

    client.call("setApiKey", server.key)
    client.call("setBaseUrl", f"{server.url}/")

    assert client.call("validateWorkflow", "greet") is True


def test_a_retrying_call_gives_what_the_first_try_gave(typescript: TypeScriptClient) -> None:
    done = typescript.call("executeWithRetry", "greet", {"name": "Ada"})

    assert done["output"]["result"]["text"] == "Hello, Ada"


def test_only_a_rate_limit_is_tried_again(typescript: TypeScriptClient) -> None:
    with pytest.raises(TypeScriptError) as refused:
        typescript.call("executeWithRetry", "gone", {}, {}, {"initialDelay": 3_600_000})

    assert refused.value.status == 403


def test_a_server_without_limits_says_nothing_of_rates(typescript: TypeScriptClient) -> None:
    typescript.call("executeWorkflow", "greet")

    assert typescript.call("getRateLimitInfo") is None


def test_usage_limits_have_what_the_types_of_the_sdk_promise(typescript: TypeScriptClient) -> None:
    limits = typescript.call("getUsageLimits")

    assert limits["success"] is True
    assert limits["rateLimit"]["authType"] == "api"
    for bucket in (limits["rateLimit"]["sync"], limits["rateLimit"]["async"]):
        assert bucket.keys() >= {"isLimited", "limit", "remaining", "resetAt"}
        assert bucket["isLimited"] is False
    assert limits["usage"].keys() >= {"currentPeriodCost", "limit", "plan"}
