"""Where an execution has its pages, and how a page finds the execution that its address names."""

from typing import Final
from urllib.parse import quote, urlencode

from aiohttp import web

from signoff.access.callers import Principal
from signoff.events.store.base import ExecutionRow
from signoff.gateway.gateway import GATEWAY, find_execution, shown_id

MISSING: Final = "Execution not found"


async def row_of(request: web.Request, caller: Principal) -> ExecutionRow:
    """The execution that the path of a request names.

    Raises:
        ApiError: 404, there is none that the caller may know of.
    """
    named = request.match_info["execution"]
    return await find_execution(request.app[GATEWAY], caller, named, missing=MISSING)


def path_of(row: ExecutionRow) -> str:
    """The page of an execution."""
    return path_to(shown_id(row))


def path_to(execution_id: str) -> str:
    """The page of an execution by the id that callers know it by."""
    return f"/executions/{quote(execution_id, safe='')}"


def decision_path(row: ExecutionRow, context_id: str) -> str:
    """Where people decide a pause point of an execution."""
    page = f"/resume/{quote(row.workflow_id, safe='')}/{quote(shown_id(row), safe='')}"
    return f"{page}?{urlencode({'contextId': context_id})}"
