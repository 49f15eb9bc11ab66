"""The routes, one idea a module."""

from aiohttp import web

from signoff.gateway.admission import Admission
from signoff.gateway.routes import cancel, execute, executions, history, jobs, paused, resume, workflows


def add_routes(app: web.Application, admission: Admission) -> None:
    """Serve the gateway's routes (http-contract.md)."""
    guard = admission.guard
    route = app.router.add_route
    route("GET", "/api/workflows", guard(workflows.list_workflows))
    route("PUT", "/api/workflows/{id}", guard(workflows.deploy, "write"))
    route("GET", "/api/workflows/{id}", guard(workflows.definition))
    route("DELETE", "/api/workflows/{id}", guard(workflows.undeploy, "write"))
    route("GET", "/api/workflows/{id}/status", guard(workflows.status))
    route("POST", "/api/workflows/{id}/execute", guard(execute.execute))
    route("GET", "/api/workflows/{id}/paused", guard(paused.list_paused))
    route("GET", "/api/workflows/{id}/paused/{execution}", guard(paused.detail))
    route("GET", "/api/workflows/{id}/executions/{execution}", guard(executions.view))
    route("POST", "/api/workflows/{id}/executions/{execution}/cancel", guard(cancel.cancel, "write"))
    route("GET", "/api/jobs/{run}", guard(jobs.job))
    route("GET", "/api/resume/{id}/{execution}", guard(paused.detail))
    route("GET", "/api/resume/{id}/{execution}/{context}", guard(paused.context))
    route("POST", "/api/resume/{id}/{execution}/{context}", guard(resume.resume))
    route("GET", "/api/executions/{execution}/events", guard(history.events))
    route("GET", "/api/executions/{execution}/blobs/{digest}", guard(history.blob))
