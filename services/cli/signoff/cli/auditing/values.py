"""Large values held against the digests by which events name them."""

import asyncio
from typing import Final
from uuid import UUID

from signoff.audit.verify.faults import Fault, Place
from signoff.events.blobs import BlobStore
from signoff.events.errors import BlobDamagedError, BlobNotFoundError
from signoff.executor.logs.derivation import Walk

_AT_ONCE: Final = 4
"""Values that are in memory at a time: each is read whole."""

_REMEMBERED: Final = 20_000


class ValueCheck:
    """Looks whether the large values that logs name are in the object store, and are what was stored.

    Args:
        blobs: the object store.

    Attributes:
        looked_at: how many values were read. One that several logs name is read once, as a rule.
    """

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs
        self._sound: set[tuple[UUID, str]] = set()
        self.looked_at = 0

    async def of(self, walk: Walk) -> list[Fault]:
        """What is wrong with the values that a log names.

        Raises:
            BlobError: the object store is away.
        """
        workspace = walk.workspace
        if workspace is None:
            return []
        named = [each for each in walk.digests.items() if (workspace, each[0]) not in self._sound]
        faults: list[Fault] = []
        try:
            for at in range(0, len(named), _AT_ONCE):
                async with asyncio.TaskGroup() as group:
                    looking = [
                        group.create_task(self._look(walk.log_id, workspace, digest, event_id))
                        for digest, event_id in named[at : at + _AT_ONCE]
                    ]
                faults += [fault for each in looking if (fault := each.result()) is not None]
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from errors
        return faults

    async def _look(self, log_id: UUID, workspace: UUID, digest: str, event_id: int) -> Fault | None:
        self.looked_at += 1
        try:
            await self._blobs.get(workspace, digest)
        except BlobNotFoundError:
            return _fault(log_id, digest, event_id, "is not in the object store", "was taken away")
        except BlobDamagedError:
            return _fault(log_id, digest, event_id, "is another in the object store", "was changed")
        if len(self._sound) == _REMEMBERED:
            self._sound.clear()
        self._sound.add((workspace, digest))
        return None


def _fault(log_id: UUID, digest: str, event_id: int, what: str, became: str) -> Fault:
    return Fault(
        kind="value",
        place=Place(log_id=str(log_id), event_id=event_id, value=digest),
        meaning=f"the large value that it names {what}",
        cause=f"it {became} in the object store, or that is not the servers': restore it from a backup",
    )
