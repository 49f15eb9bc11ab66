"""Every reader of a stream saw exactly the log, from its start."""

from collections.abc import Iterator, Mapping, Sequence

from support.proof.chains import Entry, Log
from support.proof.endings import is_end
from support.proof.facts import Streamed


def broken_streams(streams: Sequence[Streamed], logs: Mapping[str, Log]) -> Iterator[str]:
    """Frames that are missing, doubled, out of order or other than the log, and ends that were none.

    Args:
        streams: of all readers, each over all its connections.
        logs: by their ids.
    """
    for stream in streams:
        log = logs.get(stream.execution_id)
        if log is None:
            yield f"the stream of {stream.execution_id} has no log"
            continue
        yield from _differs(stream, log)


def _differs(stream: Streamed, log: Log) -> Iterator[str]:
    where = f"the stream of {log.name}"
    for due, (event_id, data) in enumerate(stream.frames, stream.after + 1):
        if event_id != due:
            yield f"{where}: frame {event_id} came where {due} was due"
            return
        if event_id > len(log.entries):
            yield f"{where}: frame {event_id} is not in the log"
            return
        if data != log.entries[event_id - 1].state:
            yield f"{where}: frame {event_id} is not what the log has"
            return
    last = stream.after + len(stream.frames)
    if stream.ended and not _at_rest(log.entries[:last]):
        yield f"{where}: it ended after {last}, and the execution did not"


def _at_rest(entries: Sequence[Entry]) -> bool:
    """Whether an execution is paused or over; whom that was told to may be noted behind it."""
    of_itself = [entry for entry in entries if not entry.type.startswith("pause:")]
    return bool(of_itself) and (is_end(of_itself[-1]) or of_itself[-1].type == "execution:paused")
