"""What happens to a workflow: its versions and its schedules. It stands in the workflow's own log."""

from typing import ClassVar

from signoff.events.types.envelopes import EventData
from signoff.events.types.values import Actor, Json


class WorkflowDeployed(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A workflow got a new immutable version. It stands in the workflow's own log."""

    TYPE: ClassVar[str] = "workflow:deployed"
    workspace_id: str
    version: int
    name: str
    definition: Json
    digest: str
    actor: Actor


class WorkflowUndeployed(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A workflow takes no new executions; its versions stay for those that run."""

    TYPE: ClassVar[str] = "workflow:undeployed"
    workspace_id: str
    actor: Actor


class WorkflowActivated(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A version that was deployed before takes the executions again. It stands in the workflow's own log."""

    TYPE: ClassVar[str] = "workflow:activated"
    workspace_id: str
    version: int
    name: str
    digest: str
    actor: Actor


class ScheduleFired(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A schedule of a workflow was due: from this event an execution is started. In the workflow's log.

    ``due_at`` is the moment that it was due, however late it is fired; ``missed`` counts the moments since
    the last that its catch-up policy leaves out.
    """

    TYPE: ClassVar[str] = "schedule:fired"
    workspace_id: str
    version: int
    digest: str
    block_id: str
    execution_id: str
    due_at: str
    missed: int = 0


class ScheduleSwitched(EventData, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A schedule was switched on or off. It stays so in later versions, by its block's id.

    It stands in the workflow's own log. What a schedule misses while it is off is let go.
    """

    TYPE: ClassVar[str] = "schedule:switched"
    workspace_id: str
    block_id: str
    enabled: bool
    actor: Actor
