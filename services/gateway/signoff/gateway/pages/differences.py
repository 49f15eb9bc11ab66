"""How two contents of a pause point differ, and how that is shown beside each other."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

from msgspec import Struct

from signoff.events.types import Json
from signoff.gateway.pages.pairing import Pairing, words_of
from signoff.gateway.pages.values import Node, spend, trees

SHOWN: Final = 100
"""Differences between two contents that are shown."""

_LONGEST: Final = 2_000
"""Characters of texts that are compared word by word."""

_MOST_WORDS: Final = 300
"""Words of such a text."""

_WORK: Final = 60_000
"""Of comparing the texts of one pair of contents so (see `Pairing`)."""

_MARKUP: Final = 250
"""Bytes of a row around its values, about."""

Part: TypeAlias = tuple[Literal["same", "gone", "new"], str]


class Difference(Struct, frozen=True, kw_only=True):
    """Something that is shown or asked otherwise.

    Attributes:
        name: of a value that is shown, or in words what it is.
        before: what it was; where it is new, there is nothing.
        after: what it is; where it is gone, there is nothing.
        is_new: it was not there.
        is_gone: it is not there any more.
        words: a text's words, where it is short enough to be compared so.
    """

    name: str
    before: Json = None
    after: Json = None
    is_new: bool = False
    is_gone: bool = False
    words: list[Part] = []


def values_differ(before: Mapping[str, Json], after: Mapping[str, Json]) -> Iterator[Difference]:
    """What differs in values with names; texts that are not long are compared word by word."""
    words = Pairing(_WORK)
    for name in dict.fromkeys((*before, *after)):
        was, now = before.get(name), after.get(name)
        if was == now and type(was) is type(now) and (name in before) == (name in after):
            continue
        yield Difference(
            name=name,
            before=was,
            after=now,
            is_new=name not in before,
            is_gone=name not in after,
            words=_parts(_words(was), _words(now), words),
        )


def fields_differ(
    before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]
) -> Iterator[Difference]:
    """What differs in the fields of two forms."""
    was, now = ({str(field["name"]): field for field in fields} for fields in (before, after))
    for name in dict.fromkeys((*was, *now)):
        if was.get(name) == now.get(name):
            continue
        old, new = was.get(name), now.get(name)
        yield Difference(
            name=f"Field “{name}”",
            before=None if old is None else {key: each for key, each in old.items() if key != "id"},
            after=None if new is None else {key: each for key, each in new.items() if key != "id"},
            is_new=old is None,
            is_gone=new is None,
        )


def side_by_side(found: Sequence[Difference]) -> list[tuple[Difference, Node | None, Node | None]]:
    """Differences with the trees of what was and what is, as far as the page has room for them.

    Returns:
        Rows; without trees where the words are shown.
    """
    rows = [each for each in found[:SHOWN] if spend(_MARKUP)]
    in_words = [bool(each.words) and spend(2 * sum(len(text) for _, text in each.words)) for each in rows]
    nodes = iter(
        trees(
            [
                value
                for each, told in zip(rows, in_words, strict=True)
                if not told
                for value in (each.before, each.after)
            ]
        )
    )
    return [
        (each, None, None) if told else (each, next(nodes), next(nodes))
        for each, told in zip(rows, in_words, strict=True)
    ]


def _words(value: Json) -> list[str]:
    """The words of a text that is short enough to be compared by them."""
    if not isinstance(value, str) or len(value) > _LONGEST:
        return []
    return words_of(value, _MOST_WORDS)


def _parts(was: Sequence[str], now: Sequence[str], words: Pairing) -> list[Part]:
    matcher = words.match(was, now) if was and now else None
    parts: list[Part] = []
    for kind, i, j, k, m in [] if matcher is None else matcher.get_opcodes():
        if kind == "equal":
            parts.append(("same", "".join(was[i:j])))
            continue
        if i < j:
            parts.append(("gone", "".join(was[i:j])))
        if k < m:
            parts.append(("new", "".join(now[k:m])))
    return parts
