"""One attempt of a delivery: signed as Standard Webhooks 1.0 has it, sent, and judged by its answer."""

import base64
import hmac
import time
from collections.abc import Callable, Iterable
from typing import Final

import aiohttp
from msgspec import Struct
from yarl import URL

from signoff.access.hooks import Target
from signoff.executor.blocks.http_errors import retry_after
from signoff.executor.hooks.limits import Limits

_AGENT: Final = "Signoff-Webhooks/1"
_GONE: Final = 410
_REASON: Final = 300


class Answer(Struct, frozen=True, kw_only=True):
    """What came of an attempt.

    Attributes:
        status: of HTTP, ``None`` where there was no answer.
        error: what went wrong, ``None`` where nothing did.
        retry_after: seconds that the receiver asked to be left alone.
        seconds: that it took.
    """

    status: int | None = None
    error: str | None = None
    retry_after: float = 0.0
    seconds: float = 0.0

    @property
    def gone(self) -> bool:
        """The receiver wants no further attempt (410)."""
        return self.status == _GONE


def signed(secrets: Iterable[str], delivery: str, timestamp: int, body: bytes) -> str:
    """The value of ``webhook-signature``: a signature by each secret, parted by spaces.

    Args:
        secrets: ``whsec_`` and base64.
        delivery: what names the delivery, ``webhook-id``.
        timestamp: of the attempt, seconds since the epoch, ``webhook-timestamp``.
        body: as it is sent.
    """
    content = b"%b.%d.%b" % (delivery.encode(), timestamp, body)
    return " ".join("v1," + _signature(secret, content) for secret in secrets)


def _signature(secret: str, content: bytes) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return base64.b64encode(hmac.digest(key, content, "sha256")).decode()


class Sender:
    """Sends deliveries.

    Args:
        session: from :func:`signoff.runtime.guard.guarded_session`.
        limits: of time and size.
        clock: seconds since the epoch, UTC.
    """

    def __init__(
        self, session: aiohttp.ClientSession, limits: Limits, clock: Callable[[], float] = time.time
    ) -> None:
        self._session = session
        self._limits = limits
        self._clock = clock

    async def send(self, target: Target, delivery: str, body: bytes) -> Answer:
        """Send once. A redirect is a failure: whoever moves a receiver sets its URL anew."""
        now = self._clock()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": _AGENT,
            "webhook-id": delivery,
            "webhook-timestamp": str(int(now)),
            "webhook-signature": signed(target.signing(now), delivery, int(now), body),
        }
        begun = time.monotonic()
        answer = await self._post(target.url, headers, body)
        return Answer(
            status=answer.status,
            error=answer.error,
            retry_after=answer.retry_after,
            seconds=time.monotonic() - begun,
        )

    async def _post(self, url: str, headers: dict[str, str], body: bytes) -> Answer:
        try:
            async with self._session.post(
                URL(url),
                data=body,
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=self._limits.timeout),
            ) as response:
                await self._read(response)
                return _judged(response)
        except TimeoutError:
            return Answer(error=f"no answer within {self._limits.timeout:g} s")
        except aiohttp.ClientConnectorError as error:
            return Answer(error=_text(error.os_error))
        except aiohttp.ClientResponseError as error:
            return Answer(error=f"no HTTP answer: {error.message}"[:_REASON])
        except ValueError:  # its text, as that of the error before, would show the URL with its secrets
            return Answer(error="the URL cannot be used: set the webhook anew")
        except aiohttp.ClientError as error:
            return Answer(error=_text(error))

    async def _read(self, response: aiohttp.ClientResponse) -> None:
        """Read the answer, so that its connection can be used again; a long one costs the connection."""
        size = 0
        async for chunk in response.content.iter_any():
            size += len(chunk)
            if size > self._limits.answer:
                response.close()
                return


def _judged(response: aiohttp.ClientResponse) -> Answer:
    if 200 <= response.status < 300:
        return Answer(status=response.status)
    return Answer(
        status=response.status,
        error=f"answered {response.status} {response.reason or ''}".rstrip()[:_REASON],
        retry_after=retry_after(response.headers.get("Retry-After", "")),
    )


def _text(error: BaseException) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return text[:_REASON]
