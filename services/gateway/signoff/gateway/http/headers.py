"""What the headers of a request say, checked."""

import re
from collections.abc import Mapping
from typing import Annotated, Final, Literal, TypeAlias

from aiohttp import web
from msgspec import UNSET, Meta, Struct, UnsetType, field

from signoff.access.links.codes import DIGITS
from signoff.events.types import Mode
from signoff.gateway.errors import ApiError, bad_field
from signoff.gateway.http.routing import Rate

MAX_CALL_CHAIN: Final = 25
"""How many workflows may have called one another (Sim's limit)."""

MAX_TIMEOUT: Final = 604_800
"""Seconds that an asynchronous caller may ask for: a week."""

IDENTIFIER: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")
"""Ids that callers choose, of workflows and of executions."""

CODE_HEADER: Final = "X-Signoff-Code"
"""Has the code that the person of a decision link was sent."""

CODE: Final = re.compile(f"^[0-9]{{{DIGITS}}}$")

FORM_KEY: Final = web.RequestKey("form-key", str)
"""The ``Idempotency-Key`` of a page's form, which can send no header."""

_ID_SHAPE: Final = "1 to 128 characters of A-Z a-z 0-9 . _ : -"
_MAX_KEY: Final = 255
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


IdempotencyKey: TypeAlias = Annotated[str, Meta(min_length=1, max_length=_MAX_KEY, pattern="^[ -~]*$")]
"""Names a request, as a header or in a body."""


class CommandHeaders(Struct, frozen=True, kw_only=True):
    """The headers of a request that changes something.

    Attributes:
        idempotency_key: Names the request: the same one again gets the first answer and does nothing twice;
            another request with the same key is a conflict.
        traceparent: W3C trace context.
    """

    idempotency_key: IdempotencyKey | UnsetType = field(default=UNSET, name="Idempotency-Key")
    traceparent: str | UnsetType = UNSET


_LINK: Final = rf" *(|{IDENTIFIER.pattern}) *"
_CHAIN: Final = f"^{_LINK}(,{_LINK})*$"


class StartHeaders(CommandHeaders, frozen=True, kw_only=True):
    """The headers of a request that starts an execution, as they are written; `execute_headers` reads them.

    Attributes:
        mode: `async`: the answer is 202 at once. `stream`: it is a stream of text.
        stream: `true` is the same as `stream` in the body.
        execution_id: The execution's id, chosen by the caller. It can be used once in a workspace.
        timeout: Seconds that an asynchronous run may take.
        call_chain: The workflows that called one another up to this request, by commas; at most 24.
    """

    mode: Mode | UnsetType = field(default=UNSET, name="X-Execution-Mode")
    stream: Literal["true", "false"] | UnsetType = field(default=UNSET, name="X-Stream-Response")
    execution_id: Annotated[str, Meta(pattern=f"^{IDENTIFIER.pattern}$")] | UnsetType = field(
        default=UNSET, name="X-Execution-Id"
    )
    timeout: Annotated[int, Meta(ge=1, le=MAX_TIMEOUT)] | UnsetType = field(
        default=UNSET, name="X-Execution-Timeout-Seconds"
    )
    call_chain: Annotated[str, Meta(pattern=_CHAIN)] | UnsetType = field(default=UNSET, name="X-Sim-Via")


class DecisionHeaders(CommandHeaders, frozen=True, kw_only=True):
    """The headers of a decision.

    Attributes:
        if_match: The `ETag` of the pause point: which content the decision is made on.
    """

    if_match: str | UnsetType = field(default=UNSET, name="If-Match")


class ConditionalHeaders(Struct, frozen=True, kw_only=True):
    """The headers of a read that repeats.

    Attributes:
        if_none_match: The `ETag` of an answer that the caller has: 304 while it stands.
    """

    if_none_match: str | UnsetType = field(default=UNSET, name="If-None-Match")


class ExecuteHeaders(Struct, frozen=True, kw_only=True):
    """What the headers of an execute request ask for; ``timeout`` is in seconds."""

    mode: Mode
    execution_id: str | None
    timeout: float | None
    call_chain: list[str]

    @property
    def rate(self) -> Rate:
        """What the request counts as, where rates are limited."""
        return "async" if self.mode == "async" else "sync"


def idempotency_key(request: web.Request) -> str | None:
    """The ``Idempotency-Key`` of a request, by its header or by its form.

    Raises:
        ApiError: 400, it is empty, too long, or holds characters that cannot be printed.
    """
    key = request.headers.get("Idempotency-Key", request.get(FORM_KEY))
    if key is not None and not (0 < len(key) <= _MAX_KEY and key.isascii() and key.isprintable()):
        raise bad_field("Idempotency-Key", f"must have 1 to {_MAX_KEY} printable ASCII characters")
    return key


def traceparent(headers: Mapping[str, str]) -> str | None:
    """The W3C trace context; one that is none is left out, as the recommendation says."""
    text = headers.get("traceparent")
    return text if text is not None and _TRACEPARENT.fullmatch(text) else None


def seen_digest(headers: Mapping[str, str]) -> str | None:
    """The digest of the content that a decision was made on, from ``If-Match``."""
    tag = headers.get("If-Match", "").strip()
    return tag.removeprefix("W/").strip('"') if tag not in ("", "*") else None


def decision_code(headers: Mapping[str, str]) -> str | None:
    """The code that the person of a decision link was sent, if the request has one.

    Raises:
        ApiError: 400, it is none.
    """
    code = headers.get(CODE_HEADER)
    if code is not None and not CODE.fullmatch(code):
        raise bad_field(CODE_HEADER, f"must have the {DIGITS} digits of the code")
    return code


def execute_headers(headers: Mapping[str, str]) -> ExecuteHeaders:
    """What an execute request asks for by its headers (http-contract.md).

    Raises:
        ApiError: 400 names the header; 409 for a call chain that is too deep.
    """
    return ExecuteHeaders(
        call_chain=call_chain(headers),
        mode=_mode(headers),
        execution_id=_chosen_id(headers, "X-Execution-Id"),
        timeout=_timeout(headers),
    )


def run_headers(headers: Mapping[str, str], *, mode: Mode, timeout: float | None) -> ExecuteHeaders:
    """The same of v2, whose headers only hold the run's id: the body says how, and how long.

    Raises:
        ApiError: as of `execute_headers`.
    """
    return ExecuteHeaders(
        call_chain=call_chain(headers),
        mode=mode,
        execution_id=_chosen_id(headers, "X-Run-Id"),
        timeout=timeout,
    )


def call_chain(headers: Mapping[str, str]) -> list[str]:
    """The workflows that called one another up to a request, the outermost first.

    Raises:
        ApiError: 409, they are too many; 400, one is no id.
    """
    chain = [name for each in headers.get("X-Sim-Via", "").split(",") if (name := each.strip())]
    if len(chain) >= MAX_CALL_CHAIN:
        raise ApiError(409, f"Maximum workflow call chain depth ({MAX_CALL_CHAIN}) exceeded.")
    if not all(map(IDENTIFIER.fullmatch, chain)):
        raise bad_field("X-Sim-Via", f"must be ids of workflows, each {_ID_SHAPE}, with commas between them")
    return chain


def takes_gzip(headers: Mapping[str, str]) -> bool:
    """Whether an ``Accept-Encoding`` takes gzip (RFC 9110, 12.5.3); a weight of 0 refuses it."""
    for each in headers.get("Accept-Encoding", "").lower().split(","):
        coding, _, weight = each.partition(";")
        if coding.strip() == "gzip":
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def _mode(headers: Mapping[str, str]) -> Mode:
    mode = headers.get("X-Execution-Mode", "sync").lower()
    if mode not in ("sync", "async", "stream"):
        raise bad_field("X-Execution-Mode", "must be sync, async or stream")
    streamed = headers.get("X-Stream-Response", "false").lower()
    if streamed not in ("true", "false"):
        raise bad_field("X-Stream-Response", "must be true or false")
    if mode == "async":
        return "async"
    return "stream" if streamed == "true" or mode == "stream" else "sync"


def _chosen_id(headers: Mapping[str, str], name: str) -> str | None:
    chosen = headers.get(name)
    if chosen is not None and not IDENTIFIER.fullmatch(chosen):
        raise bad_field(name, f"must have {_ID_SHAPE}")
    return chosen


def _timeout(headers: Mapping[str, str]) -> float | None:
    text = headers.get("X-Execution-Timeout-Seconds")
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 6 and 1 <= int(text) <= MAX_TIMEOUT):
        raise bad_field("X-Execution-Timeout-Seconds", f"must be a whole number from 1 to {MAX_TIMEOUT}")
    return float(text)
