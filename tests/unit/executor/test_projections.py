"""What an execution's row says of it."""

from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace

from signoff.engine.definitions.definition import Definition
from signoff.engine.state import Failure, State
from signoff.events.types import Actor, Source
from signoff.executor.logs.projections import execution_row

LOG = uuid4()


def state() -> State:
    return State(
        execution_id=str(LOG),
        workspace_id=str(UUID(int=0)),
        actor=Actor(type="user", id="ann"),
        failure=Failure("x" * 600, "BLOCK_FAILED"),
        variables={"Customer": "ACME", "secret": "s"},
    )


def test_a_row_has_what_its_execution_is_found_by() -> None:
    definition = Definition(name="w", blocks=(), connections=(), attributes=("customer",))

    row = execution_row(LOG, state(), definition, 64)

    assert (row.actor_type, row.actor_id) == ("user", "ann")
    assert (row.error, row.error_code) == ("x" * 500, "BLOCK_FAILED")
    assert row.attributes == {"customer": "ACME"}


@pytest.mark.parametrize(
    ("source", "forked_from"),
    [
        (None, None),
        (Source(execution_id="order-7", log_id=str(uuid4()), event_id=3, kind="fork"), "order-7"),
        (Source(execution_id="order-7", event_id=3, kind="run-from-block"), None),
    ],
)
def test_a_row_names_what_its_execution_is_a_fork_of(source: Source | None, forked_from: str | None) -> None:
    assert execution_row(LOG, replace(state(), source=source), None, 64).forked_from == forked_from


def test_a_workflow_that_cannot_run_has_no_attributes() -> None:
    assert execution_row(LOG, state(), None, 64).attributes == {}
