"""``signoff keys``: the API keys of the workspace."""

from datetime import UTC, datetime, timedelta

from signoff.cli.connection import with_client
from signoff.cli.exits import Exit
from signoff.cli.listing import AsJson, show_all, show_one
from signoff.cli.output import Output
from signoff.client import AsyncClient
from signoff.client.answers.workspaces import NewKey, Role

_NOTE = "it is shown this once: keep it"


def list_keys(*, as_json: AsJson = False) -> Exit:
    """List the workspace's API keys, without their secrets.

    Args:
        as_json: Print JSON lines on a terminal, too.
    """

    async def show(client: AsyncClient) -> Exit:
        columns = {
            "ID": lambda key: key.id,
            "NAME": lambda key: key.name,
            "ROLES": lambda key: key.roles,
            "EXPIRES": lambda key: key.expires_at,
            "LAST USED": lambda key: key.last_used_at,
        }
        await show_all(client.keys.list(), columns, Output(), as_json=as_json)
        return Exit.OK

    return with_client(show)


def create(
    name: str, *, roles: list[Role], expires_in_days: int | None = None, as_json: AsJson = False
) -> Exit:
    """Make an API key of the workspace, and show its secret, once.

    Args:
        name: What it is for.
        roles: What it may do, no more than the key in use may: read, write, admin, approver or auditor.
        expires_in_days: After how many days it expires; it does not where it is left away.
        as_json: Print JSON lines on a terminal, too.
    """
    at = None
    if expires_in_days is not None:
        at = (datetime.now(UTC) + timedelta(days=expires_in_days)).isoformat()

    async def make(client: AsyncClient) -> Exit:
        _show(await client.keys.create(name, roles=roles, expires_at=at), as_json=as_json)
        return Exit.OK

    return with_client(make)


def rotate(key: str, *, overlap_seconds: int = 0, as_json: AsJson = False) -> Exit:
    """Give an API key another secret, and show it, once.

    Args:
        key: The key's id.
        overlap_seconds: How long the secret before stays good; at most 30 days.
        as_json: Print JSON lines on a terminal, too.
    """

    async def give(client: AsyncClient) -> Exit:
        _show(await client.keys.rotate(key, overlap_seconds=overlap_seconds), as_json=as_json)
        return Exit.OK

    return with_client(give)


def revoke(key: str) -> Exit:
    """Let an API key be good for nothing from now on.

    Args:
        key: The key's id.
    """

    async def end(client: AsyncClient) -> Exit:
        await client.keys.revoke(key)
        Output().either({"revoked": key}, f"{key} is revoked")
        return Exit.OK

    return with_client(end)


def _show(key: NewKey, *, as_json: bool) -> None:
    show_one(key, f"{key.key}\n{key.name} ({key.id}); {_NOTE}", Output(), as_json=as_json)
