"""Browser sessions: a random token in a cookie; what it stands for is a record beside the log."""

import secrets
from http.cookies import CookieError, SimpleCookie
from typing import Final, Literal
from uuid import UUID

import msgspec
from msgspec import Struct

from signoff.access.keys.making import digest_of
from signoff.events.errors import RecordConflictError, StoreUnavailableError
from signoff.events.records import Records

COOKIE: Final = "signoff_session"
LIFETIME: Final = 14 * 24 * 3600.0
"""Seconds after which a session ends, whatever is done in it."""

_KIND: Final = "session"
_EPOCH: Final = "session-epoch"
_OF_USER: Final = "session-of"
"""By user and digest: what somebody's sessions are found by."""
_SCOPE: Final = UUID(int=0)
_BYTES: Final = 32
_TRIES: Final = 10
_PAGE: Final = 100
_NAME: Final = 22
"""Characters of a digest that name its session: in addresses, too."""

_TO_NAME: Final = str.maketrans("+/", "._")  # no "-": a command line would take it for an option
_FROM_NAME: Final = str.maketrans("._", "+/")

SignInMethod = Literal["password", "oidc", "apiKey"]


class Session(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Who signed in, how and when (seconds since the epoch, UTC).

    ``epoch`` is the user's (:meth:`Sessions.epoch`) from before they proved who they are. Whoever signed in
    with an API key acts with that key, by its ``key_digest``, and there is no ``user_id``. ``must_change``:
    with a password that somebody else had chosen; another password begins another session.
    """

    user_id: str = ""
    method: SignInMethod
    signed_in_at: float
    epoch: int = 0
    key_digest: str | None = None
    must_change: bool = False


_decoder: Final = msgspec.json.Decoder(Session)
_encode: Final = msgspec.json.encode


class Sessions:
    """Begins, finds and ends sessions. Only a digest of the token is kept.

    Args:
        records: where.
    """

    def __init__(self, records: Records) -> None:
        self._records = records

    async def begin(self, session: Session) -> str:
        """Keep a new session; gives its token, for the cookie."""
        token = secrets.token_urlsafe(_BYTES)
        digest, value, end = digest_of(token), _encode(session), session.signed_in_at + LIFETIME
        if session.user_id:
            await self._records.put(
                _OF_USER, _SCOPE, f"{session.user_id}/{digest}", value, expected=0, expires_at=end
            )
        await self._records.put(_KIND, _SCOPE, digest, value, expected=0, expires_at=end)
        return token

    async def of_user(self, user_id: str) -> list[tuple[str, Session]]:
        """A user's sessions that last, the newest first, each with what names it (:func:`session_name`).

        No more than the first 100 that are kept are looked at.
        """
        epoch, prefix = await self.epoch(user_id), f"{user_id}/"
        page = await self._records.list(_OF_USER, _SCOPE, after=prefix, limit=_PAGE)
        own = [(kept.key, _decoder.decode(kept.value)) for kept in page if kept.key.startswith(prefix)]
        lasting = [(_name(key.removeprefix(prefix)), each) for key, each in own if each.epoch == epoch]
        return sorted(lasting, key=lambda each: each[1].signed_in_at, reverse=True)

    async def end_named(self, user_id: str, name: str) -> bool:
        """End a session of a user by what names it; says whether there was one."""
        prefix = f"{user_id}/{name.translate(_FROM_NAME)}"
        page = await self._records.list(_OF_USER, _SCOPE, after=prefix, limit=1)
        if len(name) != _NAME or not page or not page[0].key.startswith(prefix):
            return False
        await self._end(page[0].key.removeprefix(f"{user_id}/"), user_id)
        return True

    async def find(self, token: str) -> Session | None:
        """The session of a token; ``None`` when it ended, or never was."""
        kept = await self._records.get(_KIND, _SCOPE, digest_of(token))
        if kept is None:
            return None
        session = _decoder.decode(kept.value)
        if session.key_digest is not None:
            return session
        return session if session.epoch == await self.epoch(session.user_id) else None

    async def end(self, token: str) -> None:
        """End a session; one that is not there is as good as ended."""
        digest = digest_of(token)
        kept = await self._records.get(_KIND, _SCOPE, digest)
        if kept is not None:
            await self._end(digest, _decoder.decode(kept.value).user_id)

    async def _end(self, digest: str, user_id: str) -> None:
        await self._records.remove(_KIND, _SCOPE, digest)
        if user_id:
            await self._records.remove(_OF_USER, _SCOPE, f"{user_id}/{digest}")

    async def epoch(self, user_id: str) -> int:
        """How often all sessions of a user were ended: only those of the present epoch last."""
        kept = await self._records.get(_EPOCH, _SCOPE, user_id)
        return 0 if kept is None else int(kept.value)

    async def end_all(self, user_id: str) -> int:
        """End every session of a user, also one that is just being begun; gives the epoch that follows.

        Raises:
            StoreUnavailableError: others did the same all the time.
        """
        for _ in range(_TRIES):
            kept = await self._records.get(_EPOCH, _SCOPE, user_id)
            epoch, version = (0, 0) if kept is None else (int(kept.value), kept.version)
            try:
                await self._records.put(_EPOCH, _SCOPE, user_id, b"%d" % (epoch + 1), expected=version)
            except RecordConflictError:
                continue
            return epoch + 1
        raise StoreUnavailableError("the user's sessions are being ended by others")


def session_name(token: str) -> str:
    """What names a session to its user: it tells nothing of the token."""
    return _name(digest_of(token))


def _name(digest: str) -> str:
    return digest[:_NAME].translate(_TO_NAME)


def session_token(cookies: str) -> str | None:
    """The session's token in a ``Cookie`` header, if there is one."""
    try:
        morsel = SimpleCookie(cookies).get(COOKIE)
    except CookieError:
        return None
    return None if morsel is None else morsel.value or None
