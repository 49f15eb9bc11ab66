"""Makes bundles, piece by piece: whatever the size of an execution, a few MiB are in memory."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final
from uuid import UUID

import msgspec

from signoff.audit.bundle.archive import Archive
from signoff.audit.bundle.extent import BundleTooLargeError
from signoff.audit.bundle.layout import (
    KEYS,
    LAYOUT,
    MANIFEST,
    MOST_BYTES,
    MOST_CHILDREN,
    MOST_FILES,
    MOST_IN_MEMORY,
    README,
    SCHEMA,
    SIGNATURE,
    ChildEntry,
    ExecutionEntry,
    Manifest,
    definitions_path,
    events_path,
    proof_path,
    value_path,
)
from signoff.audit.bundle.reading import ExecutionReading
from signoff.audit.bundle.words import readme
from signoff.audit.checkpoints.signing import BUNDLE, Signer
from signoff.audit.verify.execution import Proof
from signoff.events.blobs import BlobStore
from signoff.events.errors import BlobDamagedError, BlobNotFoundError
from signoff.events.schemas.documents import find
from signoff.events.store.base import EventStore, ExecutionRow

_SIGNED: Final = 2
"""Files that the manifest does not name: itself and its signature."""


class BundleMaker:
    """Makes one bundle.

    Args:
        store: the log.
        blobs: the large values.
        signer: signs it, as it signs checkpoints.
        children: whether executions that were called are included.
    """

    def __init__(self, store: EventStore, blobs: BlobStore, signer: Signer, *, children: bool) -> None:
        self._store = store
        self._blobs = blobs
        self._signer = signer
        self._includes_children = children
        self._archive = Archive()
        self._executions: list[ExecutionEntry] = []
        self._children: dict[str, ChildEntry] = {}
        self._values: dict[str, None] = {}
        self._missing: list[str] = []

    async def pieces(self, row: ExecutionRow) -> AsyncGenerator[bytes, None]:
        """The bytes of the bundle of an execution, up to the last event that it has now.

        Raises:
            StoreUnavailableError: the database is away.
            BlobError: the object store is away.
            BundleTooLargeError: it has more than a bundle may have; :func:`check_extent` says so before.
        """
        archive = self._archive
        yield archive.add(README, readme(row.execution_id or str(row.log_id), row.workflow_id))
        waiting = deque([row])
        while waiting:
            reading = ExecutionReading(self._store, waiting.popleft(), self._signer.keys)
            async with aclosing(self._execution(reading)) as pieces:
                async for piece in pieces:
                    yield piece
            waiting += await self._called(reading, room=MOST_CHILDREN - len(self._executions) - len(waiting))
        for digest in self._values:
            yield await self._value(row.workspace_id, digest)
        schema = await asyncio.to_thread(find, "events")  # the first time, it takes a while
        yield archive.add(SCHEMA, schema or b"")
        yield archive.add(KEYS, msgspec.json.encode(self._signer.keys.jwks()))
        manifest = self._manifest()
        yield archive.add(MANIFEST, manifest)
        yield archive.add(SIGNATURE, self._signer.sign(manifest, BUNDLE).encode())
        yield archive.close()

    async def _execution(self, reading: ExecutionReading) -> AsyncGenerator[bytes, None]:
        archive, log_id = self._archive, reading.log_id
        archive.begin(events_path(log_id))
        async with aclosing(reading.pages()) as pages:
            async for page in pages:
                lines = b"".join(b"%b\n" % event.state for event in page)
                yield await asyncio.to_thread(archive.write, lines)
        yield archive.end()
        deployed = await reading.definitions()
        yield archive.add(definitions_path(log_id), b"".join(b"%b\n" % raw for raw in deployed))
        proof = await reading.proof()
        if isinstance(proof, Proof):
            yield archive.add(proof_path(log_id), _proof_document(proof))
        self._values |= reading.values
        self._executions.append(reading.entry(proof))

    async def _called(self, reading: ExecutionReading, *, room: int) -> list[ExecutionRow]:
        """The rows of children that are to be included; all are named."""
        rows: list[ExecutionRow] = []
        for child in reading.children.values():
            row = None
            if self._includes_children and len(rows) <= room:
                row = await self._store.execution(UUID(child.execution_id))
            is_there = row is not None and row.workspace_id == reading.row.workspace_id
            named = msgspec.structs.replace(child, included=is_there)
            if self._children.setdefault(child.execution_id, named) is named and is_there and row is not None:
                rows.append(row)
        return rows

    async def _value(self, workspace_id: UUID, digest: str) -> bytes:
        try:
            value = await self._blobs.get(workspace_id, digest)
        except (BlobNotFoundError, BlobDamagedError):
            self._missing.append(digest)  # said in the manifest, and by whoever checks the bundle
            return b""
        return await asyncio.to_thread(self._archive.add, value_path(digest), value)

    def _manifest(self) -> bytes:
        files = self._archive.files
        manifest = msgspec.json.encode(
            Manifest(
                bundle=LAYOUT, executions=self._executions, children=list(self._children.values()),
                missing=self._missing, files=files,
            )
        )  # fmt: skip
        size = sum(file.size for file in files) + len(manifest)
        if len(files) + _SIGNED > MOST_FILES or size > MOST_BYTES or len(manifest) > MOST_IN_MEMORY:
            raise BundleTooLargeError(children=self._includes_children)
        return manifest


def _proof_document(proof: Proof) -> bytes:
    """The proof as JSON, in which the bytes of the checkpoint stand as they were signed."""
    rest = {
        "signature": proof.signed.signature, "leaf": proof.leaf, "index": proof.index, "path": proof.path,
    }  # fmt: skip
    return b'{"checkpoint":' + proof.signed.raw + b"," + msgspec.json.encode(rest)[1:]
