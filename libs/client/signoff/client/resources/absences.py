"""Absences: who is away, and who decides in their place meanwhile."""

from signoff.client.answers.decisions import Absence
from signoff.client.errors import NotFoundError
from signoff.client.resources.resource import Resource
from signoff.client.transport import api_path


class AsyncAbsences(Resource):
    """``client.absences``: the caller's own, in the workspace that the client acts in."""

    async def get(self) -> Absence | None:
        """The caller's absence, now or to come; ``None``: there is none."""
        try:
            return await self._transport.call(Absence, "GET", _OWN)
        except NotFoundError:
            return None

    async def set(
        self, delegate_id: str, *, until: str, since: str | None = None, idempotency_key: str | None = None
    ) -> Absence:
        """Let another member decide in the caller's place, who still may; it replaces an earlier absence.

        Args:
            delegate_id: the member.
            until: when the caller is back: ISO 8601, at most 366 days after ``since``; without an offset
                it is UTC.
            since: from when; from now on where it is left away.
            idempotency_key: the same key and request again change nothing further.

        Raises:
            InvalidRequestError: the delegate is no member, or the times do not fit.
        """
        return await self._transport.call(
            Absence, "PUT", _OWN, json=_body(delegate_id, since, until), key=idempotency_key
        )

    async def end(self) -> None:
        """Be back, or do not leave at all.

        Raises:
            NotFoundError: no absence is set.
        """
        await self._transport.remove(_OWN)

    async def set_member(
        self,
        workspace_id: str,
        user_id: str,
        delegate_id: str,
        *,
        until: str,
        since: str | None = None,
        idempotency_key: str | None = None,
    ) -> Absence:
        """Let a member decide in another one's place, as their administrator.

        Args:
            workspace_id: where.
            user_id: who is away.
            delegate_id: who decides in their place.
            until: when they are back: ISO 8601.
            since: from when; from now on where it is left away.
            idempotency_key: the same key and request again change nothing further.
        """
        return await self._transport.call(
            Absence,
            "PUT",
            _of_member(workspace_id, user_id),
            json=_body(delegate_id, since, until),
            key=idempotency_key,
        )

    async def end_member(self, workspace_id: str, user_id: str) -> None:
        """End a member's absence, as their administrator.

        Raises:
            NotFoundError: none is set.
        """
        await self._transport.remove(_of_member(workspace_id, user_id))


_OWN = api_path("users", "me", "absence")


def _of_member(workspace_id: str, user_id: str) -> str:
    return api_path("workspaces", workspace_id, "members", user_id, "absence")


def _body(delegate_id: str, since: str | None, until: str) -> dict[str, str]:
    return {"delegateId": delegate_id, "until": until} | ({} if since is None else {"since": since})
