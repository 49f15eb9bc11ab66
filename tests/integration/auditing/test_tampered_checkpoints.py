"""Somebody lets the server sign what he wrote, or spoils what is kept of its checkpoints: it is named."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from signoff.audit.verify.faults import Fault
from signoff.audit.verify.sources import DatabaseSource
from signoff.cli.auditing.units import Levels
from signoff.events.bus.memory import MemoryBus
from signoff.events.codec import chain_hash
from signoff.events.topology import apply
from support.postgres import Postgres, migrate
from support.sealed_logs import SealedLog, kinds, sealed_log, writer_of
from support.stores import drop_log, without_files

CHAIN = Levels(fold=False, projections=False)


@pytest.fixture(params=["sqlite", "postgres"])
async def log(request: pytest.FixtureRequest, postgres: Postgres, tmp_path: Path) -> AsyncIterator[SealedLog]:
    url = ""
    if request.param == "postgres":
        url = without_files(await asyncio.to_thread(postgres.fresh_database, migrate))
    async with sealed_log(request.param, tmp_path, url) as sealed:
        yield sealed
    if url:
        await drop_log(postgres, url)


@pytest.fixture
def copy(log: SealedLog, tmp_path: Path) -> Path:
    """An auditor's copy of the checkpoints."""
    return Path(shutil.copytree(log.folder, tmp_path / "copy"))


def lines(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.jsonl"))


async def put_in(log: SealedLog, at: int, *, dated: str | None = None, most: int = 100) -> UUID:
    """Insert an invented execution with a chain of its own, from a position on."""
    forged, prev = uuid4(), ""
    rows = await log.hand.do(
        "SELECT originator_version, topic, state FROM stored_events WHERE originator_id = ? AND "
        "originator_version <= ? ORDER BY originator_version",
        log.logs.paid, most,
    )  # fmt: skip
    always = "OVERRIDING SYSTEM VALUE " if log.hand.dialect == "postgres" else ""
    for version, name, original in rows:
        state = bytes(original).replace(str(log.logs.paid).encode(), str(forged).encode())
        written = {b"prev": prev, b"timestamp": dated or ""}
        for field, text in written.items():
            if text:
                state = re.sub(
                    rb'"%s":"[^"]*"' % field, b'"%s":"%s"' % (field, text.encode()), state, count=1
                )
        await log.hand.do(
            f"INSERT INTO stored_events ({log.hand.position}, originator_id, originator_version, topic, "
            f"state) {always}VALUES (?, ?, ?, ?, ?)",
            at + version - 1, forged, version, name, state,
        )  # fmt: skip
        prev = chain_hash(state)
    return forged


def named(faults: list[Fault]) -> set[tuple[str, str | None]]:
    return {(fault.kind, fault.place.log_id) for fault in faults}


async def begin_with_a_gap(log: SealedLog) -> int:
    """Positions without events, before the first checkpoint, as PostgreSQL leaves them; gives the first."""
    (row,) = await log.hand.do(
        f"SELECT min({log.hand.position}) FROM stored_events WHERE originator_id = ?", log.logs.failed
    )
    for table, column in (("stored_events", "originator_id"), ("executions", "log_id")):
        await log.hand.do(f"DELETE FROM {table} WHERE {column} = ?", log.logs.failed)
    await seal_anew(log)
    return int(row[0])


async def seal_anew(log: SealedLog, *, ahead: float = 0.0) -> None:
    """Let there be one checkpoint alone, of now or of seconds from now."""
    tracking = {"sqlite": "tracking", "postgres": "notification_tracking"}[log.hand.dialect]
    await log.hand.do("DELETE FROM records WHERE kind = 'checkpoint'")
    await log.hand.do(f"DELETE FROM {tracking}")
    shutil.rmtree(log.folder)
    await log.site.bus.close()
    log.site.bus = MemoryBus()
    await apply(log.site.bus)
    await writer_of(log.site, log.folder, window=1_000, ahead=ahead).write()


async def test_what_was_put_in_stays_named_when_the_server_signs_what_it_finds(
    log: SealedLog, tmp_path: Path
) -> None:
    gap = await begin_with_a_gap(log)
    copy = shutil.copytree(log.folder, tmp_path / "copy")
    forged = await put_in(log, gap, most=2)
    assert named(await log.faults(log.files(copy), levels=CHAIN)) == {("unproven", str(forged))}

    made = await writer_of(log.site, log.folder, window=1_000).write()

    found = await log.faults(log.files(copy), log.files(is_live=True), levels=CHAIN)
    assert made == 1
    assert named(found) == {("unproven", str(forged)), ("restored", None)}
    assert {fault.place.checkpoint for fault in found if fault.kind == "restored"} == {2}


async def test_an_execution_below_all_positions_is_named(log: SealedLog, copy: Path) -> None:
    forged = await put_in(log, -100, most=2)

    assert ("unproven", str(forged)) in named(await log.faults(log.files(copy), levels=CHAIN))


async def test_an_execution_that_was_put_behind_all_and_dated_back_is_named(
    log: SealedLog, copy: Path
) -> None:
    (row,) = await log.hand.do(f"SELECT max({log.hand.position}) FROM stored_events")
    forged = await put_in(log, row[0] + 1, dated="2026-01-01T00:00:00.000000Z")

    before = await log.faults(log.files(copy), levels=CHAIN)
    await log.seal()
    after = await log.faults(log.files(copy), log.files(is_live=True), levels=CHAIN)

    for found in (before, after):
        assert named(found) == {("time", str(forged))}
        assert {fault.place.checkpoint for fault in found} == {1}


async def test_an_event_that_was_dated_back_within_its_log_is_named(log: SealedLog) -> None:
    """It is later than the last event of its own log, and lies behind a checkpoint of an hour later."""
    await seal_anew(log, ahead=3_600)
    states = await log.hand.states(log.logs.paused)
    end = len(states)
    forged = states[-1].replace(b'"eventId":%d' % end, b'"eventId":%d' % (end + 1))
    forged = re.sub(rb'"prev":"[^"]*"', b'"prev":"%s"' % chain_hash(states[-1]).encode(), forged, count=1)
    await log.hand.do(
        "INSERT INTO stored_events (originator_id, originator_version, topic, state) "
        "SELECT originator_id, ?, topic, ? FROM stored_events WHERE originator_id = ? AND "
        "originator_version = ?",
        end + 1, forged, log.logs.paused, end,
    )  # fmt: skip

    assert named(await log.faults(levels=CHAIN)) == set()
    (fault,) = await log.faults(log.files(), levels=CHAIN)

    assert (fault.kind, fault.place.log_id, fault.place.event_id) == ("time", str(log.logs.paused), end + 1)
    assert fault.place.checkpoint == 1


async def test_checkpoints_that_were_cut_off_at_their_beginning_are_named(log: SealedLog) -> None:
    for path in lines(log.folder)[:2]:
        path.unlink()

    (fault,) = await log.faults(log.files(is_live=True), levels=CHAIN)

    assert (fault.kind, fault.place.file) == ("checkpoint", log.files().name)
    assert "1 to 2 are nowhere" in fault.meaning


async def test_a_place_that_was_given_later_is_well_where_another_begins(log: SealedLog, copy: Path) -> None:
    for path in lines(log.folder)[:2]:
        path.unlink()

    assert await log.faults(log.files(copy), log.files(is_live=True), levels=CHAIN) == []


async def test_a_copy_without_checkpoints_is_named(log: SealedLog, tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()

    (fault,) = await log.faults(log.files(tmp_path / "nothing"), log.files(is_live=True), levels=CHAIN)

    assert (fault.kind, fault.place.file) == ("checkpoint", f"file://{tmp_path / 'nothing'}")


async def test_heads_that_were_taken_out_of_a_file_are_named(log: SealedLog, copy: Path) -> None:
    first = lines(copy)[0]
    *heads, signed = first.read_bytes().splitlines(keepends=True)
    first.write_bytes(b"".join([*heads[1:], signed]))

    (fault,) = await log.faults(log.files(copy), levels=CHAIN)

    assert (fault.kind, fault.place.checkpoint) == ("checkpoint", 1)
    assert f"{len(heads)} heads" in fault.meaning


async def test_what_an_interrupted_copy_left_is_no_file_of_ours(log: SealedLog, copy: Path) -> None:
    third = lines(copy)[2]
    shutil.copy(third, third.with_name(f".{third.name}.Ab12Cd"))

    assert await log.faults(log.files(copy), levels=CHAIN) == []


async def test_records_that_were_spoilt_are_named(log: SealedLog) -> None:
    last = len(lines(log.folder))
    spoilt = {"sqlite": "X'00'", "postgres": r"'\x00'"}[log.hand.dialect]
    await log.hand.do(f"UPDATE records SET value = {spoilt} WHERE kind = 'checkpoint'")

    database = DatabaseSource(log.store, log.keys)
    found = await log.faults(log.files(is_live=True), database, levels=CHAIN, published=last)

    assert kinds(found) == {"checkpoint"}
    assert [fault.place.checkpoint for fault in found if fault.place.table == "records"] == [
        *range(1, last + 1)
    ]


async def test_the_database_holds_what_the_files_hold(log: SealedLog) -> None:
    found = await log.faults(
        log.files(is_live=True), DatabaseSource(log.store, log.keys), published=len(lines(log.folder))
    )

    assert found == []
