"""Refused decisions: each is a fact in the access log of its workspace, partition and day.

It is written with the very append that moves past the command, so that no refusal is given and then lost.
"""

from collections import OrderedDict
from typing import Final
from uuid import UUID

import structlog

from signoff.audit.accesses.log import WORKFLOW_ID, AccessLog, day_of
from signoff.engine.messages import Draft
from signoff.engine.state import State
from signoff.events.bus.base import Message
from signoff.events.store.base import Lease
from signoff.events.topics import access_log_id
from signoff.events.types import Command, DecisionRefused, PauseCommand, Refusal, ResumeExecution
from signoff.executor.logs.loaded import Loaded, Step
from signoff.executor.logs.loader import BrokenExecutionError, Loader
from signoff.executor.partition.turn import Turn, Work, add_step

_KEPT: Final = 64
"""Access logs of a partition that stay in memory; another one is loaded, its end alone."""

_REASON: Final = 500
"""Characters of a reason."""

_log = structlog.get_logger("signoff.executor.accesses")


class AccessLogs:
    """The access logs that the owner of a partition writes.

    Args:
        lease: of the partition.
        hot: the logs that it has in memory.
        loader: loads others.
        addresses: whether it is recorded from where a refused decision came.
    """

    def __init__(self, lease: Lease, hot: dict[UUID, Loaded], loader: Loader, *, addresses: bool) -> None:
        self._partition = lease.partition
        # By these a command that is decided again, since nobody knew of its commit, is known.
        self._observer = f"executor/{lease.partition}/{lease.epoch}"
        self._hot = hot
        self._loader = loader
        self._addresses = addresses
        self._used: OrderedDict[UUID, None] = OrderedDict()

    async def record(self, turn: Turn, loaded: Loaded, work: Work, step: Step, now: float) -> None:
        """Record a decision that a step refused, with what the turn writes.

        Args:
            turn: gathers what is written.
            loaded: the execution that the decision was for.
            work: what was decided on.
            step: what it led to.
            now: seconds since the epoch, UTC.

        Raises:
            StoreUnavailableError: the access log cannot be loaded now.
        """
        command, item, state = work.message, work.item, loaded.state
        if not isinstance(command, Command) or not isinstance(command.data, ResumeExecution | PauseCommand):
            return
        for outcome in step.outcomes:
            if outcome.refusal is not None and isinstance(state, State) and isinstance(item, Message):
                fact = self._fact(state, command, command.data, outcome.refusal, batch=item.offset + 1)
                await self._add(turn, command, fact, now)

    def _fact(
        self,
        state: State,
        command: Command,
        data: ResumeExecution | PauseCommand,
        refusal: Refusal,
        *,
        batch: int,
    ) -> DecisionRefused:
        maker = data.maker
        return DecisionRefused(
            workspace_id=state.workspace_id,
            observer=self._observer,
            batch=batch,
            actor=command.actor,
            auth_method=None if maker is None else maker.auth_method,
            link_id=None if maker is None else maker.link_id,
            address=maker.address if maker is not None and self._addresses else None,
            command=command.type,
            execution_id=state.execution_id,
            workflow_id=state.workflow_id,
            context_id=data.context_id,
            code=refusal.code,
            reason=refusal.message[:_REASON],
            winning_event_id=refusal.winning_event_id,
        )

    async def _add(self, turn: Turn, command: Command, fact: DecisionRefused, now: float) -> None:
        log = await self._find(access_log_id(fact.workspace_id, self._partition, day_of(now)))
        if log is None or not isinstance(log.state, AccessLog) or log.state.has(fact.observer, fact.batch):
            return
        # First of all, so that it is forgotten with the turn if that fails.
        turn.involved[log.log_id] = log
        step = log.step([Draft(fact, command.command_id)], max(now, log.state.time))
        add_step(turn, log, command, step)

    async def _find(self, log_id: UUID) -> Loaded | None:
        found = self._hot.get(log_id) or (await self._loader.load([log_id])).get(log_id)
        if isinstance(found, BrokenExecutionError):
            _log.error("a refused decision is not recorded", log=str(log_id), reason=found.reason)
            return None
        if found is None:
            found = Loaded(log_id, AccessLog(), None)
            found.name(execution_id=None, workflow_id=WORKFLOW_ID)
        self._hot[log_id] = found
        return found

    def used(self, log_id: UUID) -> None:
        """One was written; of those not written for longest the oldest leaves memory."""
        self._used[log_id] = None
        self._used.move_to_end(log_id)
        if len(self._used) > _KEPT:
            oldest, _ = self._used.popitem(last=False)
            self._hot.pop(oldest, None)
