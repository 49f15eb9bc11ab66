"""``signoff keys``: the API keys of the workspace, of a service account, or one's own."""

from datetime import UTC, datetime, timedelta

from signoff.cli.connection import with_client
from signoff.cli.exits import CommandError, Exit
from signoff.cli.terminal.listing import AsJson, show_all, show_one
from signoff.cli.terminal.moments import moment
from signoff.cli.terminal.output import Output
from signoff.client import AsyncClient
from signoff.client.answers.workspaces import NewKey, Role
from signoff.client.resources.keys import AsyncKeys

_NOTE = "it is shown this once: keep it"


def list_keys(*, own: bool = False, as_json: AsJson = False) -> Exit:
    """List the workspace's API keys, without their secrets.

    Args:
        own: List those of the user whose key is in use.
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
        await show_all(_keys(client, own=own).list(), columns, Output(), as_json=as_json)
        return Exit.OK

    return with_client(show)


def create(
    name: str,
    *,
    roles: list[Role] | None = None,
    expires_in_days: int | None = None,
    own: bool = False,
    user: str | None = None,
    as_json: AsJson = False,
) -> Exit:
    """Make an API key of the workspace, and show its secret, once.

    Args:
        name: What it is for.
        roles: What it may do, no more than the key in use may: read, write, admin, approver or auditor.
            One's own key without any may do all that its user may.
        expires_in_days: After how many days it expires; it does not where it is left away.
        own: Make a key of the user whose key is in use, not of the workspace.
        user: Make a key of this service account: its id.
        as_json: Print JSON lines on a terminal, too.
    """
    if own and user is not None:
        raise CommandError("give either --own or --user: a key is of one user")
    if not (own or roles):
        raise CommandError("say what the key may do, such as --roles read")
    at = None
    if expires_in_days is not None:
        at = (datetime.now(UTC) + timedelta(days=expires_in_days)).isoformat()

    async def make(client: AsyncClient) -> Exit:
        if user is not None:
            key = await client.users.create_key(user, name, roles or [], expires_at=at)
        else:
            key = await _keys(client, own=own).create(name, roles=roles, expires_at=at)
        _show(key, as_json=as_json)
        return Exit.OK

    return with_client(make)


def rotate(key: str, *, overlap_seconds: int = 0, own: bool = False, as_json: AsJson = False) -> Exit:
    """Give an API key another secret, and show it, once.

    Args:
        key: The key's id.
        overlap_seconds: How long the secret before stays good; at most 30 days.
        own: It is one of the user whose key is in use.
        as_json: Print JSON lines on a terminal, too.
    """

    async def give(client: AsyncClient) -> Exit:
        _show(await _keys(client, own=own).rotate(key, overlap_seconds=overlap_seconds), as_json=as_json)
        return Exit.OK

    return with_client(give)


def revoke(key: str, *, own: bool = False) -> Exit:
    """Let an API key be good for nothing from now on.

    Args:
        key: The key's id.
        own: It is one of the user whose key is in use.
    """

    async def end(client: AsyncClient) -> Exit:
        await _keys(client, own=own).revoke(key)
        Output().either({"revoked": key}, f"{key} is revoked")
        return Exit.OK

    return with_client(end)


def _keys(client: AsyncClient, *, own: bool) -> AsyncKeys:
    return client.own_keys if own else client.keys


def _show(key: NewKey, *, as_json: bool) -> None:
    show_one(key, f"{key.key}\n{key.name} ({key.id}); {_NOTE}", Output(), as_json=as_json)
