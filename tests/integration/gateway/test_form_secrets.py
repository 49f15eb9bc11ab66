"""Values of form fields of type ``secret``, from the decision to the block that needs them."""

import json
from typing import Any, Final

import pytest

from signoff.access.secrets.form_secrets import KIND
from signoff.events.topics import DEFAULT_WORKSPACE
from signoff.gateway.commands import request_digest
from support.gateways import Server

PIN: Final = 'open "sesame" pin4711'
SIZE: Final = len(PIN)
FORM: Final = {"pin": {"type": "secret", "required": True}, "note": "string"}
USE: Final = {"type": "function", "code": "return {size: <ask.pin>.length, same: <ask.pin>}"}
ASK: Final = {"type": "human_in_the_loop", "form": FORM, "then": "use"}


async def asked(server: Server, **blocks: dict[str, Any]) -> str:
    """Run to the pause; gives the path of its decision."""
    workflow_id = await server.deploy({"ask": ASK, "use": USE, **blocks})
    body = await server.execute(workflow_id)
    return f"/api/resume/{workflow_id}/{body['executionId']}/ask"


def execution_of(path: str) -> str:
    return path.split("/")[4]


async def log_of(server: Server, path: str) -> str:
    return json.dumps(await server.events(execution_of(path)))


async def kept(server: Server) -> list[str]:
    return [each.key for each in await server.store.records.list(KIND, DEFAULT_WORKSPACE)]


def in_text(value: str) -> str:
    return json.dumps(value)[1:-1]


async def test_a_secret_reaches_its_block_and_stands_nowhere_else(
    server: Server, logs_of_a_service: None, capsys: pytest.CaptureFixture[str]
) -> None:
    path = await asked(server)

    status, body = await server.post(path, json={"pin": PIN, "note": "n"})

    assert (status, body["output"]["result"]) == (200, {"size": SIZE, "same": "•••"})
    _, detail = await server.get(path.rsplit("/", 1)[0])
    _, point = await server.get(path)
    assert detail["queue"][0]["resumeInput"] == {"pin": "•••", "note": "n"}
    assert point["pausePoint"]["latestResumeEntry"]["resumeInput"]["pin"] == "•••"
    log = await log_of(server, path)
    assert "pin4711" not in log + json.dumps([body, detail, point]) + "".join(capsys.readouterr())
    (secret_id,) = await kept(server)
    resumed = next(each for each in await server.events(execution_of(path)) if "submission" in each["data"])
    assert resumed["data"]["submission"]["pin"] == {"$secret": secret_id}


async def test_outputs_that_are_resolved_show_that_there_is_a_secret(server: Server) -> None:
    path = await asked(server)
    await server.post(path, json={"submission": {"pin": PIN}, "more": 1})

    workflow_id, execution_id = path.split("/")[3:5]
    _, view = await server.get(f"/api/workflows/{workflow_id}/executions/{execution_id}?selectedOutputs=ask")

    output = view["blockOutputs"]["ask"]
    assert (output["pin"], output["submission"], output["resumeInput"]) == (
        "•••", {"pin": "•••"}, {"submission": {"pin": "•••"}, "more": 1},
    )  # fmt: skip


async def test_a_number_is_a_secret_as_text(server: Server) -> None:
    path = await asked(server)

    _, body = await server.post(path, json={"pin": 471_147_114_711})

    assert body["output"]["result"] == {"size": 12, "same": "•••"}


async def test_a_decision_of_v2_keeps_its_secret(server: Server) -> None:
    path = await asked(server)
    workflow_id, execution_id = path.split("/")[3:5]

    status, body = await server.post(
        f"/api/v2/workflows/{workflow_id}/runs/{execution_id}/resume",
        json={"contextId": "ask", "input": {"pin": PIN}},
    )

    assert (status, body["data"]["output"]["result"]["size"]) == (200, SIZE)
    assert "pin4711" not in await log_of(server, path)


async def test_a_retry_is_the_same_request_and_its_digest_tells_nothing(server: Server) -> None:
    path = await asked(server)
    headers, given = {"Idempotency-Key": "k"}, {"pin": PIN}

    first = await server.post(path, json=given, headers=headers)
    again = await server.post(path, json=given, headers=headers)
    other = await server.post(path, json={"pin": "another"}, headers=headers)

    assert again == first
    assert (other[0], other[1]["error"]) == (
        409,
        "This Idempotency-Key was used with another request before",
    )
    digest = next(
        each["data"]["requestDigest"] for each in await server.events(execution_of(path))
        if "submission" in each["data"]
    )  # fmt: skip
    guesses = [request_digest("resume/ask", [guess, None]) for guess in (given, {"input": given})]
    assert digest.startswith("sha256:")
    assert digest not in guesses


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, '"pin" is required'),
        ({"pin": ""}, '"pin" is required'),
        ({"pin": "4711" * 8193}, '"pin" must be at most 32768 bytes of UTF-8'),
    ],
)
async def test_a_secret_that_does_not_fit_is_refused_with_all_other_faults_and_not_kept(
    server: Server, given: dict[str, Any], message: str
) -> None:
    form = {**FORM, "sure": {"type": "boolean", "required": True}}
    path = await asked(server, ask={**ASK, "form": form})

    status, body = await server.post(path, json=given)

    assert (status, body["error"]) == (422, "The input does not fit the form")
    assert {each["path"]: each["message"] for each in body["details"]} == {
        "pin": message,
        "sure": '"sure" is required',
    }
    assert await kept(server) == []
    assert (await server.post(path, json={"pin": PIN, "sure": True}))[0] == 200


async def test_options_of_a_secret_are_checked(server: Server) -> None:
    pin = {"type": "secret", "options": ["left", "right"]}
    path = await asked(server, ask={**ASK, "form": {"pin": pin}})

    refused = await server.post(path, json={"pin": "up"})
    taken = await server.post(path, json={"pin": "left"})

    assert refused[1]["details"] == [{"path": "pin", "message": '"pin" must be one of: left, right'}]
    assert taken[0] == 200


async def test_who_comes_second_or_asks_for_another_point_leaves_no_secret_behind(server: Server) -> None:
    path = await asked(server)
    await server.post(path, json={"pin": PIN})

    second = await server.post(path, json={"pin": "second"})
    elsewhere = await server.post(path.replace("/ask", "/elsewhere"), json={"pin": "third"})

    assert (second[0], second[1]["error"]) == (409, "Pause point already resumed or in progress")
    assert second[1]["resumedBy"]["id"] == "bootstrap"
    assert (elsewhere[0], elsewhere[1]["error"]) == (404, "Pause point not found for execution")
    assert len(await kept(server)) == 1


async def test_nobody_can_forge_a_reference_to_a_secret(server: Server) -> None:
    path = await asked(server)
    await server.post(path, json={"pin": PIN})
    (secret_id,) = await kept(server)
    reader = {"type": "function", "code": "return JSON.stringify(<start.stolen>)"}
    forger = await server.deploy({"use": reader}, input={"stolen": "object"})

    body = await server.execute(forger, json={"input": {"stolen": {"$secret": secret_id}}})

    assert body["output"]["result"] == json.dumps({"$secret": secret_id}, separators=(",", ":"))


async def test_each_turn_of_a_loop_has_its_own_secret(server: Server) -> None:
    blocks = {
        "twice": {"type": "loop", "for": 2, "blocks": {"ask": ASK, "use": USE}},
    }
    workflow_id = await server.deploy(blocks)
    body = await server.execute(workflow_id)
    sizes = []
    for pin in ("pin4711-first", "pin4711-the-second"):
        base = f"/api/resume/{workflow_id}/{body['executionId']}"
        _, detail = await server.get(base)
        context = next(
            each["contextId"] for each in detail["pausePoints"] if each["resumeStatus"] == "paused"
        )
        status, answer = await server.post(f"{base}/{context}", json={"pin": pin})
        assert status == 200, answer
        sizes.append(len(pin))

    events = await server.events(body["executionId"])
    used = [
        each["data"]["output"]["result"] for each in events
        if each["type"] == "block:completed" and each["data"]["blockId"] == "use"
    ]  # fmt: skip
    assert used == [{"size": size, "same": "•••"} for size in sizes]
    assert "pin4711" not in json.dumps(events) + json.dumps(answer)
    assert len(await kept(server)) == 2


async def test_a_condition_passes_a_secret_on(server: Server) -> None:
    check = {"type": "condition", "cases": [{"when": "context.pin.length === 3", "then": "use"}]}
    use = {"type": "function", "code": "return <check.pin>.length"}
    path = await asked(server, ask={**ASK, "then": "check"}, check=check, use=use)

    _, body = await server.post(path, json={"pin": PIN})

    assert body["output"]["result"] == SIZE
    assert "pin4711" not in await log_of(server, path)


async def test_once_it_is_erased_only_the_block_that_needs_it_fails(server: Server) -> None:
    more = {"type": "human_in_the_loop", "form": {"ok": "boolean"}, "then": "note"}
    note = {"type": "function", "code": "return <ask.note>", "then": "use"}
    path = await asked(server, ask={**ASK, "then": "more"}, more=more, note=note)
    await server.post(path, json={"pin": PIN, "note": "mine"})
    (secret_id,) = await kept(server)
    await server.store.records.remove(KIND, DEFAULT_WORKSPACE, secret_id)

    _, body = await server.post(path.replace("/ask", "/more"), json={"ok": True})

    assert (body["status"], "was erased" in body["error"]) == ("failed", True)
    events = {each["data"].get("blockId"): each["data"] for each in await server.events(execution_of(path))}
    assert events["note"]["output"]["result"] == "mine"
    assert events["use"]["code"] == "SECRET_ERASED"


async def test_a_short_secret_spoils_nothing_where_it_is_not_read(server: Server) -> None:
    sums = {"type": "function", "code": "return {note: <ask.note>, sum: '1' + 1}"}
    path = await asked(server, ask={**ASK, "then": "sums"}, sums=sums)

    _, body = await server.post(path, json={"pin": "1", "note": "11"})

    assert body["output"]["result"] == {"note": "11", "sum": "11"}


@pytest.mark.parametrize(
    ("blocks", "more", "path"),
    [
        ({"ask": {"type": "human_in_the_loop", "form": {"pin": {"type": "secret", "default": "x"}}}}, {},
         "blocks.ask.form.pin"),
        ({"note": {"type": "variables", "set": {}}}, {"input": {"pin": "secret"}}, "input.pin.type"),
    ],
)  # fmt: skip
async def test_what_would_be_no_secret_is_not_deployed(
    server: Server, blocks: dict[str, Any], more: dict[str, Any], path: str
) -> None:
    status, body = await server.call("PUT", "/api/workflows/w", json={"blocks": blocks, **more})

    assert status == 422
    assert [each["path"] for each in body["details"]] == [path]
