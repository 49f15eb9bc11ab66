"""``signoff groups``: users of the workspace who have roles, and decide, together."""

from collections.abc import Callable

from signoff.cli.arguments.people import find_user
from signoff.cli.connection import with_client
from signoff.cli.exits import CommandError, Exit
from signoff.cli.terminal import views
from signoff.cli.terminal.listing import AsJson, show_all, show_one
from signoff.cli.terminal.output import Output
from signoff.client import AsyncClient
from signoff.client.answers.workspaces import Group, Role


def list_groups(*, as_json: AsJson = False) -> Exit:
    """List the workspace's groups.

    Args:
        as_json: Print JSON lines on a terminal, too.
    """

    async def show(client: AsyncClient) -> Exit:
        columns = {
            "ID": lambda group: group.id,
            "NAME": lambda group: group.name,
            "ROLES": lambda group: group.roles,
            "MEMBERS": lambda group: len(group.user_ids),
        }
        await show_all(client.groups.list(), columns, Output(), as_json=as_json)
        return Exit.OK

    return with_client(show)


def create(
    name: str, *, roles: list[Role] | None = None, member: list[str] | None = None, as_json: AsJson = False
) -> Exit:
    """Make a group.

    Args:
        name: For people; unique in the workspace.
        roles: What its members have besides their own roles.
        member: Address or id of a member of the workspace; may be given again.
        as_json: Print JSON lines on a terminal, too.
    """

    async def make(client: AsyncClient) -> Exit:
        user_ids = [await find_user(client, each) for each in member or []]
        group = await client.groups.create(name, roles=roles or [], user_ids=user_ids)
        show_one(group, f"{name} is group {group.id}", Output(), as_json=as_json)
        return Exit.OK

    return with_client(make)


def show(group: str, *, as_json: AsJson = False) -> Exit:
    """Show a group, with its members.

    Args:
        group: The group's name or id.
        as_json: Print a JSON line on a terminal, too.
    """

    async def look(client: AsyncClient) -> Exit:
        found, output = await _find(client, group), Output()
        if as_json or not output.is_terminal:
            output.line(found)
        else:
            output.show(views.facts(_facts(found)))
        return Exit.OK

    return with_client(look)


def rename(group: str, name: str) -> Exit:
    """Give a group another name. Definitions that name it by the one before find it no more.

    Args:
        group: The group's name or id.
        name: For people; unique in the workspace.
    """

    async def change(client: AsyncClient) -> Exit:
        found = await _find(client, group)
        renamed = await client.groups.update(found.id, name, roles=found.roles, user_ids=found.user_ids)
        Output().either(renamed, f"{renamed.id} is called {renamed.name}")
        return Exit.OK

    return with_client(change)


def set_roles(group: str, *, roles: list[Role] | None = None, none: bool = False) -> Exit:
    """Give a group other roles: all that its members have by it from now on.

    Args:
        group: The group's name or id.
        roles: read, write, admin, approver or auditor; may be given again.
        none: Take all roles from it: its members only decide together.
    """
    if none == bool(roles):
        raise CommandError("give either the roles, such as --roles approver, or --none")

    async def change(client: AsyncClient) -> Exit:
        found = await _find(client, group)
        changed = await client.groups.update(found.id, found.name, roles=roles or (), user_ids=found.user_ids)
        has = ", ".join(changed.roles) or "no role"
        Output().either(changed, f"{changed.name} gives its members {has}")
        return Exit.OK

    return with_client(change)


def add_member(group: str, user: str) -> Exit:
    """Add a member of the workspace to a group.

    Args:
        group: The group's name or id.
        user: Address or id.
    """
    return _change(
        group, user, lambda members, user_id: [*(each for each in members if each != user_id), user_id]
    )


def remove_member(group: str, user: str) -> Exit:
    """Take a member out of a group.

    Args:
        group: The group's name or id.
        user: Address or id.
    """
    return _change(group, user, lambda members, user_id: [each for each in members if each != user_id])


def remove(group: str) -> Exit:
    """Remove a group; its members stay in the workspace.

    Args:
        group: The group's name or id.
    """

    async def end(client: AsyncClient) -> Exit:
        found = await _find(client, group)
        await client.groups.remove(found.id)
        Output().either({"removed": found.id}, f"{found.name} is removed")
        return Exit.OK

    return with_client(end)


def _change(group: str, user: str, members: Callable[[list[str], str], list[str]]) -> Exit:
    async def change(client: AsyncClient) -> Exit:
        found, user_id = await _find(client, group), await find_user(client, user)
        changed = await client.groups.update(
            found.id, found.name, roles=found.roles, user_ids=members(found.user_ids, user_id)
        )
        Output().either(changed, f"{changed.name} has {len(changed.user_ids)} members")
        return Exit.OK

    return with_client(change)


def _facts(group: Group) -> dict[str, str]:
    return {
        "group": group.id,
        "name": group.name,
        "roles": ", ".join(group.roles) or "none",
        "members": "\n".join(group.user_ids) or "none",
    }


async def _find(client: AsyncClient, name: str) -> Group:
    async for group in client.groups.list():
        if name in (group.id, group.name):
            return group
    raise CommandError(f"there is no group {name}: look with `signoff groups list`", code=Exit.REFUSED)
