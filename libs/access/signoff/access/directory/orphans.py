"""Secrets that nothing names any more: a crash came between the fact that removed one and its removal."""

from collections.abc import Callable, Collection, Mapping
from typing import Final, TypeAlias
from uuid import UUID

from signoff.access.directory.fold import Workspace
from signoff.access.directory.live import LiveDirectory
from signoff.events.records import Kept, Records

_PAGE: Final = 200
_MOST: Final = 10_000
"""Records that are remembered from one sweep to the next; more wait for a later one."""

_Place: TypeAlias = tuple[str, UUID, str]


class Orphans:
    """Removes records that the directory does not name.

    A record is written before the fact that names it. So it goes only when two sweeps in a row found it, the
    same version of it, without a name: let the time between two be longer than any request takes.

    Args:
        records: to look through.
        directory: names them.
        names: kind of record → the keys that a workspace has of it.
    """

    def __init__(
        self,
        records: Records,
        directory: LiveDirectory,
        names: Mapping[str, Callable[[Workspace], Collection[str]]],
    ) -> None:
        self._records = records
        self._directory = directory
        self._names = names
        self._seen: dict[_Place, int] = {}

    async def sweep(self) -> int:
        """Look through the records of all workspaces; gives how many were removed.

        Raises:
            StoreUnavailableError: the database is away; the next sweep makes up for it.
        """
        await self._directory.look()
        removed, seen = 0, dict[_Place, int]()
        for workspace_id in [UUID(each) for each in self._directory.state.workspaces]:
            for kind in self._names:
                after = ""
                while page := await self._records.list(kind, workspace_id, after=after, limit=_PAGE):
                    after = page[-1].key
                    for kept in self._nameless(kind, workspace_id, page):
                        place = (kind, workspace_id, kept.key)
                        if self._seen.get(place) == kept.version:
                            removed += await self._records.remove(*place, expected=kept.version)
                        elif len(seen) < _MOST:
                            seen[place] = kept.version
        self._seen = seen
        return removed

    def _nameless(self, kind: str, workspace_id: UUID, page: list[Kept]) -> list[Kept]:
        names = self._names[kind](self._directory.state.workspaces[str(workspace_id)])
        return [kept for kept in page if kept.key not in names]
