"""Tells people of pause points, as definitions ask for it, and says what came of it to the log."""

from signoff.executor.notices.service import Notices, open_notices

__all__ = ["Notices", "open_notices"]
