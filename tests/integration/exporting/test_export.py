"""An export has every event once, whatever ends it and however often it is called."""

import asyncio
import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Final
from uuid import uuid4

import msgspec
import pytest

from signoff.audit.export import parts, selection
from signoff.audit.export.errors import ExportError, TargetError
from signoff.audit.export.selection import Selection
from signoff.audit.export.target import Format
from signoff.events.codec import broken_link
from signoff.events.objects import Objects
from signoff.events.store.base import EventStore
from signoff.events.store.memory import MemoryStore
from signoff.events.store.sqlite import SqliteStore
from signoff.events.topics import PARTITIONS
from support.exports import (
    FIRST_DAY,
    Dying,
    Killed,
    LogWriter,
    batches,
    export,
    exported,
    files,
    folder_objects,
    lines,
)

FORMATS: Final[tuple[Format, ...]] = ("jsonl", "parquet")


@pytest.fixture
async def writer() -> AsyncIterator[LogWriter]:
    store = MemoryStore()
    await store.migrate(partitions=PARTITIONS)
    yield await LogWriter.open(store)
    await store.close()


@pytest.fixture
def objects() -> Objects:
    return Objects.open("memory:")


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "MOST_EVENTS", 5)
    monkeypatch.setattr(selection, "PAGE", 3)


async def logged(store: EventStore) -> list[tuple[int, bytes]]:
    return [(each.position, each.state) for each in await store.read_all(after=0, limit=10_000)]


def put(store: EventStore, position: int, state: bytes) -> None:
    """Write to the log as no executor does."""
    assert isinstance(store, MemoryStore)
    event = msgspec.structs.replace(store._log[position - 1], state=state)
    assert event != store._log[position - 1]
    store._log[position - 1] = store._logs[event.log_id][event.version - 1] = event


async def test_every_line_is_an_event_as_it_was_logged(writer: LogWriter, objects: Objects) -> None:
    await writer.some(3)

    await export(writer.store, objects)

    assert await exported(objects) == await logged(writer.store)


async def test_the_chain_can_be_checked_from_the_lines_alone(writer: LogWriter, objects: Objects) -> None:
    log_id = await writer.execution([FIRST_DAY + timedelta(hours=at) for at in range(4)])

    await export(writer.store, objects)

    raws = [raw for _, raw in await exported(objects) if json.loads(raw)["executionId"] == str(log_id)]
    assert (len(raws), broken_link(raws)) == (4, None)


async def test_events_lie_in_the_folder_of_their_day(writer: LogWriter, objects: Objects) -> None:
    await writer.some(3)

    await export(writer.store, objects)

    for path, content in (await files(objects)).items():
        if path.endswith(".jsonl.gz"):
            day = path.removeprefix("day=")[:10]
            assert {json.loads(line)["timestamp"][:10] for line in lines(content)} == {day}
    assert {path[:14] for path in await files(objects)} == {"day=2026-01-30", "day=2026-01-31"}


async def test_the_manifest_has_the_digest_of_every_file(writer: LogWriter, objects: Objects) -> None:
    await writer.some(2)

    await export(writer.store, objects, "parquet")

    (done,) = await batches(objects)
    found = {path: hashlib.sha256(content).hexdigest() for path, content in (await files(objects)).items()}
    assert {file.path: file.sha256 for file in done.files} == found


@pytest.mark.usefixtures("small_batches")
async def test_the_next_call_adds_what_was_logged_since(writer: LogWriter, objects: Objects) -> None:
    await writer.some(3)
    first = await export(writer.store, objects)
    await writer.some(2)

    second = await export(writer.store, objects)

    assert (first.events, second.events) == (12, 8)
    assert await exported(objects) == await logged(writer.store)


async def test_a_call_with_nothing_to_add_writes_nothing(writer: LogWriter, objects: Objects) -> None:
    await writer.some(2)
    await export(writer.store, objects)
    before = await objects.paths("")

    done = await export(writer.store, objects)

    assert (done.batches, done.position) == (0, 8)
    assert await objects.paths("") == before


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("after", [False, True], ids=["before it is done", "once it is done"])
@pytest.mark.parametrize("form", FORMATS)
async def test_an_export_that_is_killed_at_any_write_goes_on_as_if_nothing_were(
    writer: LogWriter, form: Format, *, after: bool
) -> None:
    await writer.some(3)
    whole = Objects.open("memory:")
    await export(writer.store, whole, form)

    for at in range(1, 100):
        objects = Objects.open("memory:")
        dying = Dying(objects, at=at, after=after)
        try:
            await export(writer.store, dying, form)
        except Killed:
            await export(writer.store, objects, form)
        assert await files(objects) == await files(whole)
        if not dying.died:
            break
    assert at > 8


@pytest.mark.usefixtures("small_batches")
async def test_a_batch_that_was_begun_stays_what_it_was_when_the_log_grows(
    writer: LogWriter, objects: Objects
) -> None:
    await writer.execution([FIRST_DAY] * 2)
    with pytest.raises(Killed):
        await export(writer.store, Dying(objects, at=3, after=True))  # the plan and a file are there
    await writer.some(2)

    await export(writer.store, objects)

    assert await exported(objects) == await logged(writer.store)


@pytest.mark.usefixtures("small_batches")
async def test_of_two_exports_at_once_none_doubles_or_loses_an_event(
    writer: LogWriter, objects: Objects
) -> None:
    await writer.some(6)

    ended = await asyncio.gather(*(export(writer.store, objects) for _ in range(3)), return_exceptions=True)

    for each in ended:
        if isinstance(each, BaseException):
            assert isinstance(each, ExportError)
            assert "another export writes to there" in str(each)
    await export(writer.store, objects)
    assert await exported(objects) == await logged(writer.store)


async def test_a_target_with_other_options_is_refused(writer: LogWriter, objects: Objects) -> None:
    await writer.some(1)
    await export(writer.store, objects)

    for format_, chosen, says in (
        ("parquet", Selection(), "begun with --format jsonl: say so, or"),
        ("parquet", Selection(workflow="refund"), "with --format jsonl and without --workflow"),
    ):
        with pytest.raises(TargetError, match=says):
            await export(writer.store, objects, format_, selection=chosen)


async def test_a_workflow_is_exported_alone(writer: LogWriter, objects: Objects) -> None:
    await writer.some(2)
    await writer.some(2, workflow="payout")

    done = await export(writer.store, objects, selection=Selection(workflow="payout"))

    assert (done.events, done.position) == (8, 16)
    assert {json.loads(raw)["workflowId"] for _, raw in await exported(objects)} == {"payout"}


async def test_a_workspace_is_exported_alone(writer: LogWriter, objects: Objects) -> None:
    await writer.some(2)
    workspace = uuid4()
    log_id = await writer.execution([FIRST_DAY] * 3, workspace=workspace)
    await writer.execution([FIRST_DAY] * 3, workspace=workspace, workflow="payout")

    await export(writer.store, objects, selection=Selection(workspace=workspace, workflow="refund"))

    assert {json.loads(raw)["executionId"] for _, raw in await exported(objects)} == {str(log_id)}


async def test_what_is_older_than_wanted_is_left_out(writer: LogWriter, objects: Objects) -> None:
    for hours in range(8):
        await writer.execution([FIRST_DAY + timedelta(hours=hours)])

    await export(writer.store, objects, selection=Selection(since="2026-01-31T04:59:00.000000Z"))

    assert [position for position, _ in await exported(objects)] == [6, 7, 8]


async def test_bytes_that_are_no_event_end_the_export_with_their_place(
    writer: LogWriter, objects: Objects
) -> None:
    await writer.some(1)
    put(writer.store, 3, b"{")

    with pytest.raises(ExportError, match="position 3 of the log cannot be read"):
        await export(writer.store, objects)


UNEXPORTABLE: Final = {
    "a path": (b'"timestamp":"', b'"timestamp":"../../../'),
    "a folder": (b'"timestamp":"2026-', b'"timestamp":"2026/'),
    "no such day": (b'"timestamp":"2026-01-30', b'"timestamp":"2026-02-30'),
    "no time of a copy": (b'"causationId"', b'"copyOf":{"eventId":1,"timestamp":"-"},"causationId"'),
    "two lines": (b'"causationId"', b'\n"causationId"'),
    "a large attempt": (b'"causationId"', b'"attempt":9223372036854775808,"causationId"'),
    "a large number of a copy": (
        b'"causationId"',
        b'"copyOf":{"eventId":-9223372036854775809,"timestamp":"2026-01-30T00:00:00.000000Z"},"causationId"',
    ),
}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", UNEXPORTABLE)
async def test_an_event_that_no_file_can_have_stops_the_export_until_it_is_put_right(
    writer: LogWriter, objects: Objects, form: Format, name: str
) -> None:
    await writer.some(1)
    before = await logged(writer.store)
    _, was = before[1]
    put(writer.store, 2, was.replace(*UNEXPORTABLE[name]))

    for _ in range(2):
        with pytest.raises(ExportError, match=r"position 2 of the log cannot be read \((a \w+ of it|it is)"):
            await export(writer.store, objects, form)
        assert await objects.paths("") == ["_signoff/export.json"]
    put(writer.store, 2, was)
    done = await export(writer.store, objects, form)

    assert (done.events, done.position) == (4, 4)
    assert form == "parquet" or await exported(objects) == before


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("form", FORMATS)
async def test_a_batch_that_was_begun_waits_for_its_events_to_be_put_right(
    writer: LogWriter, objects: Objects, form: Format
) -> None:
    await writer.some(1)
    with pytest.raises(Killed):
        await export(writer.store, Dying(objects, at=2, after=True), form)  # the plan is there
    begun = await objects.paths("")
    _, was = (await logged(writer.store))[1]
    put(writer.store, 2, was.replace(*UNEXPORTABLE["a path"]))

    with pytest.raises(ExportError, match="position 2 of the log cannot be read"):
        await export(writer.store, objects, form)
    assert await objects.paths("") == begun
    put(writer.store, 2, was)

    assert (await export(writer.store, objects, form)).events == 4


@pytest.mark.parametrize("form", FORMATS)
async def test_of_events_that_are_left_out_no_time_is_asked(
    writer: LogWriter, objects: Objects, form: Format
) -> None:
    await writer.some(1)
    await writer.some(1, workflow="payout")
    _, was = (await logged(writer.store))[1]
    put(writer.store, 2, was.replace(*UNEXPORTABLE["a path"]))

    done = await export(writer.store, objects, form, selection=Selection(workflow="payout"))

    assert (done.events, done.position) == (4, 8)


@pytest.mark.parametrize("bad", [(b'"timestamp":"', b'"timestamp":"x'), (b"{", b"")], ids=["time", "event"])
@pytest.mark.parametrize("position", range(1, 6))
async def test_what_is_older_than_wanted_may_be_of_no_time(
    writer: LogWriter, objects: Objects, position: int, bad: tuple[bytes, bytes]
) -> None:
    for hours in range(8):
        await writer.execution([FIRST_DAY + timedelta(hours=hours)])
    _, was = (await logged(writer.store))[position - 1]
    put(writer.store, position, was.replace(*bad))

    await export(writer.store, objects, selection=Selection(since="2026-01-31T05:59:00.000000Z"))

    assert [each for each, _ in await exported(objects)] == [7, 8]


async def test_without_pyarrow_parquet_says_what_to_install(
    writer: LogWriter, objects: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    with pytest.raises(ExportError, match=r"pip install 'signoff\[export\]'"):
        await export(writer.store, objects, "parquet")


SLOWLY: Final = """
import asyncio, sys
from signoff.audit.export import parts
parts.MOST_EVENTS = 50
from signoff.cli.main import call
sys.exit(call(["audit", "export", sys.argv[1]]))
"""


async def test_after_kill_9_the_command_goes_on_and_no_file_is_half_written(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "signoff.db")
    await store.migrate(partitions=PARTITIONS)
    await (await LogWriter.open(store)).some(100, events=20)
    expected = await logged(store)
    await store.close()
    command = [sys.executable, "-c", SLOWLY, str(tmp_path / "exported")]
    environment = {"SIGNOFF_DATA": str(tmp_path), "PATH": os.environ["PATH"]}

    killed = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)  # noqa: ASYNC220
    assert killed.stdout is not None
    first = await asyncio.to_thread(killed.stdout.readline)
    killed.send_signal(signal.SIGKILL)
    await asyncio.to_thread(killed.communicate)
    done = await asyncio.to_thread(
        subprocess.run, command, env=environment, capture_output=True, check=False, timeout=50
    )

    assert (killed.returncode, json.loads(first)["batch"]) == (-signal.SIGKILL, 1)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["position"] == len(expected)
    assert await exported(folder_objects(tmp_path / "exported")) == expected
