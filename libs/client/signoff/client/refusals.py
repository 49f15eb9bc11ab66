"""What the server says when it refuses, as an error: v1's ``{"error": text}`` and v2's envelope. No I/O."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import msgspec
from msgspec import Struct

from signoff.client.errors import (
    AuthenticationError,
    BadAnswerError,
    ConflictError,
    ContentChangedError,
    Detail,
    InvalidRequestError,
    Json,
    NotAllowedError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitedError,
    RefusedError,
    Request,
    ServerError,
    UnavailableError,
)

_DEFAULT_RETRY_AFTER: Final = 1.0

_PASSING: Final[Mapping[int, type[UnavailableError]]] = {
    429: RateLimitedError,
    502: UnavailableError,
    503: UnavailableError,
    504: UnavailableError,
}
_FINAL: Final[Mapping[int, type[RefusedError]]] = {
    400: InvalidRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    412: ContentChangedError,
    413: InvalidRequestError,
    415: InvalidRequestError,
    422: InvalidRequestError,
    428: InvalidRequestError,
}
_BY_CODE: Final[Mapping[str, type[RefusedError]]] = {
    "CODE_REQUIRED": NotAllowedError,
    "NOT_ELIGIBLE": NotAllowedError,
    "SELF_APPROVAL": NotAllowedError,
}
"""Refusals that are about the person, which a status shares with those that are about their key."""


class _Envelope(Struct):
    """``error`` of v2."""

    message: str = ""
    code: str | None = None
    details: list[Detail] = []


class _ErrorBody(Struct, rename="camel"):
    error: str | _Envelope = ""
    code: str | None = None
    details: list[Detail] = []
    execution_id: str | None = None
    outcome: str | None = None


def refusal(status: int, headers: Mapping[str, str], body: bytes, request: Request) -> RefusedError:
    """The error that an answer with a status of 400 or more is.

    Args:
        status: of the answer.
        headers: of the answer, by name in any case.
        body: of the answer; one that is not Signoff's (a proxy's page) tells nothing.
        request: that it answers.
    """
    said, whole = _read(body)
    envelope = said.error if isinstance(said.error, _Envelope) else _Envelope(said.error)
    message = envelope.message or f"the server answered {status} without saying why"
    code = envelope.code or said.code
    details = envelope.details or said.details
    if status in _PASSING:
        return _PASSING[status](
            status,
            message,
            retry_after=_seconds(headers.get("Retry-After")),
            unknown=said.outcome == "unknown",
            code=code,
            details=details,
            execution_id=said.execution_id,
            body=whole,
            request=request,
        )
    kind = _BY_CODE.get(code or "") or _FINAL.get(status, ServerError if status >= 500 else RefusedError)
    return kind(
        status,
        message,
        code=code,
        details=details,
        execution_id=said.execution_id,
        body=whole,
        request=request,
    )


def redirected(status: int, headers: Mapping[str, str], request: Request) -> BadAnswerError:
    """The error that a redirect is: followed, it would show the API key to another server."""
    return BadAnswerError(
        f"{request} was answered with {status}, a redirect to {headers.get('Location')!r}: "
        "give the URL that it leads to"
    )


def _read(body: bytes) -> tuple[_ErrorBody, Mapping[str, Json]]:
    try:
        return msgspec.json.decode(body, type=_ErrorBody), msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return _ErrorBody(), {}


def _seconds(retry_after: str | None) -> float:
    """``Retry-After`` (RFC 9110, 10.2.3): seconds, or a moment."""
    if retry_after is None:
        return _DEFAULT_RETRY_AFTER
    if retry_after.isdecimal():
        return float(retry_after)
    try:
        moment = parsedate_to_datetime(retry_after)
    except ValueError:
        return _DEFAULT_RETRY_AFTER
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
