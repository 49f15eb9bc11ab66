"""``signoff audit replay``."""

import asyncio
import sys
from typing import Annotated, Final
from uuid import UUID

import msgspec
from cyclopts import Parameter
from cyclopts.validators import Number
from msgspec import Struct
from rich.text import Text

from signoff.audit.life.differences import named, subject_of
from signoff.audit.life.folding import WAYPOINT, Folded
from signoff.audit.life.replay import Replay, ReplayError
from signoff.audit.life.replay import Step as ReplayedStep
from signoff.blocks import BlockError
from signoff.cli.environment import require_log, server_settings
from signoff.cli.exits import CommandError, Exit
from signoff.cli.terminal.output import Output
from signoff.cli.upkeep.comparison import compare
from signoff.cli.upkeep.opening import Installation, opened
from signoff.engine.state import FORMAT, State
from signoff.events.errors import CodecError, SignoffError
from signoff.events.ids import read_uuid
from signoff.events.store.base import ExecutionRow, Recorded, Snapshot
from signoff.events.store.snapshots import decode_snapshot
from signoff.events.topics import DEFAULT_WORKSPACE, chosen_log_id
from signoff.runtime.logs import configure_logs

_PAGE: Final = 500
_FLAG: Final = Parameter(negative="")
_decoder: Final = msgspec.json.Decoder(Folded)


class Verdict(Struct, frozen=True, kw_only=True, rename="camel"):
    """One claim about the state of an execution, and whether the fold of its log bears it out."""

    what: str
    event_id: int
    same: bool


def replay(
    execution: str,
    *,
    to: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    steps: Annotated[bool, _FLAG] = False,
    workspace: str | None = None,
) -> Exit:
    """Fold an execution's log step by step, and prove that its state follows from it.

    It reads the settings and the database of a server, and changes nothing. Snapshots and waypoints on the
    way, and at the end the rows that lists are made of, are compared with the fold. Exit code 1 when one
    differs.

    Args:
        execution: The execution's id, or that of a run.
        to: The last event that is folded.
        steps: Show what each event changed.
        workspace: The workspace's id, where a client chose the execution's id.
    """
    settings = server_settings()
    configure_logs(settings, stream=sys.stderr)
    require_log(settings)
    output = Output()

    async def within() -> bool:
        async with opened(settings, read_only=True) as installation:
            row = await _find(installation, execution, workspace)
            return await _Replaying(installation, row, output, steps=steps).run(to)

    try:
        return Exit.OK if asyncio.run(within()) else Exit.FAILED
    except ReplayError as error:
        raise CommandError(f"the log does not fold: {error}", code=Exit.FAILED) from error
    except (SignoffError, BlockError) as error:
        raise CommandError(str(error), code=Exit.REFUSED) from error


async def _find(installation: Installation, execution: str, workspace: str | None) -> ExecutionRow:
    ids = [chosen_log_id(workspace or str(DEFAULT_WORKSPACE), execution)]
    given = read_uuid(execution)
    row = await installation.store.locate(ids if given is None else [*ids, given])
    if row is None:
        raise CommandError(f"there is no execution {execution}, nor a run of that id", code=Exit.REFUSED)
    return row


class _Replaying:
    """One replay: the fold, and what it is held against."""

    def __init__(self, installation: Installation, row: ExecutionRow, output: Output, *, steps: bool) -> None:
        self._installation = installation
        self._store = installation.store
        self._row = row
        self._output = output
        self._steps = steps
        self._same = True

    async def run(self, to: int | None) -> bool:
        """Fold all, and tell of every claim; gives whether all were borne out."""
        log_id = self._row.log_id
        page = await self._page(0, to)
        if not page:
            raise CommandError("the execution has no events: `signoff audit verify` says what is wrong")
        plan = (await self._installation.loader.begin(log_id, page[0])).plan
        decides, shows = Replay(None if plan is None else plan.graph), Replay()
        snapshot = await self._store.snapshot(log_id)
        while page:
            waypoint = await self._store.waypoint(log_id, upto=page[-1].version)
            for recorded in page:
                self._tell(decides, shows, recorded)
                self._compare_kept("snapshot", decides.state, snapshot, FORMAT)
                self._compare_kept("waypoint", shows.state, waypoint, WAYPOINT)
            page = await self._page(page[-1].version, to)
        if to is None:
            await self._compare_rows(log_id, decides.state.version)
        elif decides.state.version < to:
            raise CommandError(f"there is no event {to}: the last is event {decides.state.version}")
        self._claim(f"folded to {decides.state.status}", decides.state.version, same=True)
        return self._same

    async def _page(self, after: int, to: int | None) -> list[Recorded]:
        limit = _PAGE if to is None else min(_PAGE, to - after)
        return await self._store.read(self._row.log_id, after=after, limit=limit) if limit > 0 else []

    def _tell(self, decides: Replay, shows: Replay, recorded: Recorded) -> None:
        if not self._steps:
            list(decides.fold([recorded]))
            list(shows.fold([recorded]))
            return
        list(shows.fold([recorded]))
        for step in decides.steps([recorded]):
            self._show(step)

    def _show(self, step: ReplayedStep) -> None:
        event = step.event
        if not self._output.is_terminal:
            self._output.line({"eventId": event.event_id, "type": event.type, "changes": step.changes})
            return
        self._output.unbroken(Text(f"{event.event_id}  {event.happened_at}  {subject_of(event)}"))
        for change in step.changes:
            after = msgspec.json.encode(change.after).decode() if change.kind != "removed" else "gone"
            self._output.unbroken(Text(f"    {named(change.path)}: {after}"))

    def _compare_kept(self, what: str, state: State, kept: Snapshot | None, form: int) -> None:
        if kept is not None and (kept.version, kept.format) == (state.version, form):
            try:
                same = decode_snapshot(kept, _decoder).state == state
            except CodecError:
                same = False
            self._claim(what, state.version, same=same)

    async def _compare_rows(self, log_id: UUID, version: int) -> None:
        compared = await compare(self._store, self._installation.deriver, log_id)
        if compared.reading is None and compared.unfoldable is None:
            raise CommandError("the execution moves on all the time: name an event with --to")
        self._claim("rows of lists", version, same=compared.unfoldable is None and not compared.differing)

    def _claim(self, what: str, version: int, *, same: bool) -> None:
        self._same &= same
        verdict = Verdict(what=what, event_id=version, same=same)
        text = "as the log says" if same else "DIFFERENT from what the log says"
        self._output.either(verdict, f"event {version}: {what}: {text}")
