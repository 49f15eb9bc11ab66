"""Who people are: names, addresses and how they sign in, as records beside the log (ADR 0022).

The log knows users by their ids only. Erasing a person removes everything that is kept here.

============  ==========================  ======================================
kind          key                         value
============  ==========================  ======================================
``person``    user id                     `Person`
``email``     address, folded             user id: an address is one person's
``subject``   digest of issuer, subject   user id: how OpenID Connect knows them
============  ==========================  ======================================
"""

import re
import unicodedata
from collections.abc import Callable
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from signoff.access.keys import digest_of
from signoff.events.errors import RecordConflictError, StoreUnavailableError
from signoff.events.records import Records

MAX_ADDRESS: Final = 254
"""Bytes of an e-mail address (RFC 5321, 4.5.3.1.3)."""

_PERSON: Final = "person"
_EMAIL: Final = "email"
_SUBJECT: Final = "subject"
_SCOPE: Final = UUID(int=0)
_TRIES: Final = 10
_ADDRESS: Final = re.compile(r"[^\s@]+@[^\s@]+")


class Person(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """What is kept of a user; a service account has a name only.

    Attributes:
        name: as they are shown to others.
        created_at: seconds since the epoch, UTC.
        email: as it was given.
        password_hash: of Argon2id, with its parameters.
        must_change: the password was set by somebody else.
        issuer: the OpenID provider that vouches for them, with ``subject``, their name there.
    """

    name: str
    created_at: float
    email: str | None = None
    password_hash: str | None = None
    must_change: bool = False
    issuer: str | None = None
    subject: str | None = None


_decoder: Final = msgspec.json.Decoder(Person)
_encode: Final = msgspec.json.encode


def folded(address: str) -> str:
    """An e-mail address as it is compared: two that fold to the same are one person's.

    Raises:
        ValueError: the text is no address.
    """
    text = unicodedata.normalize("NFKC", address.strip()).casefold()
    if not (_ADDRESS.fullmatch(text) and text.isprintable() and len(text.encode()) <= MAX_ADDRESS):
        raise ValueError("must be an e-mail address such as ada@example.org")
    return text


class People:
    """Finds, keeps and erases people.

    Args:
        records: where.
    """

    def __init__(self, records: Records) -> None:
        self._records = records

    async def get(self, user_id: str) -> Person | None:
        """A person; ``None`` for one who was erased, or never was."""
        kept = await self._records.get(_PERSON, _SCOPE, user_id)
        return None if kept is None else _decoder.decode(kept.value)

    async def page(self, *, after: str, limit: int) -> list[tuple[str, Person]]:
        """People with their user ids, in the order of these, from the one after ``after``."""
        kept = await self._records.list(_PERSON, _SCOPE, after=after, limit=limit)
        return [(each.key, _decoder.decode(each.value)) for each in kept]

    async def by_email(self, address: str) -> str | None:
        """The id of the user who has an address; ``None`` also for a text that is none."""
        try:
            return await self._user_of(_EMAIL, folded(address))
        except ValueError:
            return None

    async def by_subject(self, issuer: str, subject: str) -> str | None:
        """The id of the user whom an OpenID provider knows so."""
        return await self._user_of(_SUBJECT, _subject_key(issuer, subject))

    async def add(self, user_id: str, person: Person, *, is_user: Callable[[str], bool]) -> str:
        """Keep a new person, before the directory has them as a user.

        Where the address, or the provider's subject, is somebody's already, nothing is kept, unless they
        never became a user: then an earlier attempt broke off, and this one goes on with its id.

        Args:
            user_id: of the new user.
            person: with an address, unless it is a service account.
            is_user: whether the directory has a user with this id.

        Returns:
            The id of the user who has the address; another than ``user_id`` when it was taken.

        Raises:
            ValueError: the address is none.
        """
        if person.issuer is not None and person.subject is not None:
            user_id = await self._claim(_SUBJECT, _subject_key(person.issuer, person.subject), user_id)
        if person.email is not None:
            user_id = await self._claim(_EMAIL, folded(person.email), user_id)
        if not is_user(user_id):
            await self._records.put(_PERSON, _SCOPE, user_id, _encode(person))
        return user_id

    async def link(self, user_id: str, issuer: str, subject: str) -> bool:
        """Let an OpenID provider vouch for a person from now on; gives whether it does.

        It does not when its subject is another user already, or the person has another subject.
        """
        if await self._claim(_SUBJECT, _subject_key(issuer, subject), user_id) != user_id:
            return False
        person = await self.change(user_id, lambda each: _linked(each, issuer, subject))
        return person is not None and (person.issuer, person.subject) == (issuer, subject)

    async def change(self, user_id: str, alter: Callable[[Person], Person]) -> Person | None:
        """Keep a person as ``alter`` makes them of what is kept; ``None`` when there is nobody.

        Raises:
            StoreUnavailableError: others changed them all the time.
        """
        for _ in range(_TRIES):
            kept = await self._records.get(_PERSON, _SCOPE, user_id)
            if kept is None:
                return None
            person = alter(_decoder.decode(kept.value))
            try:
                await self._records.put(_PERSON, _SCOPE, user_id, _encode(person), expected=kept.version)
            except RecordConflictError:
                continue
            return person
        raise StoreUnavailableError("the person is being changed by others")

    async def erase(self, user_id: str) -> bool:
        """Remove all that is kept of a person; gives whether there was anything.

        The person goes last, so that an erasure which breaks off can be asked for again.
        """
        person = await self.get(user_id)
        if person is None:
            return False
        if person.email is not None:
            await self._release(_EMAIL, folded(person.email), user_id)
        if person.issuer is not None and person.subject is not None:
            await self._release(_SUBJECT, _subject_key(person.issuer, person.subject), user_id)
        return await self._records.remove(_PERSON, _SCOPE, user_id)

    async def _user_of(self, kind: str, key: str) -> str | None:
        kept = await self._records.get(kind, _SCOPE, key)
        return None if kept is None else kept.value.decode()

    async def _claim(self, kind: str, key: str, user_id: str) -> str:
        """Take a key that is unique; gives whose it is."""
        for _ in range(_TRIES):
            owner = await self._user_of(kind, key)
            if owner is not None:
                return owner
            try:
                await self._records.put(kind, _SCOPE, key, user_id.encode(), expected=0)
            except RecordConflictError:
                continue
            return user_id
        raise StoreUnavailableError("the person is being changed by others")

    async def _release(self, kind: str, key: str, user_id: str) -> None:
        kept = await self._records.get(kind, _SCOPE, key)
        if kept is not None and kept.value.decode() == user_id:
            await self._records.remove(kind, _SCOPE, key, expected=kept.version)


def _linked(person: Person, issuer: str, subject: str) -> Person:
    if person.subject is not None:
        return person
    return msgspec.structs.replace(person, issuer=issuer, subject=subject)


def _subject_key(issuer: str, subject: str) -> str:
    return digest_of(msgspec.json.encode([issuer, subject]).decode())
