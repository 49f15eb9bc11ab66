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
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
