"""Names that begin with ``$`` are ours: how a user's own are told apart from references.

A *stored* value is one as events hold it: a user's field ``$x`` stands there as ``$$x``, and
``{"$blob": …}`` (a large value) and ``{"$secret": …}`` (what was typed into a form's field of type
``secret``) are references, which nobody can forge. Whatever turns text into stored values passes
:func:`escape`.
"""

from typing import Final

from msgspec import Struct, field

from signoff.events.types import Json

BLOB: Final = "$blob"
SECRET: Final = "$secret"  # noqa: S105  (the name of a field)

MASK: Final = "•••"
"""What stands for a secret wherever values are shown or recorded."""


class SecretReference(Struct, frozen=True):
    """Names a secret within a value that is not a stored one; no JSON decodes to it.

    Attributes:
        id: of the record that holds the secret (``signoff.access.secrets.form_secrets``).
    """

    id: str = field(name=SECRET)


def escape(value: Json) -> Json:
    """The stored form of a user's value."""
    if isinstance(value, dict):
        return {f"${key}" if key.startswith("$") else key: escape(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [escape(item) for item in value]
    return {SECRET: value.id} if isinstance(value, SecretReference) else value


def is_reference(value: Json) -> bool:
    """Whether a stored value is a reference, to a large value or to a secret."""
    return isinstance(value, dict) and (BLOB in value or SECRET in value)
