"""Why a caller is turned away.

::

    AccessError
    ├── InvalidKeyError         a credential that nobody has, or no longer
    ├── ForeignWorkspaceError   a workspace's key, used for what another workspace of its owner has
    ├── UnknownWorkspaceError   no workspace that the caller may act in
    ├── TooManyLinksError       a person has many links to one decision already
    ├── TooManyCodesError       codes were sent, or tried, too often
    ├── WrongCodeError          not the code that was sent
    ├── CodeNotSentError        a code that nobody could be sent
    ├── TooManyAttemptsError    passwords were tried too often
    ├── PasswordsBusyError      too many passwords are being worked on
    ├── PersonConflictError     an id that was given to another person before
    ├── UnknownAssigneeError    people who are to decide, and are nobody in the workspace
    ├── ProviderError           the OpenID provider cannot be used, or its answer be trusted
    ├── SealError               a secret that cannot be opened
    └── SecretErasedError       a secret that somebody removed
"""

from collections.abc import Mapping

from signoff.events.errors import SignoffError


class AccessError(SignoffError):
    """Base of what is wrong with a caller's credentials, or with a secret."""


class InvalidKeyError(AccessError):
    """The presented key belongs to nobody, or no longer."""


class ForeignWorkspaceError(AccessError):
    """The key is bound to one workspace, and what was asked for is in another one of its owner."""


class UnknownWorkspaceError(AccessError):
    """There is no such workspace, or none for this caller."""


class TooManyLinksError(AccessError):
    """A person has as many links to one pause point as there may be."""

    def __init__(self, most: int) -> None:
        super().__init__(f"There are {most} links to this decision for this person; use one of them")


class TooManyCodesError(AccessError):
    """Codes were sent for a link, or tried, too often.

    Attributes:
        retry_after: whole seconds after which there may be another one; ``None``: never.
    """

    def __init__(self, retry_after: int | None = None) -> None:
        what = "ask for a new link or sign in" if retry_after is None else "try again later or sign in"
        super().__init__(f"Too many codes for this link; {what}")
        self.retry_after = retry_after


class WrongCodeError(AccessError):
    """The code is not the one that was sent, or is not good any more."""


class CodeNotSentError(AccessError):
    """A code could not be sent."""


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


class UnknownAssigneeError(AccessError):
    """Some of those who are to decide are nobody in the workspace.

    Attributes:
        names: theirs, as they were written.
    """

    def __init__(self, reasons: Mapping[str, str]) -> None:
        told = ", ".join(f"{name!r} ({reason})" for name, reason in reasons.items())
        super().__init__(f"Unknown in this workspace: {told}. Add them to it, or correct the names")
        self.names = list(reasons)


class ProviderError(AccessError):
    """The OpenID provider cannot be used, or what it says about somebody cannot be trusted."""


class SealError(AccessError):
    """A sealed secret does not open."""


class SecretErasedError(AccessError):
    """A secret that somebody submitted to a form was removed since."""
