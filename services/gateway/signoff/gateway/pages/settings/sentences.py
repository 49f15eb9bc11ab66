"""What an access was, in words."""

import re
from collections.abc import Mapping
from typing import Final

from msgspec import UNSET, Struct

from signoff.gateway.accesses.listing import AccessEntry

_EXECUTION: Final = ("executionId",)
_POINT: Final = ("contextId", "executionId")

SAID: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "getExecution": ("Looked at the execution", _EXECUTION),
    "getExecutionState": ("Looked at the execution", _EXECUTION),
    "getJob": ("Looked at the execution", _EXECUTION),
    "getRun": ("Looked at the execution", _EXECUTION),
    "getLog": ("Looked at the execution", _EXECUTION),
    "compareStates": ("Compared two moments of the execution", _EXECUTION),
    "compareTimelines": ("Compared the execution with another", _EXECUTION),
    "forkExecution": ("Tried out, without any effect, what would happen in", _EXECUTION),
    "listEvents": ("Looked at the events of", _EXECUTION),
    "streamExecution": ("Followed the execution", _EXECUTION),
    "streamFeed": ("Followed what happens", ()),
    "getLargeValue": ("Opened a large value of", _EXECUTION),
    "getFile": ("Opened a file of", _EXECUTION),
    "getPaused": ("Looked at the decisions of", _EXECUTION),
    "getResumable": ("Looked at the decisions of", _EXECUTION),
    "getPausePoint": ("Opened the decision", _POINT),
    "getInboxPoint": ("Opened the decision", _POINT),
    "listHeldDecisions": ("Listed decisions that came early", ()),
    "listPaused": ("Listed the executions that wait", ()),
    "searchExecutions": ("Searched the executions", ()),
    "listRuns": ("Searched the executions", ()),
    "listLogs": ("Searched the executions", ()),
    "listInbox": ("Looked at an inbox", ()),
    "getWorkflow": ("Looked at the workflow", ("workflowId",)),
    "getWorkflowV2": ("Looked at the workflow", ("workflowId",)),
    "listAuditLogs": ("Looked at the changes", ()),
    "listAccesses": ("Looked at the access log", ()),
    "verifyExecution": ("Had the execution verified:", _EXECUTION),
    "bundleExecution": ("Took away the record of", _EXECUTION),
}
"""What who was shown something did, by operation, and the names that belong to it."""

_LIVE: Final = frozenset({"streamExecution", "streamFeed"})
_DECISION: Final = "ResumeExecution"
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class Sentence(Struct, frozen=True):
    """An access in words.

    Attributes:
        words: what somebody did, or wanted to do.
        names: what it was done to, the innermost first.
        more: what else narrows it, by name.
    """

    words: str
    names: tuple[str, ...] = ()
    more: tuple[tuple[str, str], ...] = ()


def sentence_of(entry: AccessEntry) -> Sentence:
    """What an access was."""
    if isinstance(entry.command, str):
        point = (each for each in (entry.context_id, entry.execution_id) if isinstance(each, str))
        asked = "Decide" if entry.command == _DECISION else entry.command.removesuffix("Pause")
        return Sentence(_spelled(asked), tuple(point))
    if not isinstance(entry.operation, str):
        return Sentence(f"{_number(entry.reads)} reads and {_number(entry.refusals)} refusals")
    named = {} if entry.about is UNSET else entry.about.names
    filtered = () if entry.about is UNSET else tuple(entry.about.filter.items())
    if entry.type == "access:refused" or entry.operation not in SAID:
        return Sentence(_spelled(entry.operation), (), (*named.items(), *filtered))
    if is_of_a_page(entry):
        return Sentence("Had a page kept up to date")
    words, names = SAID[entry.operation]
    return Sentence(words, tuple(named[each] for each in names if each in named), filtered)


def is_of_a_page(entry: AccessEntry) -> bool:
    """Whether it is the stream by which a page learns what happens: nobody asked for it."""
    return entry.auth_method == "session" and entry.operation in _LIVE and entry.type != "access:refused"


def _spelled(name: str) -> str:
    """The name of an operation as words, such as ``List keys``."""
    words = _HUMP.sub(" ", name).replace("_", " ").replace(":", " ").lower()
    return words[:1].upper() + words[1:]


def _number(count: object) -> int:
    return count if isinstance(count, int) else 0
