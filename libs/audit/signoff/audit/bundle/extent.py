"""How much a bundle will hold, before it is begun: none is made that nobody could check."""

from collections import deque
from typing import Final
from uuid import UUID

from msgspec import Struct, field

from signoff.audit.bundle.layout import MOST_BYTES, MOST_CHILDREN, MOST_FILES
from signoff.audit.bundle.reading import sizes_in
from signoff.events.codec import decode_event, decode_header
from signoff.events.errors import CodecError, SignoffError
from signoff.events.store.base import EventStore, Recorded
from signoff.events.store.paging import PAGE_BYTES
from signoff.events.types import ChildCalled

_PAGE: Final = 2_000
_FILES: Final = MOST_FILES * 7 // 8
_BYTES: Final = MOST_BYTES * 7 // 8
"""The rest is for what is not counted: definitions, proofs, and what happens meanwhile."""

_NAMED: Final = 100_000
"""Executions that were called: the manifest, which is read whole, names them all."""

_FILES_EACH: Final = 3


class BundleTooLargeError(SignoffError):
    """The bundle would be one that nobody could check."""

    def __init__(self, *, children: bool) -> None:
        alone = ": ask for it without those that it called" if children else ""
        super().__init__(
            f"The execution is too large for a bundle, which has at most {MOST_FILES:,} files, "
            f"{MOST_BYTES >> 30} GiB and the names of {_NAMED:,} executions{alone}"
        )


class _Extent(Struct):
    executions: int = 0
    size: int = 0
    values: dict[str, int] = field(default_factory=dict)
    called: dict[UUID, None] = field(default_factory=dict)

    def take(self, page: list[Recorded]) -> None:
        for event in page:
            self.size += len(event.state) + 1
            for digest, size in sizes_in(event.state).items():
                if digest not in self.values:
                    self.values[digest] = size
                    self.size += size
            child = _child(event)
            if child is not None:
                self.called.setdefault(child)

    @property
    def is_too_large(self) -> bool:
        files = self.executions * _FILES_EACH + len(self.values)
        return files > _FILES or self.size > _BYTES or len(self.called) > _NAMED


async def check_extent(store: EventStore, log_id: UUID, *, children: bool) -> None:
    """Refuse a bundle that its check would refuse.

    Args:
        store: the log.
        log_id: of the execution.
        children: whether executions that were called are included.

    Raises:
        BundleTooLargeError: it would be.
        StoreUnavailableError: the database is away.
    """
    extent, waiting = _Extent(executions=1), deque([log_id])
    while waiting:
        log_id, known, after = waiting.popleft(), len(extent.called), 0
        while page := await store.read(log_id, after=after, limit=_PAGE, size=PAGE_BYTES):
            extent.take(page)
            if extent.is_too_large:
                raise BundleTooLargeError(children=children)
            after = page[-1].version
        if children:
            new = list(extent.called)[known : known + MOST_CHILDREN + 1 - extent.executions]
            extent.executions += len(new)
            waiting += new


def _child(event: Recorded) -> UUID | None:
    try:
        if decode_header(event.state).type != ChildCalled.TYPE:
            return None
        data = decode_event(event.state).data
        return UUID(data.child_execution_id) if isinstance(data, ChildCalled) else None
    except (CodecError, ValueError):
        return None
