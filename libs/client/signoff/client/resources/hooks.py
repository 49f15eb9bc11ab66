"""Outgoing webhooks: set, tested, and what became of their deliveries."""

from collections.abc import AsyncGenerator, Sequence
from typing import Literal

from msgspec import Struct

from signoff.client.answers.workspaces import Delivery, Hook, HookTest, NewHook, Replayed
from signoff.client.errors import Json
from signoff.client.resources.resource import Paged, Resource
from signoff.client.transport import api_path, query


class _Hooks(Paged):
    hooks: list[Hook]


class _DeliveryPage(Paged):
    deliveries: list[Delivery]


class _Removed(Struct):
    removed: int
    more: bool = False


class AsyncHooks(Resource):
    """``client.hooks``."""

    async def create(
        self,
        url: str,
        *,
        types: Sequence[str] = (),
        workflow_ids: Sequence[str] = (),
        enabled: bool = True,
        idempotency_key: str | None = None,
    ) -> NewHook:
        """Let events be sent to a URL. The secret that signs them is shown this once.

        Args:
            url: that receives them, by POST; :mod:`signoff.client.webhooks` checks them there.
            types: of events; executions' and pauses' main ones where they are left away.
            workflow_ids: of these workflows only.
            enabled: whether it is sent to.
            idempotency_key: the same key and request again make no further hook.
        """
        return await self._transport.call(
            NewHook,
            "POST",
            api_path("hooks"),
            json=_body(url, types, workflow_ids, enabled=enabled),
            key=idempotency_key,
        )

    async def get(self, hook_id: str) -> Hook:
        """A hook; what stands in its URL's query is hidden.

        Raises:
            NotFoundError: there is none.
        """
        return await self._transport.call(Hook, "GET", api_path("hooks", hook_id))

    async def update(
        self,
        hook_id: str,
        *,
        url: str | None = None,
        types: Sequence[str] = (),
        workflow_ids: Sequence[str] = (),
        enabled: bool = True,
        idempotency_key: str | None = None,
    ) -> Hook:
        """Let a hook be another one from now on; its secret stays.

        Args:
            hook_id: the hook.
            url: that receives from now on; the same where it is left away.
            types: as of :meth:`create`, all anew.
            workflow_ids: the same.
            enabled: where it is not, nothing is sent, and what happens meanwhile is not sent later.
            idempotency_key: the same key and request again change nothing further.
        """
        return await self._transport.call(
            Hook,
            "PUT",
            api_path("hooks", hook_id),
            json=_body(url, types, workflow_ids, enabled=enabled),
            key=idempotency_key,
        )

    async def remove(self, hook_id: str) -> None:
        """Send nothing to it any more."""
        await self._transport.remove(api_path("hooks", hook_id))

    async def rotate(self, hook_id: str, *, idempotency_key: str | None = None) -> NewHook:
        """Give a hook a new secret; for a day the old one signs, too."""
        return await self._transport.call(
            NewHook, "POST", api_path("hooks", hook_id, "rotate"), json={}, key=idempotency_key
        )

    async def test(self, hook_id: str) -> HookTest:
        """Send a signed ``hook:test`` now, and say how it was received."""
        return await self._transport.call(HookTest, "POST", api_path("hooks", hook_id, "test"), json={})

    async def replay(
        self,
        hook_id: str,
        *,
        deliveries: Sequence[str] = (),
        since: str | None = None,
        cursor: str | None = None,
        idempotency_key: str | None = None,
    ) -> Replayed:
        """Send deliveries again: dead ones, or everything since a moment. Their ids stay the same.

        Args:
            hook_id: the hook.
            deliveries: the ids of dead ones.
            since: ISO 8601: everything from then on, 200 executions at once.
            cursor: the ``next_cursor`` of the answer before, with the same moment.
            idempotency_key: the same key and request again send nothing further.

        Raises:
            ConflictError: the hook is disabled.
        """
        body: dict[str, Json] = {"deliveries": list(deliveries)} if deliveries else {}
        body |= {} if since is None else {"from": since}
        body |= {} if cursor is None else {"cursor": cursor}
        return await self._transport.call(
            Replayed, "POST", api_path("hooks", hook_id, "replay"), json=body, key=idempotency_key
        )

    def deliveries(
        self, hook_id: str, *, state: Literal["pending", "dead"] = "pending", page_size: int = 100
    ) -> AsyncGenerator[Delivery, None]:
        """The deliveries that failed.

        Args:
            hook_id: the hook.
            state: ``pending``: those that are tried again; ``dead``: those that were given up.
            page_size: how many are asked for at once.
        """
        return self._listed(
            api_path("hooks", hook_id, "deliveries"),
            _DeliveryPage,
            lambda page: page.deliveries,
            page_size=page_size,
            params=query(state=state),
        )

    async def discard(self, hook_id: str, *, deliveries: Sequence[str] = ()) -> int:
        """Forget dead deliveries, and say how many.

        Args:
            hook_id: the hook.
            deliveries: their ids; all of them where they are left away.
        """
        path, count, more = api_path("hooks", hook_id, "deliveries"), 0, True
        while more:
            removed = await self._transport.call(
                _Removed, "DELETE", path, params=query(id=",".join(deliveries) or None)
            )
            count, more = count + removed.removed, removed.more
        return count

    def list(self) -> AsyncGenerator[Hook, None]:
        """The hooks of the workspace, by id."""
        return self._listed(api_path("hooks"), _Hooks, lambda page: page.hooks)


def _body(
    url: str | None, types: Sequence[str], workflow_ids: Sequence[str], *, enabled: bool
) -> dict[str, Json]:
    named = {} if url is None else {"url": url}
    return {**named, "types": list(types), "workflowIds": list(workflow_ids), "enabled": enabled}
