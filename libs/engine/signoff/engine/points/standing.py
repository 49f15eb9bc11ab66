"""Who may do what at a pause point: what the gateway knew of somebody, against the point's policy.

People are named by keys: ``user:<id>``, ``group:<id>``, ``role:<role>``.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct

from signoff.engine.state import PausePoint
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


def submitter(actor: Actor, made: Made | None) -> str:
    """Who decided, as the blocks that follow read it: a key that acts as a user is that user."""
    acted_as = None if made is None else made.user_id
    return actor.name or acted_as or actor.id


def decided_for(point: PausePoint) -> set[str]:
    """The people whose votes a point with a quorum has: those who decided, and in whose place."""
    people = (name for each in point.decisions for name in (each.person, each.on_behalf_of))
    return {name for name in people if name is not None}


def may_not(point: PausePoint) -> set[str]:
    """Who may not decide a point although they are asked: not again, not what they started or gave away."""
    return decided_for(point) | barred_from(point) | set(point.away)


def barred_from(point: PausePoint) -> set[str]:
    """Those who started what is to be decided, where they may not decide it themselves."""
    return {*point.barred_too, *(() if point.barred is None else (point.barred,))}


def standing_of(point: PausePoint, actor: Actor, maker: Maker) -> Standing | None:
    """As whom somebody may decide here; ``None``: not at all.

    As a delegate before all, then in their own right, then in the place of somebody absent: of several, one
    who has not decided yet.
    """
    person = maker.user_id or person_of(actor)
    own = _own_keys(maker)
    if maker.user_id in point.delegates:
        return Standing(person, point.delegates[str(maker.user_id)], own)
    if person not in point.away and (not point.assignees or not own.isdisjoint(point.assignees)):
        return Standing(person, None, own)
    absent = list(_stands_in_for(point, maker))
    used = barred_from(point) | decided_for(point)
    return next(
        (Standing(person, name, keys) for name, keys in absent if name not in used),
        Standing(person, *absent[0]) if absent else None,
    )


def _stands_in_for(point: PausePoint, maker: Maker) -> Iterator[tuple[str, frozenset[str]]]:
    """The absent people in whose place somebody may decide a point, with their keys."""
    for absent, group_ids in maker.stands_in_for.items():
        keys = _person_keys(absent, group_ids)
        asked = absent in point.delegates or not keys.isdisjoint(point.assignees)
        if asked and absent not in point.away:
            yield absent, keys


def standing_refusal(point: PausePoint, actor: Actor, maker: Maker) -> Refusal | None:
    """Why somebody may not decide on an open point, whatever they say."""
    standing = standing_of(point, actor, maker)
    if standing is None:
        return Refusal(code="NOT_ELIGIBLE", message=_not_asked(point, maker))
    who = {standing.person, person_of(actor), standing.on_behalf_of}
    if not barred_from(point).isdisjoint(who):
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


def _not_asked(point: PausePoint, maker: Maker) -> str:
    if maker.user_id in point.away:
        return "You have handed this on; others decide it now"
    return "You are not among those who may decide this"


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
