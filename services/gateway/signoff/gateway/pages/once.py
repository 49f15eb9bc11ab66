"""The key of a form that acts: the same form, sent twice, acts once.

The macro ``forms.once()`` puts it into a form; it is an ``Idempotency-Key`` of the API.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from aiohttp import web

from signoff.events.ids import new_id
from signoff.gateway.http.headers import FORM_KEY

FIELD: Final = "key"
"""The hidden field that has it."""

_LONGEST: Final = 255
"""Characters, as of the API's header."""


def new_key() -> str:
    """A key for a form that is rendered."""
    return str(new_id())


def key_of(posted: Mapping[str, object]) -> str | None:
    """The key that came with a form; ``None`` where there is none that could be one.

    Args:
        posted: the fields of the form, each a text or a list of texts.
    """
    given = posted.get(FIELD)
    if isinstance(given, Sequence) and not isinstance(given, str):
        given = given[0] if given else None
    if not isinstance(given, str) or not 0 < len(given) <= _LONGEST:
        return None
    return given if given.isascii() and given.isprintable() else None


def take_key(request: web.Request, posted: Mapping[str, object]) -> None:
    """Let what a form asks for be done once however often it is sent: as with an ``Idempotency-Key``.

    Args:
        request: of the form; whatever is done for it then goes by the form's key.
        posted: the fields of the form.
    """
    key = key_of(posted)
    if key is not None:
        request[FORM_KEY] = key
