"""Where a block runs: in which turns of which containers. How that place is written and named.

An instance is a block's id with a mark for each turn around it, outermost first: ``₍2₎`` for a branch
and ``_loop3`` for an iteration. It is the block's name in pause points and idempotency keys, and the
same before and after a restart.
"""

from collections.abc import Sequence
from typing import Any

from signoff.events.types import Placed, Turn, TurnType


def mark(kind: TurnType, index: int) -> str:
    """How one turn stands in an instance's name."""
    return f"_loop{index}" if kind == "loop" else f"₍{index}₎"


def path_of(turns: Sequence[Turn]) -> str:
    """The marks of all turns around a block."""
    if not turns:  # the usual case
        return ""
    return "".join([mark(turn.iteration_type, turn.iteration_current) for turn in turns])


def branches_of(turns: Sequence[Turn]) -> str:
    """The marks of the branches alone.

    Outputs are kept by them: each branch has its own, while an iteration replaces those of the one before
    and can read them until then, as in Sim.
    """
    if not turns:
        return ""
    return path_of([turn for turn in turns if turn.iteration_type == "parallel"])


def turns_of(placed: Placed) -> list[Turn]:
    """The turns around what an event tells of, outermost first."""
    if placed.iteration_type is None:
        return []
    inner = Turn(
        iteration_current=placed.iteration_current or 0,
        iteration_total=placed.iteration_total,
        iteration_type=placed.iteration_type,
        iteration_container_id=placed.iteration_container_id or "",
    )
    return [*placed.parent_iterations, inner]


def place_of(turns: Sequence[Turn]) -> dict[str, Any]:
    """The fields of an event that say where a block runs; none outside containers."""
    if not turns:
        return {}
    inner = turns[-1]
    return {
        "iteration_current": inner.iteration_current,
        "iteration_total": inner.iteration_total,
        "iteration_type": inner.iteration_type,
        "iteration_container_id": inner.iteration_container_id,
        "parent_iterations": list(turns[:-1]),
    }


def scope_of(turns: Sequence[Turn]) -> str:
    """The key of the scope that the innermost turn is: its container's instance and its mark."""
    return turns[-1].iteration_container_id + path_of(turns) if turns else ""
