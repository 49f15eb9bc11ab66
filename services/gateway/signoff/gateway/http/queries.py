"""The query of a request, read as a struct: one field a parameter."""

from collections.abc import Collection, Iterable
from difflib import get_close_matches
from functools import cache
from typing import Annotated, Final, TypeAlias, TypeVar

import msgspec
from aiohttp import web
from msgspec import Meta, Struct
from multidict import MultiDict, MultiMapping

from signoff.events.types import Json
from signoff.gateway.errors import Detail, bad_request
from signoff.gateway.http.bodies import convert

T = TypeVar("T", bound=Struct)

BY_COMMAS: Final = Meta(extra={"separator": ","})
"""Marks a list whose items may stand in one parameter, with commas between them, besides in several."""

_OF_ALL: Final = frozenset({"workspaceId", "token"})
"""Parameters that every route takes: where the caller acts, and a stream's token in place of a header."""

_SHOWN: Final = 100

Item = TypeVar("Item")
ByCommas: TypeAlias = Annotated[list[Item], BY_COMMAS]
"""Items of a parameter with commas between them."""


class NoQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """The query of a list that is always shown whole."""


def read_query(request: web.Request, kind: type[T]) -> T:
    """The query as a struct. Of several parameters of one name the first counts.

    Args:
        request: whose query is read.
        kind: a struct of texts, numbers, yes-or-no and lists of these. A list takes the values of all
            parameters of its name; one marked `BY_COMMAS` splits each of them, and leaves out empty items.
            Parameters that it does not name are let go, unless it forbids unknown fields.

    Raises:
        ApiError: 400 names the parameter.
    """
    return read_parameters(request.query, kind)


def read_parameters(query: MultiMapping[str], kind: type[T]) -> T:
    """The same of parameters that are at hand, such as those of a form that were filled in.

    Raises:
        ApiError: 400 names the parameter.
    """
    if kind.__struct_config__.forbid_unknown_fields:
        _refuse_unknown(query, list_separators(kind))
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


def _refuse_unknown(names: Iterable[str], known: Collection[str]) -> None:
    """A filter with a slip in its name would find everything, and a removal remove it."""
    unknown = sorted({*names} - {*known} - _OF_ALL)
    if not unknown:
        return
    details = [Detail(name[:_SHOWN], "is unknown; leave it out", _hint(name, known)) for name in unknown]
    shown = [f"{each.path} ({each.hint})" if each.hint else each.path for each in details]
    raise bad_request(f"The query has unknown parameters: {', '.join(shown)}", *details)


def _hint(name: str, known: Collection[str]) -> str | None:
    close = get_close_matches(name, known, n=1)
    return f"did you mean {close[0]}?" if close else None


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


def filled_in(query: MultiMapping[str]) -> MultiDict[str]:
    """The parameters of a filter without those that are empty: a browser's form sends these, too."""
    return MultiDict((name, value.strip()) for name, value in query.items() if value.strip())
