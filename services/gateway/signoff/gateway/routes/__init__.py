"""The routes, one idea a module; each tells of its own in a table."""

from typing import Final

from aiohttp import web

from signoff.gateway.admission import Admission
from signoff.gateway.http.routing import Route, check_distinct
from signoff.gateway.inbox.people import open_inbox
from signoff.gateway.routes import (
    absences,
    access_log,
    account,
    auth,
    bulk,
    bundles,
    cancel,
    decision_links,
    decisions_bulk,
    documentation,
    environment,
    execute,
    executions,
    files,
    forks,
    groups,
    held,
    history,
    hook_deliveries,
    hooks,
    inbox,
    inbox_points,
    jobs,
    keys,
    life,
    members,
    oidc,
    paused,
    resume,
    retry,
    schedules,
    schemas,
    search,
    service_keys,
    sessions,
    stream_tokens,
    usage,
    users,
    v2,
    verification,
    versions,
    webhooks,
    workflows,
    workspaces,
)

ALL: Final[tuple[Route, ...]] = (
    *workflows.ROUTES,
    *versions.ROUTES,
    *execute.ROUTES,
    *executions.ROUTES,
    *search.ROUTES,
    *bulk.ROUTES,
    *cancel.ROUTES,
    *retry.ROUTES,
    *forks.ROUTES,
    *life.ROUTES,
    *history.ROUTES,
    *verification.ROUTES,
    *bundles.ROUTES,
    *access_log.ROUTES,
    *jobs.ROUTES,
    *paused.ROUTES,
    *resume.ROUTES,
    *inbox.ROUTES,
    *inbox_points.ROUTES,
    *decisions_bulk.ROUTES,
    *held.ROUTES,
    *decision_links.ROUTES,
    *stream_tokens.ROUTES,
    *files.ROUTES,
    *webhooks.ROUTES,
    *hooks.ROUTES,
    *hook_deliveries.ROUTES,
    *schedules.ROUTES,
    *environment.ROUTES,
    *usage.ROUTES,
    *auth.ROUTES,
    *oidc.ROUTES,
    *account.ROUTES,
    *sessions.ROUTES,
    *absences.ROUTES,
    *keys.ROUTES,
    *users.ROUTES,
    *service_keys.ROUTES,
    *groups.ROUTES,
    *workspaces.ROUTES,
    *members.ROUTES,
    *v2.ROUTES,
    *documentation.ROUTES,
    *schemas.ROUTES,
)
"""Every route of the gateway, in the order of the docs."""


def add_routes(app: web.Application, admission: Admission) -> None:
    """Serve the gateway's routes (http-contract.md).

    Args:
        app: has its `Gateway` already.
        admission: lets callers in.

    Raises:
        GatewayError: two routes clash.
    """
    check_distinct(ALL)
    webhooks.open_webhooks(app, admission)
    open_inbox(app)
    documentation.describe(app, ALL)
    for route in ALL:
        for method in ("GET", "HEAD") if route.method == "GET" else (route.method,):
            app.router.add_route(method, route.path, admission.guard(route))
