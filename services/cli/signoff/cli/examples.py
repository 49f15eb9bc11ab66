"""The workflows that `signoff serve --examples` brings along."""

from collections.abc import Collection, Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from signoff.cli.exits import CommandError
from signoff.client import Client
from signoff.engine.definition import digest
from signoff.engine.parse import parse
from signoff.events.store.base import EventStore
from signoff.events.topics import DEFAULT_WORKSPACE
from signoff.gateway.yaml_text import decode_yaml
from signoff.runtime.settings import Settings

_LOOPBACK: Final = "127.0.0.0/8"


class Example(Struct, frozen=True):
    """One example: its workflow's id and the text of its definition."""

    workflow_id: str
    raw: bytes


def read_examples(folder: Path = Path("examples")) -> list[Example]:
    """The definitions in the folders of a folder.

    Raises:
        CommandError: there are none.
    """
    files = sorted(folder.glob("*/workflow.yaml"))
    if not files:
        raise CommandError(
            f"there are no examples in {folder.absolute()}: run `signoff serve --examples` in Signoff's repository"
        )
    return [Example(file.parent.name, file.read_bytes()) for file in files]


def with_surroundings(settings: Settings) -> Settings:
    """The settings under which the examples run without anything else to set up.

    The one HTTP call among them goes to this server itself, unless ``SIGNOFF_ENV_DEPLOY_URL`` says
    otherwise: for that `api` blocks may reach this machine, which they may not otherwise.
    """
    own = {"DEPLOY_URL": f"http://{settings.host}:{settings.port}/healthz"}
    if settings.environment.keys() & own.keys():
        return settings
    return msgspec.structs.replace(
        settings,
        environment={**own, **settings.environment},
        allow_private_networks=_including(settings.allow_private_networks, _LOOPBACK),
    )


def _including(networks: tuple[str, ...], network: str) -> tuple[str, ...]:
    return networks if ip_network(network) in map(ip_network, networks) else (*networks, network)


async def deploy_examples(
    examples: Collection[Example], client: Client, store: EventStore, types: Mapping[str, object]
) -> list[str]:
    """Deploy what is not deployed as it stands: a restart makes no new versions.

    Args:
        examples: what to deploy.
        client: to this server.
        store: where the digests of the active versions are.
        types: the registered blocks.

    Returns:
        The ids of all examples.
    """
    for example in examples:
        parsed = parse(decode_yaml(example.raw), types=types.keys(), workflow_id=example.workflow_id)
        row = await store.workflow(DEFAULT_WORKSPACE, example.workflow_id)
        same = (
            row is not None
            and row.is_deployed
            and parsed.definition is not None
            and row.digest == digest(parsed.definition)
        )
        if not same:
            await client.deploy(example.workflow_id, example.raw, media_type="application/yaml")
    return [example.workflow_id for example in examples]
