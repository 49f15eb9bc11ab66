"""`GET /api/executions/{id}/bundle`: what it holds, and that it proves itself without the server."""

import asyncio
import hashlib
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from signoff.audit.bundle import execution_check, extent, making, opening
from signoff.audit.bundle.reading import values_in
from signoff.audit.checkpoints.signing import BUNDLE, Keyring
from signoff.client import AsyncClient, UnreachableError
from signoff.events.codec import broken_link, chain_hash
from signoff.events.errors import StoreUnavailableError
from support.bundles import (
    NO_KEYS,
    STRANGER,
    decided,
    examined,
    fetched,
    meanings,
    opened,
    seal,
    server_signer,
)
from support.checkpoints import SPOILT, spoil
from support.gateways import APPROVAL, KEY, Server, serving, settings
from support.identities import workspace_key


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving(settings()) as running:
        yield running


async def test_an_execution_proves_itself_without_the_server(server: Server, tmp_path: Path) -> None:
    execution_id = await decided(server)
    await seal(server)

    report = await examined(tmp_path, await fetched(server, execution_id))

    (entry,) = report.executions
    assert (report.faults, report.not_shown) == ([], [])
    assert (entry.execution_id, entry.status) == (execution_id, "completed")
    assert report.events == entry.head.event_id == len(await server.events(execution_id))


async def test_its_events_are_the_bytes_of_the_log(server: Server) -> None:
    execution_id = await decided(server)

    files = opened(await fetched(server, execution_id))

    lines = files[f"executions/{execution_id}/events.jsonl"].splitlines()
    assert lines == [each.state for each in await server.store.read(UUID(execution_id))]
    assert broken_link(lines) is None


async def test_the_manifest_is_signed_by_the_server_and_names_all_files(server: Server) -> None:
    files = opened(await fetched(server, await decided(server)))
    _, keys = await server.get("/api/checkpoints/keys")

    raw, signature = files.pop("manifest.json"), files.pop("manifest.jws")

    assert Keyring.read(msgspec.json.encode(keys)).check(raw, signature.decode(), BUNDLE) == "valid"
    digests = {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}
    assert {file["path"]: file["sha256"] for file in json.loads(raw)["files"]} == digests


async def test_the_same_execution_is_always_the_same_bytes(server: Server) -> None:
    execution_id = await decided(server)

    assert await fetched(server, execution_id) == await fetched(server, execution_id)


async def test_a_chosen_id_and_a_paused_execution_do_as_well(server: Server, tmp_path: Path) -> None:
    workflow_id = await server.deploy(APPROVAL)
    await server.execute(workflow_id, headers={"X-Execution-Id": "refund:1"})

    report = await examined(tmp_path, await fetched(server, "refund:1"))

    assert (meanings(report), report.executions[0].status) == ("", "paused")
    assert report.executions[0].execution_id == "refund:1"


async def test_without_a_checkpoint_it_says_what_is_not_shown(server: Server, tmp_path: Path) -> None:
    report = await examined(tmp_path, await fetched(server, await decided(server)))

    assert report.faults == []
    assert "no checkpoint committed to it" in report.not_shown[0]


async def test_what_happened_after_the_checkpoint_is_told_from_what_it_commits_to(
    server: Server, tmp_path: Path
) -> None:
    workflow_id = await server.deploy(APPROVAL)
    execution_id = str((await server.execute(workflow_id))["executionId"])
    sealed = len(await server.events(execution_id))
    await seal(server)
    await server.post(f"/api/resume/{workflow_id}/{execution_id}/approve", json={"approved": True})

    report = await examined(tmp_path, await fetched(server, execution_id))

    assert report.faults == []
    assert f"that checkpoint 1 commits to events 1 to {sealed} of {execution_id}" in report.checked
    (sentence,) = report.not_shown
    assert f"nobody wrote events {sealed + 1} to {report.events} of {execution_id} anew" in sentence


async def test_without_keys_it_says_that_it_agrees_with_itself_alone(server: Server, tmp_path: Path) -> None:
    report = await examined(tmp_path, await fetched(server, await decided(server)), NO_KEYS)

    assert report.faults == []
    assert report.keys == [key.kid for key in server_signer().keys.jwks().keys]
    assert "the keys are the bundle's own" in report.not_shown[0]


async def test_with_the_keys_of_another_server_it_is_refused(server: Server, tmp_path: Path) -> None:
    report = await examined(tmp_path, await fetched(server, await decided(server)), STRANGER.keys)

    assert "signed with a key that is none of those that were given" in meanings(report)


async def test_large_values_are_in_it(server: Server, tmp_path: Path) -> None:
    text = "x" * 400_000
    execution_id = await decided(server, json={"input": {"text": text}})

    bundle = await fetched(server, execution_id)

    digest = hashlib.sha256(text.encode()).hexdigest()
    quoted = hashlib.sha256(json.dumps(text).encode()).hexdigest()
    values = [path for path in opened(bundle) if path.startswith("values/")]
    assert values
    assert set(values) <= {f"values/{digest}", f"values/{quoted}"}
    assert (await examined(tmp_path, bundle)).faults == []


async def test_a_large_value_that_is_damaged_or_lost_is_named(server: Server, tmp_path: Path) -> None:
    execution_id = await decided(server, json={"input": {"text": "y" * 400_000}})
    (path,) = [each for each in opened(await fetched(server, execution_id)) if each.startswith("values/")]
    digest = path.removeprefix("values/")
    (kept,) = [each for each in await server.blobs.objects.paths("") if each.endswith(digest)]
    await server.blobs.objects.write(kept, b"something else")

    report = await examined(tmp_path, await fetched(server, execution_id))

    assert [fault.place.file for fault in report.faults] == [f"{tmp_path}/bundle.zip/values/{digest}"]
    assert "the object store had not the large value" in meanings(report)


async def test_a_large_definition_is_checked_by_its_content(server: Server, tmp_path: Path) -> None:
    blocks = {"say": {"type": "function", "code": "// " + "z" * 300_000 + "\nreturn 1"}}
    body = await server.execute(await server.deploy(blocks))

    bundle = await fetched(server, body["executionId"])

    assert any(path.startswith("values/") for path in opened(bundle))
    assert (await examined(tmp_path, bundle)).faults == []


async def test_a_definition_that_does_not_fit_into_memory_is_refused(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = {"say": {"type": "function", "code": "// " + "z" * 300_000 + "\nreturn 1"}}
    body = await server.execute(await server.deploy(blocks))
    bundle = await fetched(server, body["executionId"])
    monkeypatch.setattr(execution_check, "MOST_IN_MEMORY", 200_000)

    assert "a definition is larger than 200000 bytes" in meanings(await examined(tmp_path, bundle))


async def test_a_value_that_is_named_again_and_again_counts_once(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    execution_id = await decided(server, json={"input": {"text": "x" * 400_000}})
    events = await server.store.read(UUID(execution_id))
    assert sum(len(values_in(event.state)) for event in events) > 1
    monkeypatch.setattr(extent, "_BYTES", 700_000)

    assert await fetched(server, execution_id)


@pytest.mark.parametrize(
    ("bound", "least"),
    [("_FILES", 4), ("_BYTES", 500_000), ("_NAMED", 0)],
    ids=["files", "bytes", "children"],
)
async def test_what_no_bundle_can_hold_is_refused_before_anything_is_sent(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str, least: int
) -> None:
    say = {"type": "function", "code": "// " + "z" * 300_000 + "\nreturn 1", "then": "call"}
    child = await server.deploy({"say": {"type": "function", "code": "return 1"}})
    parent = await server.deploy({"say": say, "call": {"type": "workflow", "workflow": child}})
    texts = {name: name * 300_000 for name in "ab"}
    execution_id = (await server.execute(parent, json={"input": texts}))["executionId"]
    path = f"/api/executions/{execution_id}/bundle"

    monkeypatch.setattr(extent, bound, least)
    refused = await server.get(path)
    monkeypatch.undo()

    assert refused[0] == 413
    assert "too large for a bundle, which has at most 50,000 files, 16 GiB" in refused[1]["error"]
    assert (await examined(tmp_path, await fetched(server, execution_id))).faults == []


async def test_with_children_it_may_be_too_large_and_alone_it_is_not(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = await server.deploy({"say": {"type": "function", "code": "return 1"}})
    parent = await server.deploy({"call": {"type": "workflow", "workflow": child}})
    execution_id = (await server.execute(parent))["executionId"]
    monkeypatch.setattr(extent, "_FILES", 5)

    status, body = await server.get(f"/api/executions/{execution_id}/bundle", params={"withChildren": "true"})

    assert (status, "ask for it without those that it called" in body["error"]) == (413, True)
    assert await fetched(server, execution_id)


async def test_a_bundle_that_came_out_too_large_is_not_signed(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    execution_id = await decided(server)
    monkeypatch.setattr(making, "MOST_FILES", 4)

    async with AsyncClient(str(server.client.make_url("/")), KEY) as client:
        with pytest.raises(UnreachableError):
            await client.executions.handle(execution_id).bundle(tmp_path / "bundle.zip")


async def test_what_a_bundle_holds_counts_once_however_often_it_is_read(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = await server.deploy({"say": {"type": "function", "code": "// " + "z" * 300_000 + "\nreturn 1"}})
    calls: dict[str, object] = {
        f"call{n}": {"type": "workflow", "workflow": child, "then": f"call{n + 1}"} for n in range(7)
    }
    calls["call7"] = {"type": "workflow", "workflow": child}
    execution_id = (await server.execute(await server.deploy(calls)))["executionId"]
    bundle = await fetched(server, execution_id, withChildren="true")
    size = sum(map(len, opened(bundle).values()))
    monkeypatch.setattr(opening, "MOST_BYTES", size)
    monkeypatch.setattr(opening, "_AGAIN", size)

    report = await examined(tmp_path, bundle)

    assert (len(report.executions), meanings(report)) == (9, "")


async def test_children_are_named_and_included_if_wanted(server: Server, tmp_path: Path) -> None:
    child = await server.deploy({"say": {"type": "function", "code": "return 1"}})
    parent = await server.deploy({"call": {"type": "workflow", "workflow": child}})
    execution_id = (await server.execute(parent))["executionId"]

    named = await examined(tmp_path, await fetched(server, execution_id))
    included = await examined(tmp_path, await fetched(server, execution_id, withChildren="true"))

    assert [len(named.executions), len(included.executions)] == [1, 2]
    assert (meanings(named), meanings(included)) == ("", "")
    assert any("1 executions that were called" in each for each in named.not_shown)
    assert included.executions[1].workflow_id == child


async def test_an_execution_whose_log_was_changed_is_given_and_the_change_named(
    server: Server, tmp_path: Path
) -> None:
    execution_id = await decided(server)
    events = server.store._logs[UUID(execution_id)]
    changed = events[2].state.replace(b'"causationId":"', b'"causationId":"0', 1)
    events[2] = msgspec.structs.replace(events[2], state=changed)

    report = await examined(tmp_path, await fetched(server, execution_id))

    assert [(fault.kind, fault.place.event_id) for fault in report.faults] == [("chain", 3)]
    assert chain_hash(changed) != json.loads(events[3].state)["prev"]


async def test_an_execution_that_a_checkpoint_contradicts_is_given_and_named(
    server: Server, tmp_path: Path
) -> None:
    """Its chain is whole: whoever wrote it anew made new hashes."""
    execution_id = await decided(server)
    await seal(server)
    *_, last = server.store._logs[UUID(execution_id)]
    forged = msgspec.structs.replace(last, state=last.state + b" ")
    server.store._logs[UUID(execution_id)][-1] = server.store._log[last.position - 1] = forged

    bundle = await fetched(server, execution_id)
    report = await examined(tmp_path, bundle)

    (entry,) = json.loads(opened(bundle)["manifest.json"])["executions"]
    assert (entry.get("checkpoint"), entry["contradictedBy"]) == (None, 1)
    assert [(fault.kind, fault.place.checkpoint) for fault in report.faults] == [("unproven", 1)]


@pytest.mark.parametrize("what", SPOILT)
async def test_a_spoilt_record_of_a_checkpoint_proves_nothing_and_spoils_no_bundle(
    server: Server, tmp_path: Path, what: str
) -> None:
    execution_id = await decided(server)
    await seal(server)
    await spoil(server.store, SPOILT[what])

    bundle = await fetched(server, execution_id)
    report = await examined(tmp_path, bundle)

    (entry,) = json.loads(opened(bundle)["manifest.json"])["executions"]
    assert {"checkpoint", "contradictedBy"}.isdisjoint(entry)
    assert not any(path.endswith("proof.json") for path in opened(bundle))
    assert report.faults == []
    assert any(execution_id in sentence for sentence in report.not_shown)


async def test_a_bundle_that_cannot_be_ended_is_no_whole_answer(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    execution_id = await decided(server)

    async def away(*_: object, **__: object) -> dict[UUID, int]:
        raise StoreUnavailableError("the database is away")

    monkeypatch.setattr(server.store, "heads", away)

    async with AsyncClient(str(server.client.make_url("/")), KEY) as client:
        with pytest.raises(UnreachableError):
            await client.executions.handle(execution_id).bundle(tmp_path / "bundle.zip")
    assert await asyncio.to_thread(os.listdir, tmp_path) == []


async def test_who_may_read_but_not_audit_is_refused(server: Server) -> None:
    execution_id = await decided(server)
    approver = await workspace_key(server, "approver")

    status, _ = await approver.get(f"/api/executions/{execution_id}/bundle")

    assert status == 403


async def test_an_execution_that_never_was_is_not_found(server: Server) -> None:
    status, _ = await server.get("/api/executions/nobody/bundle")

    assert status == 404
