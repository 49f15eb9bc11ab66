"""Bundles fetched from a server, and the hands of those who change them."""

import asyncio
import io
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import msgspec

from signoff.access.secrets.sealing import Sealer
from signoff.audit.bundle.archive import Archive
from signoff.audit.bundle.check import BundleReport, verify_bundle
from signoff.audit.bundle.layout import MANIFEST, SIGNATURE
from signoff.audit.checkpoints.signing import BUNDLE, LABEL, Keyring, Signer
from signoff.audit.checkpoints.writer import CheckpointWriter
from support.gateways import APPROVAL, KEY, SECRET, Server

STRANGER: Final = Signer([b"a stranger's seed of 32 bytes ..."[:32]])
"""Who has a key, and not the server's."""


NO_KEYS: Final = Keyring([])
"""Of who has none from elsewhere."""


def server_signer() -> Signer:
    """The key of the servers of tests."""
    return Signer(Sealer([SECRET]).keys_for(LABEL))


async def seal(server: Server) -> None:
    """Let a checkpoint commit to all that a server has."""
    writer = CheckpointWriter(
        server.store, server.bus, None, server_signer(), held=lambda: True, clock=time.time, window=1000
    )
    await writer.write()


async def decided(server: Server, **given: Any) -> str:
    """An execution that waited for a decision and got it."""
    workflow_id = await server.deploy(APPROVAL)
    body = await server.execute(workflow_id, **given)
    execution_id = str(body["executionId"])
    status, answer = await server.post(
        f"/api/resume/{workflow_id}/{execution_id}/approve", json={"approved": True}
    )
    assert status == 200, answer
    return execution_id


async def fetched(server: Server, execution_id: str, **params: str) -> bytes:
    """The bundle of an execution."""
    async with server.client.get(
        f"/api/executions/{execution_id}/bundle", headers={"X-API-Key": KEY}, params=params
    ) as response:
        assert response.status == 200, await response.text()
        assert response.content_type == "application/zip"
        return await response.read()


def opened(bundle: bytes) -> dict[str, bytes]:
    """The files of a bundle."""
    with ZipFile(io.BytesIO(bundle)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(files: Mapping[str, bytes]) -> bytes:
    """A bundle of some files."""
    archive = Archive()
    return b"".join([*(archive.add(path, content) for path, content in files.items()), archive.close()])


def resigned(files: Mapping[str, bytes], signer: Signer, **changes: object) -> dict[str, bytes]:
    """The files with a manifest that fits them, signed by somebody."""
    archive = Archive()
    for path, content in files.items():
        if path not in (MANIFEST, SIGNATURE):
            archive.add(path, content)
    manifest = json.loads(files[MANIFEST]) | {"files": msgspec.to_builtins(archive.files)} | changes
    raw = json.dumps(manifest).encode()
    return {**files, MANIFEST: raw, SIGNATURE: signer.sign(raw, BUNDLE).encode()}


def zipped(entries: list[tuple[ZipInfo | str, bytes]]) -> bytes:
    """A ZIP file as anybody makes it."""
    out = io.BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return out.getvalue()


def checked(folder: Path, bundle: bytes, keys: Keyring | None = None) -> BundleReport:
    """What becomes of a bundle's check, with the server's keys or others."""
    path = folder / "bundle.zip"
    path.write_bytes(bundle)
    return verify_bundle(path, keys=server_signer().keys if keys is None else keys or None)


def meanings(report: BundleReport) -> str:
    """All that was found, as text."""
    return "\n".join(f"{fault.kind} {fault.place}: {fault.meaning}" for fault in report.faults)


async def examined(folder: Path, bundle: bytes, keys: Keyring | None = None) -> BundleReport:
    """The same beside an event loop, which reading files must not hold up."""
    return await asyncio.to_thread(checked, folder, bundle, keys)
