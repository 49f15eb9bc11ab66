"""What clients can read whole, by its URI: definitions, executions and their events."""

from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec
from msgspec import Struct

from signoff.cli.mcp.bounds import MOST_OF_A_RESOURCE, bounded
from signoff.cli.mcp.calls import take
from signoff.cli.mcp.errors import ToolError
from signoff.client import AsyncClient

_DIGITS: Final = 18
_PAGE: Final = 100
"""Events in one reading."""


class Template(Struct, frozen=True, kw_only=True):
    """A kind of resource; ``uri`` is an RFC 6570 template."""

    uri: str
    name: str
    description: str


TEMPLATES: Final = (
    Template(
        uri="signoff://workflows/{id}",
        name="workflow",
        description="The definition of a workflow's active version.",
    ),
    Template(
        uri="signoff://executions/{id}",
        name="execution",
        description="How an execution stands now, with its output.",
    ),
    Template(
        uri="signoff://executions/{id}/events{?after}",
        name="execution-events",
        description=f"The log of an execution, {_PAGE} events at once; `next_after` names the next ones.",
    ),
)


async def read(client: AsyncClient, uri: str) -> bytes:
    """A resource as JSON.

    Raises:
        ToolError: there is no such kind of resource.
        ClientError: the server refused, or is away.
    """
    parts = urlsplit(uri)
    match [parts.scheme, parts.netloc, *map(unquote, parts.path.split("/")[1:])]:
        case ["signoff", "workflows", workflow_id] if workflow_id:
            record = msgspec.to_builtins(await client.workflows.get(workflow_id))
        case ["signoff", "executions", execution_id] if execution_id:
            view = await client.executions.handle(execution_id).status(include_output=True)
            record = msgspec.to_builtins(view)
        case ["signoff", "executions", execution_id, "events"] if execution_id:
            record = await _events(client, execution_id, parts.query)
        case _:
            known = ", ".join(each.uri for each in TEMPLATES)
            raise ToolError(f"there is no resource {uri}: read one of {known}")
    return msgspec.json.encode(bounded(record, most=MOST_OF_A_RESOURCE))


async def _events(client: AsyncClient, execution_id: str, query: str) -> dict[str, Any]:
    given = parse_qs(query).get("after", ["0"])[0]
    if not given.isdecimal() or len(given) > _DIGITS:
        raise ToolError("`after` must be the number of an event, such as 100")
    events = client.executions.handle(execution_id).events(after=int(given), page_size=_PAGE)
    found, more = await take(events, _PAGE)
    page: dict[str, Any] = {"events": [msgspec.json.decode(each.raw) for each in found]}
    return page | ({"next_after": found[-1].event_id} if more else {})
