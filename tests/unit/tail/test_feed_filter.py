"""Filters of feeds, as requests name them."""

from uuid import UUID

import pytest

from signoff.tail import BadFilterError, filter_of

WORKSPACE = "8c0b9d5e-0000-4000-8000-000000000001"


def test_without_parameters_a_feed_is_about_everything() -> None:
    everything = filter_of({})

    assert everything.types is None
    assert everything.topics == []


def test_parameters_are_repeated_or_separated_by_commas() -> None:
    one = filter_of({"workflowId": ["a,b", " c "], "types": ["block:completed, block:error"]})

    assert one.workflow_ids == {"a", "b", "c"}
    assert one.types == {"block:completed", "block:error"}


def test_a_family_of_types_is_named_by_its_beginning() -> None:
    family = filter_of({"types": ["pause:*"]})

    assert family.types is not None
    assert {"pause:opened", "pause:closed"} <= family.types
    assert all(each.startswith("pause:") for each in family.types)


def test_a_status_narrows_the_types_to_those_that_may_bring_it() -> None:
    failed = filter_of({"status": ["failed,cancelled"], "types": ["execution:*"]})

    assert failed.statuses == {"failed", "cancelled"}
    assert failed.topics == ["signoff:ExecutionCancelled", "signoff:ExecutionError"]


def test_a_workspace_is_one_and_executions_may_be_several() -> None:
    some = filter_of({"workspaceId": [WORKSPACE], "executionId": ["order-17,order-18", "order-19"]})

    assert some.workspace_id == UUID(WORKSPACE)
    assert some.execution_ids == {"order-17", "order-18", "order-19"}


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"types": ["block:complete"]}, "did you mean block:completed"),
        ({"types": ["*"]}, "types must be"),
        ({"types": ["key:created"]}, "types must be"),
        ({"types": ["member:*"]}, "types must be"),
        ({"status": ["done"]}, "status must be running, paused"),
        ({"status": ["failed"], "types": ["block:*"]}, "none of these does"),
        ({"workspaceId": ["mine"]}, "workspaceId must be a UUID"),
        ({"workspaceId": [WORKSPACE, str(UUID(int=1))]}, "workspaceId must be one value"),
        ({"workflowId": [",".join(map(str, range(33)))]}, "workflowId must be at most 32"),
        ({"workflowId": ["x" * 129]}, "workflowId must be at most 128"),
    ],
)
def test_a_filter_that_is_none_says_what_it_must_be(parameters: dict[str, list[str]], says: str) -> None:
    with pytest.raises(BadFilterError, match=says.replace("*", r"\*")):
        filter_of(parameters)
