"""`signoff audit bundle` and `signoff audit verify FILE`, as auditors call them."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from support.bundles import decided, opened, packed, seal
from support.gateways import KEY, Server, serving, settings

SIGNOFF = Path(sys.executable).with_name("signoff")


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving(settings()) as running:
        yield running


async def called(folder: Path, *arguments: str, url: str = "http://127.0.0.1:9") -> tuple[int, list[Any]]:
    """Exit code and JSON lines of `signoff audit`."""
    environment = {"PATH": os.environ["PATH"], "SIGNOFF_URL": url, "SIGNOFF_API_KEY": KEY}
    done = await asyncio.to_thread(
        subprocess.run, [SIGNOFF, "audit", *arguments],
        env=environment, cwd=folder, capture_output=True, timeout=40, check=False,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


async def test_a_bundle_is_fetched_and_proves_itself_without_the_server(
    server: Server, tmp_path: Path
) -> None:
    execution_id = await decided(server)
    await seal(server)
    _, keys = await server.get("/api/checkpoints/keys")
    (tmp_path / "keys.json").write_text(json.dumps(keys))

    await called(tmp_path, "bundle", execution_id, "-o", "refund.zip", url=str(server.client.make_url("/")))
    code, (summary,) = await called(tmp_path, "verify", "refund.zip", "--keys", "keys.json")

    assert (code, summary["ok"], summary["notShown"]) == (0, True, [])
    assert [(each["executionId"], each["status"]) for each in summary["executions"]] == [
        (execution_id, "completed")
    ]


async def test_a_changed_bundle_is_named_and_the_command_fails(server: Server, tmp_path: Path) -> None:
    execution_id = await decided(server)
    await called(tmp_path, "bundle", execution_id, url=str(server.client.make_url("/")))
    file = tmp_path / f"{execution_id}.zip"
    files = opened(await asyncio.to_thread(file.read_bytes))
    path = f"executions/{execution_id}/events.jsonl"
    changed = packed(files | {path: files[path].replace(b'"approved":true', b'"approved":false')})
    await asyncio.to_thread(file.write_bytes, changed)

    code, (*faults, summary) = await called(tmp_path, "verify", file.name)

    assert (code, summary["ok"], len(faults)) == (1, False, summary["faults"])
    assert faults[0]["place"]["file"] == f"{file.name}/{path}"
    assert {fault["kind"] for fault in faults} >= {"bundle", "chain"}
