"""How forms and addresses of the inbox name a pause point, and what was shown of it."""

from typing import Final
from urllib.parse import quote, unquote

from msgspec import Struct

from signoff.gateway.errors import bad_field
from signoff.gateway.pages.inbox.views import PATH
from signoff.gateway.pages.resume.addresses import Addresses

_MARK: Final = "@"
"""Between a point's name and a digest; names and ids are encoded and have none."""


class ShownPoint(Struct, frozen=True):
    """A pause point and the digest of what was shown of it; ``None``: it shows nothing."""

    execution_id: str
    context_id: str
    digest: str | None

    @property
    def key(self) -> str:
        """Names it on a page."""
        return point_key(self.execution_id, self.context_id)


def point_key(execution_id: str, context_id: str) -> str:
    """A name of a point, among those of a page."""
    return f"{quote(execution_id, safe='')}/{quote(context_id, safe='')}"


def point_value(execution_id: str, context_id: str, digest: str | None) -> str:
    """A point as the value of a form's field."""
    return f"{point_key(execution_id, context_id)}{_MARK}{digest or ''}"


def read_value(text: str) -> ShownPoint:
    """The point that a form's field names.

    Raises:
        ApiError: 400, it names none.
    """
    key, marked, digest = text.partition(_MARK)
    execution_id, _, context_id = (unquote(each) for each in key.partition("/"))
    if not (marked and execution_id and context_id):
        raise bad_field("point", "names no pause point: choose it on the inbox again")
    return ShownPoint(execution_id, context_id, digest or None)


def resume_path(workflow_id: str, execution_id: str, context_id: str, inbox: str = PATH) -> str:
    """The page on which a point is decided.

    Args:
        workflow_id: of its execution.
        execution_id: as callers know it.
        context_id: of the point.
        inbox: the view of the inbox to go on with.
    """
    return Addresses(workflow_id, execution_id, inbox=None if inbox == PATH else inbox).page(context_id)
