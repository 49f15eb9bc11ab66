"""What people change of themselves: their name and their password."""

from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from signoff.access.callers import Principal
from signoff.access.signing_in.passwords import MAX_LENGTH
from signoff.access.signing_in.people import Person
from signoff.gateway.errors import ApiError, bad_field
from signoff.gateway.people.accounts import (
    UserView,
    end_sessions,
    find_person,
    free_user,
    hashed,
    user_view,
)
from signoff.gateway.people.identity import IDENTITY, Name, NewPassword
from signoff.gateway.people.signing_in import sign_in, verified


class ProfileChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How others are to see the caller."""

    name: Name


class PasswordChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """The password as it is, and as it is to be."""

    current_password: Annotated[str, Meta(max_length=MAX_LENGTH)]
    new_password: NewPassword


async def change_profile(request: web.Request, caller: Principal, body: ProfileChange) -> UserView:
    """Change how others see the caller.

    Raises:
        ApiError: 403, the key may not; 404, they were just erased.
    """
    user_id = free_user(request, caller)
    await find_person(request, user_id)
    person = await request.app[IDENTITY].people.change(
        user_id, lambda kept: msgspec.structs.replace(kept, name=body.name)
    )
    return user_view(request, user_id, person)


async def set_password(
    request: web.Request, caller: Principal, body: PasswordChange, response: web.StreamResponse
) -> None:
    """Give the caller another password, and end their sessions but the one that asks.

    Args:
        request: asks for it.
        caller: whose password it is.
        body: the password as it is, and as it is to be.
        response: takes the cookie of the session that goes on.

    Raises:
        ApiError: 403, the key may not, or the password is wrong; 400, the new one is the old one; 409, there
            is none, or somebody else has just set one; 429, the password was wrong too often.
    """
    user_id = free_user(request, caller)
    person = await find_person(request, user_id)
    if person.password_hash is None:
        raise ApiError(409, "You have no password: an administrator of the installation can set one")
    if not await verified(request, f"user/{user_id}", person.password_hash, body.current_password):
        raise ApiError(403, "The current password is wrong")
    if body.new_password == body.current_password:
        raise bad_field("newPassword", "must be another one than the current password")
    new_hash = await hashed(request, body.new_password)

    def alter(kept: Person) -> Person:
        # Whoever set another password in the meantime has the last word.
        if kept.password_hash != person.password_hash:
            return kept
        return msgspec.structs.replace(kept, password_hash=new_hash, must_change=False)

    changed = await request.app[IDENTITY].people.change(user_id, alter)
    if changed is None or changed.password_hash != new_hash:
        raise ApiError(409, "The password has just been changed by somebody else: sign in with that one")
    epoch = await end_sessions(request, user_id)
    if caller.auth_method == "session":
        await sign_in(request, response, user_id, method="password", epoch=epoch)
