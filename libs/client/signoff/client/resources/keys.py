"""API keys: those of a workspace, which act in it alone, and those of users, which act as them."""

from collections.abc import AsyncGenerator, Sequence

from signoff.client.answers.workspaces import Key, NewKey, Role
from signoff.client.errors import Json
from signoff.client.resources.resource import Paged, Resource
from signoff.client.transport import Transport, api_path


class _Keys(Paged):
    keys: list[Key]


class AsyncKeys(Resource):
    """``client.keys``, of the workspace, ``client.own_keys``, of the caller, and ``client.users.keys(…)``.

    Args:
        transport: to the server.
        patience: seconds that streams go on trying without a server.
        place: where the keys are kept, under ``/api``.
    """

    def __init__(self, transport: Transport, *, patience: float, place: Sequence[str] = ("keys",)) -> None:
        super().__init__(transport, patience=patience)
        self._place = tuple(place)

    async def create(
        self,
        name: str,
        *,
        roles: Sequence[Role] | None = None,
        workspace_id: str | None = None,
        expires_at: str | None = None,
        idempotency_key: str | None = None,
    ) -> NewKey:
        """Make a key. Its secret is shown this once.

        Args:
            name: what it is for.
            roles: what it may do, no more than the caller may. A workspace's key must have some; a user's
                without any may do all that they may.
            workspace_id: where alone a user's key acts; in all their workspaces where it is left away.
            expires_at: ISO 8601; never where it is left away.
            idempotency_key: the same key and request again, for an hour, show the same secret.
        """
        return await self._transport.call(
            NewKey,
            "POST",
            api_path(*self._place),
            json=_body(name, roles, workspace_id, expires_at),
            key=idempotency_key,
        )

    async def rotate(
        self, key_id: str, *, overlap_seconds: int = 0, idempotency_key: str | None = None
    ) -> NewKey:
        """Give a key a new secret.

        Args:
            key_id: the key.
            overlap_seconds: how long the old one is good yet, so that nobody is locked out; up to 30 days.
            idempotency_key: the same key and request again, for an hour, show the same secret.
        """
        return await self._transport.call(
            NewKey,
            "POST",
            api_path(*self._place, key_id, "rotate"),
            json={"overlapSeconds": overlap_seconds},
            key=idempotency_key,
        )

    async def revoke(self, key_id: str) -> None:
        """Make a key good for nothing any more, at once.

        Raises:
            NotFoundError: there is none.
        """
        await self._transport.remove(api_path(*self._place, key_id))

    def list(self, *, page_size: int = 100) -> AsyncGenerator[Key, None]:
        """The keys, by id, without their secrets."""
        return self._listed(api_path(*self._place), _Keys, lambda page: page.keys, page_size=page_size)


def _body(
    name: str, roles: Sequence[Role] | None, workspace_id: str | None, expires_at: str | None
) -> dict[str, Json]:
    bounds: dict[str, Json] = {} if roles is None else {"roles": list(roles)}
    bounds |= {} if workspace_id is None else {"workspaceId": workspace_id}
    bounds |= {} if expires_at is None else {"expiresAt": expires_at}
    return {"name": name, **bounds}
