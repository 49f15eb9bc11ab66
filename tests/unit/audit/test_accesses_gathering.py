"""Accesses are joined and bounded, and whatever gives way is counted."""

from collections.abc import Iterable

import pytest

from signoff.audit.accesses.gathering import JOINED, Gathering, Refused, Sight
from signoff.events.times import iso
from signoff.events.types import AccessEnded, AccessesDropped, AccessFact, AccessRead, AccessRefused, Actor

ADA = Actor(type="user", id="ada")
NOON = 1_780_000_000.0 - 1_780_000_000.0 % 86_400 + 43_200
MIDNIGHT = NOON + 43_200
REFUSED = Refused(permission="executions:read", status=403, reason="Access denied")


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def sight(execution: str = "e", *, workspace: str = "w", refused: Refused | None = None) -> Sight:
    return Sight(
        kind="read", workspace_id=workspace, actor=ADA, auth_method="session", operation="getExecution",
        about="execution", names=(("executionId", execution),), refused=refused,
    )  # fmt: skip


def facts(gathering: Gathering, *, all_of_it: bool = True) -> list[AccessFact]:
    return [fact for _, _, fact in gathering.take(1000, all_of_it=all_of_it)]


def names(found: Iterable[AccessFact]) -> list[str]:
    return [each.about.names["executionId"] for each in found if isinstance(each, AccessRead | AccessRefused)]


def test_equal_reads_within_some_seconds_are_one_fact_with_a_count(clock: Clock) -> None:
    gathering = Gathering(clock)
    gathering.note(sight())
    clock.now += 3
    gathering.note(sight())
    gathering.note(sight("other"))

    found = facts(gathering)

    assert found[0] == AccessRead(
        workspace_id="w", actor=ADA, auth_method="session", operation="getExecution",
        about=found[0].about, first_at=iso(NOON), last_at=iso(NOON + 3), count=2,  # type: ignore[attr-defined]
    )  # fmt: skip
    assert names(found) == ["e", "other"]


def test_a_read_waits_for_more_of_the_same_and_a_refusal_does_not(clock: Clock) -> None:
    gathering = Gathering(clock)
    gathering.note(sight("read"))
    gathering.note(sight("refused", refused=REFUSED))

    assert names(facts(gathering, all_of_it=False)) == ["refused"]
    clock.now += JOINED
    assert names(facts(gathering, all_of_it=False)) == ["read"]
    assert not len(gathering)


def test_accesses_of_two_days_are_two_facts_each_in_its_day(clock: Clock) -> None:
    gathering = Gathering(clock)
    clock.now = MIDNIGHT - 1
    gathering.note(sight())
    clock.now = MIDNIGHT + 1
    gathering.note(sight())

    days = [day for _, day, _ in gathering.take(10, all_of_it=True)]

    assert days == [iso(MIDNIGHT - 1)[:10], iso(MIDNIGHT + 1)[:10]]


def test_a_stream_that_ended_tells_since_when_and_stands_in_the_day_of_its_end(clock: Clock) -> None:
    gathering = Gathering(clock)
    clock.now = MIDNIGHT + 60
    for _ in range(2):
        gathering.note(
            Sight(kind="ended", workspace_id="w", operation="streamFeed", about="feed"), since=NOON
        )

    found = gathering.take(10)

    assert [(day, fact) for _, day, fact in found] == 2 * [
        (
            iso(MIDNIGHT)[:10],
            AccessEnded(
                workspace_id="w", operation="streamFeed", about=found[0][2].about,  # type: ignore[attr-defined]
                first_at=iso(NOON), last_at=iso(MIDNIGHT + 60),
            ),
        )
    ]  # fmt: skip


def test_when_too_much_waits_reads_give_way_to_refusals_and_are_counted(clock: Clock) -> None:
    gathering = Gathering(clock, most=2)
    gathering.note(sight("1"))
    gathering.note(sight("1"))
    gathering.note(sight("2"))

    gathering.note(sight("3"))
    gathering.note(sight("4", refused=REFUSED))
    gathering.note(sight("2"))

    found = facts(gathering)
    assert names(found) == ["4", "2"]
    assert found[-1] == AccessesDropped(workspace_id="w", reads=3, first_at=iso(NOON), last_at=iso(NOON))


def test_refusals_that_find_no_room_are_counted_by_their_workspace(clock: Clock) -> None:
    gathering = Gathering(clock, most=1)
    gathering.note(sight("1", refused=REFUSED))

    gathering.note(sight("2", refused=REFUSED))
    clock.now += 1
    gathering.note(sight("3", refused=REFUSED))
    gathering.note(sight("4", workspace="v", refused=REFUSED))

    dropped = [each for each in facts(gathering) if isinstance(each, AccessesDropped)]
    assert dropped == [
        AccessesDropped(workspace_id="w", refusals=2, first_at=iso(NOON), last_at=iso(NOON + 1)),
        AccessesDropped(workspace_id="v", refusals=1, first_at=iso(NOON + 1), last_at=iso(NOON + 1)),
    ]
    assert facts(gathering) == [], "told twice"


def test_no_more_is_taken_than_asked_for_and_refusals_come_first(clock: Clock) -> None:
    gathering = Gathering(clock)
    for number in range(3):
        gathering.note(sight(f"read {number}"))
    gathering.note(sight("refused", refused=REFUSED))

    assert names([fact for *_, fact in gathering.take(2, all_of_it=True)]) == ["refused", "read 0"]
    assert len(gathering) == 2
