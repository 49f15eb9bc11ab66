"""Open pause points as a list shows them: rows of the projection, with the names of people and workflows."""

from uuid import UUID

from aiohttp import web
from msgspec import Struct, convert

from signoff.engine.points.pauses import resume_links
from signoff.events.store.base import PointRow, WorkflowRow
from signoff.events.store.inbox import PRIORITIES
from signoff.events.times import iso
from signoff.events.types import Priority
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.inbox.people import Names, Party, Person, names_of
from signoff.gateway.inbox.scopes import Count, Desk, may_decide
from signoff.gateway.links import Links
from signoff.gateway.schemas import ResumeLinks


class InboxItem(Struct, frozen=True, kw_only=True, rename="camel"):
    """An open pause point.

    Attributes:
        workflow_name: `null` for one that is not there any more.
        context_id: The point's id in its execution.
        title: What is decided; without a title of its own the block's name.
        due_at: When the last step of its deadline strikes.
        overdue: Whether that was before now.
        assignees: Who may decide, also those whom somebody asked to; nobody: whoever may decide in the
            workspace.
        claimed_by: Who keeps it to themselves for now.
        returned: Changes are wanted before anybody decides.
        approvals: What those who approved count, where several people decide.
        required: What the approvals must come to.
        content_digest: Of what it shows; a decision sends it as `If-Match`.
        may_decide: Whether the caller may decide it now.
        event_id: Its last change.
    """

    execution_id: str
    workflow_id: str
    workflow_name: str | None
    context_id: str
    block_id: str
    title: str
    priority: Priority
    opened_at: str
    due_at: str | None
    overdue: bool
    assignees: list[Party]
    claimed_by: Person | None
    returned: bool
    approvals: int
    required: int
    content_digest: str | None
    may_decide: bool
    resume_links: ResumeLinks
    event_id: int


class InboxTotals(Struct, frozen=True, kw_only=True, rename="camel"):
    """How many points a filter finds. Not `exact`: at least so many."""

    total: int
    exact: bool
    overdue: int
    by_priority: dict[Priority, int]


def totals(found: Count) -> InboxTotals:
    """A count as callers see it; every priority has its number."""
    return InboxTotals(
        total=found.total,
        exact=found.exact,
        overdue=found.overdue,
        by_priority={name: found.by_priority.get(place, 0) for place, name in enumerate(PRIORITIES)},
    )


async def items(
    app: web.Application, workspace_id: UUID, rows: list[PointRow], desk: Desk, *, now: float
) -> list[InboxItem]:
    """Rows as somebody sees them.

    Args:
        app: knows people and workflows.
        workspace_id: of all rows.
        rows: in their order.
        desk: who looks.
        now: seconds since the epoch, UTC.
    """
    names = await names_of(
        app,
        workspace_id,
        keys=(key for row in rows for key in row.candidates),
        people=(row.claimed_by for row in rows if row.claimed_by is not None),
    )
    store = app[GATEWAY].store
    workflows = {
        each: await store.workflow(workspace_id, each)
        for each in dict.fromkeys(row.workflow_id for row in rows)
    }
    return [
        _item(
            row, app[GATEWAY].links, names,
            workflow=workflows[row.workflow_id], may_decide=may_decide(desk, row), now=now,
        )
        for row in rows
    ]  # fmt: skip


def _item(
    row: PointRow,
    links: Links,
    names: Names,
    *,
    workflow: WorkflowRow | None,
    may_decide: bool,
    now: float,
) -> InboxItem:
    execution_id = row.execution_id or str(row.log_id)
    where = resume_links(workflow_id=row.workflow_id, execution_id=execution_id, context_id=row.context_id)
    return InboxItem(
        execution_id=execution_id,
        workflow_id=row.workflow_id,
        workflow_name=None if workflow is None else workflow.name,
        context_id=row.context_id,
        block_id=row.block_id,
        title=row.title,
        priority=PRIORITIES[row.priority],
        opened_at=iso(row.opened_at),
        due_at=None if row.due_at is None else iso(row.due_at),
        overdue=row.due_at is not None and row.due_at < now,
        assignees=names.parties(row.candidates),
        claimed_by=None if row.claimed_by is None else names.person(row.claimed_by),
        returned=row.returned,
        approvals=row.approvals,
        required=row.required,
        content_digest=row.content_digest,
        may_decide=may_decide,
        resume_links=convert(links.resume(where), ResumeLinks),
        event_id=row.version,
    )
