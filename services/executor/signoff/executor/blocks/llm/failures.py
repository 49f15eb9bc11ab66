"""Why a model gave no answer, as the block's failure: whether another try may help, and after how long."""

from errno import EACCES
from typing import Final

import aiohttp
import msgspec

from signoff.executor.blocks.base import BlockFailureError
from signoff.executor.blocks.http_errors import error_message, retry_after
from signoff.executor.blocks.llm.endpoint import Endpoint
from signoff.executor.running.scope import redact

_LENGTH: Final = 1_000
"""Characters of the endpoint's own words that an error keeps."""

_NO_KEY: Final = frozenset({401, 403})
_MAY_PASS: Final = frozenset({408, 409, 425, 429})
_USED_UP: Final = "insufficient_quota"  # OpenAI's 429 that waiting does not mend


class ModelError(BlockFailureError):
    """A request to a model failed.

    Attributes:
        after: seconds that the endpoint asks to wait before the next request; 0 if it does not say.
    """

    def __init__(self, message: str, *, code: str, retryable: bool, after: float = 0.0) -> None:
        super().__init__(message, code=code, retryable=retryable)
        self.after = after


def refused(endpoint: Endpoint, response: aiohttp.ClientResponse, body: bytes) -> ModelError:
    """The failure for a status that is not 200."""
    status = response.status
    document = _document(body)
    reason = (
        error_message(document)
        or body.decode(errors="replace").strip()
        or response.reason
        or "no reason given"
    )
    message = _message(endpoint, reason, status=status)
    if status in _NO_KEY:
        return ModelError(message, code="MODEL_UNAUTHORIZED", retryable=False)
    if status == 429:
        passing = not _is_used_up(document)
        after = retry_after(response.headers.get("Retry-After", ""))
        return ModelError(message, code="MODEL_RATE_LIMITED", retryable=passing, after=after)
    if status >= 500:
        after = retry_after(response.headers.get("Retry-After", ""))
        return ModelError(message, code="MODEL_UNAVAILABLE", retryable=True, after=after)
    return ModelError(message, code="MODEL_REFUSED", retryable=status in _MAY_PASS)


def unreachable(endpoint: Endpoint, problem: aiohttp.ClientError) -> ModelError:
    """The failure for no connection, or one that broke."""
    if isinstance(problem, aiohttp.ClientConnectorError):
        reason = problem.os_error.strerror or str(problem.os_error)
        # The guard's refusal is one of these: it will not change its mind.
        retryable = problem.os_error.errno != EACCES
    else:
        reason, retryable = str(problem) or type(problem).__name__, True
    return ModelError(_message(endpoint, reason), code="MODEL_UNAVAILABLE", retryable=retryable)


def silent(endpoint: Endpoint) -> ModelError:
    """The failure for an endpoint that says nothing for too long."""
    reason = f"no byte came for {endpoint.timeout:g} seconds"
    return ModelError(_message(endpoint, reason), code="TIMEOUT", retryable=True)


def broken(endpoint: Endpoint, reason: str) -> ModelError:
    """The failure for an answer that was cut, or is none."""
    return ModelError(_message(endpoint, reason), code="MODEL_UNAVAILABLE", retryable=True)


def impossible(endpoint: Endpoint, reason: str) -> ModelError:
    """The failure for a request that cannot be sent, or whose answer may not be taken."""
    return ModelError(_message(endpoint, reason), code="MODEL_REFUSED", retryable=False)


def _message(endpoint: Endpoint, reason: str, *, status: int | None = None) -> str:
    """Sim's manner of the `api` block. The key is masked: some endpoints repeat what they were sent."""
    if endpoint.api_key:
        reason = str(redact(reason, {endpoint.api_key}))
    details = [f"URL: {endpoint.shown}", f"Error: {reason[:_LENGTH]}"]
    if status is not None:
        details.append(f"Status: {status}")
    return f"Model request failed: {' | '.join(details)}"


def _document(body: bytes) -> object:
    try:
        document: object = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return None  # the text itself says what it is
    return document


def _is_used_up(document: object) -> bool:
    error = document.get("error") if isinstance(document, dict) else None
    return isinstance(error, dict) and _USED_UP in {error.get("code"), error.get("type")}
