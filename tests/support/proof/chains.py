"""Rows as logs: no gap, no fork, each event sealed by the hash of the one before."""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from msgspec import Struct

from support.proof.facts import Logged

_MARKS: Final = {"loop": "_loop{}", "parallel": "₍{}₎"}


class Entry(Struct, frozen=True):
    """One event of a log. ``event`` is its JSON."""

    version: int
    position: int
    state: bytes
    event: dict[str, Any]

    @property
    def type(self) -> str:
        """Its name, such as ``block:started``."""
        return str(self.event["type"])

    @property
    def data(self) -> dict[str, Any]:
        """What it says."""
        data: dict[str, Any] = self.event["data"]
        return data

    @property
    def attempt(self) -> int:
        """Of the block; the first one is not written."""
        return int(self.event.get("attempt", 1))

    @property
    def instance(self) -> str:
        """The block that it tells of, with a mark for each turn around it, the outermost first."""
        turns = list(self.data.get("parentIterations", []))
        if "iterationType" in self.data:
            turns.append(self.data)
        marks = (_MARKS[turn["iterationType"]].format(turn.get("iterationCurrent", 0)) for turn in turns)
        return str(self.data["blockId"]) + "".join(marks)


class Log(Struct, frozen=True):
    """All events of one log, in order."""

    log_id: str
    entries: list[Entry]

    @property
    def is_execution(self) -> bool:
        """Whether it is an execution's: workflows and the directory have logs, too."""
        return self.entries[0].type == "execution:started"

    @property
    def name(self) -> str:
        """The execution's id, as callers know it."""
        return str(self.entries[0].event.get("executionId", self.log_id))

    def run_of(self, entry: Entry) -> str:
        """The run that an event belongs to; the first one's is not written."""
        return str(entry.event.get("runId", self.name))

    def says(self, entry: Entry, what: str) -> str:
        """A sentence about one of its events."""
        return f"{self.name} at {entry.version} ({entry.type}): {what}"


def logs_of(rows: Sequence[Logged]) -> dict[str, Log]:
    """Read rows, in the order of their positions, as logs by their ids."""
    logs: dict[str, Log] = {}
    for row in rows:
        entry = Entry(row.version, row.position, row.state, json.loads(row.state))
        logs.setdefault(row.log_id, Log(row.log_id, [])).entries.append(entry)
    return logs


def broken_chains(rows: Sequence[Logged]) -> Iterator[str]:
    """Where positions do not ascend, a version is missing or there twice, or a hash does not fit."""
    for before, after in pairwise(rows):
        if after.position <= before.position:
            yield f"position {after.position} stands behind {before.position}"
    heads: dict[str, Logged] = {}
    for row in rows:
        yield from _broken_link(heads.get(row.log_id), row)
        heads[row.log_id] = row


def _broken_link(before: Logged | None, row: Logged) -> Iterator[str]:
    where = f"log {row.log_id} at {row.version}"
    due = 1 if before is None else before.version + 1
    if row.version != due:
        yield f"{where}: version {due} was due"
    try:
        event: Mapping[str, Any] = json.loads(row.state)
    except ValueError as error:
        yield f"{where}: it is no JSON ({error})"
        return
    if event.get("eventId") != row.version:
        yield f"{where}: it says that it is event {event.get('eventId')}"
    prev = None if before is None else base64.b64encode(hashlib.sha256(before.state).digest()).decode()
    if event.get("prev") != prev:
        yield f"{where}: its hash is not that of the event before"
    elif before is not None and event["timestamp"] < json.loads(before.state)["timestamp"]:
        yield f"{where}: the time ran backward"
