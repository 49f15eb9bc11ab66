"""What starts a workflow by itself, and where."""

import time
from urllib.parse import quote

from aiohttp import web
from msgspec import Struct

from signoff.events.topics import DEFAULT_WORKSPACE
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.pages.workflows.versions import Shown
from signoff.gateway.workflows.schedules import ScheduleItem, read_schedules
from signoff.gateway.workflows.webhooks import Webhook, webhooks_of


class Triggers(Struct, frozen=True):
    """What starts executions of a workflow's active version.

    Attributes:
        schedules: with their next moments.
        webhooks: each with its address.
    """

    schedules: list[ScheduleItem]
    webhooks: list[tuple[Webhook, str]]


async def triggers_of(request: web.Request, shown: Shown) -> Triggers:
    """The schedules and webhooks of the active version; an older one starts nothing."""
    if not shown.is_active:
        return Triggers([], [])
    gateway = request.app[GATEWAY]
    webhooks = [(each, _address(request, shown, each)) for each in webhooks_of(shown.definition)]
    return Triggers(await read_schedules(gateway, shown.row, now=time.time()), webhooks)


def _address(request: web.Request, shown: Shown, webhook: Webhook) -> str:
    path = f"/api/webhooks/{shown.row.workflow_id}/{quote(webhook.block_id, safe='')}"
    workspace = shown.row.workspace_id
    query = "" if workspace == DEFAULT_WORKSPACE else f"?workspaceId={workspace}"
    links = request.app[GATEWAY].links
    return links.absolute(path + query)
