"""What all events of a log have in common, for events that are read from the log: from its first one."""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final
from uuid import UUID

import structlog

from signoff.engine.evolve import evolve
from signoff.engine.state import State
from signoff.events.cloudevents import common_headers_from
from signoff.events.codec import decode_event
from signoff.events.errors import CodecError
from signoff.events.store.base import EventStore
from signoff.events.topics import record_key
from signoff.events.types import Event, ExecutionStarted
from signoff.executor.publishing.cloudevents import Origin
from signoff.executor.publishing.messages import lineage_of

_KEEP: Final = 1000

_log = structlog.get_logger("signoff.executor.relay")


class Origins:
    """Finds the origins of logs, and keeps those asked for last.

    Args:
        keep: how many at most.
    """

    def __init__(self, store: EventStore, *, keep: int = _KEEP) -> None:
        self._store = store
        self._keep = keep
        self._known: OrderedDict[UUID, Origin] = OrderedDict()

    async def find(self, log_ids: Iterable[UUID]) -> dict[UUID, Origin]:
        """The origins of some logs, in one query for those not known.

        A log whose first event cannot be read is left out.

        Raises:
            StoreUnavailableError: the database is away.
        """
        wanted = dict.fromkeys(log_ids)
        unknown = dict.fromkeys((log_id for log_id in wanted if log_id not in self._known), 0)
        found = {log_id: self._known[log_id] for log_id in wanted if log_id in self._known}
        for log_id, page in (await self._store.read_many(unknown, limit=1) if unknown else {}).items():
            try:
                found[log_id] = _origin_from(log_id, decode_event(page[0].state))
            except CodecError as error:
                _log.error("a log's first event cannot be read", log=str(log_id), exc_info=error)
        for log_id, origin in found.items():
            self._known[log_id] = origin
            self._known.move_to_end(log_id)
        while len(self._known) > self._keep:
            self._known.popitem(last=False)
        return found


def _origin_from(log_id: UUID, first: Event) -> Origin:
    lineage = None
    if isinstance(first.data, ExecutionStarted):
        state = State()
        evolve(state, first)
        lineage = lineage_of(state)
    return Origin(record_key(log_id), common_headers_from(first), lineage)
