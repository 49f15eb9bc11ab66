"""Checks of where a stream begins, and of whose events it has."""

from collections.abc import Mapping
from typing import Final

import msgspec

from signoff.client.stream_checks.evidence import (
    Evidence,
    NotCheckedError,
    data_of,
    expect,
    is_done,
    status_of,
    stream_path,
)
from signoff.client.stream_checks.frames import DONE, RETRY, difference
from signoff.client.stream_checks.wire import Answer

_MOST: Final = 12
"""Cursors that are tried, however long the execution is."""

_BAD: Final = ("-1", "two", "1.5", "")
_FAR: Final = 10**18
_ENDS_ALL: Final = "execution:cancelled"
"""Stands in the first run, and ends every run."""


async def goes_on_after_the_header(evidence: Evidence) -> None:
    """S-13."""
    for after in sample(len(evidence.log)):
        await _has_rest(evidence, after, {"Last-Event-ID": str(after)}, "")


async def goes_on_after_the_query(evidence: Evidence) -> None:
    """S-14."""
    last = len(evidence.log)
    for after in sample(last):
        await _has_rest(evidence, after, {}, f"?from={after}")
    await _has_rest(evidence, last - 1, {"Last-Event-ID": str(last - 1)}, "?from=0")
    for bad in _BAD:
        await _has_rest(evidence, 0, {}, f"?from={bad}")
    await _has_rest(evidence, 0, {"Last-Event-ID": "two"}, "?from=1")


async def stops_a_reader_at_the_end(evidence: Evidence) -> None:
    """S-15."""
    last = len(evidence.log)
    told = await evidence.wire.ask("GET", evidence.path, headers={"Last-Event-ID": str(last)})
    expect((told.status, told.body) == (204, b""), "204 without a body", (told.status, told.body[:100]))
    asked = await evidence.heard(f"{evidence.path}?from={last}")
    found = difference([RETRY, DONE], asked.blocks)
    expect(asked.status == 200 and found is None, "200 and [DONE]", status_of(asked))


async def refuses_a_cursor_of_the_future(evidence: Evidence) -> None:
    """S-16."""
    last = len(evidence.log)
    for cursor in (last + 1, _FAR):
        for headers, query in (({"Last-Event-ID": str(cursor)}, ""), ({}, f"?from={cursor}")):
            told = await evidence.wire.ask("GET", evidence.path + query, headers=headers)
            said = body_of(told)
            right = told.status == 409 and said.get("lastEventId") == last and "error" in said
            expect(right, f"409 with lastEventId {last} for {cursor}", (told.status, told.body[:200]))


async def shows_one_run(evidence: Evidence) -> None:
    """S-17."""
    runs = {event.run_id for event in evidence.log if event.run_id is not None}
    if not runs:
        raise NotCheckedError("needs an execution that was resumed")
    for run in runs:
        own = [each.raw for each in evidence.log if each.run_id == run or each.type == _ENDS_ALL]
        heard = await evidence.heard(stream_path(evidence.workflow_id, run))
        found = difference(own, data_of(heard))
        expect(found is None, *(found or ("", "")))
        expect(is_done(heard), "[DONE]", status_of(heard))
        whole = {*evidence.replays[0].blocks}
        odd = [block for block in heard.blocks if block not in whole]
        expect(not odd, "the frames of the whole stream", odd[:1])
        named = heard.headers.get("X-Execution-Id")
        expect(named == evidence.execution_id, f"X-Execution-Id: {evidence.execution_id}", named)


def sample(last: int) -> list[int]:
    """Cursors from 0 to the one before the last: all of them, or some of many."""
    step = max(1, last // _MOST)
    return sorted({*range(0, last, step), last - 1})


def body_of(answer: Answer) -> Mapping[str, object]:
    """The JSON object of an answer; an empty one if it has none."""
    try:
        return msgspec.json.decode(answer.body, type=dict[str, object])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return {}


async def _has_rest(evidence: Evidence, after: int, headers: Mapping[str, str], query: str) -> None:
    heard = await evidence.heard(evidence.path + query, headers)
    found = difference(evidence.raws[after:], data_of(heard))
    asked = query or "the header"
    expect(found is None, *[f"after {after} by {asked}: {text}" for text in found or ("", "")])
    expect(is_done(heard), "[DONE]", status_of(heard))
