"""Large values that stand nowhere but in memory, for as long as somebody asks what if."""

from uuid import UUID

from signoff.events.blobs import BlobStore
from signoff.events.objects import Objects


class Aside(BlobStore):
    """Large values of one dry run: read from where they are; its own are kept here, and forgotten with it.

    Args:
        objects: where those of the source are. Nothing is written there.

    Attributes:
        size: bytes that are kept here.
    """

    def __init__(self, objects: Objects) -> None:
        super().__init__(objects)
        self._own: dict[str, bytes] = {}
        self.size = 0

    async def get(self, workspace_id: UUID, digest: str) -> bytes:
        """Read a value, of the dry run or of the source; see :meth:`BlobStore.get`."""
        own = self._own.get(digest)
        return await super().get(workspace_id, digest) if own is None else own

    async def _write(self, _: UUID, digest: str, value: bytes) -> None:
        if digest not in self._own:
            self._own[digest] = value
            self.size += len(value)
