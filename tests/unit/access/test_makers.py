"""Who asks something of a pause point, as the engine is told."""

from collections.abc import Sequence
from uuid import UUID

import pytest

from signoff.access.callers import Principal
from signoff.access.directory import DEFAULT_ID, Directory
from signoff.access.makers import maker_of
from signoff.access.permissions import expanded
from signoff.events.topics import DEFAULT_WORKSPACE
from signoff.events.types import (
    AbsenceEnded,
    Actor,
    DirectoryFact,
    Maker,
    MemberRemoved,
    UserDisabled,
)
from support.directories import ADMIN, BEGIN, absence, folded, group, member, user, workspace

OTHER = "0198c1f0-7d3e-7c1a-9f7e-1f2e3d4c5b6a"
DAY = 86_400.0
NOW = BEGIN + DAY

BASE: Sequence[DirectoryFact] = (
    workspace(OTHER),
    *(fact for each in ("ada", "bob", "cy") for fact in (user(each), member(DEFAULT_ID, each, "approver"))),
    group(DEFAULT_ID, "finance", "ada", "bob"),
    group(DEFAULT_ID, "legal", "ada"),
)
AWAY = absence(DEFAULT_ID, "ada", "bob", since=NOW, until=NOW + DAY)


def _asked(
    state: Directory, user_id: str | None = "bob", *, now: float = NOW, workspace_id: UUID = DEFAULT_WORKSPACE
) -> Maker:
    actor = Actor(type="apiKey", id="k") if user_id is None else Actor(type="user", id=user_id)
    caller = Principal(
        actor=actor,
        workspace_id=workspace_id,
        roles=expanded(["write"]),
        user_id=user_id,
        auth_method="session",
    )
    return maker_of(state, caller, now=now, address="192.0.2.7")


def test_a_maker_has_their_roles_with_those_implied_and_their_groups() -> None:
    maker = _asked(folded(*BASE), "ada")

    assert maker == Maker(
        user_id="ada",
        roles=["read", "write"],
        group_ids=["finance", "legal"],
        auth_method="session",
        address="192.0.2.7",
    )


def test_a_workspaces_key_has_roles_and_nobody_to_stand_in_for() -> None:
    maker = _asked(folded(*BASE, AWAY), None)

    assert (maker.user_id, maker.group_ids, maker.stands_in_for) == (None, [], {})
    assert maker.roles == ["read", "write"]


def test_a_link_and_a_code_are_told() -> None:
    caller = Principal(
        actor=Actor(type="link", id="l"), workspace_id=DEFAULT_WORKSPACE, roles=frozenset(), user_id="ada",
        auth_method="link",
    )  # fmt: skip

    maker = maker_of(folded(*BASE), caller, now=NOW, address=None, link_id="l", verified=True)

    assert (maker.auth_method, maker.link_id, maker.verified) == ("link", "l", True)


def test_a_delegate_stands_in_with_the_absent_ones_groups() -> None:
    maker = _asked(folded(*BASE, AWAY))

    assert maker.stands_in_for == {"ada": ["finance", "legal"]}
    assert maker.group_ids == ["finance"]


@pytest.mark.parametrize(("at", "stands_in"), [(-1.0, False), (0.0, True), (DAY - 1, True), (DAY, False)])
def test_an_absence_counts_from_its_beginning_and_no_more_at_its_end(at: float, stands_in: bool) -> None:
    maker = _asked(folded(*BASE, AWAY), now=NOW + at)

    assert bool(maker.stands_in_for) == stands_in


@pytest.mark.parametrize(
    "last",
    [
        AbsenceEnded(actor=ADMIN, workspace_id=DEFAULT_ID, user_id="ada"),
        UserDisabled(actor=ADMIN, user_id="ada"),
        MemberRemoved(actor=ADMIN, workspace_id=DEFAULT_ID, user_id="ada"),
        absence(DEFAULT_ID, "ada", "cy", since=NOW, until=NOW + DAY),
    ],
    ids=["back", "disabled", "left", "another delegate"],
)
def test_nobody_stands_in_for_one_who_does_not_ask_for_it_or_may_not_decide(last: DirectoryFact) -> None:
    assert _asked(folded(*BASE, AWAY, last)).stands_in_for == {}


def test_standing_in_is_not_handed_on() -> None:
    chain = folded(*BASE, AWAY, absence(DEFAULT_ID, "bob", "cy", since=NOW, until=NOW + DAY))

    assert _asked(chain, "cy").stands_in_for == {"bob": ["finance"]}


def test_an_absence_of_one_workspace_is_nothing_to_another() -> None:
    state = folded(*BASE, AWAY, member(OTHER, "bob", "approver"))

    assert _asked(state, workspace_id=UUID(OTHER)).stands_in_for == {}
