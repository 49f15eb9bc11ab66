"""The query of a request, read as a struct: one field a parameter."""

from functools import cache
from typing import Annotated, Final, TypeAlias, TypeVar

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from signoff.events.types import Json
from signoff.gateway.bodies import convert

T = TypeVar("T", bound=Struct)

BY_COMMAS: Final = Meta(extra={"separator": ","})
"""Marks a list whose items may stand in one parameter, with commas between them, besides in several."""

Item = TypeVar("Item")
ByCommas: TypeAlias = Annotated[list[Item], BY_COMMAS]
"""Items of a parameter with commas between them."""


def read_query(request: web.Request, kind: type[T]) -> T:
    """The query as a struct. Parameters that it does not name are let go; the first of several counts.

    Args:
        request: whose query is read.
        kind: a struct of texts, numbers, yes-or-no and lists of these. A list takes the values of all
            parameters of its name; one marked `BY_COMMAS` splits each of them, and leaves out empty items.

    Raises:
        ApiError: 400 names the parameter.
    """
    query = request.query
    given: dict[str, Json] = {}
    for name, separator in list_separators(kind).items():
        if name not in query:
            continue
        if separator is None:
            given[name] = query[name]
            continue
        values = query.getall(name)
        if separator:
            values = [item for value in values for each in value.split(separator) if (item := each.strip())]
        given[name] = values
    return convert(given, kind, strict=False)


@cache
def list_separators(kind: type[Struct]) -> dict[str, str | None]:
    """For each parameter: ``None`` unless it is a list; else what its items are split at, or nothing."""
    return {
        field.encode_name: _separator(msgspec.inspect.type_info(field.type))
        for field in msgspec.structs.fields(kind)
    }


def _separator(kind: msgspec.inspect.Type) -> str | None:
    if isinstance(kind, msgspec.inspect.Metadata):
        separator: str | None = (kind.extra or {}).get("separator")
        return separator or _separator(kind.type)
    return "" if isinstance(kind, msgspec.inspect.ListType) else None
