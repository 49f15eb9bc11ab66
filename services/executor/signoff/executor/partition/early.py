"""Decisions that came before their pause point: who their makers are by the time it opens."""

from uuid import UUID

from msgspec.structs import replace

from signoff.access.directory.fold import Directory
from signoff.access.makers import maker_now
from signoff.engine.messages import BlockPaused, Input
from signoff.engine.state import State
from signoff.executor.logs.loaded import Loaded


def with_makers(message: Input, loaded: Loaded, directory: Directory, now: float) -> Input:
    """A message; one that opens a pause with what is known now of those who decided before.

    Args:
        message: for the engine.
        loaded: the log that it is for.
        directory: who there is.
        now: seconds since the epoch, UTC.
    """
    if not isinstance(message, BlockPaused) or not isinstance(loaded.state, State):
        return message
    makers = {
        held.held_id: maker_now(
            directory, held.actor, held.maker, workspace_id=UUID(loaded.state.workspace_id), now=now
        )
        for held in loaded.state.held_decisions.values()
        if held.context_id == message.instance
    }
    return replace(message, makers=makers) if makers else message
