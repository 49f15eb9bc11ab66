"""The second version of the API: strict bodies, one envelope, one spelling of errors."""

from typing import Final

from signoff.gateway.http.routing import Route
from signoff.gateway.routes.v2 import audit, execute, logs, runs, workflows

ROUTES: Final[tuple[Route, ...]] = (
    *execute.ROUTES,
    *runs.ROUTES,
    *workflows.ROUTES,
    *logs.ROUTES,
    *audit.ROUTES,
)
