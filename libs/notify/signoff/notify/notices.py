"""A message to send, and what came of it."""

from typing import Literal

from msgspec import Struct

from signoff.events.types import Json

Format = Literal["text", "markdown", "html", "native"]
"""How a body is written; ``native``: as the service itself has it, such as Slack's own markup."""


class Notice(Struct, frozen=True, kw_only=True):
    """One message to send. Its representation does not show what may be secret.

    Attributes:
        url: an Apprise URL (``mailtos://``, ``slack://`` …), or an ``https://`` URL to post JSON to.
        title: one line; channels without one put it before the body.
        body: what is said, of up to :data:`signoff.notify.texts.LONGEST_BODY` characters.
        format: of the body.
        payload: for ``https://``: the JSON that is posted in place of ``{"title", "body"}``.
        headers: for ``https://``: more of them.
    """

    url: str
    title: str
    body: str
    format: Format = "text"
    payload: Json = None
    headers: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"Notice(url=•••, title={self.title!r}, format={self.format!r})"


class Sent(Struct, frozen=True, kw_only=True):
    """What came of a message.

    Attributes:
        channel: by what it was sent, such as ``slack``: the scheme, never an address.
        success: the other side took it.
        error: why not; without URL, token and password.
        duration_ms: milliseconds that it took, with the wait for its turn.
    """

    channel: str
    success: bool
    error: str | None
    duration_ms: float
