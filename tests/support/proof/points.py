"""Commands and pause points: one effect for each command, one winner for each point."""

from collections.abc import Iterator
from typing import Final

from support.proof.chains import Entry, Log

_TAKES_UP: Final = frozenset(
    {
        *(
            "execution:started",
            "execution:cancelled",
            "execution:reopened",
            "resume:queued",
            "execution:resumed",
        ),
        *("decision:recorded", "decision:held", "pause:claimed", "pause:released", "pause:delegated"),
        *("pause:reassigned", "pause:returned", "pause:commented", "pause:amended"),
    }
)
"""The event that a command leads to names it as its cause."""


def broken_points(log: Log) -> Iterator[str]:
    """Which commands had two effects, and which points two winners."""
    yield from _doubled(log)
    yield from _decided_twice(log)


def _doubled(log: Log) -> Iterator[str]:
    seen: dict[tuple[str, str], int] = {}
    for entry in log.entries:
        if entry.type not in _TAKES_UP or entry.event["causationId"].isdecimal():
            continue
        effect = entry.type, entry.event["causationId"] + str(entry.data.get("resumeEntryId", ""))
        if effect in seen:
            yield log.says(entry, f"its command had this effect at {seen[effect]} already")
        seen.setdefault(effect, entry.version)


def _decided_twice(log: Log) -> Iterator[str]:
    open_points: set[str] = set()
    winners: dict[str, str] = {}
    for entry in log.entries:
        point = str(entry.data.get("contextId"))
        if entry.type == "pause:opened":
            open_points.add(point)
            winners.pop(point, None)
        elif entry.type == "pause:closed":
            open_points.discard(point)
        elif entry.type in ("resume:queued", "execution:resumed"):
            yield from _decided(log, entry, open_points, winners)


def _decided(log: Log, entry: Entry, open_points: set[str], winners: dict[str, str]) -> Iterator[str]:
    point, entry_id = entry.data["contextId"], entry.data["resumeEntryId"]
    if "retryOf" in entry.data:
        winners[point] = entry_id
        open_points.add(point)
    if point not in open_points:
        yield log.says(entry, f"{point} is not open")
    if winners.setdefault(point, entry_id) != entry_id:
        yield log.says(entry, f"{point} was decided by {winners[point]} already")
