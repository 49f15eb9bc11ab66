"""The checkpoints that a verification can hold the log against, and the keys that they must bear."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit

from signoff.access.secrets.sealing import Sealer
from signoff.audit.checkpoints.checkpoint import CheckpointError
from signoff.audit.checkpoints.files import CheckpointFiles
from signoff.audit.checkpoints.signing import LABEL, Keyring, Signer
from signoff.audit.verify.sources import DatabaseSource, FilesSource, Source, TopicSource
from signoff.cli.exits import CommandError
from signoff.events.bus.base import Bus
from signoff.events.errors import BlobError
from signoff.events.store.base import EventStore
from signoff.events.topics import CHECKPOINTS
from signoff.runtime.secret import secret_keys
from signoff.runtime.settings import Settings

_SCHEMES: Final = frozenset({"file", "s3", "gs", "az"})


async def sources_at_hand(
    settings: Settings, store: EventStore, bus: Bus | None, copies: Sequence[str], keys: Keyring
) -> list[Source]:
    """Where checkpoints are held: copies that were named, the topic, the server's own files, its database.

    Args:
        settings: of the server.
        store: the log.
        bus: the broker of a cluster.
        copies: folders and URLs that somebody gave.
        keys: of the server; an empty one checks no signatures.

    Raises:
        CommandError: a copy is not there.
        BusError: the broker is away.
    """
    found: list[Source] = [await asyncio.to_thread(_copy, each, keys) for each in copies]
    if bus is not None and await bus.partitions(CHECKPOINTS):
        found.append(TopicSource(bus, keys))
    own = await asyncio.to_thread(_own, settings, keys)
    if own is not None:
        found.append(own)
    found.append(DatabaseSource(store, keys))
    # A place that is named twice is one: read beside itself it would seem to hold each checkpoint twice.
    return list({source.name: source for source in found}.values())


def _copy(place: str, keys: Keyring) -> Source:
    path = Path(place)
    is_url = urlsplit(place).scheme in _SCHEMES
    if not is_url and not path.is_dir():
        raise CommandError(f"{place} is no folder or URL with checkpoints")
    url = place if is_url else f"file://{quote(str(path.absolute()))}"
    try:
        return FilesSource(CheckpointFiles.open(url, read_only=True), keys, is_live=False)
    except BlobError as error:
        raise CommandError(str(error)) from error


def _own(settings: Settings, keys: Keyring) -> Source | None:
    """The server's own files. A folder that is missing is empty, but where an auditor has none."""
    url = settings.checkpoints_url
    is_auditors = settings.checkpoints is None and settings.database_url is not None
    if url is None or (is_auditors and not (settings.data / "checkpoints").is_dir()):
        return None
    return FilesSource(CheckpointFiles.open(url, read_only=True), keys, is_live=True)


def keys_at_hand(settings: Settings, given: Path | None) -> Keyring:
    """The public keys of the server: those of a file alone, or derived from its secret; perhaps none.

    Args:
        settings: of the server. No secret is made here that is not there.
        given: a JWKS document, as ``GET /api/checkpoints/keys`` gives it.

    Raises:
        CommandError: the file has no keys.
    """
    if given is not None:
        try:
            return Keyring.read(given.read_bytes())
        except (OSError, CheckpointError) as error:
            raise CommandError(f"{given}: {error}") from error
    if settings.secret_key is None and not (settings.data / "secret.key").exists():
        return Keyring([])
    return Signer(Sealer(secret_keys(settings)).keys_for(LABEL)).keys
