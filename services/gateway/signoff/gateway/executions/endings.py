"""How a run ended, told the same way whichever event ended it."""

from typing import Final
from uuid import UUID

from msgspec import Struct, structs

from signoff.events.blobs import BlobStore
from signoff.events.codec import decode_event
from signoff.events.files import Files
from signoff.events.store.base import EventStore
from signoff.events.types import (
    Event,
    EventData,
    ExecutionCancelled,
    ExecutionCompleted,
    ExecutionError,
    ExecutionPaused,
    Json,
)
from signoff.gateway.errors import GatewayError
from signoff.gateway.executions.file_contents import with_base64
from signoff.gateway.executions.history import read_event
from signoff.gateway.links import Links
from signoff.gateway.schemas import Metadata, RunStatus
from signoff.gateway.waiting import Ended

TIMEOUT: Final = "TIMEOUT"
CANCELLED: Final = "CANCELLED"


class Ending(Struct, frozen=True, kw_only=True):
    """The end of one run.

    Attributes:
        output: as callers see it: links absolute, large values put back. ``None`` is no output.
        error: why it did not end well.
        code: of the error.
        block_id: the block that failed.
        response_block_id: the ``response`` block that fixed the output.
        metadata: how long it took.
    """

    status: RunStatus
    output: Json = None
    error: str | None = None
    code: str | None = None
    block_id: str | None = None
    response_block_id: str | None = None
    metadata: Metadata

    @property
    def success(self) -> bool:
        """Whether nothing went wrong; a pause is a success."""
        return self.status in ("completed", "paused")


class Endings:
    """Reads how runs ended.

    Args:
        store: the log.
        blobs: holds large values.
        links: completes those of pauses.
    """

    def __init__(self, store: EventStore, blobs: BlobStore, links: Links) -> None:
        self._store = store
        self._blobs = blobs
        self._files = Files(blobs.objects)
        self._links = links

    async def read(
        self, workspace_id: UUID, log_id: UUID, event_id: int, *, base64_most: int | None = None
    ) -> Ending:
        """How a run ended with an event of its log; ``base64_most`` as in :meth:`tell`.

        Raises:
            GatewayError: that event ends no run.
            BlobError: a large value cannot be read.
        """
        event, large = await read_event(self._store, log_id, event_id)
        return await self.tell(workspace_id, event, large=large, base64_most=base64_most)

    async def of(
        self, workspace_id: UUID, log_id: UUID, ended: Ended, *, base64_most: int | None = None
    ) -> Ending:
        """How a run ended that somebody waited for: the log is read only if the news came without the event.

        Args and errors as in :meth:`read` and :meth:`tell`.
        """
        if ended.raw is None:
            return await self.read(workspace_id, log_id, ended.event_id, base64_most=base64_most)
        event, large = decode_event(ended.raw), b'"$' in ended.raw
        return await self.tell(workspace_id, event, large=large, base64_most=base64_most)

    async def tell(
        self, workspace_id: UUID, event: Event, *, large: bool, base64_most: int | None = None
    ) -> Ending:
        """How a run ended with this event.

        Args:
            workspace_id: of the execution.
            event: that ended the run.
            large: a value of it may be a reference.
            base64_most: bytes of a file whose contents stand in the output; ``None`` is no contents.

        Raises:
            GatewayError: the event ends no run.
            BlobError: a large value cannot be read.
        """
        ending = _ending(event.data)
        output = ending.output
        if large:
            output = await self._blobs.resolve(output, workspace_id=workspace_id)
        if base64_most is not None:
            output = await with_base64(self._files, workspace_id, output, most=base64_most)
        if ending.status == "paused":
            output = self._links.pause(output)
        return ending if output is ending.output else structs.replace(ending, output=output)


def _ending(data: EventData) -> Ending:
    match data:
        case ExecutionCompleted():
            return Ending(
                status="completed",
                output=data.output,
                response_block_id=data.response_block_id,
                metadata=_metadata(data),
            )
        case ExecutionPaused():
            return Ending(status="paused", output=data.output, metadata=_metadata(data))
        case ExecutionError():
            return Ending(
                status="failed",
                output=data.output,
                error=data.error,
                code=data.code,
                block_id=data.block_id,
                metadata=_metadata(data),
            )
        case ExecutionCancelled():
            return Ending(
                status="cancelled",
                output=data.output,
                error=data.reason,
                code=CANCELLED,
                metadata=_metadata(data),
            )
        case _:
            raise GatewayError(f"{data.TYPE} ends no run")


def _metadata(data: ExecutionCompleted | ExecutionPaused | ExecutionError | ExecutionCancelled) -> Metadata:
    return Metadata(duration=round(data.duration), start_time=data.start_time, end_time=data.end_time)
