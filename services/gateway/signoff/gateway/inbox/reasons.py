"""What people write about a decision, and how long it may be."""

from typing import Annotated, Final

from msgspec import Meta

MAX_REASON: Final = 2_000
"""Characters of a reason."""

MAX_COMMENT: Final = 10_000
"""Characters of a comment."""

Reason = Annotated[str, Meta(min_length=1, max_length=MAX_REASON)]
Comment = Annotated[str, Meta(min_length=1, max_length=MAX_COMMENT)]
