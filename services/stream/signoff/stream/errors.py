"""Why a stream is not given.

::

    StreamError
    └── RefusedError            the request ends with this status and text
"""

from signoff.events.errors import SignoffError


class StreamError(SignoffError):
    """Base of what the stream service raises."""


class RefusedError(StreamError):
    """The request is answered with ``{"error": <message>}``.

    Attributes:
        status: of the answer.
        hidden: what was asked for is there, and not for the caller to know of.
    """

    def __init__(self, status: int, message: str, *, hidden: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.hidden = hidden
