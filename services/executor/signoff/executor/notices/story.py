"""What is said of a pause point where an author wrote nothing: the facts that the usual text is made of."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from msgspec.structs import replace

from signoff.engine.points.standing import person_of
from signoff.events.codec import decode_event
from signoff.events.store.base import EventStore
from signoff.events.types import Actor, Json, Occasion
from signoff.executor.notices.matter import Matter
from signoff.executor.notices.people import Recipients
from signoff.notify import Facts, compose

_BY_SOMEBODY: Final[frozenset[Occasion]] = frozenset({"delegated", "returned", "amended", "closed"})


class Story:
    """The usual text on a matter.

    Args:
        occasion: what happened.
        facts: what is known, but for the link.
    """

    def __init__(self, occasion: Occasion, facts: Facts) -> None:
        self._occasion = occasion
        self._facts = facts

    @classmethod
    async def of(cls, matter: Matter, response: Json, people: Recipients, store: EventStore) -> "Story":
        """Find out what is known.

        Args:
            matter: what people are told of.
            response: what its point shows.
            people: give names.
            store: has the event, and who did it.

        Raises:
            StoreError: the database is away.
        """
        by, reason = await _who_and_why(matter, people, store)
        facts = Facts(
            workflow=matter.workflow,
            title=matter.point.title,
            asked=await people.names(matter, matter.asked),
            deadline=_readable(matter.ends_at),
            by=by,
            reason=reason,
            shown=_shown(response),
        )
        return cls(matter.occasion, facts)

    def told(self, link: str | None) -> tuple[str, str]:
        """Title and body, with the link if there is one."""
        return compose(self._occasion, replace(self._facts, link=link))


async def _who_and_why(
    matter: Matter, people: Recipients, store: EventStore
) -> tuple[str | None, str | None]:
    if matter.occasion not in _BY_SOMEBODY:
        return None, None
    recorded = await store.read(matter.log_id, after=matter.event_id - 1, limit=1)
    if not recorded:  # the log was removed meanwhile
        return None, None
    data = decode_event(recorded[0].state).data
    actor, reason = getattr(data, "actor", None), getattr(data, "reason", None)
    return await _name(matter, actor, people), reason if isinstance(reason, str) else None


async def _name(matter: Matter, actor: Actor | None, people: Recipients) -> str | None:
    if actor is None or actor.type == "system":
        return None
    names = await people.names(matter, [f"user:{person_of(actor)}"]) if _is_person(actor) else []
    return names[0] if names else actor.name


def _is_person(actor: Actor) -> bool:
    return actor.type == "user" or actor.owner is not None


def _readable(moment: float | None) -> str | None:
    return None if moment is None else datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _shown(response: Any) -> Mapping[str, Json]:
    """The rows of the display data, by name."""
    data = response.get("data") if isinstance(response, dict) else None
    rows = data.get("responseStructure") if isinstance(data, dict) else None
    return {row["name"]: row["value"] for row in rows} if isinstance(rows, list) else {}
