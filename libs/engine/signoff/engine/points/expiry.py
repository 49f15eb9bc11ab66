"""How a held decision ends that nobody takes any more."""

from collections.abc import Iterator

from signoff.engine.messages import Draft
from signoff.engine.state import Held, State
from signoff.events.types import DecisionExpired


def expired(held: Held, reason: str, *, cause: str) -> Draft:
    """The event that a held decision is not taken any more."""
    return Draft(DecisionExpired(held_id=held.held_id, context_id=held.context_id, reason=reason), cause)


def expire_held(state: State, reason: str, cause: str) -> Iterator[Draft]:
    """No point opens any more: what was held ends, before the execution does."""
    for held in list(state.held_decisions.values()):
        yield expired(held, reason, cause=cause)
