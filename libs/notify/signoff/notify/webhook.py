"""A message as JSON to an HTTP server, through the guarded session that ``api`` blocks use."""

import os
from typing import Final

import aiohttp
import msgspec
from yarl import URL

from signoff.notify.errors import InvalidNoticeError
from signoff.notify.notices import Notice
from signoff.notify.texts import one_line, plain_text
from signoff.runtime.guard import AddressRefusedError

_AGENT: Final = "Signoff-Notifications/1"


async def post(session: aiohttp.ClientSession, notice: Notice, *, limit: float) -> str | None:
    """Post a message once. A redirect is a failure, and nothing of an answer is read but its status.

    Args:
        session: from :func:`signoff.runtime.guard.guarded_session`.
        notice: whose URL is ``https://`` or ``http://``.
        limit: seconds that it may take in all.

    Returns:
        Why it was not taken, ``None`` if it was.
    """
    try:
        async with session.post(
            URL(notice.url),
            data=_body(notice),
            headers=_headers(notice),
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=limit),
        ) as response:
            return None if 200 <= response.status < 300 else f"it answered {response.status}"
    except InvalidNoticeError as error:
        return str(error)
    except TimeoutError:
        return f"there was no answer within {limit:g} s"
    except aiohttp.ClientConnectorError as error:
        return _unconnected(error)
    except (aiohttp.ClientError, ValueError, TypeError) as error:
        return _failed(error)


def _failed(error: Exception) -> str:
    # Its own text may hold the URL and headers.
    return f"the request failed with {type(error).__name__}: see that its URL and headers are right"


def _unconnected(error: aiohttp.ClientConnectorError) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "the certificate of its host is not trusted"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "its host was not found"
    if isinstance(error, aiohttp.ClientSSLError):
        return "no TLS connection could be made"
    reason = error.os_error
    if isinstance(reason, AddressRefusedError):
        return str(reason.strerror)
    # Its own text holds the address, and may hold more.
    return f"the connection failed: {os.strerror(reason.errno)}" if reason.errno else "the connection failed"


def _headers(notice: Notice) -> dict[str, str]:
    # Names of headers are alike whatever their case, and each goes out once.
    given = {name.title(): value for name, value in notice.headers.items()}
    return {"User-Agent": _AGENT} | given | {"Content-Type": "application/json"}


def _body(notice: Notice) -> bytes:
    if notice.payload is not None:
        return msgspec.json.encode(notice.payload)
    title, body = one_line(notice.title), plain_text(notice.body)
    if not (title or body):
        raise InvalidNoticeError("title, body: one of them must say something")
    return msgspec.json.encode({"title": title, "body": body})
