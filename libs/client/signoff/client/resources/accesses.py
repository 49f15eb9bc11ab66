"""The access log: who read what in the workspace, and who was turned away."""

from collections.abc import AsyncGenerator, Sequence

from signoff.client.answers.accesses import Access, AccessType
from signoff.client.resources.resource import Paged, Resource
from signoff.client.transport import api_path, query


class _Page(Paged):
    accesses: list[Access]


class AsyncAccesses(Resource):
    """``client.accesses``; for administrators and auditors."""

    def list(
        self,
        *,
        types: Sequence[AccessType] = (),
        actor: str | None = None,
        execution_id: str | None = None,
        since: str | None = None,
        until: str | None = None,
        page_size: int = 100,
    ) -> AsyncGenerator[Access, None]:
        """Accesses, the newest first.

        Args:
            types: of these kinds alone.
            actor: by the user of this id, also by their keys, or by the key of this id.
            execution_id: to this execution.
            since: not before this moment, ISO 8601 with its offset; 30 days before ``until`` by default.
            until: not after this moment; now by default.
            page_size: how many are asked for at once.
        """
        params = {
            **query(actor=actor, executionId=execution_id, to=until, type=",".join(types) or None),
            **({} if since is None else {"from": since}),
        }
        return self._listed(
            api_path("access-log"), _Page, lambda page: page.accesses, page_size=page_size, params=params
        )
