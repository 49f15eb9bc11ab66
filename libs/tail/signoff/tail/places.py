"""Which workspace a log belongs to: asked once, and remembered for those that were met last."""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from signoff.events.codec import TOPIC_BY_TYPE, decode_header
from signoff.events.errors import CodecError
from signoff.events.store.base import EventStore, Recorded
from signoff.events.types import ExecutionStarted

MOST: Final = 50_000
"""Logs that are remembered; of one that was forgotten the store is asked again."""

_STARTED: Final = TOPIC_BY_TYPE[ExecutionStarted.TYPE]


class _Started(Struct, rename="camel"):
    workspace_id: UUID


_decoder: Final = msgspec.json.Decoder(_Started)


class Places:
    """Finds the workspaces of logs.

    Args:
        store: the log.
        most: how many are remembered.
    """

    def __init__(self, store: EventStore, *, most: int = MOST) -> None:
        self._store = store
        self._most = most
        self._known: dict[UUID, UUID | None] = {}

    async def of(self, events: Iterable[Recorded]) -> dict[UUID, UUID]:
        """The workspaces of events' logs; logs that belong to none are left out.

        A log's first event says it, or is written together with the row that does: an answer holds for ever.

        Raises:
            StoreUnavailableError: the store must be asked, and is away.
        """
        places: dict[UUID, UUID | None] = {}
        for event in events:
            if event.log_id not in places:
                places[event.log_id] = self._remembered(event)
        unknown = [log_id for log_id, place in places.items() if place is None and log_id not in self._known]
        if unknown:
            places |= dict.fromkeys(unknown) | await self._store.workspaces_of(unknown)
        for log_id, place in places.items():
            self._known.pop(log_id, None)
            self._known[log_id] = place  # at the end: the first of them was met longest ago
        while len(self._known) > self._most:
            del self._known[next(iter(self._known))]
        return {log_id: place for log_id, place in places.items() if place is not None}

    def _remembered(self, event: Recorded) -> UUID | None:
        place = self._known.get(event.log_id)
        if place is None and event.topic == _STARTED:
            return _said_by(event)
        return place


def _said_by(event: Recorded) -> UUID | None:
    try:
        return _decoder.decode(decode_header(event.state).data).workspace_id
    except (CodecError, msgspec.MsgspecError):
        return None  # not readable here: the row says it
