"""The inbox: decisions that somebody is asked for, and what can be done about one beside deciding it."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Final, TypedDict, Unpack

import msgspec
from msgspec import Struct

from signoff.client.answers.decisions import Decision, DecisionResult, PointState
from signoff.client.answers.inbox import Claimed, InboxCounts, InboxItem, InboxOrder, PointDetail, Scope
from signoff.client.answers.pauses import Priority
from signoff.client.errors import Json
from signoff.client.resources.resource import Paged, Resource
from signoff.client.transport import RUN_LIMIT, api_path, query

MOST_DECISIONS: Final = 100
"""Decisions that one request takes; :meth:`AsyncInbox.decide_many` sends as many requests as it needs."""


class InboxFilters(TypedDict, total=False):
    """Which open pause points are meant: those that fit all that is given.

    Attributes:
        scope: ``open``: what the caller may decide now, where it is left away; ``mine``, ``groups``, ``all``.
        workflows: of one of these workflows.
        priorities: of one of these priorities.
        overdue: whether the last step of their deadline was due before now.
        due_before: due before this moment, ISO 8601; without an offset it is UTC.
        opened_after: opened at this moment or later.
        opened_before: opened before this moment.
        text: words that their title and what they show have, each at least its beginning.
        returned: whether changes are wanted before anybody decides.
        claimed: ``me``: claimed by the caller; ``nobody``: by nobody.
    """

    scope: Scope
    workflows: Sequence[str]
    priorities: Sequence[Priority]
    overdue: bool
    due_before: str
    opened_after: str
    opened_before: str
    text: str
    returned: bool
    claimed: Claimed


_NAMES: Final[Mapping[str, str]] = {
    "workflows": "workflowId",
    "priorities": "priority",
    "due_before": "dueBefore",
    "opened_after": "openedAfter",
    "opened_before": "openedBefore",
}
"""As the API calls the filters; the others have the same name there."""


class _InboxPage(Paged):
    items: list[InboxItem]


class _Results(Struct):
    results: list[DecisionResult]


class AsyncInbox(Resource):
    """``client.inbox``."""

    def list(
        self, *, sort: InboxOrder = "-priority", page_size: int = 50, **filters: Unpack[InboxFilters]
    ) -> AsyncGenerator[InboxItem, None]:
        """The open pause points that fit, in order; those that open meanwhile neither hide nor repeat any.

        Args:
            sort: the order.
            page_size: how many are asked for at once; up to 200.
            **filters: see :class:`InboxFilters`.
        """
        return self._listed(
            api_path("inbox"),
            _InboxPage,
            lambda page: page.items,
            page_size=page_size,
            params={**_spelled(filters), "sort": sort},
        )

    async def counts(self, **filters: Unpack[InboxFilters]) -> InboxCounts:
        """How many open pause points fit, by priority, and how many are the caller's and their groups'.

        Args:
            **filters: see :class:`InboxFilters`.
        """
        return await self._transport.call(
            InboxCounts, "GET", api_path("inbox", "counts"), params=_spelled(filters)
        )

    async def get(self, execution_id: str, context_id: str) -> PointDetail:
        """One pause point, open or not, with everything that it takes to decide it. Looking decides nothing.

        Raises:
            NotFoundError: there is none.
        """
        return await self._transport.call(PointDetail, "GET", api_path("inbox", execution_id, context_id))

    async def claim(
        self, execution_id: str, context_id: str, *, idempotency_key: str | None = None
    ) -> PointState:
        """Keep a decision to oneself: until it is released nobody else takes it.

        Raises:
            ConflictError: somebody was faster, or it is decided.
            NotAllowedError: the caller is not among those who may decide it.
        """
        return await self._ask(execution_id, context_id, "claim", {}, key=idempotency_key)

    async def release(
        self, execution_id: str, context_id: str, *, idempotency_key: str | None = None
    ) -> PointState:
        """Let others take a decision again that was claimed; another's with write permission.

        Raises:
            ConflictError: nobody has claimed it.
        """
        return await self._ask(execution_id, context_id, "release", {}, key=idempotency_key)

    async def delegate(
        self,
        execution_id: str,
        context_id: str,
        to: str,
        *,
        reason: str | None = None,
        idempotency_key: str | None = None,
    ) -> PointState:
        """Ask another member to decide in one's place.

        Args:
            execution_id: the execution that waits.
            context_id: the point.
            to: the member's id or address.
            reason: why, for the record.
            idempotency_key: the same key and request again change nothing further.
        """
        body: dict[str, Json] = {"to": to} | ({} if reason is None else {"reason": reason})
        return await self._ask(execution_id, context_id, "delegate", body, key=idempotency_key)

    async def reassign(
        self,
        execution_id: str,
        context_id: str,
        assignees: Sequence[str],
        *,
        reason: str,
        idempotency_key: str | None = None,
    ) -> PointState:
        """Let others decide than before; needs write permission.

        Args:
            execution_id: the execution that waits.
            context_id: the point.
            assignees: all who may decide from now on, as definitions name them: ``ann@example.com``,
                ``group:finance``, ``role:approver``.
            reason: why, for the record.
            idempotency_key: the same key and request again change nothing further.
        """
        body: dict[str, Json] = {"assignees": list(assignees), "reason": reason}
        return await self._ask(execution_id, context_id, "reassign", body, key=idempotency_key)

    async def return_(
        self, execution_id: str, context_id: str, *, reason: str, idempotency_key: str | None = None
    ) -> PointState:
        """Send a decision back: nobody takes it until what it shows was amended.

        Args:
            execution_id: the execution that waits.
            context_id: the point.
            reason: what should be changed.
            idempotency_key: the same key and request again change nothing further.
        """
        return await self._ask(execution_id, context_id, "return", {"reason": reason}, key=idempotency_key)

    async def comment(
        self, execution_id: str, context_id: str, text: str, *, idempotency_key: str | None = None
    ) -> PointState:
        """Say something about a decision; it stands in the record.

        Args:
            execution_id: the execution that waits.
            context_id: the point.
            text: up to 10,000 characters.
            idempotency_key: the same key and text again are one comment.
        """
        return await self._ask(execution_id, context_id, "comment", {"text": text}, key=idempotency_key)

    async def amend(
        self,
        execution_id: str,
        context_id: str,
        *,
        reason: str,
        content_digest: str,
        title: str | None = None,
        display: Mapping[str, Json] | None = None,
        form: Sequence[Mapping[str, Json]] | None = None,
        data: Json = None,
        idempotency_key: str | None = None,
    ) -> PointState:
        """Change what a pause point shows; needs write permission. Approvals so far are void.

        Args:
            execution_id: the execution that waits.
            context_id: the point.
            reason: why, for the record.
            content_digest: of what is shown now: where another content is, nothing is changed.
            title: what is decided, in one line; it stays where it is left away.
            display: what is shown from now on, by name, all of it; it stays where it is left away.
            form: the fields to fill in, as definitions have them, all of them; they stay where they are
                left away.
            data: what is shown instead of both, where the block's operation is ``api``.
            idempotency_key: the same key and request again change nothing further.

        Raises:
            ContentChangedError: another content is shown by now.
            InvalidRequestError: its ``details`` say what is wrong with the form.
        """
        given = {"title": title, "display": display, "form": form, "data": data}
        body = {"reason": reason} | {name: value for name, value in given.items() if value is not None}
        reply = await self._transport.request(
            "PUT",
            api_path("inbox", execution_id, context_id, "content"),
            body=msgspec.json.encode(body),
            headers={"If-Match": f'"{content_digest}"'},
            key=idempotency_key,
        )
        return reply.decode(PointState)

    async def decide_many(self, decisions: Sequence[Decision]) -> Sequence[DecisionResult]:
        """Take many decisions, and say of each what became of it, in their order. It waits for no run.

        Args:
            decisions: each is judged and recorded by itself, so that some may be refused and others not.
        """
        results: list[DecisionResult] = []
        for start in range(0, len(decisions), MOST_DECISIONS):
            reply = await self._transport.request(
                "POST",
                api_path("inbox", "decisions"),
                body=msgspec.json.encode({"decisions": decisions[start : start + MOST_DECISIONS]}),
                within=RUN_LIMIT,
            )
            results += reply.decode(_Results).results
        return results

    async def _ask(
        self, execution_id: str, context_id: str, what: str, body: Mapping[str, Json], *, key: str | None
    ) -> PointState:
        path = api_path("inbox", execution_id, context_id, what)
        return await self._transport.call(PointState, "POST", path, json=body, key=key)


def _spelled(filters: InboxFilters) -> dict[str, str | list[str]]:
    given = msgspec.convert(filters, dict[str, bool | str | list[str]])
    return query(**{_NAMES.get(name, name): value for name, value in given.items()})
