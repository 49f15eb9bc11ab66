"""What every route may refuse, and how a refusal is spelled."""

from collections.abc import Mapping
from typing import Final, Literal

from msgspec import UNSET, Struct, UnsetType

from signoff.events.types import Actor
from signoff.gateway.errors import Detail
from signoff.gateway.http.routing import Answer, Endpoint, Style
from signoff.gateway.http.v2_errors import ErrorAnswer
from signoff.gateway.inbox.people import Person


class Error(Struct, frozen=True, kw_only=True, rename="camel"):
    """Why a request was not served.

    Attributes:
        error: For people.
        details: What is wrong, field by field.
        code: For programs, where the status does not tell enough.
        execution_id: The execution that the id, or a command on its way, is of.
        outcome: The command may have been taken up all the same.
        event_id: The event that was first.
        resumed_by: Who decided first, for those who may see it.
        resumed_at: When that was.
        claimed_by: Who keeps the decision to themselves.
        content_digest: The content that stands now.
        last_event_id: The end of the log.
    """

    error: str
    details: list[Detail] | UnsetType = UNSET
    code: str | UnsetType = UNSET
    execution_id: str | UnsetType = UNSET
    outcome: Literal["unknown"] | UnsetType = UNSET
    event_id: int | UnsetType = UNSET
    resumed_by: Actor | UnsetType = UNSET
    resumed_at: str | UnsetType = UNSET
    claimed_by: Person | UnsetType = UNSET
    content_digest: str | UnsetType = UNSET
    last_event_id: int | UnsetType = UNSET


ERROR_TYPES: Final[Mapping[Style, type[Struct]]] = {"v1": Error, "v2": ErrorAnswer}

RETRY: Final = {"Retry-After": "Seconds after which the request may be sent again."}
RATES: Final = {
    "X-RateLimit-Limit": "Requests that may be made in a period.",
    "X-RateLimit-Remaining": "How many of them are left.",
    "X-RateLimit-Reset": "When there are as many again.",
}

_ALWAYS: Final = {
    500: "The server failed; its log says how.",
    503: "The database, the broker or all executors are away, or there is too much to do. Nothing was done, "
    "unless `outcome` is `unknown`; sending the request again with its `Idempotency-Key` is safe.",
}
_KNOWN_CALLER: Final = {
    401: "No credential, or one that is nobody's.",
    403: "The caller may not do this.",
    429: "Too many requests.",
}
_WITH_BODY: Final = {
    400: "The request is at fault: `details` names the place.",
    408: "The body did not arrive in time.",
    413: "The body is too large.",
}
_HEADERS: Final[Mapping[int, Mapping[str, str]]] = {
    401: {"WWW-Authenticate": "How to authenticate."},
    429: RETRY,
    503: RETRY,
}
_MAY_HAVE: Final[Mapping[int, Mapping[str, str]]] = {429: RATES}
"""Where a rate is exceeded; the other limits have none."""

_MAY_BE_ABSENT: Final = {401}
"""A webhook's refused signature challenges nobody."""


def errors_of(endpoint: Endpoint) -> dict[int, Answer]:
    """The errors that an endpoint may answer, by status."""
    meanings = dict(_ALWAYS)
    if endpoint.operation is not None:
        meanings |= _KNOWN_CALLER
    if endpoint.path_names or endpoint.operation is not None:
        meanings[404] = "It does not exist, or not for this caller."
    if endpoint.query is not None or endpoint.headers is not None:
        meanings[400] = _WITH_BODY[400]
    if endpoint.method in ("POST", "PUT", "PATCH"):
        meanings |= _WITH_BODY
    if "Idempotency-Key" in _names(endpoint.headers):
        meanings[409] = "The `Idempotency-Key` was used for another request."
    if endpoint.takes_link and endpoint.method != "GET":
        meanings[409] = "A decision was made by this link before; `eventId` names it."
    meanings |= endpoint.errors
    return {status: _error(endpoint, status, meaning) for status, meaning in sorted(meanings.items())}


def _error(endpoint: Endpoint, status: int, meaning: str) -> Answer:
    headers = _HEADERS.get(status, {})
    challenged = endpoint.operation is not None or status not in _MAY_BE_ABSENT
    return Answer(
        body=ERROR_TYPES[endpoint.style],
        description=meaning,
        headers=headers if challenged else {},
        may_have={**_MAY_HAVE.get(status, {}), **({} if challenged else headers)},
    )


def _names(headers: type[Struct] | None) -> tuple[str, ...]:
    return () if headers is None else headers.__struct_encode_fields__
