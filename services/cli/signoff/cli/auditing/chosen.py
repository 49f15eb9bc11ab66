"""What people call executions, moments and partitions, and what those are in the log."""

from collections.abc import Iterable
from typing import Annotated, TypeAlias
from uuid import UUID

from cyclopts import Parameter
from cyclopts.validators import Number

from signoff.access.directory.live import LiveDirectory
from signoff.cli.exits import CommandError, Exit
from signoff.events.errors import CodecError
from signoff.events.store.base import EventStore
from signoff.events.times import from_iso, iso
from signoff.events.topics import DEFAULT_WORKSPACE, PARTITIONS, chosen_log_id, workflow_log_id

Partitions: TypeAlias = Annotated[
    list[int] | None,
    Parameter(consume_multiple=True, negative="", validator=Number(gte=0, lt=PARTITIONS)),
]


async def logs_named(store: EventStore, executions: Iterable[str]) -> tuple[UUID, ...]:
    """The logs of executions, by their ids, those of their runs, or the logs' own.

    Args:
        store: the log.
        executions: as people know them; one whose id the client chose is looked for in the first workspace.

    Raises:
        StoreUnavailableError: the database is away.
        CommandError: there is no such log.
    """
    found: dict[UUID, None] = {}
    for name in executions:
        candidates = [chosen_log_id(str(DEFAULT_WORKSPACE), name)]
        known = _uuid(name)
        if known is not None:
            row = await store.locate([known])
            candidates.append(known if row is None else row.log_id)
        there = await store.heads(candidates)
        if not there:
            raise CommandError(f"there is no execution {name}, and no log of that id", code=Exit.REFUSED)
        found.update(dict.fromkeys(there))
    return tuple(found)


async def require_known(store: EventStore, *, workflow: str | None, workspace: UUID | None = None) -> None:
    """Make sure that the log knows what is selected: what nobody has matches nothing, for ever.

    Args:
        store: the log.
        workflow: its id, in any workspace unless one is named.
        workspace: its id.

    Raises:
        StoreUnavailableError: the database is away.
        CommandError: there is no such workspace or workflow.
    """
    if workflow is None and workspace is None:
        return
    directory = LiveDirectory(store)
    await directory.look()
    known = directory.state.workspaces
    if workspace is not None and str(workspace) not in known:
        raise CommandError(f"there is no workspace {workspace}", code=Exit.REFUSED)
    within = known if workspace is None else [str(workspace)]
    if workflow is not None and not await store.heads([workflow_log_id(each, workflow) for each in within]):
        where = "" if workspace is None else f" in the workspace {workspace}"
        raise CommandError(f"there is no workflow {workflow}{where}", code=Exit.REFUSED)


def moment_of(text: str, option: str) -> float:
    """A moment in seconds since the epoch; without an offset it is UTC.

    Raises:
        CommandError: the text is none.
    """
    try:
        return from_iso(text)
    except CodecError as error:
        raise CommandError(f"{option} {text} is no moment, such as 2026-05-01T12:00") from error


def recorded_moment(text: str | None, option: str) -> str | None:
    """A moment as events write it; ``None`` where none is given.

    Raises:
        CommandError: the text is none.
    """
    return None if text is None else iso(moment_of(text, option))


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
