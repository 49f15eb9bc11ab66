"""What those are called whom a log names by ids."""

from collections.abc import Mapping

from signoff.events.types import Actor


class Names:
    """Names beside ids; who has none that is known here has their id alone.

    Args:
        known: names by key: ``user:<id>``, ``group:<id>``, ``apiKey:<id>``.
    """

    def __init__(self, known: Mapping[str, str]) -> None:
        self._known = known

    def actor(self, actor: Actor) -> str:
        """Who acted: ``Ada (user 0198…)``."""
        name = self._known.get(f"{actor.type}:{actor.id}") or actor.name
        known = f"{actor.type} {actor.id}"
        return f"{name} ({known})" if name else known

    def person(self, text: str) -> str:
        """A user by their id, or anybody by their key: ``Ada (0198…)``. Any other text stays as it is."""
        name = self._known.get(text) or self._known.get(f"user:{text}")
        return f"{name} ({text})" if name else text


NOBODY: Names = Names({})
"""Nobody's name is known."""
