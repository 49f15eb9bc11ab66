"""``signoff keys``: the API keys of the workspace, of a service account, or one's own."""

from datetime import UTC, datetime, timedelta
from typing import Final

from signoff.cli.arguments.owners import Owner
from signoff.cli.connection import with_client
from signoff.cli.exits import CommandError, Exit
from signoff.cli.terminal.listing import AsJson, show_all, show_one
from signoff.cli.terminal.moments import moment
from signoff.cli.terminal.output import Output
from signoff.client import AsyncClient
from signoff.client.answers.workspaces import NewKey, Role

_NOTE: Final = "it is shown this once: keep it"
_OF_THE_WORKSPACE: Final = Owner()


def list_keys(owner: Owner = _OF_THE_WORKSPACE, *, as_json: AsJson = False) -> Exit:
    """List API keys, without their secrets: the workspace's, a service account's or one's own.

    Args:
        owner: Whose.
        as_json: Print JSON lines on a terminal, too.
    """

    async def show(client: AsyncClient) -> Exit:
        columns = {
            "ID": lambda key: key.id,
            "NAME": lambda key: key.name,
            "ROLES": lambda key: key.roles,
            "EXPIRES": lambda key: moment(key.expires_at),
            "LAST USED": lambda key: moment(key.last_used_at),
        }
        await show_all((await owner.keys(client)).list(), columns, Output(), as_json=as_json)
        return Exit.OK

    return with_client(show)


def create(
    name: str,
    owner: Owner = _OF_THE_WORKSPACE,
    *,
    roles: list[Role] | None = None,
    workspace: str | None = None,
    expires_in_days: int | None = None,
    as_json: AsJson = False,
) -> Exit:
    """Make an API key of the workspace, of a service account or one's own, and show its secret, once.

    Args:
        name: What it is for.
        owner: Whose.
        roles: What it may do, no more than the key in use may: read, write, admin, approver or auditor.
            A user's key without any may do all that its user may.
        workspace: The id of the workspace where alone a user's key acts; all of theirs where it is left away.
        expires_in_days: After how many days it expires; it does not where it is left away.
        as_json: Print JSON lines on a terminal, too.
    """
    if owner.is_workspace and not roles:
        raise CommandError("say what the key may do, such as --roles read")
    if owner.is_workspace and workspace is not None:
        raise CommandError("--workspace bounds a user's key; the workspace to act in is SIGNOFF_WORKSPACE")
    at = None
    if expires_in_days is not None:
        at = (datetime.now(UTC) + timedelta(days=expires_in_days)).isoformat()

    async def make(client: AsyncClient) -> Exit:
        keys = await owner.keys(client)
        _show(await keys.create(name, roles=roles, workspace_id=workspace, expires_at=at), as_json=as_json)
        return Exit.OK

    return with_client(make)


def rotate(
    key: str, owner: Owner = _OF_THE_WORKSPACE, *, overlap_seconds: int = 0, as_json: AsJson = False
) -> Exit:
    """Give an API key another secret, and show it, once.

    Args:
        key: The key's id.
        owner: Whose it is.
        overlap_seconds: How long the secret before stays good; at most 30 days.
        as_json: Print JSON lines on a terminal, too.
    """

    async def give(client: AsyncClient) -> Exit:
        keys = await owner.keys(client)
        _show(await keys.rotate(key, overlap_seconds=overlap_seconds), as_json=as_json)
        return Exit.OK

    return with_client(give)


def revoke(key: str, owner: Owner = _OF_THE_WORKSPACE) -> Exit:
    """Let an API key be good for nothing from now on.

    Args:
        key: The key's id.
        owner: Whose it is.
    """

    async def end(client: AsyncClient) -> Exit:
        await (await owner.keys(client)).revoke(key)
        Output().either({"revoked": key}, f"{key} is revoked")
        return Exit.OK

    return with_client(end)


def _show(key: NewKey, *, as_json: bool) -> None:
    show_one(key, f"{key.key}\n{key.name} ({key.id}); {_NOTE}", Output(), as_json=as_json)
