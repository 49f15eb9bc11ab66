"""The rows of inboxes made anew from the logs: what the store must have at any time."""

from collections import defaultdict
from uuid import UUID

from signoff.blocks import Registry
from signoff.engine.state import State
from signoff.events.blobs import BlobStore
from signoff.events.codec import decode_event
from signoff.events.store.base import EventStore, PointRow
from signoff.events.store.inbox import InboxSearch
from signoff.events.topics import DEFAULT_WORKSPACE
from signoff.events.types import Event
from signoff.executor.blocks.base import Tools
from signoff.executor.logs.inbox_rows import point_rows
from signoff.executor.logs.loaded import Loaded
from signoff.executor.logs.loader import Loader
from signoff.executor.logs.plans import Plans

_ALL = 100_000


class Rebuilding:
    """Folds logs apart from any executor.

    Args:
        registry: the Python blocks of their definitions.
    """

    def __init__(self, store: EventStore, blobs: BlobStore, tools: Tools, registry: Registry) -> None:
        self._store = store
        self._loader = Loader(store, Plans(store, blobs, registry, tools.llm))

    async def fold(self, log_id: UUID) -> State:
        """An execution as its log tells it."""
        loaded = await self._load(log_id)
        assert isinstance(loaded.state, State)
        return loaded.state

    async def _load(self, log_id: UUID) -> Loaded:
        found = (await self._loader.load([log_id]))[log_id]
        assert isinstance(found, Loaded), found
        return found

    async def inbox(self) -> list[PointRow]:
        """The open points of the default workspace, from all events that were ever recorded."""
        events: dict[UUID, list[Event]] = defaultdict(list)
        for recorded in await self._store.read_all(after=0, limit=_ALL):
            events[recorded.log_id].append(decode_event(recorded.state))
        rows: list[PointRow] = []
        for log_id, every in events.items():
            loaded = await self._load(log_id)
            if isinstance(loaded.state, State):
                graph = None if loaded.plan is None else loaded.plan.graph
                found = point_rows(log_id, loaded.state, graph, every)
                rows += [row for row in found if isinstance(row, PointRow)]
        return sorted(rows, key=_place)

    async def kept(self) -> list[PointRow]:
        """The open points of the default workspace, as the store has them."""
        search = InboxSearch(workspace_ids=(DEFAULT_WORKSPACE,))
        return sorted(await self._store.inbox(search, limit=_ALL), key=_place)


def _place(row: PointRow) -> tuple[UUID, str]:
    return row.log_id, row.context_id
