"""Values as events hold them, for people: large ones and secrets are told of, not fetched."""

from signoff.events.escapes import BLOB, MASK, SECRET
from signoff.events.types import Json


def readable(stored: Json) -> Json:
    """A stored value as it was given, but for what is kept apart: that is told of in its place."""
    if isinstance(stored, list):
        return [readable(each) for each in stored]
    if not isinstance(stored, dict):
        return stored
    if SECRET in stored:
        return MASK
    if BLOB in stored:
        size = stored.get("size")
        return f"A large value, kept apart: {size} bytes of {stored.get('mediaType')}, {stored[BLOB]}"
    return {
        name.removeprefix("$") if name.startswith("$$") else name: readable(each)
        for name, each in stored.items()
    }


def digest_of(stored: Json) -> str | None:
    """Which large value a stored value refers to as a whole; ``None`` for any other value."""
    digest = stored.get(BLOB) if isinstance(stored, dict) else None
    return digest if isinstance(digest, str) else None
