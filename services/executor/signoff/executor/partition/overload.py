"""Starts that an executor turns away, before they leave anything, because too many blocks wait."""

import math
from typing import Final

from msgspec.structs import replace

from signoff.engine.deciding.commands import refused
from signoff.engine.deciding.unrunnable import UNATTENDED
from signoff.events.types import Command, Outcome, Refusal, StartExecution
from signoff.executor.running.line import Line

_MESSAGE: Final = "Service temporarily at capacity"


def turned_away(command: Command, start: StartExecution, line: Line) -> Outcome | None:
    """The refusal of a start that came too much; ``None``: it may begin.

    A child, and what a schedule starts, is never refused: nobody would send it again.

    Args:
        command: asks for a new execution.
        start: its data.
        line: of the blocks that wait.
    """
    if start.trigger in UNATTENDED:
        return None
    wait = line.turns_away(start.workspace_id, waited_for=start.mode != "async")
    if wait is None:
        return None
    refusal = Refusal(code="AT_CAPACITY", message=_MESSAGE, retry_after=max(1, math.ceil(wait)))
    return replace(refused(command, refusal.code, refusal.message), refusal=refusal)
