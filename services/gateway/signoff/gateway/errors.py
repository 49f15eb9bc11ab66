"""What a caller did wrong or cannot have now, and how each refusal of a command is answered.

::

    GatewayError
    └── ApiError        a request ends with this status and body
"""

import random
from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from signoff.events.errors import SignoffError
from signoff.events.types import FieldFault, Json, Outcome, Refusal

_ID_CONFLICT: Final = "EXECUTION_ID_CONFLICT"

RETRY_AFTER: Final = {"Retry-After": "1"}
"""Seconds after which a caller may try again: brokers and databases come back in about that time."""

CHALLENGE: Final = {"WWW-Authenticate": "Bearer"}
"""Goes with every 401 (RFC 9110, 15.5.2)."""

_REFUSAL_HEADERS: Final[Mapping[int, Mapping[str, str]]] = {401: CHALLENGE, 503: RETRY_AFTER}

REFUSAL_STATUS: Final[Mapping[str, int]] = {
    "BAD_REQUEST": 400,
    "NOT_FOUND": 404,
    "WORKFLOW_NOT_FOUND": 404,
    "VERSION_NOT_FOUND": 404,
    "NOT_PAUSED": 404,
    "POINT_NOT_FOUND": 404,
    "CONFLICT": 409,
    "ALREADY_RESUMED": 409,
    "NOT_RESUMABLE": 409,
    _ID_CONFLICT: 409,
    "IDEMPOTENCY_CONFLICT": 409,
    "FINISHED": 409,
    "NOT_FAILED": 409,
    "ALREADY_DECIDED": 409,
    "CLAIMED": 409,
    "NOT_CLAIMED": 409,
    "NOT_CLAIMABLE": 409,
    "NOT_DELEGABLE": 409,
    "RETURNED": 409,
    "TOO_MANY": 409,
    "NOTHING_TO_RUN": 409,
    "DECIDED": 409,
    "FORK_TOO_LARGE": 409,
    "CODE_REQUIRED": 401,
    "NOT_ELIGIBLE": 403,
    "SELF_APPROVAL": 403,
    "CONTENT_CHANGED": 412,
    "FORM_INVALID": 422,
    "EXPIRED": 503,
    "AT_CAPACITY": 503,
}
"""HTTP status of each refusal; a code that is not here means that an executor failed: 500."""


_TOLD: Final = frozenset({
    "ALREADY_DECIDED", "CLAIMED", "NOT_CLAIMED", "NOT_CLAIMABLE", "NOT_DELEGABLE", "RETURNED", "TOO_MANY",
    "CODE_REQUIRED", "NOT_ELIGIBLE", "SELF_APPROVAL", "NOTHING_TO_RUN", "DECIDED", "FORK_TOO_LARGE",
})  # fmt: skip
"""Refusals of decisions and forks that share a status: programs tell them apart by their code."""


class Detail(Struct, frozen=True, omit_defaults=True):
    """What is wrong with one field: its path, such as ``input.items[3]`` or ``blocks[2].id``."""

    path: str
    message: str
    hint: str | None = None


class GatewayError(SignoffError):
    """Base of what the gateway raises."""


class ApiError(GatewayError):
    """A request cannot be served: ``{"error", "details"?, …}`` with a status.

    Attributes:
        status: of the answer.
        details: what is wrong, field by field.
        fields: further members of the body.
        headers: further headers.
        hidden: what was asked for is there, and not for the caller to know of.
        recorded: whoever refused it has it in a log: an executor a command.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        details: Sequence[Detail] = (),
        fields: Mapping[str, Json] | None = None,
        headers: Mapping[str, str] | None = None,
        hidden: bool = False,
        recorded: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.details = details
        self.fields = fields or {}
        self.headers = headers or {}
        self.hidden = hidden
        self.recorded = recorded

    def body(self) -> dict[str, Json]:
        """What the caller reads."""
        body: dict[str, Json] = {"error": str(self), **self.fields}
        if self.details:
            body["details"] = self.details
        return body


def bad_request(message: str, *details: Detail) -> ApiError:
    """The request itself is at fault: 400."""
    return ApiError(400, message, details=details)


def bad_field(path: str, message: str) -> ApiError:
    """One field or header of the request is at fault: 400."""
    return ApiError(400, f"{path} {message}", details=(Detail(path, message),))


def never_was(path: str, message: str) -> ApiError:
    """One field is as it should be, and names what is not there: 422."""
    return ApiError(422, f"{path} {message}", details=(Detail(path, message),))


def keys_stand_twice(paths: Sequence[str]) -> ApiError:
    """Objects in a definition have two equal keys, of which a reader keeps one: 422."""
    twice = [Detail(path, "stands twice in one object") for path in paths]
    return ApiError(422, "The definition has keys that stand twice", details=twice)


def unavailable(
    message: str = "Service temporarily at capacity", *, headers: Mapping[str, str] = RETRY_AFTER
) -> ApiError:
    """Nothing was done; the same request may be sent again soon, or when its headers say: 503."""
    return ApiError(503, message, headers=headers)


def outcome_unknown(execution_id: str) -> ApiError:
    """The command is on its way, and nobody can say yet what became of it: 503."""
    return ApiError(
        503,
        "The outcome is not known yet; retry with the same Idempotency-Key, or look the execution up",
        fields={"outcome": "unknown", "executionId": execution_id},
        headers=RETRY_AFTER,
    )


def execution_id_used(execution_id: str) -> ApiError:
    """An id that a caller chose is another execution's: 409."""
    fields: dict[str, Json] = {"code": _ID_CONFLICT, "executionId": execution_id}
    return ApiError(409, "Execution ID has already been used", fields=fields)


def refused(outcome: Outcome) -> ApiError:
    """The error that a refused command is answered with."""
    refusal = outcome.refusal
    if refusal is None:
        raise GatewayError(f"the outcome of command {outcome.command_id} is no refusal")
    status = REFUSAL_STATUS.get(refusal.code, 500)
    if status == 500:
        return ApiError(500, refusal.message, fields={"code": refusal.code})
    if refusal.code == _ID_CONFLICT:
        return execution_id_used(outcome.execution_id)
    fields: dict[str, Json]
    if refusal.code == "CONTENT_CHANGED":
        fields = {fault.path: fault.message for fault in refusal.details}
    elif refusal.winning_event_id is not None:
        fields = {"eventId": refusal.winning_event_id}
    else:
        fields = {}
    if refusal.code in _TOLD:
        fields["code"] = refusal.code
    return ApiError(
        status,
        refusal.message,
        details=_details(refusal.details) if refusal.code == "FORM_INVALID" else (),
        fields=fields,
        headers=_refusal_headers(status, refusal),
        recorded=True,
    )


def _refusal_headers(status: int, refusal: Refusal) -> Mapping[str, str] | None:
    if refusal.retry_after is None:
        return _REFUSAL_HEADERS.get(status)
    # Up to half as long again, since all whom one queue turned away would come back at once.
    spread = random.randint(0, (refusal.retry_after + 1) // 2)  # noqa: S311  (nothing secret)
    return {"Retry-After": str(refusal.retry_after + spread)}


def _details(faults: Sequence[FieldFault]) -> list[Detail]:
    return [Detail(fault.path, fault.message) for fault in faults]
