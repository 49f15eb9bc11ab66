"""What a pause point is called, wherever a page names it, and in a few words what it shows."""

from collections.abc import Iterable
from typing import Final

import msgspec
from msgspec import Struct

from signoff.audit.life.hiding import hide_secrets
from signoff.events.escapes import is_reference
from signoff.events.types import Json
from signoff.gateway.pages.values import Budget, spend, visible

GLANCES: Final = 24_000
"""Bytes of what all rows of a page show in a few words."""

_MOST: Final = 3
_NAME: Final = 40
_TEXT: Final = 60
"""Values that are told of a point, and characters of each."""

_ROW: Final = 40
"""Bytes of the markup around a value, about."""

_OWN: Final = ("operation", "_resume")
"""What the server has put into the data of an ``api`` block."""


class Glance(Struct, frozen=True):
    """A value in a few words, with pictures for characters that have none."""

    name: str
    text: str


def heading(title: str | None, workflow: str, block: str) -> str:
    """What a point is called: its own title; else its workflow and its block, by their names."""
    return title or f"{workflow}: {block}"


def glances(responses: Iterable[Json]) -> list[list[Glance]]:
    """The first values that points show, as far as a page has room for them.

    Args:
        responses: of the points; of a large value by reference nothing is told.
    """
    with Budget(GLANCES):
        return [[each for each in glance(response) if _is_paid(each)] for response in responses]


def glance(response: Json) -> list[Glance]:
    """The first values that a point shows: texts, numbers, yes and no; secrets are hidden."""
    data = response.get("data") if isinstance(response, dict) else None
    if not isinstance(data, dict) or is_reference(data):
        return []
    rows = data.get("responseStructure")
    if data.get("operation") == "api" or not isinstance(rows, list):
        rows = [{"name": name, "value": value} for name, value in data.items() if name not in _OWN]
    found = []
    for row in hide_secrets(response, [each for each in rows if isinstance(each, dict)]):
        text = scalar(row.get("value"), most=_TEXT)
        if text:
            found.append(Glance(_cut(str(row.get("name", "")), _NAME), text))
        if len(found) == _MOST:
            break
    return found


def scalar(value: Json, *, most: int) -> str:
    """A text, a number, yes or no in at most so many characters; empty for anything else."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return _cut(msgspec.json.encode(value).decode(), most)
    return _cut(" ".join(value[: 4 * most].split()), most) if isinstance(value, str) else ""


def _cut(text: str, most: int) -> str:
    return visible(text) if len(text) <= most else f"{visible(text[: most - 1])}…"


def _is_paid(each: Glance) -> bool:
    return spend(_ROW + len(each.name.encode()) + len(each.text.encode()))
