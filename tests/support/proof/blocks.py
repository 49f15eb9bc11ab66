"""Blocks: each ends once, its tries ascend, and one run at a time is at work."""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from support.proof.chains import Entry, Log

_RESTS: Final = frozenset(
    {"block:completed", "block:error", "block:retrying", "container:opened", "child:called"}
)
"""What a block does not work any more after, as long as it is not started again."""

_RUN_ENDS: Final = frozenset(
    {"execution:paused", "execution:error", "execution:completed", "execution:cancelled"}
)


class _Block(Struct):
    """One instance of a block, up to some event."""

    attempt: int = 0
    completed: int | None = None


def broken_blocks(log: Log) -> Iterator[str]:
    """What is wrong with the blocks of an execution."""
    yield from _doubled(log)
    yield from _crowded(log)


def _doubled(log: Log) -> Iterator[str]:
    blocks: dict[str, _Block] = {}
    again: str | None = None  # the pause point that somebody decides anew after its run failed
    for entry in log.entries:
        match entry.type:
            case "execution:resumed" if "retryOf" in entry.data:
                again = entry.data["contextId"]
            case "block:started":
                block = blocks.setdefault(entry.instance, _Block())
                if entry.attempt <= block.attempt:
                    yield log.says(entry, f"{entry.instance} had attempt {block.attempt} already")
                if block.completed is not None:
                    yield log.says(entry, f"{entry.instance} was completed at {block.completed}")
                block.attempt = entry.attempt
            case "block:completed":
                block = blocks.setdefault(entry.instance, _Block())
                if block.attempt == 0:
                    yield log.says(entry, f"{entry.instance} was never started")
                if block.completed is not None and entry.instance != again:
                    yield log.says(entry, f"{entry.instance} was completed at {block.completed}")
                block.completed = entry.version


def _crowded(log: Log) -> Iterator[str]:
    """Whether a decision began its run while another run was at work."""
    at_work: dict[str, str] = {}  # runs by instance
    for entry in log.entries:
        run = log.run_of(entry)
        if entry.type == "execution:resumed":
            busy = {instance: by for instance, by in at_work.items() if by != run}
            if busy:
                yield log.says(entry, f"{', '.join(busy)} of another run is at work")
        if entry.type == "block:started":
            at_work[entry.instance] = run
        elif (rested := _rested(entry)) is not None:
            at_work.pop(rested, None)
        elif entry.type in _RUN_ENDS:
            at_work = {instance: by for instance, by in at_work.items() if by != run}


def _rested(entry: Entry) -> str | None:
    """The instance that is not at work from an event on."""
    if entry.type in _RESTS:
        return entry.instance
    if entry.type == "timer:set" and entry.data["kind"] == "wait":
        return str(entry.data["timerId"])
    return str(entry.data["contextId"]) if entry.type == "pause:opened" else None
