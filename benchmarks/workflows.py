"""The workflows that are measured."""

STEPS = "benchmark-steps"
"""Registered blocks one after the other, that do nothing."""

ONE = "benchmark-one"
"""A single such block."""

APPROVAL = "benchmark-approval"
"""One such block, a pause, one more."""

NAPS = "benchmark-naps"
"""Blocks one after the other that take a tenth of a second each: two seconds in all."""

STEPS_EACH = 10
_NAPS_EACH = 20
PAUSE = "approve"
"""The pause's context."""

_NOOP = {"type": "noop"}
_NAP = {"type": "nap"}


def _chain(count: int, block: dict[str, str] = _NOOP) -> dict[str, object]:
    blocks = {f"step{number}": {**block, "then": f"step{number + 1}"} for number in range(1, count)}
    return {**blocks, f"step{count}": block}


DOCUMENTS: dict[str, dict[str, object]] = {
    STEPS: {"workflow": STEPS, "blocks": _chain(STEPS_EACH)},
    ONE: {"workflow": ONE, "blocks": _chain(1)},
    NAPS: {"workflow": NAPS, "blocks": _chain(_NAPS_EACH, _NAP)},
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
