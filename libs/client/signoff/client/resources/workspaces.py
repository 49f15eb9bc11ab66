"""Workspaces and their members."""

from collections.abc import AsyncGenerator, Sequence

from signoff.client.answers.workspaces import Member, Role, Workspace
from signoff.client.errors import Json
from signoff.client.resources.resource import Paged, Resource
from signoff.client.transport import api_path


class _Workspaces(Paged):
    workspaces: list[Workspace]


class _Members(Paged):
    members: list[Member]


class AsyncWorkspaces(Resource):
    """``client.workspaces``."""

    async def create(self, name: str, *, idempotency_key: str | None = None) -> Workspace:
        """Make a workspace, whose administrator the caller is."""
        return await self._transport.call(
            Workspace, "POST", api_path("workspaces"), json={"name": name}, key=idempotency_key
        )

    async def get(self, workspace_id: str) -> Workspace:
        """A workspace.

        Raises:
            NotFoundError: there is none that the caller may know of.
        """
        return await self._transport.call(Workspace, "GET", api_path("workspaces", workspace_id))

    async def rename(self, workspace_id: str, name: str, *, idempotency_key: str | None = None) -> Workspace:
        """Call a workspace otherwise."""
        return await self._transport.call(
            Workspace, "PATCH", api_path("workspaces", workspace_id), json={"name": name}, key=idempotency_key
        )

    async def close(self, workspace_id: str) -> None:
        """Let nobody do anything in a workspace any more. Its record stays."""
        await self._transport.remove(api_path("workspaces", workspace_id))

    def list(self, *, page_size: int = 100) -> AsyncGenerator[Workspace, None]:
        """The workspaces that the caller may act in, by id."""
        path = api_path("workspaces")
        return self._listed(path, _Workspaces, lambda page: page.workspaces, page_size=page_size)

    def members(self, workspace_id: str, *, page_size: int = 100) -> AsyncGenerator[Member, None]:
        """The members of a workspace, by id."""
        path = api_path("workspaces", workspace_id, "members")
        return self._listed(path, _Members, lambda page: page.members, page_size=page_size)

    async def add_member(
        self,
        workspace_id: str,
        email: str,
        roles: Sequence[Role],
        *,
        name: str | None = None,
        idempotency_key: str | None = None,
    ) -> Member:
        """Add somebody by their address, whether they are a user already or not.

        Args:
            workspace_id: where.
            email: their address.
            roles: what they are there.
            name: as others see them, if they are new.
            idempotency_key: the same key and request again add nobody further.
        """
        body: dict[str, Json] = {"email": email, "roles": list(roles)}
        body |= {} if name is None else {"name": name}
        return await self._transport.call(
            Member, "POST", api_path("workspaces", workspace_id, "members"), json=body, key=idempotency_key
        )

    async def set_member(
        self, workspace_id: str, user_id: str, roles: Sequence[Role], *, idempotency_key: str | None = None
    ) -> Member:
        """Say what a user is in a workspace from now on; one who was no member becomes one.

        Args:
            workspace_id: where.
            user_id: who.
            roles: all that they are there.
            idempotency_key: the same key and request again change nothing further.
        """
        return await self._transport.call(
            Member,
            "PUT",
            api_path("workspaces", workspace_id, "members", user_id),
            json={"roles": list(roles)},
            key=idempotency_key,
        )

    async def remove_member(self, workspace_id: str, user_id: str) -> None:
        """Take somebody out of a workspace. What they did there stays in the record.

        Raises:
            ConflictError: it would be left without an administrator.
        """
        await self._transport.remove(api_path("workspaces", workspace_id, "members", user_id))
