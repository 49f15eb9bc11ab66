"""An export to S3, through the real HTTP client, to a server that speaks its language."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from signoff.events.objects import Objects
from signoff.events.store.sqlite import SqliteStore
from signoff.events.topics import PARTITIONS
from support.clouds import cloud
from support.exports import LogWriter, batches, exported

SIGNOFF = Path(sys.executable).with_name("signoff")


@pytest.fixture(autouse=True)
async def bucket(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    async with cloud(monkeypatch, "audit"):
        yield


async def test_the_command_exports_to_a_bucket_and_goes_on(tmp_path: Path) -> None:
    command = [SIGNOFF, "audit", "export", "s3://audit/signoff/log"]
    environment = {**os.environ, "SIGNOFF_DATA": str(tmp_path)}
    positions = []
    for _ in range(2):
        store = await SqliteStore.open(tmp_path / "signoff.db")
        await store.migrate(partitions=PARTITIONS)
        await (await LogWriter.open(store)).some(3)
        logged = [(each.position, each.state) for each in await store.read_all(after=0, limit=1000)]
        await store.close()
        done = await asyncio.to_thread(
            subprocess.run, command, env=environment, capture_output=True, timeout=40, check=False
        )
        assert done.returncode == 0, done.stderr
        positions.append(json.loads(done.stdout.splitlines()[-1])["position"])

    bucket = Objects.open("s3://audit/signoff/log")
    assert positions == [12, 24]
    assert await exported(bucket) == logged
    assert [(each.after, each.upto) for each in await batches(bucket)] == [(0, 12), (12, 24)]


async def test_what_is_there_is_not_created_again() -> None:
    bucket = Objects.open("s3://audit/there")

    created = [await bucket.create("path", b"first"), await bucket.create("path", b"second")]

    assert (created, await bucket.read("path")) == ([True, False], b"first")
