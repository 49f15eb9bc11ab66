"""What can go wrong between a program and Signoff's HTTP API.

::

    ClientError
    ├── ConfigurationError          the client itself was set up wrongly
    ├── UnreachableError            no answer: nobody listens, or the connection broke
    │   └── TimedOutError           no answer in time
    ├── BadAnswerError              an answer that is not Signoff's
    ├── WaitTimeoutError            what was waited for did not happen in time; it may still
    ├── ExecutionEndedError         an execution ended otherwise than it was waited for
    │   └── ExecutionFailedError    … it failed or was cancelled, and has no result
    └── RefusedError                the server said no, and why
        ├── InvalidRequestError     400, 413, 415, 422, 428: ``details`` say what is wrong, by place
        │   └── FormError           422 of a decision: ``fields`` say what does not fit the form
        ├── AuthenticationError     401
        ├── PermissionDeniedError   403
        │   └── NotAllowedError     … this person may not decide this: ``code`` says why
        ├── NotFoundError           404
        ├── ConflictError           409: somebody was faster: ``winner``
        │   └── ContentChangedError 412: what is shown is not what was seen: ``content_digest``
        ├── ServerError             500: a fault of the server's
        └── UnavailableError        502, 503, 504: for now; try again after ``retry_after``
            └── RateLimitedError    429
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypeAlias

from msgspec import Struct

Json: TypeAlias = Any
"""A value as JSON knows it. Its shape is the workflow author's, not ours."""


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

    def __str__(self) -> str:
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.path}: {self.message}{hint}" if self.path else f"{self.message}{hint}"


class Request(Struct, frozen=True):
    """The request that an error is about, without its body and its key.

    Attributes:
        method: of HTTP.
        path: with the base URL's own path, without the query.
        idempotency_key: that it was sent under; the same request again under it does nothing twice.
    """

    method: str
    path: str
    idempotency_key: str | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class ClientError(Exception):
    """Base of what the client raises on purpose; its text says what to do."""


class ConfigurationError(ClientError):
    """The client cannot work as it was set up."""


class UnreachableError(ClientError):
    """The server gave no answer. Whether it took a command is unknown: send it again with the same key.

    Attributes:
        request: that was sent.
    """

    def __init__(self, message: str, *, request: Request | None = None) -> None:
        super().__init__(message)
        self.request = request


class TimedOutError(UnreachableError):
    """No answer came within the time limit of the call, its retries included."""


class BadAnswerError(ClientError):
    """Something answered that does not speak Signoff's API: most often the URL is another server's."""


class WaitTimeoutError(ClientError):
    """What was waited for has not happened in time. The execution goes on: wait again, or look at it.

    Attributes:
        execution_id: the execution.
    """

    def __init__(self, message: str, *, execution_id: str) -> None:
        super().__init__(message)
        self.execution_id = execution_id


class ExecutionEndedError(ClientError):
    """An execution ended without being in the state that was waited for.

    Attributes:
        execution_id: the execution.
        status: how it ended: ``completed``, ``failed`` or ``cancelled``.
        error: why it failed or was cancelled, where it says so.
    """

    def __init__(self, execution_id: str, status: str, error: str | None) -> None:
        reason = f": {error}" if error else ""
        super().__init__(f"execution {execution_id} is {status}{reason}")
        self.execution_id = execution_id
        self.status = status
        self.error = error


class ExecutionFailedError(ExecutionEndedError):
    """An execution has no result: it failed or was cancelled. A failed one may be retried."""


class RefusedError(ClientError):
    """The server refused.

    Attributes:
        status: the HTTP status.
        message: the server's own words.
        code: the server's name for it, such as ``EXECUTION_ID_CONFLICT``, where it gives one.
        details: what is wrong with the request, by place; often empty.
        execution_id: the execution that the refusal is about, where it names one.
        body: the whole answer, for what only some refusals say (the winning ``eventId`` of a decision).
        request: that was refused.
    """

    advice: ClassVar[str] = ""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        details: Sequence[Detail] = (),
        execution_id: str | None = None,
        body: Mapping[str, Json] | None = None,
        request: Request | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.details = tuple(details)
        self.execution_id = execution_id
        self.body = body or {}
        self.request = request

    def __str__(self) -> str:
        where = "" if self.request is None else f" ({self.request} was answered with {self.status})"
        faults = "".join(f"\n  {detail}" for detail in self.details)
        return f"{self.message}{where}{self.advice and f': {self.advice}'}{faults}"


class InvalidRequestError(RefusedError):
    """The request itself is at fault; sent again, it is refused again."""


class FormError(InvalidRequestError):
    """A decision does not fit the form of its pause point, which waits on."""

    @property
    def fields(self) -> Mapping[str, str]:
        """What is wrong, by the name of the field."""
        return {detail.path: detail.message for detail in self.details}


class AuthenticationError(RefusedError):
    """The server does not know the caller."""

    advice = "pass api_key, or set SIGNOFF_API_KEY, to a key that this server knows"


class PermissionDeniedError(RefusedError):
    """The caller may not do this."""

    advice = "use a key whose roles allow it"


class NotAllowedError(PermissionDeniedError):
    """The caller may not decide this, whatever their roles.

    ``code``: ``NOT_ELIGIBLE``: they are not among those who are asked; ``SELF_APPROVAL``: they started the
    execution; ``CODE_REQUIRED`` (401): a decision by link needs a code that is mailed to its person.
    """

    advice = ""


class NotFoundError(RefusedError):
    """There is no such thing, or none that the caller may know of."""


class Winner(Struct, frozen=True):
    """Who was faster, as far as the caller may know.

    Attributes:
        event_id: the decision that won, in the execution's log.
        by: who made it, as the log names them: ``type``, ``id`` and often ``name``.
        at: when, ISO 8601.
    """

    event_id: int
    by: Mapping[str, Json] | None = None
    at: str | None = None


class ConflictError(RefusedError):
    """The state of things is another one by now: look at it, then decide anew."""

    @property
    def winner(self) -> Winner | None:
        """The decision that came first, where that is what the refusal is about."""
        event_id = self.body.get("eventId")
        if not isinstance(event_id, int):
            return None
        return Winner(event_id, self.body.get("resumedBy"), self.body.get("resumedAt"))


class ContentChangedError(ConflictError):
    """Nothing was decided: what is shown is not what was seen. Look at it again."""

    @property
    def content_digest(self) -> str | None:
        """Of what is shown now."""
        digest = self.body.get("contentDigest")
        return digest if isinstance(digest, str) else None


class ServerError(RefusedError):
    """The server failed. Its logs say why; the request may or may not have had an effect."""


class UnavailableError(RefusedError):
    """The server cannot do it now: its database, its broker or all executors are away, or it is full.

    Attributes:
        retry_after: seconds after which to try again.
        unknown: it may have been recorded all the same (the answer says ``"outcome": "unknown"``);
            sent again under the same idempotency key, the answer tells.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        retry_after: float,
        unknown: bool = False,
        code: str | None = None,
        details: Sequence[Detail] = (),
        execution_id: str | None = None,
        body: Mapping[str, Json] | None = None,
        request: Request | None = None,
    ) -> None:
        super().__init__(
            status,
            message,
            code=code,
            details=details,
            execution_id=execution_id,
            body=body,
            request=request,
        )
        self.retry_after = retry_after
        self.unknown = unknown


class RateLimitedError(UnavailableError):
    """The caller, or its workspace, asks too often."""
