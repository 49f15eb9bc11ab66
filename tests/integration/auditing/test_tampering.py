"""Somebody writes to the tables of a log, or changes its checkpoints: it is named, with its place."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

import msgspec
import pytest

from signoff.audit.checkpoints.checkpoint import decode_entry, encode_entry
from signoff.audit.checkpoints.signing import Keyring, Signer
from signoff.audit.verify.faults import Fault
from signoff.cli.auditing.units import Levels
from signoff.events.codec import chain_hash
from signoff.events.topics import PARTITIONS, workflow_log_id
from support.executors import WORKSPACE
from support.installations import installation_of
from support.postgres import Postgres, migrate
from support.sealed_logs import SEED, SealedLog, keep_everywhere, kinds, sealed_log
from support.stores import drop_log, without_files

EARLIER: Final = b"a seed of an earlier secret, 32b"
OLD: Final = "2020-01-01T00:00:00.000000Z"


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
async def built(
    request: pytest.FixtureRequest, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[SealedLog]:
    folder = tmp_path_factory.mktemp("sealed")
    url = ""
    if request.param == "postgres":
        url = without_files(await asyncio.to_thread(postgres.fresh_database, migrate))
    async with sealed_log(request.param, folder, url) as sealed:
        yield sealed
    if url:
        await drop_log(postgres, url)


@pytest.fixture
async def log(built: SealedLog) -> AsyncIterator[SealedLog]:
    """The log as it was built, whatever a test does to it."""
    yield built
    await built.hand.put_back()


@pytest.fixture
def copy(built: SealedLog, tmp_path: Path) -> Path:
    """An auditor's copy of the checkpoints."""
    return Path(shutil.copytree(built.folder, tmp_path / "copy"))


def lines(folder: Path) -> Iterator[Path]:
    yield from sorted(folder.rglob("*.jsonl"))


def of(faults: list[Fault], log_id: UUID) -> dict[tuple[str, int | None], Fault]:
    assert all(fault.place.log_id == str(log_id) for fault in faults), faults
    return {(fault.kind, fault.place.event_id): fault for fault in faults}


def changed(state: bytes) -> bytes:
    """An event with one byte of its cause changed."""
    at = state.index(b'"causationId":"') + 15
    return state[:at] + (b"0" if state[at : at + 1] != b"0" else b"1") + state[at + 1 :]


async def rechain(log: SealedLog, log_id: UUID, states: list[bytes], *, begin: int) -> None:
    """Write events from one on, each with the hash of the one before it."""
    prev = chain_hash(states[begin - 2]) if begin > 1 else None
    for version, state in enumerate(states[begin - 1 :], begin):
        link = b'"prev":"%s"' % (prev or "").encode()
        linked = re.sub(rb'"prev":"[^"]*"', link, state, count=1)
        await log.hand.write(log_id, version, linked)
        prev = chain_hash(linked)


async def test_nothing_is_wrong_with_what_nobody_touched(log: SealedLog, copy: Path) -> None:
    assert await log.faults(log.files(copy), log.files(is_live=True)) == []


async def test_a_changed_byte_is_named(log: SealedLog) -> None:
    states = await log.hand.states(log.logs.paid)
    await log.hand.write(log.logs.paid, 2, changed(states[1]))

    faults = of(await log.faults(), log.logs.paid)

    (row,) = await log.hand.do(
        f"SELECT {log.hand.position} FROM stored_events WHERE originator_id = ? AND originator_version = 2",
        log.logs.paid,
    )
    assert ("chain", 2) in faults
    assert faults["chain", 2].place.position == row[0]


async def test_an_event_that_was_edited_as_text_is_named(log: SealedLog) -> None:
    edit = {
        "sqlite": "replace(CAST(state AS TEXT), '\"type\"', '\"typo\"')",  # leaves text in a column of bytes
        "postgres": "convert_to(replace(convert_from(state, 'UTF8'), '\"type\"', '\"typo\"'), 'UTF8')",
    }[log.hand.dialect]
    await log.hand.do(
        f"UPDATE stored_events SET state = {edit} WHERE originator_id = ? AND originator_version = 2",
        log.logs.paid,
    )

    assert {("unreadable", 2), ("chain", 2)} <= of(await log.faults(), log.logs.paid).keys()


async def test_a_lost_state_is_named_and_read_past(log: SealedLog) -> None:
    await log.hand.do(
        "UPDATE stored_events SET state = NULL WHERE originator_id = ? AND originator_version = 2",
        log.logs.paid,
    )

    pages = [
        await log.store.read_all(after=0, limit=1_000, size=10_000_000),
        await log.store.read_all(after=0, limit=1_000, partitions=range(PARTITIONS)),
        await log.store.read(log.logs.paid, size=10_000_000),
        (await log.store.read_many({log.logs.paid: 0}, limit=100))[log.logs.paid],
    ]
    faults = of(await log.faults(log.files()), log.logs.paid)

    assert {
        event.state for page in pages for event in page if (event.log_id, event.version) == (log.logs.paid, 2)
    } == {b""}
    assert {sum(event.log_id == log.logs.paid for event in page) for page in pages} == {len(pages[-1])}
    assert {("unreadable", 2), ("chain", 2)} <= faults.keys()


async def test_bytes_that_are_no_event_are_named(log: SealedLog) -> None:
    await log.hand.write(log.logs.paid, 2, b"\x00nonsense")

    assert {("unreadable", 2), ("chain", 2)} <= of(await log.faults(), log.logs.paid).keys()


async def test_a_dropped_event_is_named(log: SealedLog) -> None:
    await log.hand.do(
        "DELETE FROM stored_events WHERE originator_id = ? AND originator_version = 3", log.logs.paid
    )

    assert of(await log.faults(), log.logs.paid).keys() == {("version", 3)}


async def test_an_inserted_event_is_named(log: SealedLog) -> None:
    states = await log.hand.states(log.logs.paid)
    end = len(states)
    forged = states[-1].replace(b'"eventId":%d' % end, b'"eventId":%d' % (end + 1))
    await log.hand.do(
        "INSERT INTO stored_events (originator_id, originator_version, topic, state) VALUES (?, ?, ?, ?)",
        log.logs.paid, end + 1, "signoff:ExecutionCompleted", forged,
    )  # fmt: skip

    assert ("chain", end) in of(await log.faults(), log.logs.paid)


async def test_swapped_events_are_named(log: SealedLog) -> None:
    states = await log.hand.states(log.logs.paid)
    await log.hand.write(log.logs.paid, 2, states[2])
    await log.hand.write(log.logs.paid, 3, states[1])

    assert {("version", 2), ("version", 3)} <= of(await log.faults(), log.logs.paid).keys()


async def test_an_event_of_another_execution_is_named(log: SealedLog) -> None:
    other = await log.hand.states(log.logs.approved)
    await log.hand.write(log.logs.paid, 2, other[1])

    fault = of(await log.faults(), log.logs.paid)["misplaced", 2]

    assert str(log.logs.approved) in fault.meaning


async def test_a_deleted_tail_is_named_by_a_checkpoint(log: SealedLog, copy: Path) -> None:
    end = len(await log.hand.states(log.logs.paid))
    await log.hand.do(
        "DELETE FROM stored_events WHERE originator_id = ? AND originator_version > ?", log.logs.paid, end - 1
    )

    chained = await log.faults(levels=Levels(fold=False, projections=False))
    held = await log.faults(log.files(copy), levels=Levels(fold=False, projections=False))

    assert chained == []
    assert of(held, log.logs.paid).keys() == {("shortened", end)}


async def test_a_deleted_execution_is_named_by_a_checkpoint(log: SealedLog, copy: Path) -> None:
    await log.hand.do("DELETE FROM stored_events WHERE originator_id = ?", log.logs.paid)
    await log.hand.do("DELETE FROM executions WHERE log_id = ?", log.logs.paid)

    assert await log.faults() == []
    found = await log.faults(log.files(copy))
    assert [fault.place.log_id for fault in found] == [str(log.logs.paid)]
    assert kinds(found) == {"missing"}


async def test_a_log_that_was_written_anew_with_its_chain_is_named_by_a_checkpoint(
    log: SealedLog, copy: Path
) -> None:
    states = await log.hand.states(log.logs.approved)
    forged = [state.replace(b":250", b":950") for state in states]
    assert forged != states
    await rechain(log, log.logs.approved, forged, begin=1)
    levels = Levels(fold=False, projections=False)

    assert await log.faults(levels=levels) == []
    found = await log.faults(log.files(copy), levels=levels)
    assert kinds(found) == {"rewritten"}
    assert {fault.place.log_id for fault in found} == {str(log.logs.approved)}


async def test_an_event_that_was_dated_back_is_named(log: SealedLog) -> None:
    states = await log.hand.states(log.logs.paid)
    states[2] = re.sub(rb'"timestamp":"[^"]*"', b'"timestamp":"%s"' % OLD.encode(), states[2], count=1)
    await rechain(log, log.logs.paid, states, begin=3)

    assert ("time", 3) in of(await log.faults(), log.logs.paid)


async def test_an_execution_that_was_put_in_and_dated_back_is_named_by_a_checkpoint(
    log: SealedLog, copy: Path
) -> None:
    """It takes a position that a deleted event had, so that it looks as old as its neighbours."""
    forged = uuid4()
    states = [
        state.replace(str(log.logs.paid).encode(), str(forged).encode())
        for state in await log.hand.states(log.logs.paid)
    ]
    (row,) = await log.hand.do(
        f"SELECT max({log.hand.position}) FROM stored_events WHERE originator_id = ?", log.logs.failed
    )
    await log.hand.do("DELETE FROM stored_events WHERE originator_id = ?", log.logs.failed)
    await log.hand.do(
        f"INSERT INTO stored_events ({log.hand.position}, originator_id, originator_version, topic, state) "
        "VALUES (?, ?, ?, ?, ?)",
        row[0], forged, 1, "signoff:ExecutionStarted", states[0],
    )  # fmt: skip

    found = await log.faults(log.files(copy), levels=Levels(fold=False, projections=False))

    named = {(fault.kind, fault.place.log_id) for fault in found}
    assert {("missing", str(log.logs.failed)), ("unproven", str(forged))} == named


async def test_events_that_changed_places_in_the_whole_log_are_named(log: SealedLog) -> None:
    place = f"UPDATE stored_events SET {log.hand.position} = ? WHERE {log.hand.position} = ?"
    third, fourth = (
        row[0]
        for row in await log.hand.do(
            f"SELECT {log.hand.position} FROM stored_events WHERE originator_id = ? "
            "AND originator_version IN (3, 4) ORDER BY originator_version",
            log.logs.paid,
        )
    )
    for to, now in ((-1, third), (third, fourth), (fourth, -1)):
        await log.hand.do(place, to, now)

    faults = of(await log.faults(), log.logs.paid)

    assert faults.keys() == {("misplaced", 4)}
    assert (third, f"event 3 at {fourth}" in faults["misplaced", 4].meaning) == (
        faults["misplaced", 4].place.position, True,
    )  # fmt: skip


@pytest.mark.parametrize("first", [-100, 0])
async def test_an_execution_that_was_put_in_before_all_positions_is_named(log: SealedLog, first: int) -> None:
    """Such events are in no checkpoint, on no topic and in no feed, and pages show them."""
    forged, prev = uuid4(), ""
    for version, state in enumerate(await log.hand.states(log.logs.paid), 1):
        renamed = state.replace(str(log.logs.paid).encode(), str(forged).encode())
        linked = re.sub(rb'"prev":"[^"]*"', b'"prev":"%s"' % prev.encode(), renamed, count=1)
        prev = chain_hash(linked)
        topic = await log.hand.do(
            "SELECT topic FROM stored_events WHERE originator_id = ? AND originator_version = ?",
            log.logs.paid, version,
        )  # fmt: skip
        await log.hand.do(
            f"INSERT INTO stored_events ({log.hand.position}, originator_id, originator_version, topic, "
            "state) VALUES (?, ?, ?, ?, ?)",
            first - version + 1, forged, version, topic[0][0], linked,
        )  # fmt: skip

    found = of(await log.faults(levels=Levels(fold=False, projections=False)), forged)

    assert ("misplaced", 1) in found
    assert found["misplaced", 1].place.position == first


SPOILT: Final = {
    "another state": rb'{"state":{"status":"completed","version":3}}',
    "no state": b"{",
}


@pytest.fixture
async def kept(log: SealedLog, monkeypatch: pytest.MonkeyPatch) -> SealedLog:
    """The log with folds of everything that can be folded."""
    await keep_everywhere(log.store, installation_of(log.site).loader, monkeypatch)
    return log


@pytest.mark.parametrize("state", SPOILT.values(), ids=SPOILT)
async def test_an_altered_waypoint_is_named(kept: SealedLog, state: bytes) -> None:
    log = kept
    await log.hand.do(
        "UPDATE fold_waypoints SET state = ? WHERE log_id = ? AND version = 3", state, log.logs.approved
    )

    (fault,) = await log.faults()

    assert (fault.kind, fault.place.table) == ("projection", "fold_waypoints")
    assert (fault.place.log_id, fault.place.event_id) == (str(log.logs.approved), 3)


@pytest.mark.parametrize("state", SPOILT.values(), ids=SPOILT)
async def test_a_spoilt_snapshot_is_named(kept: SealedLog, state: bytes) -> None:
    head = len(await kept.hand.states(kept.logs.paused))
    await kept.hand.do("UPDATE fold_snapshots SET state = ? WHERE log_id = ?", state, kept.logs.paused)

    (fault,) = await kept.faults()

    assert (fault.kind, fault.place.table) == ("projection", "fold_snapshots")
    assert (fault.place.log_id, fault.place.event_id) == (str(kept.logs.paused), head)


@pytest.mark.parametrize("workflow", [False, True], ids=["execution", "workflow"])
async def test_a_snapshot_whose_state_was_altered_is_named(kept: SealedLog, workflow: bool) -> None:
    log_id = workflow_log_id(WORKSPACE, "refund") if workflow else kept.logs.approved
    snapshot = await kept.store.snapshot(log_id)
    assert snapshot is not None
    fold = msgspec.json.decode(snapshot.state)
    fold["state"]["workflow_id"] = "another"
    await kept.hand.do(
        "UPDATE fold_snapshots SET state = ? WHERE log_id = ?", msgspec.json.encode(fold), log_id
    )

    (fault,) = await kept.faults()

    assert (fault.kind, fault.place.table) == ("projection", "fold_snapshots")
    assert fault.place.log_id == str(log_id)


async def test_a_snapshot_in_the_middle_of_a_log_is_compared_with_the_fold_there(
    kept: SealedLog,
) -> None:
    log_id = kept.logs.approved
    snapshot = await kept.store.snapshot(kept.logs.approved)
    assert snapshot is not None
    assert snapshot.version > 3
    await kept.hand.do("UPDATE fold_snapshots SET version = 3 WHERE log_id = ?", log_id)

    (fault,) = await kept.faults()

    assert (fault.place.table, fault.place.event_id) == ("fold_snapshots", 3)


ALTERED: Final = {
    "executions": "UPDATE executions SET status = 'completed' WHERE log_id = ?",
    "runs": "UPDATE runs SET log_id = run_id WHERE log_id = ?",
    "inbox": "UPDATE points SET title = 'spoilt' WHERE log_id = ?",
    "workflows": "UPDATE workflows SET version = 7 WHERE workflow_id = 'refund'",
}


@pytest.mark.parametrize("table", ALTERED)
async def test_an_altered_projection_is_named(log: SealedLog, table: str) -> None:
    chosen = {"executions": log.logs.failed, "runs": log.logs.approved, "inbox": log.logs.paused}
    await log.hand.do(ALTERED[table], *([chosen[table]] if table in chosen else []))

    (fault,) = await log.faults()

    assert (fault.kind, fault.place.table) == ("projection", table)


async def test_a_row_that_is_none_is_named(log: SealedLog) -> None:
    spoilt = {"sqlite": "'[1]'", "postgres": "jsonb_build_object(workspace_id, '[1]'::jsonb)"}
    await log.hand.do(
        f"UPDATE executions SET attributes = {spoilt[log.hand.dialect]} WHERE log_id = ?", log.logs.failed
    )

    (fault,) = await log.faults()

    assert (fault.kind, fault.place.table) == ("projection", "executions")
    assert fault.place.log_id == str(log.logs.failed)
    assert "a row of it is none" in fault.meaning


async def test_a_row_that_is_longer_than_its_log_is_kept_as_evidence(log: SealedLog) -> None:
    await log.hand.do(
        "DELETE FROM stored_events WHERE originator_id = ? AND originator_version > 2", log.logs.failed
    )

    (fault,) = await log.faults()

    assert "its log ends with event 2" in fault.meaning
    assert fault.cause.startswith("somebody deleted events")


async def test_a_row_without_a_log_is_named(log: SealedLog) -> None:
    await log.hand.do("DELETE FROM stored_events WHERE originator_id = ?", log.logs.failed)

    (fault,) = await log.faults()

    assert (fault.kind, fault.place.table) == ("projection", "executions")
    assert fault.place.log_id == str(log.logs.failed)


async def test_a_lost_row_is_named(log: SealedLog) -> None:
    await log.hand.do("DELETE FROM executions WHERE log_id = ?", log.logs.failed)

    (fault,) = await log.faults()

    assert "no row" in fault.meaning


# Checkpoints ------------------------------------------------------------------------------------------


async def test_a_forged_checkpoint_is_named(log: SealedLog, copy: Path) -> None:
    last = list(lines(copy))[-1]
    last.write_bytes(last.read_bytes().replace(b'"heads":', b'"heads":1', 1))

    found = await log.faults(log.files(copy))

    assert kinds(found) == {"checkpoint"}
    assert any("signature" in fault.meaning for fault in found)


async def test_a_checkpoint_under_another_key_is_named(log: SealedLog, copy: Path) -> None:
    last = list(lines(copy))[-1]
    *heads, line = last.read_bytes().splitlines()
    entry = decode_entry(line)
    forged = msgspec.structs.replace(
        entry, signature=Signer([b"another seed of 32 bytes, not it"]).sign(entry.raw)
    )
    last.write_bytes(b"\n".join([*heads, encode_entry(forged)]) + b"\n")

    (fault,) = await log.faults(log.files(copy))

    assert fault.kind == "checkpoint"
    assert "none of the server's" in fault.meaning


async def test_checkpoints_under_an_earlier_key_hold_by_that_key_alone(
    log: SealedLog, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(log.folder, tmp_path / "both"))
    first = next(lines(folder))
    *heads, line = first.read_bytes().splitlines()
    entry = decode_entry(line)
    resigned = msgspec.structs.replace(entry, signature=Signer([EARLIER]).sign(entry.raw))
    first.write_bytes(b"\n".join([*heads, encode_entry(resigned)]) + b"\n")

    both = Signer([SEED, EARLIER]).keys

    assert await log.faults(log.files(folder, keys=both)) == []
    (fault,) = await log.faults(log.files(folder))
    assert "none of the server's" in fault.meaning


@pytest.mark.parametrize("cut", [1, 200])
async def test_a_file_that_is_cut_off_is_named(log: SealedLog, copy: Path, cut: int) -> None:
    last = list(lines(copy))[-1]
    last.write_bytes(last.read_bytes()[:-cut])

    found = await log.faults(log.files(copy))

    assert [fault.kind for fault in found] == ["checkpoint"]
    assert last.name in str(found[0].place.file)


async def test_removed_checkpoints_are_named(log: SealedLog, copy: Path) -> None:
    for path in list(lines(copy))[1:3]:
        path.unlink()

    (fault,) = await log.faults(log.files(copy))

    assert "checkpoints 2 to 3 are not there" in fault.meaning


async def test_a_server_that_has_fewer_checkpoints_than_it_published_is_named(
    log: SealedLog, copy: Path
) -> None:
    every = list(lines(copy))
    every[-1].unlink()

    (fault,) = await log.faults(log.files(copy, is_live=True), published=len(every))

    assert f"ends with checkpoint {len(every) - 1}" in fault.meaning


async def test_a_tampered_head_is_named(log: SealedLog, copy: Path) -> None:
    first = next(lines(copy))
    content = first.read_bytes()
    first.write_bytes(re.sub(rb'"eventId":(\d+)', rb'"eventId":9\1', content, count=1))

    (fault,) = await log.faults(log.files(copy))

    assert (fault.kind, fault.place.checkpoint) == ("checkpoint", 1)
    assert "head" in fault.meaning


async def test_two_places_that_differ_are_named(log: SealedLog, copy: Path, tmp_path: Path) -> None:
    forged = Path(shutil.copytree(copy, tmp_path / "forged"))
    at = list(lines(forged))[-1]
    *heads, line = at.read_bytes().splitlines()
    entry = decode_entry(line)
    raw = entry.raw.replace(b'"position":', b'"position":1', 1)
    signed = b'{"checkpoint":' + raw + b',"signature":"' + Signer([SEED]).sign(raw).encode() + b'"}'
    at.write_bytes(b"\n".join([*heads, signed]) + b"\n")

    found = await log.faults(log.files(copy), log.files(forged))

    assert any("another one than that of" in fault.meaning for fault in found)


async def test_without_a_key_signatures_are_not_checked(log: SealedLog, copy: Path) -> None:
    assert await log.faults(log.files(copy, keys=Keyring([]))) == []
