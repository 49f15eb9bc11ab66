"""The table of queues in docs/limits.md says what the code does."""

import inspect
from pathlib import Path
from typing import Any

import pytest

from signoff.events.bus import memory
from signoff.events.bus.kafka import KafkaBus
from signoff.events.store import batcher, sqlite_connection
from signoff.events.topics import COMMANDS
from signoff.executor import app
from signoff.executor.hooks.limits import Limits
from signoff.executor.notices import service
from signoff.executor.partition import inbox, outcomes
from signoff.executor.partition import loop as partition
from signoff.executor.publishing import publisher
from signoff.executor.running import line
from signoff.gateway.http import sending
from signoff.gateway.overload import limit, readings, returns, stalls
from signoff.runtime.settings import Settings
from signoff.tail import buffer, feeds, hub

TEXT = (Path(__file__).resolve().parents[3] / "docs" / "limits.md").read_text()
MIB = 1024 * 1024


def default(function: Any, name: str) -> int:
    return int(inspect.signature(function).parameters[name].default)


COMMAND_RETENTION = memory.RETENTION[COMMANDS]

ROWS = {
    "commands not acknowledged": [
        f"{default(KafkaBus, 'sends'):,} and {default(KafkaBus, 'buffer_bytes') // MIB} MiB"
    ],
    "commands not taken up": [f"{COMMAND_RETENTION.records:,} and {COMMAND_RETENTION.bytes // MIB} MiB"],
    "records of other topics": [
        f"{memory.Retention().records:,} and {memory.Retention().bytes // MIB} MiB"
    ],
    "messages, for each partition": [f"{inbox.FULL} or {inbox.FULL_BYTES // MIB} MiB"],
    "messages in one append": [f"{partition.BATCH}"],
    "blocks that wait |": [f"{line.MOST_WAITING:,} for new executions", f"{line.FULL:,} for all"],
    "events not on the topic": [f"{publisher._BUFFER:,} or {publisher._BUFFER_BYTES // MIB} MiB"],
    "records not acknowledged": [
        f"{default(KafkaBus, 'publishes'):,} and {default(KafkaBus, 'buffer_bytes') // MIB} MiB"
    ],
    "outcomes not sent": [f"{outcomes._QUEUE:,}"],
    "runs whose end somebody waits for": [f"{outcomes._WAITERS:,}"],
    "snapshots to be made": [f"{app._SNAPSHOTS:,}"],
    "people to be told": [f"{service._LINE:,}"],
    "events for webhooks": [f"{Limits().lanes:,} executions with {Limits().events // MIB} MiB"],
    "appends that wait": [f"{batcher.MAX_WAITING:,}"],
    "| queries |": [f"{sqlite_connection._MAX_WAITING:,}"],
    "readers of executions": [f"{hub._MAX_READERS:,}"],
    "| feeds |": [f"{feeds.MAX_FEEDS:,}"],
    "events that came live": [f"{buffer.MAX_FRAMES} and {buffer.MAX_BYTES // MIB} MiB"],
    "logs that are read for verifications and bundles": [f"| {readings.MOST} |"],
    "whose reader takes nothing": [f"{sending._WRITE_LIMIT:.0f} seconds"],
    "starts without an outcome": [f"from {limit.LEAST} "],
    "**When.**": [
        f"{limit.INTERVAL * 1e3:.0f} ms", f"over {limit.TARGET * 1e3:.0f} ms", f"So many as {limit.LEAST} ",
    ],
    "**One partition": [f"only {stalls.MOST} more"],
    "**Blocks.**": [f"when {line.MOST_WAITING:,} blocks wait"],
    "**Retry-After.**": [f"at most {returns.LONGEST}"],
    "kept from starts": [f"{Settings().max_requests}"],
}  # fmt: skip


@pytest.mark.parametrize("row", ROWS)
def test_the_page_says_what_the_code_does(row: str) -> None:
    (found,) = [each for each in TEXT.splitlines() if row in each]

    assert [text for text in ROWS[row] if text not in found] == []
