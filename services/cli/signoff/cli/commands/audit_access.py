"""``signoff audit access``."""

from collections.abc import Callable, Mapping
from typing import Final

from signoff.cli.auditing.chosen import recorded_moment
from signoff.cli.connection import with_client
from signoff.cli.exits import Exit
from signoff.cli.terminal.listing import AsJson, Limit, first, show_all
from signoff.cli.terminal.moments import moment
from signoff.cli.terminal.output import Output
from signoff.client import AsyncClient
from signoff.client.answers.accesses import Access, AccessType

_LARGEST_PAGE: Final = 1000


def access(
    *,
    type: list[AccessType] | None = None,  # noqa: A002 - the option's name
    actor: str | None = None,
    execution: str | None = None,
    since: str | None = None,
    until: str | None = None,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> Exit:
    """Show who read, exported and verified what in the workspace, and who was refused what and why.

    The newest come first. To ask is an access, too, and is recorded.

    Args:
        type: Only accesses of this kind, such as access:refused; may be given again.
        actor: Only by the user of this id, also by their keys, or by the key of this id.
        execution: Only to this execution.
        since: Not before this moment, ISO 8601; without an offset it is UTC. By default 30 days before
            --until.
        until: Not after this moment; now by default.
        limit: How many at most.
        as_json: Print JSON lines on a terminal, too.
    """
    earliest, latest = recorded_moment(since, "--since"), recorded_moment(until, "--until")

    async def show(client: AsyncClient) -> Exit:
        found = client.accesses.list(
            types=type or (), actor=actor, execution_id=execution, since=earliest, until=latest,
            page_size=min(limit + 1, _LARGEST_PAGE),
        )  # fmt: skip
        await show_all(first(found, limit), _COLUMNS, Output(), as_json=as_json)
        return Exit.OK

    return with_client(show)


def _who(access: Access) -> str:
    return "nobody known" if access.actor is None else f"{access.actor.type} {access.actor.id}"


def _what(access: Access) -> str:
    if access.about is None:
        return access.command or ""
    return f"{access.operation} {access.about.kind}"


def _which(access: Access) -> str:
    if access.about is None:
        return " ".join(each for each in (access.execution_id, access.context_id) if each)
    named = list(access.about.names.values())
    return " ".join([*named, *(f"{name}={value}" for name, value in access.about.filter.items())])


def _told(access: Access) -> str:
    if access.reads is not None or access.refusals is not None:
        return f"not recorded: {access.reads or 0} reads, {access.refusals or 0} refusals"
    times = f"{access.count} times" if access.count > 1 else ""
    return " ".join(each for each in (access.reason, times) if each)


_COLUMNS: Final[Mapping[str, Callable[[Access], object]]] = {
    "WHEN": lambda access: moment(access.last_at or access.first_at or access.recorded_at),
    "TYPE": lambda access: access.type,
    "WHO": _who,
    "WHAT": _what,
    "WHICH": _which,
    "REMARKS": _told,
}
