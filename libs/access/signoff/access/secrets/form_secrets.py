"""What people type into forms' fields of type ``secret``: sealed records beside the log, which names them."""

import asyncio
from collections.abc import Collection
from contextlib import suppress
from typing import Final
from uuid import UUID

from signoff.access.secrets.sealing import Sealer
from signoff.events.codec import encode_json
from signoff.events.errors import RecordConflictError
from signoff.events.records import Records

KIND: Final = "form-secret"
"""Of the records; their scope is the workspace, their key the id by which values in the log name them."""

_PARALLEL: Final = 8


def context_of(workspace_id: UUID, secret_id: str) -> str:
    """What a sealed value is bound to."""
    return f"form-secret/{workspace_id}/{secret_id}"


class FormSecrets:
    """Keeps secrets that were submitted, and finds them for the blocks that need them.

    Every asynchronous method raises :class:`~signoff.events.errors.StoreUnavailableError` when the database
    is away.

    Args:
        records: hold them.
        sealer: they are sealed with.
    """

    def __init__(self, records: Records, sealer: Sealer) -> None:
        self._records = records
        self._sealer = sealer

    async def keep(self, workspace_id: UUID, secret: str, *, place: str) -> str:
        """Keep a secret durably.

        Args:
            workspace_id: whose it is.
            secret: the text.
            place: where it was submitted: of which request, in which field. The same secret in the same
                place again is the same record; so what a retry sends names it by the same id.

        Returns:
            The id of the record. It tells nothing of the secret.
        """
        secret_id = self._sealer.digest(encode_json([str(workspace_id), place, secret]))
        sealed = self._sealer.seal(secret.encode(), context=context_of(workspace_id, secret_id))
        with suppress(RecordConflictError):  # an earlier try kept it: the id names the secret, too
            await self._records.put(KIND, workspace_id, secret_id, sealed, expected=0)
        return secret_id

    async def find(self, workspace_id: UUID, secret_ids: Collection[str]) -> dict[str, str]:
        """The secrets with these ids, less those that were removed.

        Raises:
            SealError: one is sealed under a key that is not known here.
        """
        gate = asyncio.Semaphore(_PARALLEL)

        async def read(secret_id: str) -> str | None:
            async with gate:
                kept = await self._records.get(KIND, workspace_id, secret_id)
            if kept is None:
                return None
            return self._sealer.open(kept.value, context=context_of(workspace_id, secret_id)).decode()

        found = await asyncio.gather(*map(read, secret_ids))
        return {name: each for name, each in zip(secret_ids, found, strict=True) if each is not None}
