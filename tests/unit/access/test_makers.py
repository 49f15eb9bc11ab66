"""Who asks something of a pause point, as the engine is told."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from signoff.access.callers import Principal
from signoff.access.directory.fold import DEFAULT_ID, Directory
from signoff.access.makers import MOST, MOST_GROUPS, maker_now, maker_of
from signoff.access.permissions import expanded
from signoff.events.times import iso
from signoff.events.topics import DEFAULT_WORKSPACE
from signoff.events.types import (
    AbsenceEnded,
    Actor,
    DirectoryFact,
    KeyCreated,
    KeyRevoked,
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
        member(DEFAULT_ID, "ada", "auditor"),
    ],
    ids=["back", "disabled", "left", "another delegate", "decides nothing"],
)
def test_nobody_stands_in_for_one_who_does_not_ask_for_it_or_may_not_decide(last: DirectoryFact) -> None:
    assert _asked(folded(*BASE, AWAY, last)).stands_in_for == {}


def test_standing_in_is_not_handed_on() -> None:
    chain = folded(*BASE, AWAY, absence(DEFAULT_ID, "bob", "cy", since=NOW, until=NOW + DAY))

    assert _asked(chain, "cy").stands_in_for == {"bob": ["finance"]}


def test_who_decides_by_a_groups_role_lends_that_too() -> None:
    by_group = group(DEFAULT_ID, "legal", "ada", roles=["approver"])
    state = folded(*BASE, AWAY, member(DEFAULT_ID, "ada", "auditor"), by_group)

    assert _asked(state).stands_in_for == {"ada": ["finance", "legal"]}


def test_of_a_great_many_absent_people_a_command_names_some() -> None:
    several = [f"person {number}" for number in range(MOST + 1)]
    people = [fact for each in several for fact in (user(each), member(DEFAULT_ID, each, "approver"))]
    gone = [absence(DEFAULT_ID, each, "bob", since=NOW, until=NOW + DAY) for each in several]

    assert list(_asked(folded(*BASE, *people, *gone)).stands_in_for) == several[:MOST]


def test_and_so_many_of_their_groups_that_it_can_be_sent() -> None:
    groups = [group(DEFAULT_ID, f"group {number}", "ada") for number in range(MOST_GROUPS)]
    state = folded(*BASE, *groups, AWAY, absence(DEFAULT_ID, "cy", "bob", since=NOW, until=NOW + DAY))

    assert _asked(state).stands_in_for == {"cy": []}


def _later(state: Directory, actor: Actor, known: Maker, *, now: float = NOW) -> Maker | None:
    return maker_now(state, actor, known, workspace_id=DEFAULT_WORKSPACE, now=now)


BOB = Actor(type="user", id="bob")
BEFORE = Maker(user_id="bob", roles=["approver"], group_ids=["board"], auth_method="link", link_id="l")


def test_what_is_known_of_somebody_later_is_what_they_are_by_then() -> None:
    now = _later(folded(*BASE), BOB, BEFORE)

    assert now == Maker(
        user_id="bob", roles=["approver"], group_ids=["finance"], auth_method="link", link_id="l"
    )


@pytest.mark.parametrize(
    "last",
    [
        UserDisabled(actor=ADMIN, user_id="bob"),
        MemberRemoved(actor=ADMIN, workspace_id=DEFAULT_ID, user_id="bob"),
        member(DEFAULT_ID, "bob", "auditor"),
    ],
    ids=["disabled", "left", "decides nothing"],
)
def test_who_may_not_decide_any_more_is_nobody_later(last: DirectoryFact) -> None:
    assert _later(folded(*BASE, last), BOB, BEFORE) is None


KEY = Actor(type="apiKey", id="k", owner="bob")


def _key(**given: Any) -> KeyCreated:
    return KeyCreated(actor=ADMIN, key_id="k", name="k", digest="d", **given)


@pytest.mark.parametrize(
    ("key", "roles"),
    [
        (_key(user_id="bob"), ["approver"]),
        (_key(workspace_id=DEFAULT_ID, roles=["write"]), ["read", "write"]),
        (_key(user_id="bob", expires_at=iso(NOW)), None),
        (_key(user_id="bob", workspace_id=OTHER), None),
        (_key(user_id="bob", roles=["auditor"]), None),
    ],
)
def test_a_key_is_later_what_it_may_do_then(key: KeyCreated, roles: list[str] | None) -> None:
    now = _later(folded(*BASE, key), KEY, Maker(user_id=key.user_id))

    assert (None if now is None else now.roles) == roles


def test_a_key_that_was_revoked_is_nobodys_later() -> None:
    revoked = KeyRevoked(actor=ADMIN, key_id="k")

    assert _later(folded(*BASE, _key(user_id="bob"), revoked), KEY, Maker(user_id="bob")) is None


def test_the_operators_key_stays_what_it_was() -> None:
    assert _later(folded(*BASE), ADMIN, Maker(roles=["approver"])) == Maker(roles=["approver"])


def test_an_absence_of_one_workspace_is_nothing_to_another() -> None:
    state = folded(*BASE, AWAY, member(OTHER, "bob", "approver"))

    assert _asked(state, workspace_id=UUID(OTHER)).stands_in_for == {}
