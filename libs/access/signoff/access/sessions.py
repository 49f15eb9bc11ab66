"""Browser sessions: a random token in a cookie; what it stands for is a record beside the log."""

import secrets
from http.cookies import CookieError, SimpleCookie
from typing import Final, Literal
from uuid import UUID

import msgspec
from msgspec import Struct

from signoff.access.keys import digest_of
from signoff.events.errors import RecordConflictError, StoreUnavailableError
from signoff.events.records import Records

COOKIE: Final = "signoff_session"
LIFETIME: Final = 14 * 24 * 3600.0
"""Seconds after which a session ends, whatever is done in it."""

_KIND: Final = "session"
_EPOCH: Final = "session-epoch"
_SCOPE: Final = UUID(int=0)
_BYTES: Final = 32
_TRIES: Final = 10

SignInMethod = Literal["password", "oidc"]


class Session(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Who signed in, how and when (seconds since the epoch, UTC).

    ``epoch`` is the user's (:meth:`Sessions.epoch`) from before they proved who they are.
    """

    user_id: str
    method: SignInMethod
    signed_in_at: float
    epoch: int = 0


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
        await self._records.put(
            _KIND,
            _SCOPE,
            digest_of(token),
            _encode(session),
            expected=0,
            expires_at=session.signed_in_at + LIFETIME,
        )
        return token

    async def find(self, token: str) -> Session | None:
        """The session of a token; ``None`` when it ended, or never was."""
        kept = await self._records.get(_KIND, _SCOPE, digest_of(token))
        if kept is None:
            return None
        session = _decoder.decode(kept.value)
        return session if session.epoch == await self.epoch(session.user_id) else None

    async def end(self, token: str) -> None:
        """End a session; one that is not there is as good as ended."""
        await self._records.remove(_KIND, _SCOPE, digest_of(token))

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


def session_token(cookies: str) -> str | None:
    """The session's token in a ``Cookie`` header, if there is one."""
    try:
        morsel = SimpleCookie(cookies).get(COOKIE)
    except CookieError:
        return None
    return None if morsel is None else morsel.value or None
