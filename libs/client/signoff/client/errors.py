"""What can go wrong between a program and Signoff's HTTP API.

::

    ClientError
    ├── UnreachableError        no answer: nobody listens, or the connection broke
    ├── BadAnswerError          an answer that is not Signoff's
    └── RefusedError            the server said no, and why
        └── UnavailableError    … for now: try again after ``retry_after``
"""

from collections.abc import Sequence

from msgspec import Struct


class Detail(Struct, frozen=True):
    """One thing that is wrong with what was sent.

    Attributes:
        path: where it stands, such as ``blocks.approve.then``; empty for the whole.
        message: what is wrong.
        hint: what to do about it, where the server knows.
    """

    path: str = ""
    message: str = ""
    hint: str | None = None


class ClientError(Exception):
    """Base of what the client raises on purpose; its text is one sentence for people."""


class UnreachableError(ClientError):
    """The server gave no answer. Whether it took a command is unknown: send it again with the same key."""


class BadAnswerError(ClientError):
    """Something answered that does not speak Signoff's API: most often the URL is another server's."""


class RefusedError(ClientError):
    """The server refused.

    Attributes:
        status: the HTTP status.
        details: what is wrong with the request, by place; often empty.
        execution_id: the execution that the refusal is about, where it names one.
    """

    def __init__(
        self, status: int, message: str, *, details: Sequence[Detail] = (), execution_id: str | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.details = tuple(details)
        self.execution_id = execution_id


class UnavailableError(RefusedError):
    """The server cannot do it now: its database, its broker or all executors are away, or it is full.

    Attributes:
        retry_after: seconds after which to try again.
        unknown: it may have been recorded all the same (the answer says ``"outcome": "unknown"``).
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        retry_after: float,
        unknown: bool = False,
        execution_id: str | None = None,
    ) -> None:
        super().__init__(status, message, execution_id=execution_id)
        self.retry_after = retry_after
        self.unknown = unknown
