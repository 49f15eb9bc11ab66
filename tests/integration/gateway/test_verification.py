"""`GET /api/executions/{id}/verify`: whether an execution is as it was recorded, with a proof."""

import json
import time
from base64 import b64decode
from typing import Any
from uuid import UUID

import msgspec
import pytest

from signoff.access.secrets.sealing import Sealer
from signoff.audit.checkpoints.checkpoint import digest_text
from signoff.audit.checkpoints.merkle import root_by_path
from signoff.audit.checkpoints.signing import LABEL, Keyring, Signer
from signoff.audit.checkpoints.writer import CheckpointWriter
from support.checkpoints import SPOILT, spoil
from support.gateways import APPROVAL, KEY, SECRET, Server


def bytes_of(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


async def seal(server: Server, *, window: int = 10) -> None:
    signer = Signer(Sealer([SECRET]).keys_for(LABEL))
    writer = CheckpointWriter(
        server.store, server.bus, None, signer, held=lambda: True, clock=time.time, window=window
    )
    await writer.write()


async def verified(server: Server, execution_id: str) -> dict[str, Any]:
    status, body = await server.get(f"/api/executions/{execution_id}/verify")
    assert status == 200, body
    assert isinstance(body, dict)
    return body


async def paused(server: Server, **given: Any) -> str:
    workflow_id = await server.deploy(APPROVAL)
    return str((await server.execute(workflow_id, **given))["executionId"])


async def test_an_execution_is_verified_before_a_checkpoint_covers_it(server: Server) -> None:
    execution_id = await paused(server)

    body = await verified(server, execution_id)

    assert (body["ok"], body["faults"], body["proof"]) == (True, [], None)
    assert "covers it yet" in body["unproven"]
    assert body["head"]["eventId"] == body["events"] == len(await server.events(execution_id))


async def test_the_proof_leads_from_the_head_to_what_was_signed(server: Server) -> None:
    for _ in range(2):
        await paused(server)
    execution_id = await paused(server)
    await seal(server)

    body = await verified(server, execution_id)
    _, keys = await server.get("/api/checkpoints/keys")

    proof = body["proof"]
    checkpoint = proof["checkpoint"]
    root = root_by_path(
        bytes_of(proof["leaf"]), [b64decode(each) for each in proof["path"]],
        index=proof["index"], size=checkpoint["heads"],
    )  # fmt: skip
    assert root is not None
    assert digest_text(root) == checkpoint["root"]
    assert Keyring.read(msgspec.json.encode(keys)).check(bytes_of(checkpoint), proof["signature"]) == "valid"
    assert proof["leaf"] == body["head"]
    assert body["unproven"] is None


async def test_what_came_after_the_checkpoint_is_in_the_head_and_not_in_the_proof(server: Server) -> None:
    execution_id = await paused(server)
    await seal(server)
    workflow_id = json.loads((await server.store.read(UUID(execution_id), limit=1))[0].state)["workflowId"]
    await server.post(f"/api/resume/{workflow_id}/{execution_id}/approve", json={"approved": True})

    body = await verified(server, execution_id)

    assert body["proof"]["leaf"]["eventId"] < body["head"]["eventId"]


async def test_a_changed_event_is_named(server: Server) -> None:
    execution_id = await paused(server)
    events = server.store._logs[UUID(execution_id)]
    changed = events[1].state.replace(b'"causationId":"', b'"causationId":"0', 1)
    events[1] = msgspec.structs.replace(events[1], state=changed)

    body = await verified(server, execution_id)

    assert not body["ok"]
    assert [(fault["kind"], fault["place"]["eventId"]) for fault in body["faults"]] == [("chain", 2)]


async def forge_last_event(server: Server, execution_id: str) -> None:
    *_, last = server.store._logs[UUID(execution_id)]
    forged = msgspec.structs.replace(last, state=last.state + b" ")
    server.store._logs[UUID(execution_id)][-1] = forged
    server.store._log[last.position - 1] = forged


async def test_a_log_that_a_checkpoint_contradicts_is_named(server: Server) -> None:
    execution_id = await paused(server)
    await seal(server)
    await forge_last_event(server, execution_id)

    body = await verified(server, execution_id)

    assert (body["ok"], body["proof"], body["unproven"]) == (False, None, None)
    (fault,) = body["faults"]
    assert (fault["kind"], fault["place"]["checkpoint"]) == ("unproven", 1)
    assert "does not fit the log" in fault["meaning"]


async def test_a_checkpoint_that_another_log_does_not_fit_proves_nothing_and_says_so(server: Server) -> None:
    """One root is over the heads of a minute: which of them was changed cannot be told here."""
    execution_id, other = await paused(server), await paused(server)
    await seal(server, window=1_000)
    await forge_last_event(server, other)

    body = await verified(server, execution_id)

    assert [fault["kind"] for fault in body["faults"]] == ["unproven"]
    assert "or another one of the same minute" in body["faults"][0]["meaning"]


async def test_a_row_that_is_ahead_of_its_log_is_named(server: Server) -> None:
    execution_id = await paused(server)
    events = server.store._logs[UUID(execution_id)]
    end = len(events)
    del events[-1]

    body = await verified(server, execution_id)

    assert not body["ok"]
    (fault,) = body["faults"]
    assert (fault["kind"], fault["place"]["eventId"]) == ("shortened", end)
    assert f"ends with event {end - 1}" in fault["meaning"]


async def test_the_page_says_that_a_checkpoint_contradicts_the_log(server: Server) -> None:
    execution_id = await paused(server)
    await seal(server)
    await forge_last_event(server, execution_id)

    async with server.client.get(
        f"/executions/{execution_id}/verification", headers={"X-API-Key": KEY}
    ) as response:
        page = await response.text()

    assert response.status == 200, page
    assert "A checkpoint contradicts the log" in page
    assert "or another one of the same minute" in page
    assert "The log is as it was recorded" not in page


async def test_an_execution_that_never_was_is_not_found(server: Server) -> None:
    status, _ = await server.get("/api/executions/nobody/verify")

    assert status == 404


async def test_a_checkpoint_that_the_server_did_not_sign_proves_nothing(server: Server) -> None:
    """Somebody who writes to the database wrote the log anew, and a checkpoint for it."""
    execution_id = await paused(server)
    stranger = Signer([b"a stranger's seed of 32 bytes ..."[:32]])
    writer = CheckpointWriter(
        server.store, server.bus, None, stranger, held=lambda: True, clock=time.time, window=1_000
    )
    await writer.write()

    body = await verified(server, execution_id)

    assert (body["ok"], body["proof"]) == (True, None)
    assert "checkpoint 1 in the database is signed with a key that is none of this" in body["unproven"]


@pytest.mark.parametrize("what", SPOILT)
async def test_a_spoilt_record_of_a_checkpoint_is_told_and_proves_nothing(server: Server, what: str) -> None:
    execution_id = await paused(server)
    await seal(server, window=1_000)
    await spoil(server.store, SPOILT[what])

    body = await verified(server, execution_id)
    async with server.client.get(
        f"/executions/{execution_id}/verification", headers={"X-API-Key": KEY}
    ) as response:
        page = await response.text()

    assert (body["ok"], body["proof"]) == (True, None)
    assert body["unproven"].startswith("The record of checkpoint 1 in the database ")
    assert "proves nothing" in body["unproven"]
    assert response.status == 200, page
    assert "The record of checkpoint 1 in the database" in page
    assert "A signed checkpoint commits to" not in page
