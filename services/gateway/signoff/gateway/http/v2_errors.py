"""Errors as v2 spells them: ``{"error": {"code", "message", "details"?}}`` (http-contract.md, Errors)."""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import UNSET, Struct, UnsetType

from signoff.events.types import Json
from signoff.gateway.errors import ApiError, Detail

PREFIX: Final = "/api/v2"
"""What the paths of v2 begin with."""

RUN_ID_CONFLICT: Final = "RUN_ID_CONFLICT"

CODES: Final[Mapping[int, str]] = {
    400: "BAD_REQUEST",
    401: "UNAUTHORIZED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    408: "REQUEST_TIMEOUT",
    409: "CONFLICT",
    412: "PRECONDITION_FAILED",
    413: "PAYLOAD_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    422: "UNPROCESSABLE_ENTITY",
    429: "RATE_LIMITED",
    499: "CLIENT_CLOSED_REQUEST",
    500: "INTERNAL_ERROR",
    503: "SERVICE_UNAVAILABLE",
}
"""The code of each status. A status that is not here is one of the classes of them: 400 or 500."""


class ErrorBody(Struct, frozen=True):
    """Why a request was not served.

    Attributes:
        code: For programs, such as `NOT_FOUND`.
        message: For people.
        details: What is wrong field by field, or what else there is to know.
    """

    code: str
    message: str
    details: Sequence[Detail] | dict[str, Json] | UnsetType = UNSET


class ErrorAnswer(Struct, frozen=True):
    """The body of every error of v2."""

    error: ErrorBody


def is_v2(path: str) -> bool:
    """Whether a path is one of v2, known or not."""
    return path == PREFIX or path.startswith(PREFIX + "/")


def error_body(error: ApiError) -> ErrorAnswer:
    """What a caller of v2 reads of an error."""
    if error.fields.get("code") == "EXECUTION_ID_CONFLICT":
        details: dict[str, Json] = {"code": RUN_ID_CONFLICT, "runId": error.fields["executionId"]}
        return ErrorAnswer(ErrorBody(RUN_ID_CONFLICT, "Run ID has already been used", details))
    code = CODES.get(error.status) or CODES[500 if error.status >= 500 else 400]
    return ErrorAnswer(ErrorBody(code, str(error), error.details or dict(error.fields) or UNSET))
