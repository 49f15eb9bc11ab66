"""Why a caller is turned away.

::

    AccessError
    ├── InvalidKeyError         a credential that nobody has, or no longer
    ├── ForeignWorkspaceError   a workspace's key, used for what another workspace of its owner has
    ├── UnknownWorkspaceError   no workspace that the caller may act in
    ├── TooManyAttemptsError    passwords were tried too often
    ├── PasswordsBusyError      too many passwords are being worked on
    ├── PersonConflictError     an id that was given to another person before
    ├── ProviderError           the OpenID provider cannot be used, or its answer be trusted
    ├── SealError               a secret that cannot be opened
    └── SecretErasedError       a secret that somebody removed
"""

from signoff.events.errors import SignoffError


class AccessError(SignoffError):
    """Base of what is wrong with a caller's credentials, or with a secret."""


class InvalidKeyError(AccessError):
    """The presented key belongs to nobody, or no longer."""


class ForeignWorkspaceError(AccessError):
    """The key is bound to one workspace, and what was asked for is in another one of its owner."""


class UnknownWorkspaceError(AccessError):
    """There is no such workspace, or none for this caller."""


class TooManyAttemptsError(AccessError):
    """Passwords were tried too often, for one account or from one address.

    Attributes:
        retry_after: whole seconds after which there may be another attempt.
        most: attempts that there may be.
    """

    def __init__(self, retry_after: int, *, most: int) -> None:
        super().__init__("Too many attempts to sign in. Please try again later.")
        self.retry_after = retry_after
        self.most = most


class PasswordsBusyError(AccessError):
    """More passwords are to be hashed at once than is good for the machine."""


class PersonConflictError(AccessError):
    """The id that a new person was to have is another person's, or was that of one who was erased."""


class ProviderError(AccessError):
    """The OpenID provider cannot be used, or what it says about somebody cannot be trusted."""


class SealError(AccessError):
    """A sealed secret does not open."""


class SecretErasedError(AccessError):
    """A secret that somebody submitted to a form was removed since."""
