"""Where an outgoing webhook may lead, and how its URL is shown."""

import ipaddress
from collections.abc import Sequence
from typing import Final

from yarl import URL

from signoff.gateway.errors import ApiError, bad_field
from signoff.runtime.guard import AddressRefusedError, Network, check_address

_LONGEST: Final = 2000
_MASK: Final = "•••"


def read_url(text: str, allowed: Sequence[Network]) -> URL:
    """A URL that a webhook may have.

    A name is not looked up: what it leads to is checked whenever it is connected to.

    Args:
        text: as the caller wrote it.
        allowed: networks that may be reached although they are not public.

    Raises:
        ApiError: 400 says what is wrong with it.
    """
    if len(text) > _LONGEST:
        raise bad_field("url", f"must have at most {_LONGEST} characters")
    try:
        url = URL(text.strip())
        host = url.host
    except ValueError as error:
        raise bad_field("url", f"must be a URL: {error}") from error
    if url.scheme not in {"http", "https"} or not host:
        raise bad_field("url", "must begin with https:// or http:// and name a host")
    if url.user is not None or url.password is not None:
        raise bad_field("url", "must hold no user and no password: every request is signed")
    if url.fragment:
        raise bad_field("url", "must have no part after #: it would not be sent")
    _check_host(host, allowed)
    return url


def _check_host(host: str, allowed: Sequence[Network]) -> None:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return  # a name
    try:
        check_address(host, allowed)
    except AddressRefusedError as error:
        raise _refused(error) from error


def _refused(error: AddressRefusedError) -> ApiError:
    return bad_field("url", f"leads to where webhooks may not go: {error.strerror}")


def masked(text: str) -> str:
    """A URL without what its query says, which may be a secret."""
    path, question, _ = text.partition("?")
    return path + question + (_MASK if question else "")
