"""The routes, one idea a module."""

from aiohttp import web

from signoff.gateway.admission import Admission
from signoff.gateway.routes import (
    cancel,
    execute,
    executions,
    files,
    history,
    jobs,
    paused,
    resume,
    retry,
    webhooks,
    workflows,
)


def add_routes(app: web.Application, admission: Admission) -> None:
    """Serve the gateway's routes (http-contract.md)."""
    guard = admission.guard
    add_get, add_post = app.router.add_get, app.router.add_post
    add_get("/api/workflows", guard(workflows.list_workflows))
    app.router.add_put("/api/workflows/{id}", guard(workflows.deploy, "write"))
    add_get("/api/workflows/{id}", guard(workflows.definition))
    app.router.add_delete("/api/workflows/{id}", guard(workflows.undeploy, "write"))
    add_get("/api/workflows/{id}/status", guard(workflows.status))
    add_post("/api/workflows/{id}/rollback", guard(workflows.roll_back, "write"))
    add_post("/api/workflows/{id}/execute", guard(execute.execute))
    add_get("/api/workflows/{id}/paused", guard(paused.list_paused))
    add_get("/api/workflows/{id}/paused/{execution}", guard(paused.detail))
    add_get("/api/workflows/{id}/executions/{execution}", guard(executions.view))
    add_post("/api/workflows/{id}/executions/{execution}/cancel", guard(cancel.cancel, "write"))
    add_post("/api/files", guard(files.upload))
    add_get("/api/files/{key}", guard(files.download))
    add_get("/api/jobs/{run}", guard(jobs.job))
    add_get("/api/resume/{id}/{execution}", guard(paused.detail))
    add_get("/api/resume/{id}/{execution}/{context}", guard(paused.context))
    add_post("/api/resume/{id}/{execution}/{context}", guard(resume.resume))
    add_post("/api/executions/{execution}/retry", guard(retry.retry, "write"))
    add_get("/api/executions/{execution}/events", guard(history.events))
    add_get("/api/executions/{execution}/blobs/{digest}", guard(history.blob))
    add_post("/api/webhooks/{id}/{block}", webhooks.Webhooks(admission).take)
