"""Users as callers see them, and how they come to be and go."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from aiohttp import web
from msgspec import Struct

from signoff.access.callers import Principal
from signoff.access.directory.fold import Key
from signoff.access.errors import PasswordsBusyError, PersonConflictError
from signoff.access.signing_in.people import Person, folded
from signoff.events.times import iso
from signoff.events.types import (
    DirectoryFact,
    Json,
    KeyRevoked,
    MemberRemoved,
    UserAdded,
    UserDisabled,
)
from signoff.gateway.directory import change
from signoff.gateway.errors import ApiError, bad_field, unavailable
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.people.identity import IDENTITY

NEEDS_FREE: Final = "Needs a session, or a personal key that is bound by no roles, workspace or time."
"""What `free_user` asks for, for the docs."""


class UserView(Struct, frozen=True, kw_only=True, rename="camel"):
    """A user.

    Attributes:
        id: names the user in the log.
        name: as they are shown; ``None`` for one who was erased.
        email: their address; service accounts have none.
        service: a program's account, which cannot sign in.
        disabled: they may do nothing, with no key and no session.
        created_at: UTC, ISO 8601.
    """

    id: str
    name: str | None
    email: str | None
    service: bool
    disabled: bool
    created_at: str


def user_view(request: web.Request, user_id: str, person: Person | None) -> UserView:
    """A user of the directory, with what is kept of the person."""
    user = request.app[GATEWAY].directory.state.users[user_id]
    return UserView(
        id=user_id,
        name=None if person is None else person.name,
        email=None if person is None else person.email,
        service=user.service,
        disabled=user.disabled,
        created_at=iso(user.added_at),
    )


def user_of(caller: Principal) -> str:
    """The id of the user behind a caller.

    Raises:
        ApiError: 403, there is none.
    """
    if caller.user_id is None:
        raise ApiError(403, "This key is a workspace's: it has no user")
    return caller.user_id


def free_user(request: web.Request, caller: Principal) -> str:
    """The caller's user, where nothing bounds what they may do: a bounded key must not make a free one.

    Raises:
        ApiError: 403, there is no user, or the key is bounded.
    """
    user_id = user_of(caller)
    if caller.actor.type == "user":
        return user_id
    key = request.app[GATEWAY].directory.state.keys.get(caller.actor.id)
    if key is None or _is_bounded(key):
        raise ApiError(403, f"This key may not change the account. {NEEDS_FREE}")
    return user_id


def _is_bounded(key: Key) -> bool:
    return key.roles is not None or key.workspace_id is not None or key.expires_at is not None


async def people_of(request: web.Request, user_ids: Sequence[str]) -> list[Person | None]:
    """What is kept of some users, no more than a page of them."""
    people = request.app[IDENTITY].people
    return await asyncio.gather(*(people.get(each) for each in user_ids))


async def find_person(request: web.Request, user_id: str) -> Person:
    """What is kept of a user.

    Raises:
        ApiError: 404, they were erased or never were.
    """
    person = None
    if user_id in request.app[GATEWAY].directory.state.users:
        person = await request.app[IDENTITY].people.get(user_id)
    if person is None:
        raise ApiError(404, "User not found")
    return person


def check_address(address: str) -> str:
    """An e-mail address as it was given, without spaces around it.

    Raises:
        ApiError: 400, it is none.
    """
    try:
        folded(address)
    except ValueError as error:
        raise bad_field("email", str(error)) from error
    return address.strip()


async def hashed(request: web.Request, password: str) -> str:
    """The hash of a new password.

    Raises:
        ApiError: 503, too many are being worked on.
    """
    try:
        return await request.app[IDENTITY].passwords.hash(password)
    except PasswordsBusyError as error:
        raise unavailable() from error


async def add_user(
    request: web.Request,
    caller: Principal,
    user_id: str,
    person: Person,
    *,
    body: Json,
    service: bool = False,
    facts: Callable[[str], list[DirectoryFact]] = lambda _: [],
    also_known: bool = False,
) -> str:
    """Add a user, with what is kept of the person.

    Args:
        request: asks for it.
        caller: whose doing it is.
        user_id: of the new user.
        person: who they are.
        body: what tells the request from others with the same ``Idempotency-Key``.
        service: a program's account.
        facts: what is recorded with it, by the user's id.
        also_known: one who is a user already is as good: ``facts`` are recorded of them.

    Returns:
        The user's id: another than ``user_id`` for one who is known, or whose adding broke off before.

    Raises:
        ApiError: 409, they are a user already, or the ``Idempotency-Key`` was used for somebody else.
    """
    directory = request.app[GATEWAY].directory
    await directory.look()  # one who became a user a moment ago, elsewhere, must not be taken for nobody
    users = directory.state.users
    try:
        user_id = await request.app[IDENTITY].people.add(user_id, person, is_user=users.__contains__)
    except PersonConflictError as error:
        raise ApiError(409, "This Idempotency-Key was used with another request before") from error
    proposed = facts(user_id)
    if not (also_known and user_id in request.app[GATEWAY].directory.state.users):
        proposed = [UserAdded(actor=caller.actor, user_id=user_id, service=service), *proposed]
    await change(request, caller, proposed, body=body)
    return user_id


async def end_sessions(request: web.Request, user_id: str) -> int:
    """Sign a user out everywhere; gives the epoch of the sessions that may follow."""
    return await request.app[IDENTITY].sessions.end_all(user_id)


async def erase_user(request: web.Request, caller: Principal, user_id: str) -> None:
    """Take everything from a user and forget who they are; the log keeps their id. It may be repeated.

    Raises:
        ApiError: 409, a workspace would be left without an administrator.
    """
    state = request.app[GATEWAY].directory.state
    facts: list[DirectoryFact] = [
        KeyRevoked(actor=caller.actor, key_id=key_id)
        for key_id, key in state.keys.items()
        if key.user_id == user_id
    ]
    facts += [
        MemberRemoved(actor=caller.actor, workspace_id=workspace_id, user_id=user_id)
        for workspace_id in state.memberships(user_id)
    ]
    if not state.users[user_id].disabled:
        facts.append(UserDisabled(actor=caller.actor, user_id=user_id))
    if facts:
        await change(request, caller, facts)
    await end_sessions(request, user_id)
    await request.app[IDENTITY].people.erase(user_id)
