"""Mail URLs with one recipient."""

import re
from typing import Final
from urllib.parse import quote, unquote

from signoff.notify.errors import InvalidNoticeError

_MAIL: Final = re.compile(r"(mailtos?://)([^/?]*)[^?]*(?:\?(.*))?", re.IGNORECASE | re.DOTALL)
_RECIPIENTS: Final = frozenset({"to", "cc", "bcc"})
"""Options of Apprise's mail URLs that name people; their path does so, too, and an address as their host."""


def addressed(url: str, address: str) -> str:
    """An Apprise URL of mail to one person alone: what the mail holds may be for nobody else.

    Its options stay as they were written: Apprise reads a ``+`` or a ``#`` in them as it stands.

    Args:
        url: ``mailto://…`` or ``mailtos://…``, with or without recipients.
        address: an e-mail address.

    Raises:
        InvalidNoticeError: it is no such URL, or names a person in place of a mail server.
    """
    match = _MAIL.fullmatch(url)
    if match is None:
        raise InvalidNoticeError("url: must begin with mailtos://, since it is for people by their addresses")
    scheme, server, query = match.groups()
    if "@" in unquote(server.rpartition("@")[2]):
        raise InvalidNoticeError("url: must name a mail server, and no address, after mailtos://")
    options = [each for each in re.split("[&;]", query or "") if each and not _names_people(each)]
    options.append(f"to={quote(address, safe='')}")
    return f"{scheme}{server}/?{'&'.join(options)}"


def _names_people(option: str) -> bool:
    return unquote(option.partition("=")[0].replace("+", " ")).strip().lower() in _RECIPIENTS
