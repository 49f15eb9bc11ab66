"""The workflows that `signoff serve --examples` brings along."""

import hashlib
from collections.abc import Collection
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from signoff.cli.exits import CommandError, Exit
from signoff.client import AsyncClient, RefusedError
from signoff.runtime.settings import Settings

_LOOPBACK: Final = "127.0.0.0/8"
_DEPLOY_URL: Final = "DEPLOY_URL"


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
        raise CommandError(f"there are no examples in {folder.absolute()}: run it in Signoff's repository")
    return [Example(file.parent.name, file.read_bytes()) for file in files]


def with_surroundings(settings: Settings) -> Settings:
    """The settings under which the examples run without anything else to set up.

    The one HTTP call among them goes to this server itself, unless ``SIGNOFF_ENV_DEPLOY_URL`` says
    otherwise: for that, and only then, `api` blocks may reach this machine.
    """
    if _DEPLOY_URL in settings.environment:
        return settings
    return msgspec.structs.replace(
        settings,
        environment={
            **settings.environment,
            _DEPLOY_URL: f"http://{settings.host}:{settings.port}/healthz",
        },
        allow_private_networks=(*settings.allow_private_networks, _LOOPBACK),
    )


async def deploy_examples(examples: Collection[Example], client: AsyncClient) -> None:
    """Deploy examples that were not deployed before: a restart makes no new versions."""
    for example in examples:
        try:
            await client.workflows.deploy(
                example.workflow_id,
                example.raw,
                media_type="application/yaml",
                idempotency_key=f"example-{hashlib.sha256(example.raw).hexdigest()}",
            )
        except RefusedError as error:
            raise CommandError(
                f"the example {example.workflow_id} is not deployed: {error.message}",
                code=Exit.REFUSED,
                details=tuple(map(str, error.details)),
            ) from error
