"""The values of ``{{NAME}}`` of each workspace: sealed records beside the log, and the operator's own."""

import re
from collections.abc import Iterator, Mapping
from typing import Final
from uuid import UUID

import structlog
from msgspec import Struct

from signoff.access.directory.live import LiveDirectory
from signoff.access.errors import SealError
from signoff.access.secrets.sealing import Sealer
from signoff.events.records import Kept, Records
from signoff.events.topics import DEFAULT_WORKSPACE

KIND: Final = "environment"
"""Of the records that hold values; their scope is the workspace, their key the name."""

NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
"""How a value may be called."""

MAX_VALUE: Final = 32 * 1024
"""Bytes of a value."""

_PAGE: Final = 200
_log = structlog.get_logger("signoff.access")


def context_of(workspace_id: UUID, name: str) -> str:
    """What a sealed value is bound to."""
    return f"environment/{workspace_id}/{name}"


class _Known(Struct, frozen=True):
    """Values as they were when the directory had these names, each set at this moment."""

    names: dict[str, float]
    values: Mapping[str, str]


class Values(Mapping[str, str]):
    """Values by name. One that does not open fails whoever looks it up, also by ``get``, and nobody else.

    Args:
        opened: the values.
        unopened: name → why it does not open. It goes before a value of the same name.
    """

    def __init__(self, opened: Mapping[str, str], unopened: Mapping[str, str]) -> None:
        self._opened = {name: value for name, value in opened.items() if name not in unopened}
        self._unopened = unopened

    def __getitem__(self, name: str) -> str:
        if name in self._unopened:
            raise SealError(f"The value of {name} does not open: {self._unopened[name]}")
        return self._opened[name]

    def __iter__(self) -> Iterator[str]:
        yield from self._opened
        yield from self._unopened

    def __len__(self) -> int:
        return len(self._opened) + len(self._unopened)


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
        """The values of a workspace, by name. To look one up that does not open raises ``SealError``.

        Raises:
            StoreUnavailableError: they cannot be read now.
        """
        workspace = self._directory.latest.workspaces.get(str(workspace_id))
        own = self._own if workspace_id == DEFAULT_WORKSPACE else {}
        if workspace is None or not workspace.environment:
            return own
        known = self._known.get(workspace_id)
        if known is None or known.names != workspace.environment:
            names = dict(workspace.environment)
            known = _Known(names, await self._read(workspace_id, names, own))
            self._known[workspace_id] = known
        return known.values

    async def _read(self, workspace_id: UUID, names: Mapping[str, float], own: Mapping[str, str]) -> Values:
        opened, unopened, after = dict(own), dict[str, str](), ""
        while page := await self._records.list(KIND, workspace_id, after=after, limit=_PAGE):
            for kept in page:
                if kept.key in names:
                    try:
                        opened[kept.key] = self._open(workspace_id, kept)
                    except SealError as error:
                        unopened[kept.key] = str(error)
                        _log.error("a value does not open", workspace=str(workspace_id), name=kept.key)
            after = page[-1].key
        return Values(opened, unopened)

    def _open(self, workspace_id: UUID, kept: Kept) -> str:
        return self._sealer.open(kept.value, context=context_of(workspace_id, kept.key)).decode()

    async def put(self, workspace_id: UUID, name: str, value: str) -> None:
        """Keep a value. It counts once the directory says that it was set."""
        sealed = self._sealer.seal(value.encode(), context=context_of(workspace_id, name))
        await self._records.put(KIND, workspace_id, name, sealed)

    async def remove(self, workspace_id: UUID, name: str) -> None:
        """Forget a value."""
        await self._records.remove(KIND, workspace_id, name)
