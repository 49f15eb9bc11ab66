"""The field of a form that says yes or no, if one does."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from signoff.events.types import Quorum

FIELD: Final = "verdict"
"""The name of the buttons that say it."""

APPROVE: Final = "approve"
REJECT: Final = "reject"

_NAMES: Final = ("approved", "approve")


class Counted(Protocol):
    """What a yes or no is said to: a pause point, or what is known of one."""

    @property
    def quorum(self) -> Quorum | None:
        """Where several people decide together."""
        ...


def verdict_field(point: Counted, fields: Sequence[Mapping[str, Any]]) -> str | None:
    """The name of the field by which a point is approved or rejected.

    As with a quorum (workflow-format.md): the one that it names, ``approved`` or ``approve``, or the only
    boolean field; ``None``: nothing in the form says yes or no.
    """
    booleans = [str(field["name"]) for field in fields if field["type"] == "boolean"]
    if point.quorum is not None and point.quorum.field in booleans:
        return point.quorum.field
    usual = [name for name in booleans if name in _NAMES]
    if usual:
        return usual[0]
    return booleans[0] if len(booleans) == 1 else None
