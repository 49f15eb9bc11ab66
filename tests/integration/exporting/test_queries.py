"""docs/export.md: its queries and its commands give what they say, on an export as it is made."""

import asyncio
import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import duckdb
import pytest

from signoff.audit.export.target import Format
from signoff.events.store.memory import MemoryStore
from signoff.events.topics import PARTITIONS
from signoff.events.types import Actor, BlockError, EventData, ExecutionPaused, ExecutionResumed, PauseOpened
from support.exports import LogWriter, export, folder_objects
from support.growing_logs import started

PAGE: Final = (Path(__file__).resolve().parents[3] / "docs" / "export.md").read_text(encoding="utf-8")
SQL: Final = re.findall(r"^```sql\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
LAST_MONTH: Final = datetime.now(UTC).replace(day=1, hour=12) - timedelta(days=5)


def _decided(person: str) -> list[EventData]:
    then = LAST_MONTH.isoformat()
    return [
        started(),
        PauseOpened(context_id="approve", block_id="approve", pause_kind="human"),
        ExecutionPaused(duration=1, start_time=then, end_time=then),
        ExecutionResumed(
            resume_execution_id="run", context_id="approve", resume_entry_id="entry", mode="sync",
            input={"approved": True}, actor=Actor(type="user", id=person),
        ),
    ]  # fmt: skip


def _failed() -> list[EventData]:
    then = LAST_MONTH.isoformat()
    failure = BlockError(
        block_id="pay", block_name="Pay", block_type="api", execution_order=1, error="no funds", code="http",
        duration_ms=1, started_at=then, ended_at=then, handled=False,
    )  # fmt: skip
    return [started(), failure]


async def _fill(writer: LogWriter) -> None:
    for number, person in enumerate(["ann", "bob", "ann"], 1):
        data = _decided(person)
        waited = [timedelta(), timedelta(), timedelta(), timedelta(seconds=100 * number)]
        begun = LAST_MONTH + timedelta(hours=number)
        await writer.execution([begun + each for each in waited], data=data)
    for _ in range(2):
        await writer.execution([LAST_MONTH] * 2, data=_failed(), workflow="payout")
    long_ago = LAST_MONTH - timedelta(days=200)
    await writer.execution([long_ago] * 4, data=_decided("eve"), workflow="payout")


async def _exported(folder: Path, form: Format) -> None:
    store = MemoryStore()
    await store.migrate(partitions=PARTITIONS)
    await _fill(await LogWriter.open(store))
    await export(store, await asyncio.to_thread(folder_objects, folder / "exported"), form)
    await store.close()


@pytest.fixture(scope="module")
async def parquet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parquet")
    await _exported(folder, "parquet")
    return folder


@pytest.fixture(scope="module")
async def lines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lines")
    await _exported(folder, "jsonl")
    return folder


def _rows(folder: Path, *queries: str) -> list[Any]:
    with duckdb.connect() as database:
        database.execute("SET TimeZone = 'UTC'")
        for query in queries[:-1]:
            database.execute(query.replace("'exported/", f"'{folder}/exported/"))
        table = database.sql(queries[-1].replace("'exported/", f"'{folder}/exported/")).to_arrow_table()
        return [tuple(row.values()) for row in table.to_pylist()]


def test_who_decided_what_last_month(parquet: Path) -> None:
    found = _rows(parquet, SQL[0], SQL[1])

    assert [who for _, _, _, who, _ in found] == ["user ann", "user bob", "user ann"]
    assert {decision for *_, decision in found} == {'{"approved":true}'}
    assert found[0][0] == LAST_MONTH + timedelta(hours=1, seconds=100)


def test_how_long_things_wait_by_workflow(parquet: Path) -> None:
    (payout, refund) = sorted(_rows(parquet, SQL[0], SQL[2]))

    assert refund == ("refund", 3, 200.0, 298.0)
    assert payout == ("payout", 1, 0.0, 0.0)


def test_which_blocks_fail(parquet: Path) -> None:
    assert _rows(parquet, SQL[0], SQL[3]) == [("payout", "pay", "http", 2, "no funds")]


def test_json_lines_can_be_queried(lines: Path) -> None:
    found = dict(_rows(lines, SQL[4]))

    assert (found["execution:started"], found["block:error"]) == (6, 2)


def test_all_queries_of_the_page_are_tried() -> None:
    assert len(SQL) == 5


def test_positions_stand_beside_the_lines(lines: Path) -> None:
    (command,) = re.findall(r"^```bash\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)

    done = subprocess.run(
        ["bash", "-c", command], cwd=lines, capture_output=True, text=True, timeout=20, check=True
    )

    position, _, event = done.stdout.partition("\t")
    assert (position, event[:9]) == ("17", '{"type":"')


def test_columns_have_the_types_that_the_page_says(parquet: Path) -> None:
    found = {name: kind for name, kind, *_ in _rows(parquet, SQL[0], "DESCRIBE events")}

    assert found["timestamp"] == found["copy_of_timestamp"] == "TIMESTAMP WITH TIME ZONE"
    assert (found["position"], found["data"], found["state"]) == ("BIGINT", "VARCHAR", "BLOB")
    assert found["day"] == "DATE"
    for name in found.keys() - {"day"}:
        assert f"`{name}`" in PAGE
