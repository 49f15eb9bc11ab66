"""Secrets are sealed anew while the directory goes on to change."""

from typing import Any
from uuid import UUID

from signoff.access.directory.fold import DEFAULT_ID, Directory, Workspace
from signoff.access.secrets.environment import KIND, context_of
from signoff.access.secrets.resealing import reseal
from signoff.access.secrets.sealing import Sealer
from signoff.events.store.memory import MemoryStore

OLD, NEW = b"the old secret key of this server", b"the new secret key of this server"


class _Busy:
    """Records; whenever they are read, somebody makes a workspace."""

    def __init__(self, store: MemoryStore, state: Directory) -> None:
        self._records = store.records
        self._state = state

    def __getattr__(self, name: str) -> Any:
        return getattr(self._records, name)

    async def list(self, *given: Any, **named: Any) -> Any:
        number = len(self._state.workspaces)
        self._state.workspaces[str(UUID(int=number))] = Workspace(name=f"Workspace {number}")
        return await self._records.list(*given, **named)


async def test_workspaces_may_come_while_secrets_are_sealed_anew() -> None:
    store, state, workspace_id = MemoryStore(), Directory(), UUID(DEFAULT_ID)
    context = context_of(workspace_id, "TOKEN")
    await store.records.put(KIND, workspace_id, "TOKEN", Sealer([OLD]).seal(b"value", context=context))
    records: Any = _Busy(store, state)

    resealed = await reseal(state, records, Sealer([NEW, OLD]), {KIND: context_of})

    kept = await store.records.get(KIND, workspace_id, "TOKEN")
    assert resealed.count == 1
    assert kept is not None
    assert Sealer([NEW]).open(kept.value, context=context) == b"value"
    await store.close()
