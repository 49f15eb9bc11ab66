"""The forks of an execution, as its page lists them."""

from collections.abc import Mapping, Sequence
from typing import Final

from aiohttp import web
from msgspec import Struct

from signoff.access.callers import Principal
from signoff.events.store.base import ExecutionRow
from signoff.events.store.search import Search
from signoff.gateway.executions.searching import FoundExecution, StartedBy, found
from signoff.gateway.gateway import GATEWAY, shown_id
from signoff.gateway.pages.executions.naming import starters

_MOST: Final = 10


class Forks(Struct, frozen=True):
    """The newest forks of an execution.

    Attributes:
        listed: the first of them.
        names: of those who began them.
        more: whether there are others.
    """

    listed: Sequence[FoundExecution]
    names: Mapping[StartedBy, str]
    more: bool


async def forks_of(request: web.Request, caller: Principal, row: ExecutionRow) -> Forks:
    """The forks of an execution, the newest first.

    Raises:
        StoreUnavailableError: the database is away.
    """
    wanted = Search(workspace_id=row.workspace_id, forked_from=shown_id(row))
    rows = await request.app[GATEWAY].store.executions(wanted, limit=_MOST + 1)
    listed = [found(each) for each in rows[:_MOST]]
    names = await starters(request, caller, [each.actor for each in listed])
    return Forks(listed, names, len(rows) > _MOST)
