"""SQLite minds no types: a row that is none is named, with its place, and hides no other fault."""

from collections.abc import AsyncIterator
from typing import Final
from uuid import UUID

import pytest

from signoff.audit.verify.faults import Fault
from signoff.events.errors import MisshapenRowError
from support.sealed_logs import SealedLog, sealed_log

EVENT: Final = "WHERE originator_id = ? AND originator_version = 2"


@pytest.fixture(scope="module")
async def built(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SealedLog]:
    async with sealed_log("sqlite", tmp_path_factory.mktemp("misshapen"), "") as sealed:
        yield sealed


@pytest.fixture
async def log(built: SealedLog) -> AsyncIterator[SealedLog]:
    """The log as it was built, with a fault of another log that must be found whatever else there is."""
    await built.hand.write(built.logs.failed, 2, b"nonsense")
    yield built
    await built.hand.put_back()


def of_others(log: SealedLog, faults: list[Fault]) -> list[Fault]:
    """The faults but that of the other log, which is among them."""
    others = [fault for fault in faults if fault.place.log_id != str(log.logs.failed)]
    assert len(others) < len(faults)
    return others


EVENTS: Final = {
    "a text as state": ("UPDATE stored_events SET state = CAST(state AS TEXT) " + EVENT, "state is a text"),
    "a number as state": ("UPDATE stored_events SET state = 17 " + EVENT, "event 2 cannot be read"),
    "no state": ("UPDATE stored_events SET state = NULL " + EVENT, "event 2 cannot be read"),
    "a text as version": ("UPDATE stored_events SET originator_version = 'two' " + EVENT, "holds 'two'"),
    "half a version": ("UPDATE stored_events SET originator_version = 2.5 " + EVENT, "holds 2.5"),
    "no version": ("UPDATE stored_events SET originator_version = NULL " + EVENT, "holds NULL"),
    "bytes as log": (
        "UPDATE stored_events SET originator_id = CAST(originator_id AS BLOB) " + EVENT, "_id holds X'"
    ),
    "another text as log": ("UPDATE stored_events SET originator_id = 'nobody' " + EVENT, "holds 'nobody'"),
    "no log": ("UPDATE stored_events SET originator_id = NULL " + EVENT, "originator_id holds NULL"),
    "bytes as topic": ("UPDATE stored_events SET topic = CAST(topic AS BLOB) " + EVENT, "the row of event 2"),
    "no topic": ("UPDATE stored_events SET topic = NULL " + EVENT, "the row of event 2"),
}  # fmt: skip


@pytest.mark.parametrize("name", EVENTS)
async def test_an_event_whose_columns_hold_another_type_is_named(log: SealedLog, name: str) -> None:
    statement, meaning = EVENTS[name]
    ((position,),) = await log.hand.do(f"SELECT rowid FROM stored_events {EVENT}", log.logs.paid)
    await log.hand.do(statement, log.logs.paid)

    found = of_others(log, await log.faults(log.files()))

    assert position in [fault.place.position for fault in found if meaning in fault.meaning], found
    assert {fault.place.log_id for fault in found} <= {str(log.logs.paid), None}


@pytest.mark.parametrize("position", [-(2**63), -4_000_000_000_000_000_000, 2**62])
async def test_a_row_far_from_all_others_is_named_as_soon_as_others(log: SealedLog, position: int) -> None:
    await log.hand.do(
        "UPDATE stored_events SET rowid = ?, originator_version = 'two' " + EVENT, position, log.logs.paid
    )

    found = of_others(log, await log.faults())

    assert position in [fault.place.position for fault in found if "holds 'two'" in fault.meaning], found


ROWS: Final = {
    "bytes": "UPDATE executions SET workflow_id = X'00ff' WHERE log_id = ?",
    "another text": "UPDATE executions SET workspace_id = 'nobody' WHERE log_id = ?",
    "a text for a number": "UPDATE executions SET version = 'new' WHERE log_id = ?",
    "a text for a time": "UPDATE executions SET started_at = 'now' WHERE log_id = ?",
    "a number for a flag": "UPDATE executions SET parked = 7 WHERE log_id = ?",
    "what is no JSON": "UPDATE executions SET attributes = '[1' WHERE log_id = ?",
    "another JSON": "UPDATE executions SET attributes = '[1]' WHERE log_id = ?",
}


@pytest.mark.parametrize("name", ROWS)
async def test_a_row_whose_columns_hold_another_type_is_named(log: SealedLog, name: str) -> None:
    await log.hand.do(ROWS[name], log.logs.paid)

    (fault,) = of_others(log, await log.faults())

    assert (fault.kind, fault.place.log_id, fault.place.table) == (
        "projection", str(log.logs.paid), "executions",
    )  # fmt: skip
    assert "row" in fault.meaning


OTHERS: Final = {
    "runs": "UPDATE runs SET log_id = X'00' WHERE log_id = ?",
    "inbox": "UPDATE points SET candidates = 'nobody' WHERE log_id = ?",
    "workflows": "UPDATE workflows SET digest = X'00ff' WHERE workflow_id = 'refund'",
}


@pytest.mark.parametrize("table", OTHERS)
async def test_a_row_of_another_projection_is_named(log: SealedLog, table: str) -> None:
    chosen = {"runs": log.logs.approved, "inbox": log.logs.paused}
    await log.hand.do(OTHERS[table], *([chosen[table]] if table in chosen else []))

    (fault,) = of_others(log, await log.faults())

    assert (fault.kind, fault.place.table) == ("projection", table)


@pytest.mark.parametrize("table", ["executions", "points"])
async def test_a_row_of_no_log_is_named(log: SealedLog, table: str) -> None:
    await log.hand.do(f"UPDATE {table} SET log_id = X'01' WHERE log_id = ?", log.logs.paused)

    found = of_others(log, await log.faults())

    named = "inbox" if table == "points" else table
    assert (named, None) in {(fault.place.table, fault.place.log_id) for fault in found}


async def test_a_service_that_meets_such_a_row_is_told_what_it_is(log: SealedLog) -> None:
    await log.hand.do(ROWS["bytes"], log.logs.paid)

    with pytest.raises(MisshapenRowError, match="a row of executions is none"):
        await log.store.execution(log.logs.paid)


async def test_the_log_is_read_past_such_rows(log: SealedLog) -> None:
    await log.hand.do("UPDATE stored_events SET originator_version = 'two' " + EVENT, log.logs.paid)
    events: list[tuple[UUID, int]] = []

    for read in (log.store.read_all(after=0, limit=1_000), log.store.read(log.logs.paid)):
        events += [(event.log_id, event.version) for event in await read]

    assert (log.logs.paid, 3) in events
    assert (log.logs.paid, 2) not in events
