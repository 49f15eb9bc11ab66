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
from collections.abc import Callable, Mapping
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from signoff.access.errors import PersonConflictError
from signoff.access.keys.making import digest_of
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
            return await self._found(_EMAIL, folded(address))
        except ValueError:
            return None

    async def by_subject(self, issuer: str, subject: str) -> str | None:
        """The id of the user whom an OpenID provider knows so."""
        return await self._found(_SUBJECT, _subject_key(issuer, subject))

    async def add(self, user_id: str, person: Person, *, is_user: Callable[[str], bool]) -> str:
        """Keep a new person, before the directory has them as a user.

        Where the address, or the provider's subject, is somebody's already, nothing is kept, unless they
        never became a user: then an earlier attempt broke off, and this one goes on with its id.

        Args:
            user_id: of the new user; a request that is repeated gives the same one again.
            person: with an address, unless it is a service account.
            is_user: whether the directory has a user with this id.

        Returns:
            The id of the user who has the address; another than ``user_id`` when it was taken.

        Raises:
            ValueError: the address is none.
            PersonConflictError: the id is another person's, or was that of one who was erased.
        """
        keys = _keys(person)
        if is_user(user_id):
            if not _is_one(await self.get(user_id), keys):
                raise PersonConflictError("the id is another person's")
            return user_id
        owner = user_id
        for kind in (_EMAIL, _SUBJECT):
            if kind in keys and (owner == user_id or not is_user(owner)):
                owner = await self._claim_new(kind, keys, owner, is_user)
        if owner == user_id or not is_user(owner):
            await self._keep_new(owner, person)
        return owner

    async def link(self, user_id: str, issuer: str, subject: str) -> bool:
        """Let an OpenID provider vouch for a person from now on; gives whether it does.

        It does not when its subject is another user already, or the person has another subject.
        """
        key = _subject_key(issuer, subject)
        if await self._claim(_SUBJECT, key, user_id) != user_id:
            return False
        person = await self.change(user_id, lambda each: _linked(each, issuer, subject))
        if person is not None and (person.issuer, person.subject) == (issuer, subject):
            return True
        await self._release(_SUBJECT, key, user_id)
        return False

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
        await self._release_all(_keys(person), user_id, but={})
        return await self._records.remove(_PERSON, _SCOPE, user_id)

    async def _found(self, kind: str, key: str) -> str | None:
        """Whose a key is. The person has the last word: a claim may be left over from what broke off."""
        user_id = await self._user_of(kind, key)
        person = None if user_id is None else await self.get(user_id)
        return user_id if person is not None and _keys(person).get(kind) == key else None

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

    async def _claim_new(
        self, kind: str, keys: Mapping[str, str], user_id: str, is_user: Callable[[str], bool]
    ) -> str:
        """The same for a new person; a subject follows their address, where these were parted."""
        owner = await self._claim(kind, keys[kind], user_id)
        if owner == user_id or kind == _EMAIL or _EMAIL not in keys or is_user(owner):
            return owner
        await self._release(kind, keys[kind], owner)
        await self.erase(owner)
        return await self._claim(kind, keys[kind], user_id)

    async def _keep_new(self, user_id: str, person: Person) -> None:
        """Keep a person under an id that is theirs, in place of one whose adding broke off."""
        keys = _keys(person)
        for _ in range(_TRIES):
            kept = await self._records.get(_PERSON, _SCOPE, user_id)
            earlier = None if kept is None else _decoder.decode(kept.value)
            if earlier is not None and not _is_one(earlier, keys):
                await self._release_all(keys, user_id, but=_keys(earlier))
                raise PersonConflictError("the id is another person's")
            try:
                expected = 0 if kept is None else kept.version
                await self._records.put(_PERSON, _SCOPE, user_id, _encode(person), expected=expected)
            except RecordConflictError:
                continue
            if earlier is not None:
                await self._release_all(_keys(earlier), user_id, but=keys)
            return
        raise StoreUnavailableError("the person is being changed by others")

    async def _release_all(self, keys: Mapping[str, str], user_id: str, *, but: Mapping[str, str]) -> None:
        for kind, key in keys.items() - but.items():
            await self._release(kind, key, user_id)

    async def _release(self, kind: str, key: str, user_id: str) -> None:
        kept = await self._records.get(kind, _SCOPE, key)
        if kept is not None and kept.value.decode() == user_id:
            await self._records.remove(kind, _SCOPE, key, expected=kept.version)


def _keys(person: Person) -> dict[str, str]:
    """What a person is found by, by its kind."""
    keys = {} if person.email is None else {_EMAIL: folded(person.email)}
    if person.issuer is not None and person.subject is not None:
        keys[_SUBJECT] = _subject_key(person.issuer, person.subject)
    return keys


def _is_one(person: Person | None, keys: Mapping[str, str]) -> bool:
    """Whether a person that is kept is the one with these keys: by address, or by the provider's word."""
    if person is None:
        return False
    own = _keys(person)
    return own.get(_EMAIL) == keys.get(_EMAIL) or (_SUBJECT in own and own[_SUBJECT] == keys.get(_SUBJECT))


def _linked(person: Person, issuer: str, subject: str) -> Person:
    if person.subject is not None:
        return person
    return msgspec.structs.replace(person, issuer=issuer, subject=subject)


def _subject_key(issuer: str, subject: str) -> str:
    return digest_of(msgspec.json.encode([issuer, subject]).decode())
