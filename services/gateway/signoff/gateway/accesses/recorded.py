"""Which routes show what somebody may have to answer for: the one table, and the docs are made from it."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from signoff.audit.accesses.gathering import Kind


class Recorded(Struct, frozen=True):
    """What a request of a route is in the access log.

    Attributes:
        about: what it shows, such as ``execution``.
        kind: what its caller does with that.
        status: with this status alone; ``None``: with any that is no refusal.
    """

    about: str
    kind: Kind = "read"
    status: int | None = None


RECORDED: Final[Mapping[str, Recorded]] = {
    "getExecution": Recorded("execution"),
    "getExecutionState": Recorded("execution"),
    "getJob": Recorded("execution"),
    "getRun": Recorded("execution"),
    "getLog": Recorded("execution"),
    "compareStates": Recorded("execution"),
    "compareTimelines": Recorded("execution"),
    "forkExecution": Recorded("execution", status=200),
    "listEvents": Recorded("events"),
    "streamExecution": Recorded("events"),
    "streamFeed": Recorded("feed"),
    "getLargeValue": Recorded("value"),
    "getFile": Recorded("file"),
    "getPaused": Recorded("pausePoints"),
    "getResumable": Recorded("pausePoints"),
    "getPausePoint": Recorded("pausePoint"),
    "getInboxPoint": Recorded("pausePoint"),
    "listHeldDecisions": Recorded("heldDecisions"),
    "listPaused": Recorded("executions"),
    "searchExecutions": Recorded("executions"),
    "listRuns": Recorded("executions"),
    "listLogs": Recorded("executions"),
    "listInbox": Recorded("inbox"),
    "getWorkflow": Recorded("definition"),
    "getWorkflowV2": Recorded("definition"),
    "listAuditLogs": Recorded("changes"),
    "listAccesses": Recorded("accesses"),
    "verifyExecution": Recorded("execution", "verified"),
    "bundleExecution": Recorded("execution", "exported"),
}
"""By the operation's name in the OpenAPI document. Of all others only the refusals are recorded."""

IN_OWN_WORDS: Final = frozenset({"attribute", "email", "error", "text"})
"""Parameters of lists whose values are what somebody searched for, and so may say who or what they know."""

PLACES: Final = frozenset({"counts", "cursor", "limit"})
"""Parameters that tell of a list which part of it is shown: all its pages are one access."""

PATH_NAMES: Final[Mapping[str, str]] = {
    "block": "blockId",
    "context": "contextId",
    "execution": "executionId",
    "hook": "hookId",
    "id": "workflowId",
    "run": "executionId",
    "runId": "executionId",
}
"""What a name in a path is called in the log; any other is called the same there."""
