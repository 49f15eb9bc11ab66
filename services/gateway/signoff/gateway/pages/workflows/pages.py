"""The pages of this room."""

from typing import Final

from signoff.gateway.pages.page import Page
from signoff.gateway.pages.workflows import detail, history, listing, making, running
from signoff.gateway.workflows.versions import DefinitionQuery

_DEFINITION: Final = "getWorkflow"
"""What shows a definition is in the access log as the API's operation that does."""

PAGES: Final[tuple[Page, ...]] = (
    Page(path="/workflows", operation="workflows:read", name="workflowsPage", handler=listing.show),
    Page(
        path="/workflows/+new", operation="workflows:write", name="newWorkflowPage", handler=making.show,
    ),
    Page(
        method="POST", path="/workflows/+new", operation="workflows:write", name="newWorkflowForm",
        handler=making.submit,
    ),
    Page(
        path="/workflows/{id}", operation="workflows:read", name="workflowPage", handler=detail.show,
        shows=_DEFINITION, query=DefinitionQuery,
    ),
    Page(
        path="/workflows/{id}/source", operation="workflows:read", name="sourcePage",
        handler=detail.show_source, shows=_DEFINITION, query=DefinitionQuery,
    ),
    Page(
        path="/workflows/{id}/versions", operation="workflows:read", name="versionsPage",
        handler=history.show,
    ),
    Page(
        path="/workflows/{id}/compare", operation="workflows:read", name="compareVersionsPage",
        handler=history.compare, shows=_DEFINITION,
    ),
    Page(
        path="/workflows/{id}/run", operation="workflows:read", name="runPage", handler=running.show,
        shows=_DEFINITION,
    ),
    Page(
        method="POST", path="/workflows/{id}/run", operation="executions:start", name="runForm",
        handler=running.submit, rate=None,
    ),
    Page(
        method="POST", path="/workflows/{id}/rollback", operation="workflows:write", name="rollBackForm",
        handler=history.roll_back,
    ),
    Page(
        method="POST", path="/workflows/{id}/undeploy", operation="workflows:write", name="undeployForm",
        handler=history.undeploy,
    ),
    Page(
        method="POST", path="/workflows/{workflowId}/schedules/{block}", operation="schedules:write",
        name="switchScheduleForm", handler=detail.switch,
    ),
)  # fmt: skip
