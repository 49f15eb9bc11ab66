"""Why a caller is turned away.

::

    AccessError
    └── InvalidKeyError         a key that nobody has
"""

from signoff.events.errors import SignoffError


class AccessError(SignoffError):
    """Base of what is wrong with a caller's credentials."""


class InvalidKeyError(AccessError):
    """The presented key belongs to nobody, or no longer."""
