"""Which events of a pause point people are told of, as far as its definition says so."""

from collections.abc import Mapping
from typing import Any, Final, get_args

from signoff.events.types import Occasion

OCCASIONS: Final[frozenset[Occasion]] = frozenset(get_args(Occasion))

_OF_A_TOOL: Final[frozenset[Occasion]] = frozenset({"opened", "reminded", "escalated"})


def occasions_of(entry: Any) -> frozenset[Occasion]:
    """When a notification is sent: what its ``on`` names; without it a tool of Sim's asks, ours tells all.

    Args:
        entry: of a pause block's ``notification``, references resolved or not.
    """
    if not isinstance(entry, Mapping):
        return OCCASIONS if isinstance(entry, str) else frozenset()
    chosen = entry.get("on")
    if isinstance(chosen, list):
        return OCCASIONS & frozenset(each for each in chosen if isinstance(each, str))
    if isinstance(chosen, str):
        return OCCASIONS
    return OCCASIONS if "url" in entry or "to" in entry else _OF_A_TOOL


def tells(params: Mapping[str, Any], occasion: Occasion) -> bool:
    """Whether some notification of a pause block may be about an occasion."""
    entries = params.get("notification")
    if isinstance(entries, str):
        return bool(entries.strip())
    return isinstance(entries, list) and any(occasion in occasions_of(each) for each in entries)
