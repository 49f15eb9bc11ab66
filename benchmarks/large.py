"""Workflows of many blocks, as pages have to show them."""

from typing import Any


def graph(count: int) -> dict[str, Any]:
    """Blocks, the first of them ``b0``: chains with choices, failures that all lead to one, and an end."""
    made: dict[str, Any] = {"failed": {"type": "response", "data": "failed"}}
    for number in range(count - 1):
        following, further = f"b{number + 1}", f"b{min(count - 2, number + 5)}"
        made[f"b{number}"] = (
            {"type": "condition", "cases": [{"when": "true", "then": following}, {"else": further}]}
            if number % 6 == 0 and number < count - 8
            else {"type": "function", "code": "return 1", "then": following, "catch": "failed"}
        )
    made[f"b{count - 2}"] = {"type": "response", "data": "done"}
    return made


def turns(count: int, **blocks: Any) -> dict[str, Any]:
    """A loop of so many turns."""
    return {"type": "loop", "for": count, "blocks": blocks}
