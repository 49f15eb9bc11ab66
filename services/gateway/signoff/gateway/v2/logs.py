"""Runs as logs list them: from the projections, and from the log of each where more is asked for."""

from collections.abc import Callable
from typing import Final

import msgspec
from msgspec import UNSET, Struct

from signoff.engine.folding.places import path_of, turns_of
from signoff.events.codec import TOPIC_BY_TYPE, decode_event
from signoff.events.store.base import EventStore, ExecutionRow, Recorded
from signoff.events.store.ordering import place_of
from signoff.events.store.search import Place, Search
from signoff.events.times import from_iso, iso
from signoff.events.types import BlockCompleted, BlockError
from signoff.gateway.gateway import Gateway, shown_id
from signoff.gateway.v2.log_schemas import LogDetail, LogItem, LogWorkflow, Span
from signoff.gateway.v2.views import Seen, milliseconds, moment, output_of, see

MOST_SPANS: Final = 1000
"""Executions of blocks that one run is shown with."""

SPAN_BYTES: Final = 4 * 1024 * 1024
"""Bytes of them that one answer holds, about."""

MOST_READS: Final = 10
"""Pages of executions that are looked through for one page of logs."""

_TOPICS: Final = frozenset({TOPIC_BY_TYPE[BlockCompleted.TYPE], TOPIC_BY_TYPE[BlockError.TYPE]})
_PAGE: Final = 200
_REFERENCE: Final = b'"$'
_encode: Final = msgspec.json.Encoder().encode


class Shown(Struct, frozen=True, kw_only=True):
    """What a list of logs shows beside what the projection has."""

    workflow: bool = False
    output: bool = False
    spans: bool = False


class Spans(Struct, frozen=True, kw_only=True):
    """Executions of blocks, and whether there are more."""

    found: list[Span]
    truncated: bool


async def find_executions(
    store: EventStore,
    search: Search,
    keep: Callable[[ExecutionRow], bool],
    *,
    after: Place | None,
    limit: int,
) -> tuple[list[ExecutionRow], Place | None]:
    """Executions that a search finds and a test keeps, and where the next page begins, if there is one.

    It looks through a bounded number of executions, so that a page may be short or even empty although
    there are more.
    """
    kept: list[ExecutionRow] = []
    for _ in range(MOST_READS):
        found = await store.executions(search, after=after, limit=limit + 1)
        for row in found:
            if len(kept) == limit:
                return kept, after
            after = place_of(row, search.order)
            if keep(row):
                kept.append(row)
        if len(found) <= limit:
            return kept, None
    return kept, after


async def log_item(
    gateway: Gateway, row: ExecutionRow, shown: Shown, *, workflow: LogWorkflow | None, room: int
) -> LogItem:
    """A run in a list.

    Args:
        gateway: the ports.
        row: of the execution.
        shown: what of it.
        workflow: that ran, where it is shown.
        room: bytes that are left for the executions of blocks.
    """
    spans = None
    if shown.spans:
        spans = await read_spans(gateway, row, only=None, started_at=row.started_at, room=room)
    return LogItem(
        run_id=shown_id(row),
        workflow_id=row.workflow_id,
        deployment_version_id=str(row.workflow_version),
        status=row.status,
        level="error" if row.status == "failed" else "info",
        trigger=row.trigger,
        started_at=iso(row.started_at),
        ended_at=moment(row.ended_at),
        total_duration_ms=milliseconds(row.started_at, row.ended_at),
        workflow=UNSET if workflow is None else workflow,
        final_output=await output_of(gateway, row, await see(gateway, row, shown_id(row)))
        if shown.output
        else UNSET,
        trace_spans=UNSET if spans is None else spans.found,
        truncated=UNSET if spans is None else spans.truncated,
    )


async def log_detail(gateway: Gateway, row: ExecutionRow, seen: Seen, *, workflow: LogWorkflow) -> LogDetail:
    """A run of an execution, with the executions of its blocks."""
    started_at = row.started_at if seen.started_at is None else seen.started_at
    spans = await read_spans(gateway, row, only=seen.only, started_at=started_at, room=SPAN_BYTES)
    return LogDetail(
        run_id=seen.run_id,
        workflow_id=row.workflow_id,
        deployment_version_id=str(row.workflow_version),
        status=seen.status,
        level="error" if seen.status == "failed" else "info",
        trigger=row.trigger,
        started_at=moment(seen.started_at),
        ended_at=moment(seen.ended_at),
        total_duration_ms=seen.duration_ms,
        workflow=workflow,
        error=seen.error,
        final_output=await output_of(gateway, row, seen),
        trace_spans=spans.found,
        truncated=spans.truncated,
        created_at=iso(started_at),
    )


async def read_workflow(store: EventStore, row: ExecutionRow) -> LogWorkflow:
    """The workflow of an execution, as it is now."""
    found = await store.workflow(row.workspace_id, row.workflow_id)
    return LogWorkflow(
        id=row.workflow_id,
        name=row.workflow_id if found is None else found.name,
        workspace_id=str(row.workspace_id),
        deleted=found is None or not found.is_deployed,
    )


async def read_spans(
    gateway: Gateway, row: ExecutionRow, *, only: str | None, started_at: float, room: int
) -> Spans:
    """The executions of blocks in a run, in the order of their ends.

    Args:
        gateway: the ports.
        row: of the execution.
        only: the run; ``None``: all of them.
        started_at: when it began, in seconds since the epoch.
        room: bytes after which no more are read.
    """
    spans: list[Span] = []
    after = 0
    while page := await gateway.store.read(row.log_id, after=after, limit=_PAGE):
        for recorded in page:
            if recorded.topic not in _TOPICS:
                continue
            event = decode_event(recorded.state)
            data = event.data
            if only not in (None, event.run_id) or not isinstance(data, BlockCompleted | BlockError):
                continue
            if len(spans) == MOST_SPANS or room <= 0:
                return Spans(found=spans, truncated=True)
            span, size = await _sized(gateway, row, recorded, data, started_at)
            spans.append(span)
            room -= size
        after = page[-1].version
    return Spans(found=spans, truncated=False)


async def _sized(
    gateway: Gateway,
    row: ExecutionRow,
    recorded: Recorded,
    data: BlockCompleted | BlockError,
    started_at: float,
) -> tuple[Span, int]:
    """A span with its large values put back, and its bytes."""
    values = [data.input, data.output if isinstance(data, BlockCompleted) else None]
    large = _REFERENCE in recorded.state
    if large:
        values = await gateway.blobs.resolve(values, workspace_id=row.workspace_id)
    failed = isinstance(data, BlockError)
    span = Span(
        id=str(recorded.version),
        instance=data.block_id + path_of(turns_of(data)),
        block_id=data.block_id,
        name=data.block_name,
        type=data.block_type,
        status="error" if failed else "success",
        duration_ms=data.duration_ms,
        relative_start_ms=round((from_iso(data.started_at) - started_at) * 1000, 3),
        start_time=data.started_at,
        end_time=data.ended_at,
        input=values[0],
        output=UNSET if failed else values[1],
        error_message=data.error if isinstance(data, BlockError) else UNSET,
        error_handled=data.handled if isinstance(data, BlockError) else UNSET,
    )
    return span, len(_encode(span)) if large else len(recorded.state)
