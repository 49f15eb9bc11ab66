"""What the reference is told of: the steps of a workflow, the policies of its points, people, a no.

People are named by keys (``user:ann``, ``group:board``, ``role:approver``). Time is in seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

ENDED = ("completed", "failed", "cancelled")

Seat = tuple[str, str | None, frozenset[str]]
"""As whom somebody decides: who, in whose place, by which keys."""

Rung = tuple[int, str, tuple[str, ...]]
"""After so many seconds: ``remind``, ``escalate`` to whom, ``decide`` (no), or ``fail``."""


@dataclass(frozen=True)
class Policy:
    """Who decides a point. No ``who``: anybody. No ``required``: one alone. ``code``: links need a code."""

    who: tuple[str, ...] = ()
    required: int = 0
    rejections: int = 1
    weights: Mapping[str, int] = field(default_factory=dict)
    veto: frozenset[str] = frozenset()
    starter: bool = True
    code: bool = False
    ladder: tuple[Rung, ...] = ()


@dataclass(frozen=True)
class Step:
    """A block, or with a policy a point. ``rescue`` begins in the place of ``then`` if it fails."""

    then: tuple[str, ...] = ()
    policy: Policy | None = None
    rescue: tuple[str, ...] = ()


@dataclass(frozen=True)
class Who:
    """Somebody who asks: a person (``user`` if they act as one), and the absent that they stand in for.

    ``page``: they decide on one, and say what they saw there.
    """

    person: str
    user: str | None
    keys: frozenset[str]
    stands_in: Mapping[str, frozenset[str]] = field(default_factory=dict)
    operator: bool = False
    page: bool = True
    needs_code: bool = False


class RefusedError(Exception):
    """Nothing has changed; the text is the code."""


def refuse(code: str, *, when: bool) -> None:
    if when:
        raise RefusedError(code)
