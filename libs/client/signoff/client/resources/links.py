"""Links to one decision, each for one person."""

from collections.abc import AsyncGenerator

from signoff.client.answers.decisions import DecisionLink, NewDecisionLink
from signoff.client.errors import Json
from signoff.client.resources.resource import Paged, Resource
from signoff.client.transport import api_path


class _Links(Paged):
    links: list[DecisionLink]


class AsyncLinks(Resource):
    """``client.links``."""

    async def create(
        self,
        execution_id: str,
        context_id: str,
        *,
        user_id: str | None = None,
        expires_in_seconds: int | None = None,
        idempotency_key: str | None = None,
    ) -> NewDecisionLink:
        """Make a link by which one person decides at one pause point. Its token is shown this once.

        It is good for one decision, and lets nobody decide who may not.

        Args:
            execution_id: the execution that waits.
            context_id: the point.
            user_id: another member, with write permission; the caller where it is left away.
            expires_in_seconds: how long it is good; a week where it is left away, at most 90 days.
            idempotency_key: of the request, through its tries.
        """
        given: dict[str, Json] = {"userId": user_id, "expiresInSeconds": expires_in_seconds}
        return await self._transport.call(
            NewDecisionLink,
            "POST",
            api_path("inbox", execution_id, context_id, "links"),
            json={name: value for name, value in given.items() if value is not None},
            key=idempotency_key,
        )

    async def revoke(self, execution_id: str, context_id: str, link_id: str) -> None:
        """Let a link be good for nothing from now on."""
        await self._transport.remove(api_path("inbox", execution_id, context_id, "links", link_id))

    def list(
        self, execution_id: str, context_id: str, *, page_size: int = 100
    ) -> AsyncGenerator[DecisionLink, None]:
        """The links to a pause point that have not expired: the caller's own; with write permission all.

        Args:
            execution_id: the execution.
            context_id: the point.
            page_size: how many are asked for at once.
        """
        return self._listed(
            api_path("inbox", execution_id, context_id, "links"),
            _Links,
            lambda page: page.links,
            page_size=page_size,
        )
