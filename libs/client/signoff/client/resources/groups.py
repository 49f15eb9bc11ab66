"""The groups of a workspace: users who have roles, and decide, together."""

from collections.abc import AsyncGenerator, Sequence

from signoff.client.answers.workspaces import Group, Role
from signoff.client.resources.resource import Paged, Resource
from signoff.client.transport import api_path


class _Groups(Paged):
    groups: list[Group]


class AsyncGroups(Resource):
    """``client.groups``."""

    async def create(
        self,
        name: str,
        *,
        roles: Sequence[Role] = (),
        user_ids: Sequence[str] = (),
        idempotency_key: str | None = None,
    ) -> Group:
        """Make a group.

        Args:
            name: for people; definitions name it, too.
            roles: what its members are by it.
            user_ids: its members.
            idempotency_key: the same key and request again make no further group.
        """
        return await self._transport.call(
            Group, "POST", api_path("groups"), json=_body(name, roles, user_ids), key=idempotency_key
        )

    async def update(
        self,
        group_id: str,
        name: str,
        *,
        roles: Sequence[Role],
        user_ids: Sequence[str],
        idempotency_key: str | None = None,
    ) -> Group:
        """Give a group another name, other roles or other members: all that it is from now on.

        Args:
            group_id: the group.
            name: for people; definitions name it, too.
            roles: what its members are by it.
            user_ids: its members.
            idempotency_key: the same key and request again change nothing further.
        """
        return await self._transport.call(
            Group, "PUT", api_path("groups", group_id), json=_body(name, roles, user_ids), key=idempotency_key
        )

    async def remove(self, group_id: str) -> None:
        """Dissolve a group; its members stay users."""
        await self._transport.remove(api_path("groups", group_id))

    async def get(self, group_id: str) -> Group:
        """A group.

        Raises:
            NotFoundError: the workspace has no such group.
        """
        return await self._transport.call(Group, "GET", api_path("groups", group_id))

    def list(self, *, page_size: int = 100) -> AsyncGenerator[Group, None]:
        """The groups of the workspace, by id."""
        return self._listed(api_path("groups"), _Groups, lambda page: page.groups, page_size=page_size)


def _body(name: str, roles: Sequence[Role], user_ids: Sequence[str]) -> dict[str, object]:
    return {"name": name, "roles": list(roles), "userIds": list(user_ids)}
