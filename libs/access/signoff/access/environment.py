"""The values of ``{{NAME}}`` of each workspace: sealed records beside the log, and the operator's own."""

import re
from collections.abc import Mapping
from typing import Final
from uuid import UUID

from msgspec import Struct

from signoff.access.live import LiveDirectory
from signoff.access.sealing import Sealer
from signoff.events.records import Records
from signoff.events.topics import DEFAULT_WORKSPACE

KIND: Final = "environment"
"""Of the records that hold values; their scope is the workspace, their key the name."""

NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
"""How a value may be called."""

MAX_VALUE: Final = 32 * 1024
"""Bytes of a value."""

_PAGE: Final = 200


def context_of(workspace_id: UUID, name: str) -> str:
    """What a sealed value is bound to."""
    return f"environment/{workspace_id}/{name}"


class _Known(Struct, frozen=True):
    """Values as they were when the directory had these names, each set at this moment."""

    names: dict[str, float]
    values: Mapping[str, str]


class Environments:
    """Finds values, and sets them.

    Values are read again when the directory says that one was set or removed, never else.

    Args:
        own: the operator's values (``SIGNOFF_ENV_*``): of the default workspace alone, where one that was
            set over HTTP goes before it.
        directory: tells which values there are.
        records: hold them.
        sealer: they are sealed with.
    """

    def __init__(
        self, own: Mapping[str, str], directory: LiveDirectory, records: Records, sealer: Sealer
    ) -> None:
        self._own = own
        self._directory = directory
        self._records = records
        self._sealer = sealer
        self._known: dict[UUID, _Known] = {}

    async def values(self, workspace_id: UUID) -> Mapping[str, str]:
        """The values of a workspace, by name.

        Raises:
            StoreUnavailableError: they cannot be read now.
            SealError: one is sealed under a key that is not known here.
        """
        workspace = self._directory.latest.workspaces.get(str(workspace_id))
        own = self._own if workspace_id == DEFAULT_WORKSPACE else {}
        if workspace is None or not workspace.environment:
            return own
        known = self._known.get(workspace_id)
        if known is None or known.names != workspace.environment:
            names = dict(workspace.environment)
            known = _Known(names, {**own, **await self._read(workspace_id, names)})
            self._known[workspace_id] = known
        return known.values

    async def _read(self, workspace_id: UUID, names: Mapping[str, float]) -> dict[str, str]:
        values: dict[str, str] = {}
        after = ""
        while page := await self._records.list(KIND, workspace_id, after=after, limit=_PAGE):
            for kept in page:
                if kept.key in names:
                    plain = self._sealer.open(kept.value, context=context_of(workspace_id, kept.key))
                    values[kept.key] = plain.decode()
            after = page[-1].key
        return values

    async def put(self, workspace_id: UUID, name: str, value: str) -> None:
        """Keep a value. It counts once the directory says that it was set."""
        sealed = self._sealer.seal(value.encode(), context=context_of(workspace_id, name))
        await self._records.put(KIND, workspace_id, name, sealed)

    async def remove(self, workspace_id: UUID, name: str) -> None:
        """Forget a value."""
        await self._records.remove(KIND, workspace_id, name)
