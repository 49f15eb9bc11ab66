"""The Python client of Signoff."""

from signoff.client.answers import (
    Accepted,
    Answer,
    Cancelled,
    Deployed,
    ExecutionView,
    FromBlock,
    PausedExecution,
    PausePoint,
    Resumed,
    Retried,
    StreamEvent,
)
from signoff.client.client import Client
from signoff.client.errors import (
    BadAnswerError,
    ClientError,
    Detail,
    RefusedError,
    UnavailableError,
    UnreachableError,
)

__all__ = [
    "Accepted",
    "Answer",
    "BadAnswerError",
    "Cancelled",
    "Client",
    "ClientError",
    "Deployed",
    "Detail",
    "ExecutionView",
    "FromBlock",
    "PausePoint",
    "PausedExecution",
    "RefusedError",
    "Resumed",
    "Retried",
    "StreamEvent",
    "UnavailableError",
    "UnreachableError",
]
