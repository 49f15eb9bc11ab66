"""What can go wrong with an export."""

from signoff.events.errors import SignoffError


class ExportError(SignoffError):
    """The export cannot be made, or cannot go on; says what to do."""


class TargetError(ExportError):
    """An export cannot go where it was told to, or is another one there."""
