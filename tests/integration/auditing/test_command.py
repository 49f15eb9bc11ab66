"""`signoff audit verify` as auditors call it: with the right to SELECT alone, piped, by processes."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import asyncpg
import pytest

from signoff.audit.checkpoints.signing import Keyring
from support.postgres import Postgres, migrate
from support.sealed_logs import SealedLog, sealed_log
from support.stores import drop_log, without_files

SIGNOFF: Final = Path(sys.executable).with_name("signoff")
KEY: Final = "a secret key of at least 32 characters"


class Auditor:
    """Somebody with a role that may read, and a folder."""

    def __init__(self, sealed: SealedLog, url: str, folder: Path) -> None:
        self.sealed = sealed
        self.folder = folder
        self._environment = {
            "SIGNOFF_DATABASE_URL": url, "SIGNOFF_DATA": str(folder), "SIGNOFF_BLOBS": f"file://{folder}/blobs",
            "PATH": os.environ["PATH"],
        }  # fmt: skip

    async def verify(
        self, *options: str, **settings: str
    ) -> tuple[int, list[dict[str, Any]], dict[str, Any]]:
        """Exit code, faults and summary."""
        (self.folder / "keys.json").write_bytes(_jwks(self.sealed))
        done = await asyncio.to_thread(
            subprocess.run,
            [SIGNOFF, "audit", "verify", "--keys", self.folder / "keys.json", *options],
            env={**self._environment, **settings}, capture_output=True, timeout=50, check=False,
        )  # fmt: skip
        assert done.returncode in {0, 1}, done.stderr
        *faults, summary = map(json.loads, done.stdout.splitlines())
        return done.returncode, faults, summary


def _jwks(sealed: SealedLog) -> bytes:
    keys = [{name: getattr(key, name) for name in key.__struct_fields__} for key in sealed.keys.jwks().keys]
    return json.dumps({"keys": keys}).encode()


@pytest.fixture(scope="module")
async def built(
    postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[SealedLog, str]]:
    url = without_files(await asyncio.to_thread(postgres.fresh_database, migrate))
    connection = await asyncpg.connect(url)
    await connection.execute("DROP ROLE IF EXISTS auditor")
    await connection.execute("CREATE ROLE auditor LOGIN PASSWORD 'x'")
    await connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO auditor")
    async with sealed_log("postgres", tmp_path_factory.mktemp("sealed"), url) as sealed:
        yield sealed, url.replace("postgres:ignored@", "auditor:x@")
    await connection.execute("DROP OWNED BY auditor")
    await connection.execute("DROP ROLE auditor")
    await connection.close()
    await drop_log(postgres, url)


@pytest.fixture
async def auditor(built: tuple[SealedLog, str], tmp_path: Path) -> AsyncIterator[Auditor]:
    sealed, url = built
    yield Auditor(sealed, url, tmp_path)
    await sealed.hand.put_back()


async def test_an_intact_log_is_verified_with_the_right_to_read_alone(auditor: Auditor) -> None:
    code, faults, summary = await auditor.verify("--checkpoints", str(auditor.sealed.folder))

    assert (code, faults) == (0, [])
    assert summary["ok"]
    assert summary["events"] == summary["position"] == summary["coveredTo"]
    assert summary["firstCheckpoint"] == 1
    assert any("since position" in sentence for sentence in summary["notShown"])


async def test_faults_are_lines_of_json_and_the_exit_code_is_1(auditor: Auditor) -> None:
    logs = auditor.sealed.logs
    await auditor.sealed.hand.do("DELETE FROM stored_events WHERE originator_id = ?", logs.paid)
    await auditor.sealed.hand.do("DELETE FROM executions WHERE log_id = ?", logs.paid)

    code, faults, summary = await auditor.verify("--checkpoints", str(auditor.sealed.folder))

    assert code == 1
    assert {(fault["kind"], fault["place"]["logId"]) for fault in faults} == {("missing", str(logs.paid))}
    assert not summary["ok"]
    assert summary["faults"] == len(faults)


async def test_one_execution_is_verified_also_when_it_is_gone(auditor: Auditor) -> None:
    logs = auditor.sealed.logs
    place = ("--checkpoints", str(auditor.sealed.folder))
    _, _, alone = await auditor.verify("--execution", str(logs.paid), *place)
    await auditor.sealed.hand.do("DELETE FROM stored_events WHERE originator_id = ?", logs.paid)
    await auditor.sealed.hand.do("DELETE FROM executions WHERE log_id = ?", logs.paid)

    code, faults, _ = await auditor.verify("--execution", str(logs.paid), *place)

    assert alone["logs"] == 1
    assert code == 1
    assert [fault["kind"] for fault in faults] == ["missing"]


async def test_a_verification_goes_on_where_it_ended(auditor: Auditor) -> None:
    kept = auditor.folder / "verified.json"
    _, _, whole = await auditor.verify("--resume", str(kept))
    state = json.loads(kept.read_bytes())
    assert len(state["done"]) == len(state["units"])
    middle = str(auditor.sealed.logs.paused)
    (unit,) = state["units"]
    state["units"] = [{**unit, "until": middle}, {**unit, "after": middle}]
    state["done"] = {"0": {"logs": 1000, "events": 1000}}
    kept.write_text(json.dumps(state))

    _, _, rest = await auditor.verify("--resume", str(kept))

    assert 1000 < rest["events"] < 1000 + whole["events"]


async def test_a_verification_does_not_go_on_in_another_log(auditor: Auditor) -> None:
    kept = auditor.folder / "verified.json"
    await auditor.verify("--resume", str(kept))
    state = json.loads(kept.read_bytes())
    kept.write_text(json.dumps({**state, "done": {}}))
    last = "(SELECT max(notification_id) FROM stored_events)"
    await auditor.sealed.hand.do(
        f"UPDATE stored_events SET state = convert_to('other', 'UTF8') WHERE notification_id = {last}"
    )

    with pytest.raises(AssertionError, match="is of another log"):
        await auditor.verify("--resume", str(kept))


async def test_several_processes_find_what_one_finds(auditor: Auditor) -> None:
    logs = auditor.sealed.logs
    await auditor.sealed.hand.write(logs.paid, 2, b"nonsense")
    await auditor.sealed.hand.write(logs.failed, 1, b"nonsense")
    bounds = [str(each) for each in sorted(logs.all)]
    kept = auditor.folder / "verified.json"
    _, found, _ = await auditor.verify("--resume", str(kept))
    state = json.loads(kept.read_bytes())
    (unit,) = state["units"]
    edges = [unit["after"], *bounds, unit["until"]]
    state["units"] = [{"after": one, "until": two} for one, two in pairwise(edges)]
    state["done"] = {}
    kept.write_text(json.dumps(state))

    _, by_two, _ = await auditor.verify("--resume", str(kept), "--processes", "2")

    def places(faults: list[dict[str, Any]]) -> set[tuple[str, str, int]]:
        return {
            (each["kind"], each["place"].get("logId", ""), each["place"].get("eventId", 0)) for each in faults
        }

    assert places(by_two) == places(found)
    assert len(places(found)) >= 2


async def test_an_unknown_execution_is_refused(auditor: Auditor) -> None:
    with pytest.raises(AssertionError, match="there is no execution"):
        await auditor.verify("--execution", "nobody")


async def test_only_a_workflow_is_verified(auditor: Auditor) -> None:
    sealed = auditor.sealed
    last = len(await sealed.hand.states(sealed.logs.failed))  # the one that a checkpoint commits to
    await sealed.hand.write(sealed.logs.failed, last, b"nonsense")

    refunds = await auditor.verify("--workflow", "refund", "--chain")
    failing = await auditor.verify("--workflow", "failing", "--chain")

    # Checkpoints commit to all logs at once, and are compared whole.
    assert [fault["kind"] for fault in refunds[1]] == ["rewritten"]
    assert {fault["kind"] for fault in failing[1]} == {"rewritten", "unreadable"}


async def test_a_copy_that_is_empty_is_no_comparison(auditor: Auditor) -> None:
    (auditor.folder / "unmounted").mkdir()

    code, faults, summary = await auditor.verify("--checkpoints", str(auditor.folder / "unmounted"))

    assert code == 1
    assert [fault["kind"] for fault in faults] == ["checkpoint"]
    assert any("unmounted (none)" in each for each in summary["checked"])


async def test_a_folder_of_the_server_that_is_gone_is_named(auditor: Auditor) -> None:
    gone = auditor.folder / "gone"

    code, faults, _ = await auditor.verify(SIGNOFF_CHECKPOINTS=f"file://{gone}")

    assert code == 1
    assert [(fault["kind"], "ends with checkpoint 0" in fault["meaning"]) for fault in faults] == [
        ("checkpoint", True)
    ]
    assert not gone.exists()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--checkpoints", "empty.json"), "no folder or URL"),
        (("--accept-restore", "77"), "there is no checkpoint 77"),
    ],
)
async def test_what_cannot_be_used_is_refused(auditor: Auditor, options: tuple[str, str], told: str) -> None:
    (auditor.folder / "empty.json").write_text('{"keys":[]}')
    option, given = options

    with pytest.raises(AssertionError, match=told):
        await auditor.verify(option, given if given.isdecimal() else str(auditor.folder / given))


async def test_a_file_without_keys_is_refused(auditor: Auditor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auditor.sealed, "keys", Keyring([]))

    with pytest.raises(AssertionError, match="there is no key in it"):
        await auditor.verify()
