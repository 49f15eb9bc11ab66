"""Checkpoints in an object store, where an auditor's account may lock them: written, found, compared."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import obstore
import obstore.store
import pytest

from signoff.events.objects import Objects
from support.clouds import cloud
from support.sealed_logs import SealedLog, kinds, sealed_log

PLACE: Final = "s3://audit/signoff/checkpoints"
SIGNOFF: Final = Path(sys.executable).with_name("signoff")


@pytest.fixture
async def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SealedLog]:
    async with cloud(monkeypatch, "audit"), sealed_log("sqlite", tmp_path, place=PLACE) as sealed:
        yield sealed


async def held() -> list[str]:
    return sorted(await Objects.open(PLACE).paths(""))


async def test_a_log_is_what_its_checkpoints_in_a_bucket_say(log: SealedLog) -> None:
    assert await log.faults(log.files(is_live=True), published=len(await held())) == []


async def test_a_writer_that_begins_anew_goes_on_behind_the_last_one_there(log: SealedLog) -> None:
    before = await held()
    async with log.site.executor():
        workflow = await log.site.deploy({"blocks": {"done": {"type": "variables", "set": {}}}}, "more")
        await log.site.ended(await log.site.start(workflow, {}))

    made = await log.seal()

    after = await held()
    assert made > 0
    assert after[: len(before)] == before
    assert [int(Path(each).stem) for each in after] == [*range(1, len(before) + made + 1)]
    assert await log.faults(log.files(is_live=True), published=len(after)) == []


async def test_a_deleted_execution_is_named_by_what_the_bucket_holds(log: SealedLog) -> None:
    await log.hand.do("DELETE FROM stored_events WHERE originator_id = ?", log.logs.paid)
    await log.hand.do("DELETE FROM executions WHERE log_id = ?", log.logs.paid)

    found = await log.faults(log.files(is_live=True))

    assert kinds(found) == {"missing"}
    assert {(fault.place.log_id, fault.place.file) for fault in found} == {(str(log.logs.paid), PLACE)}


async def test_a_file_that_was_changed_or_lost_in_the_bucket_is_named(log: SealedLog) -> None:
    first, second, *_ = await held()
    bucket = Objects.open(PLACE)
    content = await bucket.read(first)
    await bucket.write(first, content[:-1])
    await obstore.delete_async(obstore.store.from_url(PLACE), second)

    found = await log.faults(log.files(is_live=True))

    assert kinds(found) == {"checkpoint"}
    assert f"{PLACE}/{first}" in {fault.place.file for fault in found}


async def test_the_command_compares_with_a_bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with cloud(monkeypatch, "audit"):
        async with sealed_log("sqlite", tmp_path, place=PLACE) as log:
            await log.hand.do("DELETE FROM stored_events WHERE originator_id = ?", log.logs.paid)
            await log.hand.do("DELETE FROM executions WHERE log_id = ?", log.logs.paid)
        await asyncio.to_thread((tmp_path / "log.db").rename, tmp_path / "signoff.db")

        code, lines = await verify(tmp_path, "--checkpoints", PLACE)
        own_code, own_lines = await verify(tmp_path, SIGNOFF_CHECKPOINTS=PLACE)

    assert (code, own_code) == (1, 1)
    assert [each["kind"] for each in own_lines[:-1]] == ["missing"]
    assert [each["kind"] for each in lines[:-1]] == ["missing", "checkpoint"]  # its own folder is not there
    assert any(PLACE in each for each in lines[-1]["checked"])


async def verify(data: Path, *options: str, **settings: str) -> tuple[int, list[dict[str, Any]]]:
    """Exit code and lines."""
    done = await asyncio.to_thread(
        subprocess.run, [SIGNOFF, "audit", "verify", "--chain", *options],
        env={**os.environ, "SIGNOFF_DATA": str(data), **settings},
        capture_output=True, timeout=40, check=False,
    )  # fmt: skip
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]
