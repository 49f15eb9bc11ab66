"""The workflows that are measured."""

STEPS = "benchmark-steps"
"""Registered blocks one after the other, that do nothing."""

ONE = "benchmark-one"
"""A single such block."""

APPROVAL = "benchmark-approval"
"""One such block, a pause, one more."""

STEPS_EACH = 10
PAUSE = "approve"
"""The pause's context."""

_NOOP = {"type": "noop"}


def _chain(count: int) -> dict[str, object]:
    blocks = {f"step{number}": {**_NOOP, "then": f"step{number + 1}"} for number in range(1, count)}
    return {**blocks, f"step{count}": _NOOP}


DOCUMENTS: dict[str, dict[str, object]] = {
    STEPS: {"workflow": STEPS, "blocks": _chain(STEPS_EACH)},
    ONE: {"workflow": ONE, "blocks": _chain(1)},
    APPROVAL: {
        "workflow": APPROVAL,
        "blocks": {
            "before": {**_NOOP, "then": PAUSE},
            PAUSE: {
                "type": "human_in_the_loop",
                "form": {"approved": {"type": "boolean", "required": True}},
                "then": "after",
            },
            "after": _NOOP,
        },
    },
}
"""Definitions by workflow id."""
