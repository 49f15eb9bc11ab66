"""``signoff users``: people and service accounts, for administrators of the installation."""

from typing import Annotated

from cyclopts import Parameter

from signoff.cli.arguments.people import find_user, read_password
from signoff.cli.connection import with_client
from signoff.cli.exits import CommandError, Exit
from signoff.cli.terminal import views
from signoff.cli.terminal.listing import AsJson, show_all, show_one
from signoff.cli.terminal.moments import moment
from signoff.cli.terminal.output import Output
from signoff.client import AsyncClient, User

_Switch = Parameter(negative="")


def list_users(*, email: str | None = None, as_json: AsJson = False) -> Exit:
    """List the users of the installation.

    Args:
        email: Only the one with this address.
        as_json: Print JSON lines on a terminal, too.
    """

    async def show(client: AsyncClient) -> Exit:
        columns = {
            "ID": lambda user: user.id,
            "NAME": lambda user: user.name,
            "EMAIL": lambda user: user.email,
            "SERVICE": lambda user: user.service,
            "DISABLED": lambda user: user.disabled,
        }
        await show_all(client.users.list(email=email), columns, Output(), as_json=as_json)
        return Exit.OK

    return with_client(show)


def add(
    name: str,
    *,
    email: str | None = None,
    password: Annotated[bool, _Switch] = False,
    service: Annotated[bool, _Switch] = False,
    as_json: AsJson = False,
) -> Exit:
    """Add a person or a service account. They may do nothing until they are a member of a workspace.

    Args:
        name: As others see them.
        email: The address that a person signs in with.
        password: Ask for their first password; in a pipe it is the first line of standard input.
        service: Add a program's account, which has keys and cannot sign in.
        as_json: Print JSON lines on a terminal, too.
    """
    if service == (email is not None) or (service and password):
        raise CommandError("give either --email for a person, or --service, which has no password")
    first = read_password() if password else None

    async def create(client: AsyncClient) -> Exit:
        user = await client.users.create(name, email=email, password=first, service=service)
        show_one(user, f"{name} is user {user.id}", Output(), as_json=as_json)
        return Exit.OK

    return with_client(create)


def show(user: str, *, as_json: AsJson = False) -> Exit:
    """Show a user, such as one whose id stands in a log.

    Args:
        user: Their address or id.
        as_json: Print a JSON line on a terminal, too.
    """

    async def look(client: AsyncClient) -> Exit:
        found, output = await client.users.get(await find_user(client, user)), Output()
        if as_json or not output.is_terminal:
            output.line(found)
        else:
            output.show(views.facts(_facts(found)))
        return Exit.OK

    return with_client(look)


def rename(user: str, name: str) -> Exit:
    """Give a user another name.

    Args:
        user: Their address or id.
        name: As others see them.
    """

    async def change(client: AsyncClient) -> Exit:
        renamed = await client.users.update(await find_user(client, user), name=name)
        Output().either(renamed, f"{renamed.id} is called {renamed.name}")
        return Exit.OK

    return with_client(change)


def disable(user: str) -> Exit:
    """Let a user do nothing any more, with no key and no session, until they are enabled.

    Args:
        user: Their address or id.
    """
    return _switch(user, disabled=True)


def enable(user: str) -> Exit:
    """Let a disabled user do again what they might.

    Args:
        user: Their address or id.
    """
    return _switch(user, disabled=False)


def remove(user: str) -> Exit:
    """Erase a person: name, address, password, sessions, keys and memberships. The log keeps the id.

    Args:
        user: Their address or id.
    """

    async def erase(client: AsyncClient) -> Exit:
        user_id = await find_user(client, user)
        await client.users.erase(user_id)
        Output().either({"erased": user_id}, f"{user_id} is erased")
        return Exit.OK

    return with_client(erase)


def password(user: str) -> Exit:
    """Set a user's password, which ends all their sessions. In a pipe it is a line of standard input.

    Args:
        user: Their address or id.
    """
    new = read_password()

    async def change(client: AsyncClient) -> Exit:
        changed = await client.users.update(await find_user(client, user), password=new)
        Output().either({"id": changed.id}, f"{changed.name} has another password")
        return Exit.OK

    return with_client(change)


def _switch(user: str, *, disabled: bool) -> Exit:
    async def change(client: AsyncClient) -> Exit:
        changed = await client.users.update(await find_user(client, user), disabled=disabled)
        Output().either(changed, f"{changed.name} is {'disabled' if changed.disabled else 'enabled'}")
        return Exit.OK

    return with_client(change)


def _facts(user: User) -> dict[str, str]:
    rows = {
        "user": user.id,
        "name": user.name,
        "email": user.email,
        "is": "a service account" if user.service else "a person",
        "disabled": "yes" if user.disabled else "no",
        "added": moment(user.created_at),
    }
    return {name: value for name, value in rows.items() if value}
