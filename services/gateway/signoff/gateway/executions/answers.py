"""What a caller of a run is told: the contract's table of outcomes, as HTTP answers."""

import re
from typing import Final

import msgspec
from aiohttp import web
from msgspec import UNSET

from signoff.events.types import DecisionHeld, DecisionRecorded, Json
from signoff.gateway.executions.endings import TIMEOUT, Ending
from signoff.gateway.http.responses import answer
from signoff.gateway.links import Links
from signoff.gateway.schemas import (
    DecisionHeldAnswer,
    DecisionRecordedAnswer,
    Executed,
    Queued,
    Resumed,
)

BLOCK_HEADER: Final = "X-Response-Block"
"""Tells the answer of a ``response`` block from ours: its status and data are the workflow's."""

_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}")
_HEADER_VALUE: Final = re.compile(r"[\t\x20-\x7e\x80-\xff]{0,8192}")
_NOT_FORWARDED: Final = frozenset({
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te",
    "trailer", "transfer-encoding", "upgrade", "content-length", "content-encoding", "content-type", "date",
    "server", "set-cookie", "www-authenticate", "content-security-policy", "x-content-type-options",
    "x-execution-id", "x-response-block",
})  # fmt: skip
"""Headers that belong to the connection, or to this server and whoever trusts it."""

_JSON: Final = "application/json"
_encode: Final = msgspec.json.Encoder().encode


def execute_answer(ending: Ending, execution_id: str) -> web.Response:
    """The answer to a synchronous execute."""
    if ending.response_block_id is not None and isinstance(ending.output, dict):
        return block_answer(ending.output, execution_id)
    return answer(
        Executed(
            success=ending.success,
            execution_id=execution_id,
            output=UNSET if ending.output is None else ending.output,
            error=UNSET if ending.error is None else ending.error,
            metadata=ending.metadata,
        ),
        status=_status(ending),
        headers={"X-Execution-Id": execution_id},
    )


def _status(ending: Ending) -> int:
    if ending.status == "failed":
        return 408 if ending.code == TIMEOUT else 500
    return 200


def block_answer(output: dict[str, Json], execution_id: str) -> web.Response:
    """The answer that a ``response`` block gives: its own data, status and headers.

    The data is JSON whatever the block calls it, as in Sim. What is not called JSON may not run as a
    page of this server.
    """
    given = output.get("headers")
    named: dict[str, Json] = given if isinstance(given, dict) else {}
    headers = {name: value for name, value in named.items() if _may_pass(name, value)}
    headers |= {"X-Execution-Id": execution_id, "X-Content-Type-Options": "nosniff", BLOCK_HEADER: "true"}
    content_type = _content_type(named)
    if content_type != _JSON:
        headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    headers["Content-Type"] = content_type
    return web.Response(
        body=_encode(output.get("data")), status=_block_status(output.get("status")), headers=headers
    )


def _content_type(headers: dict[str, Json]) -> str:
    given = next((value for name, value in headers.items() if name.lower() == "content-type"), None)
    return given if isinstance(given, str) and "/" in given and _HEADER_VALUE.fullmatch(given) else _JSON


def _may_pass(name: str, value: Json) -> bool:
    if name.lower() in _NOT_FORWARDED or not _HEADER_NAME.fullmatch(name):
        return False
    return isinstance(value, str) and _HEADER_VALUE.fullmatch(value) is not None


def _block_status(status: Json) -> int:
    return status if isinstance(status, int) and 200 <= status <= 599 else 200


def queued_answer(links: Links, *, run_id: str, execution_id: str, message: str) -> web.Response:
    """The answer to whoever does not wait for a run."""
    queued = Queued(job_id=run_id, execution_id=execution_id, message=message, status_url=links.job(run_id))
    return answer(queued, status=202, headers={"X-Execution-Id": execution_id})


def resume_answer(ending: Ending, run_id: str) -> web.Response:
    """The answer to a synchronous resume."""
    return answer(
        Resumed(
            success=ending.success,
            status=ending.status,
            execution_id=run_id,
            output=ending.output,
            error=ending.error,
            metadata=ending.metadata,
        ),
        headers={"X-Execution-Id": run_id},
    )


def recorded_answer(recorded: DecisionRecorded, event_id: int) -> DecisionRecordedAnswer:
    """One person's decision of several that are wanted."""
    return DecisionRecordedAnswer(
        verdict=recorded.verdict,
        approvals=recorded.approvals,
        rejections=recorded.rejections,
        required=recorded.required,
        event_id=event_id,
    )


def held_answer(held: DecisionHeld) -> DecisionHeldAnswer:
    """A decision that waits for its pause point."""
    return DecisionHeldAnswer(held_id=held.held_id, expires_at=held.expires_at)
