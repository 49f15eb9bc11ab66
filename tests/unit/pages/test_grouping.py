"""Where two executions differ: what matters first, and what follows from it folded away."""

from typing import Any

from signoff.audit.life.differences import changes_between
from signoff.gateway.pages.executions.grouping import changed_blocks, grouped, ran_apart

NAMES = {"approve": "Approve", "pay": "Pay", "refuse": "Refuse"}


def state(*, approved: bool, **blocks: Any) -> dict[str, Any]:
    submission = {"approved": approved}
    output = {"approved": approved, "url": f"/{approved}", "response": {"_resume": {"id": approved}}}
    return {
        "status": "completed",
        "input": {"amount": 250},
        "output": {"paid": approved},
        "variables": {},
        "blocks": {"approve": {"output": output}, **blocks},
        "pausePoints": {},
        "decisions": {"approve": {"submission": submission}},
    }


FIRST = state(approved=True, pay={"output": {"paid": True}})
SECOND = state(approved=False, refuse={"output": {"paid": False}})
BLOCKS = {each: each for each in NAMES}


def test_input_output_and_decisions_come_before_blocks() -> None:
    groups = grouped(changes_between(FIRST, SECOND), BLOCKS, NAMES)

    assert [each.name for each in groups] == ["Input, output and status", "Decisions", *NAMES.values()]
    assert [each.path[-1] for each in groups[1].changes] == ["approved"]


def test_copies_addresses_and_what_leads_to_a_decision_follow() -> None:
    approve = grouped(changes_between(FIRST, SECOND), BLOCKS, NAMES)[2]

    assert approve.changes == []
    assert [each.path[2:] for each in approve.follow] == [
        ["output", "approved"],
        ["output", "url"],
        ["output", "response", "_resume", "id"],
    ]


def test_another_value_of_a_block_does_not_follow() -> None:
    first, second = state(approved=True, pay={"output": 1}), state(approved=True, pay={"output": 2})

    (pay,) = grouped(changes_between(first, second), BLOCKS, NAMES)

    assert (pay.block_id, len(pay.changes), pay.follow) == ("pay", 1, [])


def test_a_turn_of_a_block_belongs_to_the_block() -> None:
    first, second = state(approved=True), state(approved=True, **{"pay₍2₎": {"output": 2}})

    (pay,) = grouped(changes_between(first, second), {"pay₍2₎": "pay"}, NAMES)

    assert pay.name == "Pay"


def test_a_block_that_was_decided_otherwise_differs_and_one_that_passes_on_does_not() -> None:
    passed = {name: state(approved=name == "a", pay={"output": {"approved": name == "a"}}) for name in "ab"}
    groups = grouped(changes_between(passed["a"], passed["b"]), BLOCKS, NAMES)

    ran = ran_apart(["approve", "pay"], ["approve", "pay", "refuse"], changed_blocks(groups, BLOCKS))

    assert ran == {"approve": "differs", "refuse": "only second"}
