"""Who may do what at a pause point: what the gateway knew of somebody, against the point's policy.

People are named by keys: ``user:<id>``, ``group:<id>``, ``role:<role>``.
"""

from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from signoff.engine.state import PausePoint, State
from signoff.events.types import Actor, Made, Maker, Refusal

NOBODY_KNOWN: Final = Maker()
"""Stands for the maker of a command that names none."""


class Standing(Struct, frozen=True):
    """As whom somebody decides.

    Attributes:
        person: the user, or what names the actor where no user is behind it.
        on_behalf_of: the user whose place they take, if it is not their own.
        keys: by which they may decide.
    """

    person: str
    on_behalf_of: str | None
    keys: frozenset[str]


def person_of(actor: Actor) -> str:
    """The user behind an actor; where there is none, what names the actor."""
    if actor.type == "user":
        return actor.id
    return actor.owner or f"{actor.type}:{actor.id}"


def standing_of(point: PausePoint, actor: Actor, maker: Maker) -> Standing | None:
    """As whom somebody may decide here, their own right before that of others; ``None``: not at all."""
    person = maker.user_id or person_of(actor)
    own = _own_keys(maker)
    if maker.user_id in point.delegates:
        return Standing(person, point.delegates[str(maker.user_id)], own)
    if person not in point.away and (not point.assignees or not own.isdisjoint(point.assignees)):
        return Standing(person, None, own)
    for absent, group_ids in maker.stands_in_for.items():
        keys = _person_keys(absent, group_ids)
        asked = absent in point.delegates or not keys.isdisjoint(point.assignees)
        if asked and absent not in point.away:
            return Standing(person, absent, keys)
    return None


def standing_refusal(state: State, point: PausePoint, actor: Actor, maker: Maker) -> Refusal | None:
    """Why somebody may not decide on an open point, whatever they say."""
    standing = standing_of(point, actor, maker)
    if standing is None:
        return Refusal(code="NOT_ELIGIBLE", message="You are not among those who may decide this")
    who = {standing.person, person_of(actor), standing.on_behalf_of}
    if not point.self_approval and state.actor is not None and person_of(state.actor) in who:
        return Refusal(
            code="SELF_APPROVAL",
            message="Whoever started the execution may not decide this; somebody else must",
        )
    earlier = next((each for each in point.decisions if {each.person, each.on_behalf_of or ""} & who), None)
    if earlier is not None:
        return Refusal(
            code="ALREADY_DECIDED",
            message="You have decided this already; each person counts once",
            winning_event_id=earlier.event_id,
        )
    return _claim_refusal(point, standing) or _other_refusal(point, maker)


def is_mine(point: PausePoint, standing: Standing) -> bool:
    """Whether the point is claimed by somebody, or by whom they stand in for."""
    return point.claimed_by in (standing.person, standing.on_behalf_of)


def _claim_refusal(point: PausePoint, standing: Standing) -> Refusal | None:
    if point.claimed_by is None or is_mine(point, standing):
        return None
    return Refusal(
        code="CLAIMED", message="Somebody else has claimed this; they can release it, or an operator can"
    )


def _other_refusal(point: PausePoint, maker: Maker) -> Refusal | None:
    if point.returned:
        return Refusal(
            code="RETURNED", message="It was sent back for changes; decide once its content was amended"
        )
    if point.step_up and maker.auth_method == "link" and not maker.verified:
        return Refusal(
            code="CODE_REQUIRED",
            message="A decision by link needs a code: ask for one, and send it as X-Signoff-Code",
        )
    return None


def made_by(point: PausePoint, actor: Actor, maker: Maker, *, seen: bool) -> Made:
    """How a decision on a point was made, as the log keeps it."""
    standing = standing_of(point, actor, maker)
    return Made(
        content_digest=point.content_digest,
        seen=seen,
        auth_method=maker.auth_method,
        user_id=maker.user_id if maker.user_id != actor.id else None,
        on_behalf_of=None if standing is None else standing.on_behalf_of,
        address=maker.address,
        link_id=maker.link_id,
        verified=maker.verified,
    )


def _own_keys(maker: Maker) -> frozenset[str]:
    roles = frozenset(f"role:{role}" for role in maker.roles)
    return roles if maker.user_id is None else roles | _person_keys(maker.user_id, maker.group_ids)


def _person_keys(user_id: str, group_ids: Iterable[str]) -> frozenset[str]:
    return frozenset((f"user:{user_id}", *(f"group:{group_id}" for group_id in group_ids)))
