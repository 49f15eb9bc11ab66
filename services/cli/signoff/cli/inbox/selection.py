"""Which decisions a command is about: the options of an inbox."""

from dataclasses import dataclass

import msgspec
from cyclopts import Parameter

from signoff.client.answers.inbox import Claimed, Scope
from signoff.client.answers.pauses import Priority
from signoff.client.resources.inbox import InboxFilters


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)  # not a Struct: the parser of arguments does not know those
class InboxSelection:
    """Decisions that fit all that is given.

    Attributes:
        scope: open: that you may take now; mine: assigned or delegated to you, or claimed by you; groups:
            your groups', your roles' or anybody's, and free; all: every one of the workspace.
        workflow: Of this workflow; may be given again.
        priority: Of this priority; may be given again.
        overdue: Whose deadline is over.
        due_before: Due before this moment, ISO 8601; without an offset it is UTC.
        opened_after: Not opened before this moment.
        opened_before: Opened before this moment.
        text: Words that their title and what they show have, each at least its beginning.
        returned: That were sent back for changes.
        claimed: me: that you have claimed; nobody: that nobody has.
    """

    scope: Scope = "open"
    workflow: list[str] | None = None
    priority: list[Priority] | None = None
    overdue: bool = False
    due_before: str | None = None
    opened_after: str | None = None
    opened_before: str | None = None
    text: str | None = None
    returned: bool = False
    claimed: Claimed | None = None

    def filters(self) -> InboxFilters:
        """The selection as the client takes it."""
        given = {
            "scope": self.scope,
            "workflows": self.workflow,
            "priorities": self.priority,
            "overdue": self.overdue,
            "due_before": self.due_before,
            "opened_after": self.opened_after,
            "opened_before": self.opened_before,
            "text": self.text,
            "returned": self.returned,
            "claimed": self.claimed,
        }
        return msgspec.convert({name: value for name, value in given.items() if value}, InboxFilters)
