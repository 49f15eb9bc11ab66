"""Which appends of a group may be written."""

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signoff.events.errors import LeaseLostError, VersionConflictError
from signoff.events.store.base import Append, NewEvent
from signoff.events.store.group import admitted, expected_heads, refusals, results

ONE, TWO = UUID(int=1), UUID(int=2)


def an_append(log_id: UUID, *versions: int, partition: int = 0, epoch: int = 1) -> Append:
    events = [NewEvent(log_id, version, "t", b"") for version in versions]
    return Append(partition=partition, epoch=epoch, events=events)


def test_a_group_that_follows_on_its_logs_is_written_whole() -> None:
    group = [an_append(ONE, 4, 5), an_append(TWO, 1), an_append(ONE, 6)]

    assert expected_heads(group) == {ONE: 3, TWO: 0}
    assert refusals(group, lost=(), heads=expected_heads(group)) == {}
    assert admitted(group, {}) == group


def test_an_append_that_follows_on_a_refused_one_is_refused_too() -> None:
    group = [an_append(ONE, 4), an_append(ONE, 5), an_append(TWO, 1)]

    refused = refusals(group, lost=(), heads={ONE: 7, TWO: 0})

    assert set(refused) == {0, 1}
    assert all(isinstance(error, VersionConflictError) for error in refused.values())
    assert admitted(group, refused) == [group[2]]


def test_an_append_that_repeats_a_refused_one_rightly_is_written() -> None:
    group = [an_append(ONE, 4, 6), an_append(ONE, 4, 5)]

    assert set(refusals(group, lost=(), heads={ONE: 3})) == {0}


def test_a_lost_lease_refuses_its_own_epoch_alone() -> None:
    group = [an_append(ONE, 1, epoch=1), an_append(ONE, 1, epoch=2)]

    refused = refusals(group, lost={(0, 1)}, heads={ONE: 0})

    assert {index: type(error) for index, error in refused.items()} == {0: LeaseLostError}


def test_each_member_is_told_the_position_of_its_last_event() -> None:
    group = [an_append(ONE, 1, 2), an_append(TWO, 9), an_append(TWO), an_append(TWO, 1)]
    error = VersionConflictError("no")

    assert results(group, {1: error}, [11, 12, 13]) == [12, error, 0, 13]


@given(st.lists(st.tuples(st.sampled_from([ONE, TWO]), st.lists(st.integers(1, 6), max_size=3)), max_size=12))
def test_what_is_admitted_never_leaves_a_gap_or_repeats_a_version(
    wanted: list[tuple[UUID, list[int]]],
) -> None:
    group = [an_append(log_id, *versions) for log_id, versions in wanted]
    heads = dict.fromkeys(expected_heads(group), 0)

    kept = admitted(group, refusals(group, lost=(), heads=heads))

    for log_id in (ONE, TWO):
        versions = [event.version for append in kept for event in append.events if event.log_id == log_id]
        assert versions == list(range(1, len(versions) + 1))


@pytest.mark.parametrize("first", [0, 1])
def test_a_new_log_may_begin_at_one_and_a_foreign_aggregate_at_zero(first: int) -> None:
    group = [an_append(uuid4(), first, first + 1)]

    assert refusals(group, lost=(), heads=expected_heads(group)) == {}
