"""What was filled in, as the API's bodies take it."""

from collections.abc import Mapping
from typing import Final, TypeAlias

from aiohttp import web
from multidict import MultiDict, MultiDictProxy, MultiMapping

from signoff.access.permissions import ROLES
from signoff.events.types import Json, Role
from signoff.gateway.http.bodies import read_form
from signoff.gateway.pages.once import take_key

Sent: TypeAlias = MultiMapping[object]

EMPTY: Final[Sent] = MultiDictProxy(MultiDict[object]())
"""A form that nobody has filled in yet."""

_WORDS: Final[Mapping[Role, str]] = {
    "read": "sees workflows and executions, and starts them",
    "write": "deploys workflows, sets secrets, cancels and retries; includes read",
    "admin": "manages members, keys and webhooks; includes write",
    "approver": "decides what waits for people",
    "auditor": "sees everything, and changes nothing",
}

ROLE_CHOICES: Final = tuple((role, role, _WORDS[role]) for role in ROLES)
"""Value, name and meaning of each role."""


async def read_acting(request: web.Request) -> Sent:
    """A form that, sent twice, must do once what it asks for: it has ``forms.once()``.

    Raises:
        ApiError: as `read_form`.
    """
    sent = await read_form(request)
    take_key(request, sent)
    return sent


def text(sent: Sent, name: str) -> str:
    """A field without blanks around it; empty where it was not filled in."""
    return raw(sent, name).strip()


def raw(sent: Sent, name: str) -> str:
    """A field as it was typed."""
    value = sent.get(name, "")
    return value if isinstance(value, str) else ""


def texts(sent: Sent, name: str) -> list[str]:
    """The values of a field that may be there more than once."""
    return [each for each in sent.getall(name, []) if isinstance(each, str) and each]


def lines(sent: Sent, name: str) -> list[str]:
    """The lines of a text that have something in them."""
    return [line for each in raw(sent, name).splitlines() if (line := each.strip())]


def filled(**fields: Json) -> dict[str, Json]:
    """A body of those fields in which something stands."""
    return {name: value for name, value in fields.items() if value not in ("", None, [])}


def next_page(request: web.Request, cursor: str | None) -> str | None:
    """The address of a list's next page, with the same filter."""
    if cursor is None:
        return None
    query = {name: value for name, value in request.query.items() if value} | {"cursor": cursor}
    return str(request.rel_url.with_query(query))


def first_page(request: web.Request) -> str | None:
    """The address of a list's first page; ``None`` on it."""
    if "cursor" not in request.query:
        return None
    return str(request.rel_url.with_query({n: v for n, v in request.query.items() if v and n != "cursor"}))
