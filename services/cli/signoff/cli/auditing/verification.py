"""Verifies an installation: plans, lets units be done, holds the log against checkpoints, tells of all."""

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct
from rich.text import Text

from signoff.audit.checkpoints.decided import Decided
from signoff.audit.verify.faults import Fault
from signoff.audit.verify.moments import Moments
from signoff.audit.verify.sealed import Compared, SealCheck
from signoff.audit.verify.shapes import check_shapes
from signoff.audit.verify.topic import TopicCompared
from signoff.cli.auditing.checkpoints_at_hand import keys_at_hand, sources_at_hand
from signoff.cli.auditing.chosen import require_known
from signoff.cli.auditing.telling import tell_fault, tell_verdict
from signoff.cli.auditing.topic_parts import TopicDone, compare_here, compare_topic
from signoff.cli.auditing.units import LISTED, Done, Levels, Selection, State, load, plan, save
from signoff.cli.auditing.workers import totals, verify_by_processes, verify_here
from signoff.cli.exits import CommandError, Exit
from signoff.cli.terminal.output import Output
from signoff.cli.upkeep.opening import Installation, opened
from signoff.events.topics import DEFAULT_WORKSPACE, chosen_log_id
from signoff.runtime.settings import Settings

_SMALL: Final = 2
"""Units that one process verifies itself: starting others would take longer."""


class Options(Struct, frozen=True, kw_only=True):
    """What a verification was asked for.

    Attributes:
        levels: of logs.
        selection: of logs; executions come on top.
        executions: their ids, or those of their runs, as people know them.
        logs: whether logs are read.
        topic: whether the topic is.
        checkpoints: copies of checkpoints to hold the log against.
        accepted: numbers of the first checkpoints after restores that are known of.
        keys: a file with the public keys.
        resume: where to keep how far it came.
        processes: how many work at once; ``None``: as many as processors.
    """

    levels: Levels
    selection: Selection
    executions: tuple[str, ...]
    logs: bool
    topic: bool
    checkpoints: tuple[str, ...]
    accepted: tuple[int, ...]
    keys: Path | None
    resume: Path | None
    processes: int | None


class Summary(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What was looked at, and what that shows.

    Attributes:
        ok: nothing was found.
        faults: how many were.
        logs: that were read; 0 where none were to be.
        events: of them.
        position: up to which events were looked at.
        unfolded: logs that could not be folded here.
        checkpoints: that the log was held against.
        first_checkpoint: the number of the first.
        last_checkpoint: the number of the last.
        covered_from: the position above which they cover the log …
        covered_to: … and up to which.
        checked: what was checked, in words.
        not_shown: what this cannot show, in sentences.
    """

    ok: bool
    faults: int
    logs: int
    events: int
    position: int
    unfolded: int = 0
    checkpoints: int = 0
    first_checkpoint: int = 0
    last_checkpoint: int = 0
    covered_from: int = 0
    covered_to: int = 0
    checked: list[str]
    not_shown: list[str]


async def verify_installation(settings: Settings, options: Options, output: Output) -> Exit:
    """Verify what settings name; tells each fault as it is found, and a summary at the end.

    Raises:
        SignoffError: something is away.
        CommandError: an option cannot be used.
    """
    async with opened(settings, read_only=True) as installation:
        verification = Verification(settings, options, installation, output)
        return Exit.OK if await verification.run() else Exit.FAILED


class Verification:
    """One verification of one installation.

    Args:
        settings: of its server.
        options: what is asked for.
        installation: opened.
        output: where faults go.
    """

    def __init__(
        self, settings: Settings, options: Options, installation: Installation, output: Output
    ) -> None:
        self._settings = settings
        self._options = options
        self._installation = installation
        self._output = output
        self._processes = options.processes or os.cpu_count() or 1
        self._faults = 0
        self._checked: list[str] = []
        self._not_shown: list[str] = []

    async def run(self) -> bool:
        """Verify; gives whether nothing was found.

        Raises:
            SignoffError: something is away.
            CommandError: an option cannot be used.
        """
        position = await self._installation.store.last_position()
        logs = await self._chosen_logs()
        done = Done(logs=0, events=0)
        seals = await self._compare(logs)
        compared = seals.compared
        if self._options.logs:
            state = await self._state(logs)
            position = state.upto
            done = await self._verify_logs(state, seals.moments)
        if self._options.topic:
            await self._verify_topic(self._selection(logs))
        if logs and not done.events and not compared.heads and self._options.logs:
            raise CommandError(
                f"there is no execution {' or '.join(self._options.executions)}, and no checkpoint of one",
                code=Exit.REFUSED,
            )
        if not done.logs and not self._faults:
            await require_known(self._installation.store, workflow=self._options.selection.workflow)
        if self._options.logs and not done.logs:
            self._not_shown.append("anything of logs: none is of what was asked for")
        self._tell_summary(done, compared, position)
        return not self._faults

    # Logs ---------------------------------------------------------------------------------------------

    async def _chosen_logs(self) -> tuple[UUID, ...]:
        """The logs that ids of executions may mean, also of those that are not there any more."""
        found: dict[UUID, None] = {}
        for name in self._options.executions:
            found[chosen_log_id(str(DEFAULT_WORKSPACE), name)] = None
            try:
                known = UUID(name)
            except ValueError:
                continue
            row = await self._installation.store.locate([known])
            found[known if row is None else row.log_id] = None
        return tuple(found)

    def _selection(self, logs: tuple[UUID, ...]) -> Selection:
        return msgspec.structs.replace(self._options.selection, logs=logs)

    async def _state(self, logs: tuple[UUID, ...]) -> State:
        levels, resume = self._options.levels, self._options.resume
        selection = self._selection(logs)
        store = self._installation.store
        state = None if resume is None else await load(store, resume, levels, selection)
        return state or await plan(store, levels, selection)

    async def _verify_logs(self, state: State, moments: Moments) -> Done:
        only = state.selection.logs or None
        for fault in await check_shapes(self._installation.store, limit=LISTED, only=only):
            self._tell(fault)
        for earlier in state.done.values():
            self._tell_all(earlier)
        async with aclosing(self._units(state, moments)) as units:
            async for at, done in units:
                state.done[at] = done
                self._tell_all(done)
                if self._options.resume is not None:
                    await asyncio.to_thread(save, self._options.resume, state)
                self._tell_progress(state)
        found = totals(state.done)
        if found.logs or state.selection.is_everything:
            self._tell_checked(found)
        if found.unfolded:
            self._not_shown.append(
                f"{found.unfolded} logs could not be folded here: run this with the version and the blocks "
                "(SIGNOFF_BLOCKS) of the executors"
            )
        if found.older:
            self._not_shown.append(
                f"{found.older} rows are of an earlier version, and lack what lists have shown since: "
                "`signoff doctor --rebuild` completes them"
            )
        return found

    def _tell_checked(self, found: Done) -> None:
        levels = self._options.levels
        self._checked.append("chain, numbers, places and times")
        self._checked += ["fold"] * levels.fold + ["projections"] * levels.projections
        if levels.values:
            self._checked.append(f"large values: {found.values}")
        else:
            self._not_shown.append(
                "whether large values are what events name: give --values, and SIGNOFF_BLOBS as the servers "
                "have it"
            )

    def _units(self, state: State, moments: Moments) -> AsyncGenerator[tuple[int, Done], None]:
        if self._processes == 1 or len(state.left) <= _SMALL:
            return verify_here(self._installation, state, moments)
        return verify_by_processes(self._settings, state, moments, count=self._processes)

    # Topic and checkpoints ----------------------------------------------------------------------------

    async def _verify_topic(self, selection: Selection) -> None:
        store, bus = self._installation.store, self._installation.bus
        if bus is None:
            if self._settings.database_url is not None:  # else it is an embedded server's, which has no topic
                self._not_shown.append("whether a topic says what the log says: no broker is set here")
            return
        found = TopicCompared()
        if self._processes == 1:
            self._take(await compare_here(store, bus, selection), found)
        else:
            async with aclosing(compare_topic(self._settings, selection, processes=self._processes)) as parts:
                async for part in parts:
                    self._take(part, found)
        self._checked.append(
            f"topic: {found.records} records, {found.repeats} of them repeats, with {found.events} events"
        )
        if found.expired:
            self._not_shown.append(f"{found.expired} events that the topic holds no longer, by its retention")

    def _take(self, part: TopicDone, found: TopicCompared) -> None:
        found.add(part.compared)
        for fault in part.faults:
            self._tell(fault)
        self._faults += part.compared.faults - len(part.faults)

    async def _compare(self, logs: tuple[UUID, ...]) -> SealCheck:
        store, bus, accepted = self._installation.store, self._installation.bus, self._options.accepted
        keys = await asyncio.to_thread(keys_at_hand, self._settings, self._options.keys)
        published = await Decided(store, keys).published()
        sources = await sources_at_hand(self._settings, store, bus, self._options.checkpoints, keys)
        check = SealCheck(store, sources, keys, published=published, only=logs or None, accepted=accepted)
        async for fault in check.run():
            self._tell(fault)
        self._faults += check.more
        unknown = sorted({*accepted} - check.compared.accepted.keys())
        if unknown:
            raise CommandError(
                f"there is no checkpoint {unknown[0]} to accept a restore before: give the number that a "
                "fault `restored` or `time` names",
                code=Exit.REFUSED,
            )
        self._tell_compared(check.compared)
        return check

    def _tell_compared(self, compared: Compared) -> None:
        if compared.checkpoints:
            self._checked.append(
                f"checkpoints {compared.first} to {compared.last}, which cover positions "
                f"{compared.after + 1} to {compared.position}, of {', '.join(compared.places)}"
            )
        if compared.unsigned:
            self._not_shown.append("whose signatures the checkpoints bear: no key is at hand; give --keys")
        self._not_shown += compared.accepted.values()
        if compared.after:
            self._not_shown.append(
                f"whether logs were deleted, cut off, or written anew up to position {compared.after}, "
                "before the first checkpoint at hand"
            )
        self._not_shown.append(_of_what_no_checkpoint_covers(compared))

    # Telling ------------------------------------------------------------------------------------------

    def _tell_all(self, done: Done) -> None:
        for fault in done.faults:
            self._tell(fault)
        self._faults += done.more

    def _tell(self, fault: Fault) -> None:
        self._faults += 1
        tell_fault(self._output, fault)

    def _tell_progress(self, state: State) -> None:
        if self._output.is_terminal and len(state.units) > _SMALL:
            events = sum(each.events for each in state.done.values())
            done = f"{len(state.done)} of {len(state.units)} parts, {events} events"
            self._output.unbroken(Text(done, style="dim"))

    def _tell_summary(self, done: Done, compared: Compared, position: int) -> None:
        summary = Summary(
            ok=not self._faults, faults=self._faults, logs=done.logs, events=done.events,
            position=position, unfolded=done.unfolded, checkpoints=compared.checkpoints,
            first_checkpoint=compared.first, last_checkpoint=compared.last, covered_from=compared.after,
            covered_to=compared.position, checked=self._checked, not_shown=self._not_shown,
        )  # fmt: skip
        if not self._output.is_terminal:
            self._output.line(summary)
            return
        logs = "1 log" if done.logs == 1 else f"{done.logs} logs"
        looked_at = f"{logs}, {done.events} events up to position {position}"
        tell_verdict(self._output, summary.faults, looked_at)
        for checked in self._checked:
            self._output.unbroken(Text(f"  checked: {checked}"))
        for sentence in self._not_shown:
            self._output.unbroken(Text(f"  not shown: {sentence}"))


def _of_what_no_checkpoint_covers(compared: Compared) -> str:
    if not compared.checkpoints:
        return (
            "whether logs were deleted, cut off, or written anew with all their hashes: no checkpoint is "
            "at hand"
        )
    return (
        f"whether logs were deleted, cut off, or written anew since position {compared.position}, up to "
        "which the last checkpoint goes, or before whoever holds a copy of the checkpoints got it"
    )
