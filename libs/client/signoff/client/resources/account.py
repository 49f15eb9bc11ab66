"""The caller as a user: their name, their password, and where they are signed in."""

from collections.abc import AsyncGenerator

import msgspec

from signoff.client.answers.workspaces import Session, User
from signoff.client.resources.resource import Paged, Resource
from signoff.client.transport import api_path


class _Sessions(Paged):
    sessions: list[Session]


class AsyncAccount(Resource):
    """``client.account``: of the user whose key it is; only a key that nothing bounds changes anything."""

    async def get(self) -> User:
        """The caller.

        Raises:
            PermissionDeniedError: the key is a workspace's, and has no user.
        """
        return await self._transport.call(User, "GET", _OWN)

    async def rename(self, name: str, *, idempotency_key: str | None = None) -> User:
        """Give the caller another name.

        Args:
            name: as others see them.
            idempotency_key: of the request, through its tries.
        """
        return await self._transport.call(User, "PATCH", _OWN, json={"name": name}, key=idempotency_key)

    async def change_password(self, current: str, new: str, *, idempotency_key: str | None = None) -> None:
        """Give the caller another password, which ends all their sessions; their keys go on.

        Args:
            current: the password as it is.
            new: as it is to be: 10 to 200 characters.
            idempotency_key: of the request, through its tries.

        Raises:
            PermissionDeniedError: the current one is wrong, or the key is bounded.
            InvalidRequestError: the new one is too short, or the same.
            ConflictError: the caller has none: they sign in with the OpenID provider.
        """
        body = msgspec.json.encode({"currentPassword": current, "newPassword": new})
        await self._transport.request(
            "POST", api_path("users", "me", "password"), body=body, key=idempotency_key
        )

    def sessions(self) -> AsyncGenerator[Session, None]:
        """Where the caller is signed in, the newest first; up to 100."""
        return self._listed(_SESSIONS, _Sessions, lambda page: page.sessions)

    async def end_session(self, session_id: str) -> None:
        """Sign the caller out in one browser.

        Raises:
            NotFoundError: it has ended.
        """
        await self._transport.remove(api_path("users", "me", "sessions", session_id))

    async def end_sessions(self) -> None:
        """Sign the caller out in all browsers; their keys go on."""
        await self._transport.remove(_SESSIONS)


_OWN = api_path("users", "me")
_SESSIONS = api_path("users", "me", "sessions")
