"""``signoff workspaces``: those that the caller may act in, and who is in them."""

from signoff.cli.arguments.people import find_user
from signoff.cli.connection import with_client
from signoff.cli.exits import Exit
from signoff.cli.terminal.listing import AsJson, show_all, show_one
from signoff.cli.terminal.moments import moment
from signoff.cli.terminal.output import Output
from signoff.client import AsyncClient, Member
from signoff.client.answers.workspaces import Role


def list_workspaces(*, as_json: AsJson = False) -> Exit:
    """List the workspaces that the key in use may act in, with its roles there.

    Args:
        as_json: Print JSON lines on a terminal, too.
    """

    async def show(client: AsyncClient) -> Exit:
        columns = {
            "ID": lambda workspace: workspace.id,
            "NAME": lambda workspace: workspace.name,
            "ROLES": lambda workspace: workspace.roles,
        }
        await show_all(client.workspaces.list(), columns, Output(), as_json=as_json)
        return Exit.OK

    return with_client(show)


def create(name: str, *, as_json: AsJson = False) -> Exit:
    """Make a workspace.

    Args:
        name: For people.
        as_json: Print JSON lines on a terminal, too.
    """

    async def make(client: AsyncClient) -> Exit:
        workspace = await client.workspaces.create(name)
        show_one(workspace, f"{name} is workspace {workspace.id}", Output(), as_json=as_json)
        return Exit.OK

    return with_client(make)


def rename(workspace: str, name: str) -> Exit:
    """Give a workspace another name.

    Args:
        workspace: The workspace's id.
        name: For people.
    """

    async def change(client: AsyncClient) -> Exit:
        renamed = await client.workspaces.rename(workspace, name)
        Output().either(renamed, f"{renamed.id} is called {renamed.name}")
        return Exit.OK

    return with_client(change)


def close(workspace: str) -> Exit:
    """Close a workspace for good: nobody may do anything in it any more. Its logs stay.

    Args:
        workspace: The workspace's id.
    """

    async def end(client: AsyncClient) -> Exit:
        await client.workspaces.close(workspace)
        Output().either({"closed": workspace}, f"{workspace} is closed")
        return Exit.OK

    return with_client(end)


def members(workspace: str, *, as_json: AsJson = False) -> Exit:
    """List the members of a workspace.

    Args:
        workspace: The workspace's id.
        as_json: Print JSON lines on a terminal, too.
    """

    async def show(client: AsyncClient) -> Exit:
        columns = {
            "ID": lambda member: member.id,
            "NAME": lambda member: member.name,
            "EMAIL": lambda member: member.email,
            "ROLES": lambda member: member.roles,
            "AWAY": _away,
        }
        await show_all(client.workspaces.members(workspace), columns, Output(), as_json=as_json)
        return Exit.OK

    return with_client(show)


def add_member(
    workspace: str, user: str, *, roles: list[Role], name: str | None = None, as_json: AsJson = False
) -> Exit:
    """Add somebody by their address, or a service account by its id; or give a member other roles.

    Args:
        workspace: The workspace's id.
        user: Address or id.
        roles: What they are there: read, write, admin, approver or auditor.
        name: As others see them, if they are new.
        as_json: Print JSON lines on a terminal, too.
    """

    async def add(client: AsyncClient) -> Exit:
        if "@" in user:
            member = await client.workspaces.add_member(workspace, user, roles, name=name)
        else:
            member = await client.workspaces.set_member(workspace, user, roles)
        show_one(member, f"{user} is {', '.join(member.roles)} there", Output(), as_json=as_json)
        return Exit.OK

    return with_client(add)


def remove_member(workspace: str, user: str) -> Exit:
    """Take somebody out of a workspace and of its groups.

    Args:
        workspace: The workspace's id.
        user: Address or id.
    """

    async def remove(client: AsyncClient) -> Exit:
        user_id = await find_user(client, user)
        await client.workspaces.remove_member(workspace, user_id)
        Output().either({"removed": user_id}, f"{user_id} is no member any more")
        return Exit.OK

    return with_client(remove)


def set_absence(
    workspace: str,
    user: str,
    delegate: str,
    *,
    until: str,
    since: str | None = None,
    as_json: AsJson = False,
) -> Exit:
    """Let a member decide in the place of another one who is away, as their administrator.

    Args:
        workspace: The workspace's id.
        user: Who is away: address or id.
        delegate: Who decides in their place: address or id.
        until: When they are back: ISO 8601, at most 366 days away; without an offset it is UTC.
        since: From when; from now on where it is left away.
        as_json: Print a JSON line on a terminal, too.
    """

    async def leave(client: AsyncClient) -> Exit:
        user_id, delegate_id = await find_user(client, user), await find_user(client, delegate)
        absence = await client.absences.set_member(workspace, user_id, delegate_id, until=until, since=since)
        text = f"{delegate} decides for {user} from {moment(absence.since)} to {moment(absence.until)}"
        show_one(absence, text, Output(), as_json=as_json)
        return Exit.OK

    return with_client(leave)


def end_absence(workspace: str, user: str) -> Exit:
    """Let nobody decide in a member's place any more, as their administrator.

    Args:
        workspace: The workspace's id.
        user: Address or id.
    """

    async def come_back(client: AsyncClient) -> Exit:
        user_id = await find_user(client, user)
        await client.absences.end_member(workspace, user_id)
        Output().either({"ended": user_id}, f"nobody decides for {user} any more")
        return Exit.OK

    return with_client(come_back)


def _away(member: Member) -> str:
    absence = member.absence
    return "" if absence is None else f"{moment(absence.since)} to {moment(absence.until)}"
