"""Which hook is told of which event, by the directory as it is now."""

from collections.abc import Sequence
from typing import Final, Protocol
from uuid import UUID

from msgspec import Struct

from signoff.access.directory.fold import Directory
from signoff.access.hooks import MAIN_TYPES
from signoff.events.codec import TOPIC_BY_TYPE


class LiveDirectory(Protocol):
    """The directory, as deliveries need it (:class:`signoff.access.directory.live.LiveDirectory`)."""

    @property
    def state(self) -> Directory:
        """The fold."""
        ...

    @property
    def version(self) -> int:
        """The last event that is folded."""
        ...

    async def look(self) -> None:
        """Fold what is new in the log."""
        ...


class Subscription(Struct, frozen=True, kw_only=True):
    """A hook that there is.

    Attributes:
        topics: of the log's column, of the events that it is told of.
        workflow_ids: that it is told about; none means all.
        set_at: when it was set last, seconds since the epoch.
    """

    workspace_id: UUID
    hook_id: str
    enabled: bool
    topics: frozenset[str]
    workflow_ids: frozenset[str]
    set_at: float

    def wants(self, topic: str, workflow_id: str) -> bool:
        """Whether it is told of an event of a workflow's execution."""
        return topic in self.topics and (not self.workflow_ids or workflow_id in self.workflow_ids)


_NONE: Final[tuple[Subscription, ...]] = ()


class Subscriptions:
    """The hooks of all open workspaces, as of one version of the directory."""

    def __init__(self) -> None:
        self._version = -1
        self._known: dict[tuple[UUID, str], Subscription] = {}
        self._enabled: dict[UUID, list[Subscription]] = {}
        self.topics: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return len(self._known)

    async def refresh(self, directory: LiveDirectory) -> None:
        """Take in what the directory's log holds by now.

        Raises:
            StoreUnavailableError: it cannot be read.
        """
        await directory.look()
        state = directory.state
        if state.version != self._version:
            self._version = state.version
            self._compile(state)

    def of(self, workspace_id: UUID) -> Sequence[Subscription]:
        """The enabled hooks of a workspace."""
        return self._enabled.get(workspace_id, _NONE)

    def find(self, workspace_id: UUID, hook_id: str) -> Subscription | None:
        """A hook, enabled or not; ``None`` when there is none any more."""
        return self._known.get((workspace_id, hook_id))

    def _compile(self, state: Directory) -> None:
        found = [
            Subscription(
                workspace_id=UUID(workspace_id),
                hook_id=hook_id,
                enabled=hook.enabled,
                topics=frozenset(
                    TOPIC_BY_TYPE[name] for name in hook.types or MAIN_TYPES if name in TOPIC_BY_TYPE
                ),
                workflow_ids=frozenset(hook.workflow_ids),
                set_at=hook.set_at,
            )
            for workspace_id, workspace in state.workspaces.items()
            if not workspace.closed
            for hook_id, hook in workspace.hooks.items()
        ]
        self._known = {(each.workspace_id, each.hook_id): each for each in found}
        self._enabled = {}
        for each in found:
            if each.enabled:
                self._enabled.setdefault(each.workspace_id, []).append(each)
        self.topics = frozenset().union(*(each.topics for each in found if each.enabled))
