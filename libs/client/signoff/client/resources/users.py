"""The users of an installation: people and programs' accounts. What they may do, workspaces say."""

from collections.abc import AsyncGenerator

from signoff.client.answers.workspaces import User
from signoff.client.errors import Json
from signoff.client.resources.keys import AsyncKeys
from signoff.client.resources.resource import Paged, Resource
from signoff.client.transport import api_path, query


class _Users(Paged):
    users: list[User]


class AsyncUsers(Resource):
    """``client.users``: for administrators of the default workspace."""

    async def create(
        self,
        name: str,
        *,
        email: str | None = None,
        password: str | None = None,
        service: bool = False,
        idempotency_key: str | None = None,
    ) -> User:
        """Add somebody. They may do nothing until they are a member of a workspace.

        Args:
            name: as others see them.
            email: that they sign in with; a service has none.
            password: their first one; without it they sign in with the OpenID provider.
            service: it is a program's account, which has keys and cannot sign in.
            idempotency_key: the same key and request again add nobody further.
        """
        body: dict[str, Json] = {"name": name, "service": service}
        body |= {"email": email} if email is not None else {}
        body |= {"password": password} if password is not None else {}
        return await self._transport.call(User, "POST", api_path("users"), json=body, key=idempotency_key)

    async def get(self, user_id: str) -> User:
        """A user.

        Raises:
            NotFoundError: there is none.
        """
        return await self._transport.call(User, "GET", api_path("users", user_id))

    async def update(
        self,
        user_id: str,
        *,
        name: str | None = None,
        disabled: bool | None = None,
        password: str | None = None,
        idempotency_key: str | None = None,
    ) -> User:
        """Change a user; what is left away stays.

        Args:
            user_id: who.
            name: as others see them.
            disabled: their keys and sessions are good for nothing as long as it is so.
            password: a new one; it ends all their sessions.
            idempotency_key: the same key and request again change nothing further.
        """
        given = {"name": name, "disabled": disabled, "password": password}
        body = {name: value for name, value in given.items() if value is not None}
        return await self._transport.call(
            User, "PATCH", api_path("users", user_id), json=body, key=idempotency_key
        )

    async def erase(self, user_id: str) -> None:
        """Forget a person: name, address, password, sessions, keys and memberships are gone.

        The record keeps what was done under their id, and nothing that says whose it was.
        """
        await self._transport.remove(api_path("users", user_id))

    def keys(self, user_id: str) -> AsyncKeys:
        """The keys of a service, made for it as people make their own; the server is not asked.

        Its methods raise :class:`~signoff.client.ConflictError` where the user is a person.

        Args:
            user_id: the service.
        """
        place = ("users", user_id, "keys")
        return AsyncKeys(self._transport, patience=self._patience, place=place)

    def list(self, *, email: str | None = None, page_size: int = 100) -> AsyncGenerator[User, None]:
        """The users.

        Args:
            email: only the one with this address.
            page_size: how many are asked for at once.
        """
        return self._listed(
            api_path("users"),
            _Users,
            lambda page: page.users,
            page_size=page_size,
            params=query(email=email),
        )
