"""What may be recorded in the directory, and what may not."""

from copy import deepcopy

import pytest

from signoff.access.directory.changes import MAX_NAME, fault, faults, read_proposals
from signoff.access.directory.fold import DEFAULT_ID
from signoff.events.types import (
    AbsenceEnded,
    AbsenceSet,
    Actor,
    ChangeDirectory,
    Command,
    DirectoryFact,
    GroupRemoved,
    GroupSet,
    KeyCreated,
    KeyRevoked,
    KeyRotated,
    MemberRemoved,
    Proposal,
    UserDisabled,
    UserEnabled,
    WorkspaceClosed,
    WorkspaceRenamed,
)
from support.directories import ADMIN, folded, member, user, workspace

W = "0198c1f0-7d3e-7c1a-9f7e-1f2e3d4c5b6a"
LATER = "2999-01-01T00:00:00Z"


def _key(**changes: object) -> KeyCreated:
    given = {"actor": ADMIN, "key_id": "k", "name": "key", "digest": "d", "user_id": "u", **changes}
    return KeyCreated(**given)  # type: ignore[arg-type]


def _group(*user_ids: str, group_id: str = "g", name: str = "group", roles: tuple[str, ...] = ()) -> GroupSet:
    return GroupSet(
        actor=ADMIN,
        workspace_id=W,
        group_id=group_id,
        name=name,
        roles=list(roles),  # type: ignore[arg-type]
        user_ids=list(user_ids),
    )


def _absence(**changes: str) -> AbsenceSet:
    given = {
        "workspace_id": W, "user_id": "u", "delegate_id": "v",
        "since": "2026-01-01T00:00:00Z", "until": "2027-01-02T00:00:00Z", **changes,
    }  # fmt: skip
    return AbsenceSet(actor=ADMIN, **given)


BASE = (
    workspace(W),
    user("u"),
    user("v"),
    member(W, "u", "admin"),
    member(W, "v", "write"),
    _key(),
    _group("v"),
)


@pytest.mark.parametrize(
    ("fact", "code"),
    [
        (workspace(W), "CONFLICT"),
        (workspace("w", ""), "BAD_REQUEST"),
        (workspace("w", " " * 3), "BAD_REQUEST"),
        (workspace("w", "x" * (MAX_NAME + 1)), "BAD_REQUEST"),
        (WorkspaceRenamed(actor=ADMIN, workspace_id="w", name="x"), "NOT_FOUND"),
        (WorkspaceClosed(actor=ADMIN, workspace_id="w"), "NOT_FOUND"),
        (WorkspaceClosed(actor=ADMIN, workspace_id=DEFAULT_ID), "CONFLICT"),
        (user("u"), "CONFLICT"),
        (UserDisabled(actor=ADMIN, user_id="x"), "NOT_FOUND"),
        (UserEnabled(actor=ADMIN, user_id="u"), "CONFLICT"),
        (member("w", "u", "read"), "NOT_FOUND"),
        (member(W, "x", "read"), "NOT_FOUND"),
        (member(W, "v"), "BAD_REQUEST"),
        (MemberRemoved(actor=ADMIN, workspace_id=W, user_id="x"), "NOT_FOUND"),
        (_group("x"), "BAD_REQUEST"),
        (_group("v", "v"), "BAD_REQUEST"),
        (_group(group_id="h"), "CONFLICT"),
        (GroupRemoved(actor=ADMIN, workspace_id=W, group_id="h"), "NOT_FOUND"),
        (_key(), "CONFLICT"),
        (_key(key_id="l"), "CONFLICT"),
        (_key(key_id="l", digest="e", user_id="x"), "NOT_FOUND"),
        (_key(key_id="l", digest="e", workspace_id="w"), "NOT_FOUND"),
        (_key(key_id="l", digest="e", user_id=None), "BAD_REQUEST"),
        (_key(key_id="l", digest="e", user_id=None, workspace_id=W), "BAD_REQUEST"),
        (KeyRotated(actor=ADMIN, key_id="l", digest="e", previous_until=LATER), "NOT_FOUND"),
        (KeyRotated(actor=ADMIN, key_id="k", digest="d", previous_until=LATER), "CONFLICT"),
        (KeyRevoked(actor=ADMIN, key_id="l"), "NOT_FOUND"),
        (_absence(workspace_id="w"), "NOT_FOUND"),
        (_absence(user_id="x"), "NOT_FOUND"),
        (_absence(delegate_id="x"), "BAD_REQUEST"),
        (_absence(delegate_id="u"), "BAD_REQUEST"),
        (_absence(until="2026-01-01T00:00:00Z"), "BAD_REQUEST"),
        (_absence(until="2027-01-02T00:00:01Z"), "BAD_REQUEST"),
        (_absence(since="tomorrow"), "BAD_REQUEST"),
        (AbsenceEnded(actor=ADMIN, workspace_id=W, user_id="u"), "NOT_FOUND"),
    ],
    ids=lambda each: each if isinstance(each, str) else each.TYPE,
)
def test_a_fact_that_does_not_follow_is_refused(fact: DirectoryFact, code: str) -> None:
    found = fault(folded(*BASE), fact)

    assert found is not None
    assert found.code == code


@pytest.mark.parametrize(
    "fact",
    [
        member(W, "u", "write"),
        MemberRemoved(actor=ADMIN, workspace_id=W, user_id="u"),
        UserDisabled(actor=ADMIN, user_id="u"),
    ],
    ids=lambda each: each.TYPE,
)
def test_the_last_administrator_cannot_be_lost(fact: DirectoryFact) -> None:
    alone = fault(folded(*BASE), fact)
    with_another = fault(folded(*BASE, member(W, "v", "admin")), fact)
    with_a_disabled_one = fault(
        folded(*BASE, member(W, "v", "admin"), UserDisabled(actor=ADMIN, user_id="v")), fact
    )

    assert alone is not None
    assert alone.code == "CONFLICT"
    assert with_another is None
    assert with_a_disabled_one is not None


@pytest.mark.parametrize(
    "fact", [_group(roles=("admin",)), _group("v"), GroupRemoved(actor=ADMIN, workspace_id=W, group_id="g")],
    ids=["emptied", "demoted", "removed"],
)  # fmt: skip
def test_a_group_that_has_the_last_administrator_keeps_them(fact: DirectoryFact) -> None:
    by_group = folded(*BASE, _group("v", roles=("admin",)), member(W, "u", "write"))

    found = fault(by_group, fact)

    assert found is not None
    assert found.code == "CONFLICT"


def test_a_disabled_user_is_nobodys_delegate() -> None:
    found = fault(folded(*BASE, UserDisabled(actor=ADMIN, user_id="v")), _absence())

    assert found is not None
    assert found.code == "CONFLICT"


@pytest.mark.parametrize("gone", ["u", "v"], ids=["the absent one", "the delegate"])
def test_an_absence_ends_with_the_membership_of_who_is_away_or_stands_in(gone: str) -> None:
    another = member(W, "v", "admin")

    state = folded(*BASE, another, _absence(), MemberRemoved(actor=ADMIN, workspace_id=W, user_id=gone))

    found = fault(state, AbsenceEnded(actor=ADMIN, workspace_id=W, user_id="u"))
    assert found is not None
    assert found.message == "Absence not found"


def test_a_workspace_that_nobody_administers_may_stay_so() -> None:
    state = folded(workspace(W), user("u"), member(W, "u", "write"))

    assert fault(state, MemberRemoved(actor=ADMIN, workspace_id=W, user_id="u")) is None


def test_in_a_closed_workspace_nothing_may_change() -> None:
    state = folded(*BASE, WorkspaceClosed(actor=ADMIN, workspace_id=W))

    assert fault(state, member(W, "v", "read")) is not None
    assert fault(state, UserDisabled(actor=ADMIN, user_id="u")) is None


def test_later_facts_of_one_change_may_rest_on_earlier_ones_and_nothing_is_changed_by_asking() -> None:
    state = folded(*BASE)
    before = deepcopy(state)

    assert list(faults(state, [user("x"), member(W, "x", "read")], 0.0)) == []
    assert len(list(faults(state, [user("x"), member(W, "y", "read"), user("u")], 0.0))) == 1
    assert state == before


@pytest.mark.parametrize(
    ("proposal", "message"),
    [
        (Proposal("workflow:deployed", {}), "no fact of the directory"),
        (Proposal("nonsense", {}), "no fact of the directory"),
        (Proposal("user:added", {"userId": 1}), "userId"),
        (Proposal("member:set", {"workspaceId": W, "userId": "u", "roles": ["owner"]}), "roles"),
    ],
    ids=["of-workflows", "unknown", "mistyped", "no-role"],
)
def test_what_is_no_fact_of_the_directory_cannot_be_proposed(proposal: Proposal, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_proposals(_command(), [proposal])


def test_a_fact_is_its_commands_actors_whatever_it_says() -> None:
    (fact,) = read_proposals(
        _command(), [Proposal("user:added", {"userId": "u", "actor": {"type": "system", "id": "signoff"}})]
    )

    assert fact.actor == ADMIN


def _command() -> Command:
    return Command(
        command_id="c",
        type=ChangeDirectory.TYPE,
        execution_id="e",
        issued_at="2026-01-01T00:00:00Z",
        actor=Actor(type="apiKey", id="bootstrap"),
        data=ChangeDirectory(proposed=[]),
    )
