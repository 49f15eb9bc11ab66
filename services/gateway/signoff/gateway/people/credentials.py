"""Who somebody is, proved with an address and a password."""

from typing import Annotated, Final

from aiohttp import web
from msgspec import Meta, Struct
from msgspec.structs import replace

from signoff.access.signing_in.passwords import MAX_LENGTH
from signoff.access.signing_in.people import Person, folded
from signoff.gateway.errors import ApiError
from signoff.gateway.people.accounts import hashed
from signoff.gateway.people.identity import IDENTITY
from signoff.gateway.people.signing_in import may_sign_in, verified

WRONG: Final = "E-mail address or password is wrong"


class Credentials(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who wants to sign in."""

    email: Annotated[str, Meta(max_length=300)]
    password: Annotated[str, Meta(max_length=MAX_LENGTH)]

    def __repr__(self) -> str:
        return "Credentials()"


async def proved(request: web.Request, body: Credentials) -> tuple[str, int]:
    """The user whose password was given, and the epoch of their sessions from before it was looked at.

    Raises:
        ApiError: 401, it is not theirs; 429, it was tried too often; 503, too many are being worked on.
    """
    identity = request.app[IDENTITY]
    user_id = await identity.people.by_email(body.email)
    # The epoch first: a password that is changed from here on ends the session that the old one begins.
    epoch = 0 if user_id is None else await identity.sessions.epoch(user_id)
    person = None if user_id is None else await identity.people.get(user_id)
    kept = None if person is None else person.password_hash
    account = f"user/{user_id}" if user_id is not None else f"email/{_folded(body.email)}"
    is_right = await verified(request, account, kept, body.password)
    if not is_right or user_id is None or not may_sign_in(request, user_id):
        raise ApiError(401, WRONG)
    await _renew_hash(request, user_id, kept, body.password)
    return user_id, epoch


def _folded(address: str) -> str:
    """Somebody who is not here, by whatever spelling: one who is here is one account by all of them."""
    try:
        return folded(address)
    except ValueError:
        return address


async def _renew_hash(request: web.Request, user_id: str, kept: str | None, password: str) -> None:
    """Hash a password again that is right, when new ones are hashed otherwise by now."""
    identity = request.app[IDENTITY]
    if kept is None or not identity.passwords.is_outdated(kept):
        return
    newer = await hashed(request, password)

    def alter(person: Person) -> Person:
        # Whoever set another password in the meantime has the last word.
        return replace(person, password_hash=newer) if person.password_hash == kept else person

    await identity.people.change(user_id, alter)
