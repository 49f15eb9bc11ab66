"""What people say with what they do beside a decision."""

from typing import Annotated

from msgspec import Meta, Struct

from signoff.engine.points.ladders import MAX_ASKED
from signoff.gateway.inbox.reasons import Comment, Reason


class DelegateBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who is to decide instead.

    Attributes:
        to: A member of the workspace who may decide: a user's id or an e-mail address.
        reason: Why.
    """

    to: Annotated[str, Meta(min_length=1, max_length=300)]
    reason: Reason | None = None


class ReassignBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who is to decide, in place of those before.

    Attributes:
        assignees: Each as in a definition: an address, `user:<id>`, `group:<name>` or `role:<role>`.
        reason: Why.
    """

    assignees: Annotated[
        list[Annotated[str, Meta(min_length=1, max_length=300)]], Meta(min_length=1, max_length=MAX_ASKED)
    ]
    reason: Reason


class ReturnBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What must change before anybody decides."""

    reason: Reason


class CommentBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody says about a decision."""

    text: Comment
