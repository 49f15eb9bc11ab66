"""Why a notification cannot be sent, whatever the other side does.

::

    NotifyError
    ├── InvalidNoticeError   it is not one: what is missing or not allowed
    └── UnknownToolError     a tool that no channel stands for
"""

from signoff.events.errors import SignoffError


class NotifyError(SignoffError):
    """Base of what is wrong with a notification itself. No text holds a URL or a secret."""


class InvalidNoticeError(NotifyError):
    """It says too little to be sent, or something that is not allowed."""


class UnknownToolError(NotifyError):
    """A definition names a tool that there is no channel for."""
