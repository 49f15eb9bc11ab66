"""The values that a place in a body or a query may have, where there is a choice of them."""

import re
from collections.abc import Iterator
from typing import Any, Final

from msgspec import inspect

_STEP: Final = re.compile(r"\[[^]]*\]|[^.[\]]+")


def choices_at(kind: Any, path: str) -> list[Any]:
    """What may stand somewhere; nothing where there is no choice, or no such place.

    Args:
        kind: the type of the whole.
        path: as msgspec names a place, without its `$`: ``priority[0]``.
    """
    found = [inspect.type_info(kind)]
    for step in _STEP.findall(path):
        found = [inner for each in found for inner in _inner(each, step)]
    return [value for each in found for value in _values(each)]


def _inner(kind: inspect.Type, step: str) -> Iterator[inspect.Type]:
    """The types of what a field's name or `[index]` leads to."""
    match kind:
        case inspect.Metadata():
            yield from _inner(kind.type, step)
        case inspect.UnionType():
            for each in kind.types:
                yield from _inner(each, step)
        case inspect.StructType():
            yield from (each.type for each in kind.fields if each.encode_name == step)
        case inspect.ListType() | inspect.VarTupleType() if step.startswith("["):
            yield kind.item_type
        case inspect.DictType() if step.startswith("["):
            yield kind.value_type


def _values(kind: inspect.Type) -> Iterator[Any]:
    match kind:
        case inspect.Metadata():
            yield from _values(kind.type)
        case inspect.UnionType():
            for each in kind.types:
                yield from _values(each)
        case inspect.LiteralType():
            yield from kind.values
        case inspect.EnumType():
            yield from (each.value for each in kind.cls)
