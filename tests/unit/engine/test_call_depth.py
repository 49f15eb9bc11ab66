"""How deep executions may call one another, also those whose log is older than call chains."""

from uuid import UUID

import pytest

from signoff.events.types import Parent, StartExecution
from support.bdd import LOG, WORKFLOW, Story, calls, workflow

GRAPH = workflow("start > call", call="workflow")


def begun(*, chain: int, depth: int) -> Story:
    """An execution behind so many workflows, as the child of a child so deep."""
    parent = Parent(execution_id=str(LOG), block_id="call", instance="call", depth=depth)
    story = Story(GRAPH, {"call": calls()})
    story.command(
        StartExecution(
            workspace_id=str(UUID(int=0)),
            workflow_id=WORKFLOW,
            workflow_version=1,
            definition_digest="sha256:definition",
            mode="async",
            parent=parent if depth else None,
            call_chain=["w"] * chain,
        )
    )
    return story.work()


@pytest.mark.parametrize(("chain", "depth"), [(24, 0), (24, 24), (0, 24)])
def test_a_workflow_behind_24_others_calls_another_one(chain: int, depth: int) -> None:
    assert "child:called call" in begun(chain=chain, depth=depth).told()


@pytest.mark.parametrize(("chain", "depth"), [(25, 0), (25, 25), (25, 3), (0, 25)])
def test_a_workflow_behind_25_others_calls_no_further_one(chain: int, depth: int) -> None:
    story = begun(chain=chain, depth=depth)

    assert story.events[-1].data.code == "TOO_DEEP"
