"""Names that begin with ``$`` are ours: how a user's own are told apart from references to large values.

A *stored* value is one as events hold it: a user's field ``$x`` stands there as ``$$x``, and
``{"$blob": …}`` is a reference, which nobody can forge. Whatever turns text into stored values
passes :func:`escape`.
"""

from typing import Final

from signoff.events.types import Json

BLOB: Final = "$blob"


def escape(value: Json) -> Json:
    """The stored form of a user's value."""
    if isinstance(value, dict):
        return {f"${key}" if key.startswith("$") else key: escape(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [escape(item) for item in value]
    return value


def is_reference(value: Json) -> bool:
    """Whether a stored value is a reference to a large one."""
    return isinstance(value, dict) and BLOB in value
