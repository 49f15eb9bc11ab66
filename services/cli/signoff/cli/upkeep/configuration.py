"""Whether the settings of this server contradict each other, or what was kept under other ones."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from signoff.access import hooks
from signoff.access.directory.live import LiveDirectory
from signoff.access.errors import SealError
from signoff.access.secrets import environment, form_secrets
from signoff.access.secrets.sealing import Sealer
from signoff.cli.upkeep.finding import Finding
from signoff.events.store.base import EventStore
from signoff.runtime.settings import Settings, unknown_settings

_SEALED: Final[Mapping[str, Callable[[UUID, str], str]]] = {
    environment.KIND: environment.context_of,
    form_secrets.KIND: form_secrets.context_of,
    hooks.TARGET: hooks.target_context,
}
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_SAMPLE: Final = 20
"""Sealed values of each kind that are opened in a workspace."""


def examine_settings(settings: Settings, variables: Mapping[str, str]) -> Iterator[Finding]:
    """Look at what the settings say, and what they leave open.

    Args:
        settings: of this server.
        variables: the environment that they were read from.
    """
    found = [Finding("configuration", ok=False, detail=each) for each in _wrong(settings, variables)]
    yield from found
    if not found:
        size = "a cluster's" if settings.kafka else "an embedded server's"
        yield Finding("configuration", ok=True, detail=f"{size}, nothing contradicts another setting")


def _wrong(settings: Settings, variables: Mapping[str, str]) -> Iterator[str]:
    yield from unknown_settings(variables)
    if (settings.kafka is None) != (settings.database_url is None):
        yield (
            "one of SIGNOFF_DATABASE_URL and SIGNOFF_KAFKA is set without the other: a cluster needs both, "
            "an embedded server neither"
        )
    if settings.kafka is not None and not _is_one_host(settings):
        yield from _wrong_in_cluster(settings)
    if settings.public_url is not None and _is_bare_http(settings.public_url):
        yield "SIGNOFF_PUBLIC_URL is http: links to decide and keys cross the network in the open; use https"
    if settings.faults:
        yield "SIGNOFF_FAULTS is set: things go wrong on purpose; unset it"


def _wrong_in_cluster(settings: Settings) -> Iterator[str]:
    if settings.secret_key is None:
        yield (
            "SIGNOFF_SECRET_KEY is not set: each host would make its own, and open nothing of the others; "
            "set the same one everywhere"
        )
    if settings.public_url is None:
        yield "SIGNOFF_PUBLIC_URL is not set: what people are sent has no link to decide"
    if settings.blobs is None:
        yield (
            "SIGNOFF_BLOBS is not set: large values lie in the data folder of one host; name a store that "
            "all services reach"
        )
    if settings.sync_timeout < settings.command_timeout:
        yield (
            "SIGNOFF_SYNC_TIMEOUT is below SIGNOFF_COMMAND_TIMEOUT: a caller gives up before the command "
            "expires; raise the former"
        )


def _is_one_host(settings: Settings) -> bool:
    """Whether everything is on this machine, where services share a data folder."""
    brokers = [urlsplit(f"//{each}").hostname for each in (settings.kafka or "").split(",")]
    return {urlsplit(settings.store_url).hostname, *brokers} <= _LOOPBACK


def _is_bare_http(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname not in _LOOPBACK


async def examine_secrets(store: EventStore, sealer: Sealer) -> AsyncIterator[Finding]:
    """Try whether the secret keys of this server open what is sealed.

    Args:
        store: the log, and what is beside it.
        sealer: has those keys.
    """
    directory = LiveDirectory(store)
    await directory.look()
    opened, closed = 0, list[str]()
    for workspace_id in map(UUID, directory.state.workspaces):
        for kind, context_of in _SEALED.items():
            for kept in await store.records.list(kind, workspace_id, limit=_SAMPLE):
                context = context_of(workspace_id, kept.key)
                try:
                    sealer.open(kept.value, context=context)
                    opened += 1
                except SealError as error:
                    closed.append(f"{context}: {error}")
    for each in closed:
        detail = f"{each}; or give doctor the SIGNOFF_SECRET_KEY or SIGNOFF_DATA that the servers have"
        yield Finding("secrets", ok=False, detail=detail)
    if not closed:
        yield Finding("secrets", ok=True, detail=f"{opened} looked at, all open with this secret key")
