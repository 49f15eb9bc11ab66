"""A workspace's workflows, by id."""

from typing import Annotated

from msgspec import Meta, Struct

from signoff.access.callers import Principal
from signoff.events.store.base import WorkflowRow
from signoff.gateway.errors import bad_field
from signoff.gateway.gateway import Gateway
from signoff.gateway.http.headers import IDENTIFIER


class ListQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which page of the workflows is wanted.

    Attributes:
        limit: Workflows in the page.
        cursor: The `nextCursor` of the page before.
    """

    limit: Annotated[int, Meta(ge=1, le=1000)] = 100
    cursor: str = ""


async def find_workflows(
    gateway: Gateway, caller: Principal, query: ListQuery
) -> tuple[list[WorkflowRow], str | None]:
    """A page of the caller's workflows, and the cursor of the next one.

    Raises:
        ApiError: 400, the cursor is none.
    """
    if query.cursor and not IDENTIFIER.fullmatch(query.cursor):
        raise bad_field("cursor", "must be a nextCursor as it was given")
    rows = await gateway.store.workflows(caller.workspace_id, after=query.cursor, limit=query.limit + 1)
    shown = rows[: query.limit]
    return shown, shown[-1].workflow_id if len(rows) > query.limit else None
