"""An execution with its pause points, and which of them is shown."""

from aiohttp import web
from msgspec import Struct

from signoff.access.callers import Principal
from signoff.engine.points.decisions import refusal_of
from signoff.engine.state import State
from signoff.events.types import ResumeExecution
from signoff.gateway.errors import ApiError
from signoff.gateway.executions.deciding import maker
from signoff.gateway.gateway import GATEWAY, find_execution, shown_id
from signoff.gateway.inbox.history import History
from signoff.gateway.inbox.point import ReadPoint, resolve_point
from signoff.gateway.pages.front import local_path
from signoff.gateway.pages.headings import heading
from signoff.gateway.pages.resume.addresses import INBOX, Addresses
from signoff.gateway.pages.resume.followed import FOLLOWING, view_of

MISSING = "This execution could not be located or has already completed."


class Reading(Struct, frozen=True):
    """What the page is made from.

    Attributes:
        read: the pause point that is shown, its large values in their places.
        addresses: of the page.
        workflow: the workflow's name, or its id.
    """

    read: ReadPoint
    addresses: Addresses
    workflow: str

    @property
    def title(self) -> str:
        """What the point is called."""
        return self.heading(self.read.point.title, self.read.point.block_id)

    def heading(self, title: str | None, block_id: str) -> str:
        """What a point of the execution is called."""
        return heading(title, self.workflow, self.name_of(block_id))

    def name_of(self, block_id: str) -> str:
        """The name of a block; its id where it never started."""
        return self.read.history.block_names.get(block_id, block_id)


async def read_here(request: web.Request, caller: Principal, context_id: str | None) -> Reading:
    """The execution of a request's path, and one of its pause points.

    Args:
        request: names the workflow and the execution.
        caller: who looks.
        context_id: of the point; ``None``: one that they may decide, else an open one, else the last.

    Raises:
        ApiError: 404, there is none that they may know of.
        BlobError: what it shows cannot be read.
    """
    gateway, named = request.app[GATEWAY], request.match_info
    row = await find_execution(gateway, caller, named["execution"], workflow_id=named["id"], missing=MISSING)
    async with request.app[FOLLOWING].reading(gateway.store, row.log_id) as made:
        if context_id is None:
            context_id = _chosen(request, caller, made.state)
        if context_id not in made.state.points:
            raise ApiError(404, MISSING)
        state, told = view_of(made.state, context_id), made.histories.of(context_id)
        history = History(tuple(told.events), dict(told.block_names))
    read = ReadPoint(row, state, state.points[context_id], history)
    await resolve_point(gateway, row, state, read.point)
    workflow = await gateway.store.workflow(row.workspace_id, row.workflow_id)
    name = (None if workflow is None else workflow.name) or row.workflow_id
    inbox = None if caller.link_id is not None else request.query.get(INBOX)
    addresses = Addresses(row.workflow_id, shown_id(row), caller.link_id, inbox and local_path(inbox))
    return Reading(read, addresses, name)


def _chosen(request: web.Request, caller: Principal, state: State) -> str | None:
    waiting = [each.context_id for each in state.open_points()]
    who = maker(request, caller)
    for context_id in waiting:
        if refusal_of(state, ResumeExecution(context_id=context_id, maker=who), caller.actor) is None:
            return context_id
    return next(iter(waiting), next(reversed(state.points), None))
