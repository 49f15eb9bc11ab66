"""The fold of the directory's log: the same however it is read, and never broken by what was allowed."""

import json
from copy import deepcopy

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signoff.access.directory import fold as directory
from signoff.access.directory.changes import fault, faults
from signoff.access.directory.decide import decide_directory
from signoff.access.directory.fold import DEFAULT_ID, Directory, apply, evolve_directory
from signoff.engine.messages import Draft
from signoff.events.codec import encode_json
from signoff.events.types import (
    AbsenceEnded,
    AbsenceSet,
    ChangeDirectory,
    Command,
    DirectoryFact,
    EnvironmentRemoved,
    EnvironmentSet,
    GroupRemoved,
    GroupSet,
    HookRemoved,
    HookSet,
    KeyCreated,
    KeyRevoked,
    KeyRotated,
    MemberRemoved,
    MemberSet,
    Outcome,
    Proposal,
    UserAdded,
    UserDisabled,
    UserEnabled,
    WorkspaceClosed,
    WorkspaceCreated,
    WorkspaceRenamed,
)
from support.directories import ADMIN, event, folded, member, user, workspace

OTHER = "0198c1f0-7d3e-7c1a-9f7e-1f2e3d4c5b6a"

_few = st.sampled_from(["a", "b", "c"])
_workspaces = st.sampled_from([DEFAULT_ID, OTHER])
_roles = st.lists(st.sampled_from(["read", "write", "admin", "approver", "auditor"]), max_size=3)
_actor = st.just(ADMIN)
_times = st.sampled_from(["2026-01-01T00:00:00Z", "2999-01-01T00:00:00Z"])


def _built(
    kind: type[DirectoryFact], **fields: st.SearchStrategy[object]
) -> st.SearchStrategy[DirectoryFact]:
    return st.builds(kind, actor=_actor, **fields)


_ABSENCES = (
    _built(
        AbsenceSet,
        workspace_id=st.just(DEFAULT_ID),
        user_id=_few,
        delegate_id=_few,
        since=st.just("2026-02-01T00:00:00Z"),
        until=st.just("2026-03-01T00:00:00Z"),
    ),
    _built(AbsenceEnded, workspace_id=st.just(DEFAULT_ID), user_id=_few),
)
_MEMBERS = (
    _built(MemberSet, workspace_id=st.just(DEFAULT_ID), user_id=_few, roles=st.just(["read"])),
    _built(MemberRemoved, workspace_id=st.just(DEFAULT_ID), user_id=_few),
)

_FACTS = st.one_of(
    _built(WorkspaceCreated, workspace_id=_workspaces, name=_few),
    _built(WorkspaceRenamed, workspace_id=_workspaces, name=_few),
    _built(WorkspaceClosed, workspace_id=_workspaces),
    _built(UserAdded, user_id=_few, service=st.booleans()),
    _built(UserDisabled, user_id=_few),
    _built(UserEnabled, user_id=_few),
    _built(MemberSet, workspace_id=_workspaces, user_id=_few, roles=_roles),
    _built(MemberRemoved, workspace_id=_workspaces, user_id=_few),
    _built(
        GroupSet,
        workspace_id=_workspaces,
        group_id=_few,
        name=_few,
        roles=_roles,
        user_ids=st.lists(_few, max_size=3),
    ),
    _built(GroupRemoved, workspace_id=_workspaces, group_id=_few),
    _built(
        KeyCreated,
        key_id=_few,
        name=_few,
        digest=_few,
        workspace_id=st.none() | _workspaces,
        user_id=st.none() | _few,
        roles=st.none() | _roles,
        expires_at=st.none() | _times,
    ),
    _built(KeyRotated, key_id=_few, digest=_few, previous_until=_times),
    _built(KeyRevoked, key_id=_few),
    *_ABSENCES,
    _built(EnvironmentSet, workspace_id=_workspaces, name=_few),
    _built(EnvironmentRemoved, workspace_id=_workspaces, name=_few),
    _built(HookSet, workspace_id=_workspaces, hook_id=_few, host=_few),
    _built(HookRemoved, workspace_id=_workspaces, hook_id=_few),
)


def _command(number: int, fact: DirectoryFact) -> Command:
    data = json.loads(encode_json(fact))
    return Command(
        command_id=f"command-{number}",
        type=ChangeDirectory.TYPE,
        execution_id="directory",
        issued_at="2026-01-01T00:00:00Z",
        actor=data.pop("actor") and ADMIN,
        data=ChangeDirectory(proposed=[Proposal(fact.TYPE, data)]),
    )


def _check_whole(state: Directory) -> None:
    """What holds of every directory, whatever happened."""
    for digest, key_id in state.digests.items():
        assert digest in (state.keys[key_id].digest, state.keys[key_id].previous)
    for key_id, key in state.keys.items():
        assert state.digests[key.digest] == key_id
    for each in state.workspaces.values():
        assert each.members.keys() <= state.users.keys()
        assert all(set(group.user_ids) <= each.members.keys() for group in each.groups.values())
        absences = each.absences
        assert absences.by_user.keys() <= each.members.keys()
        assert absences.by_delegate.keys() <= each.members.keys()
        indexed = [(who, delegate) for delegate, absent in absences.by_delegate.items() for who in absent]
        assert sorted(indexed) == sorted((who, it.delegate_id) for who, it in absences.by_user.items())
        assert len({group.name for group in each.groups.values()}) == len(each.groups)
    for user_id, each_user in state.users.items():
        assert not (each_user.disabled and state.grants_of(user_id))
        of_user = [each for each, workspace in state.workspaces.items() if user_id in workspace.members]
        assert sorted(each_user.workspace_ids) == sorted(of_user)


_BASE = [
    user("a"),
    user("b"),
    member(DEFAULT_ID, "a", "read"),
    member(DEFAULT_ID, "b", "read"),
    *(KeyCreated(actor=ADMIN, key_id=each, name=each, digest=each, user_id=each) for each in "ab"),
]


@settings(max_examples=150, deadline=None)
@given(st.lists(_FACTS, max_size=40).map(_BASE.__add__))
def test_the_fold_of_what_was_recorded_is_the_state_that_allowed_it(facts: list[DirectoryFact]) -> None:
    state, log = Directory(), []
    for number, fact in enumerate(facts, 1):
        expected = fault(state, fact)
        drafts = []
        for result in decide_directory(state, _command(number, fact), 0.0):
            if isinstance(result, Draft):
                drafts.append(result)
                log.append(event(len(log) + 1, fact))
                evolve_directory(state, log[-1])
            else:
                assert isinstance(result, Outcome)
                assert (result.outcome == "refused") == (expected is not None)
        assert len(drafts) == (expected is None)
        _check_whole(state)

    again, from_snapshot = Directory(), Directory()
    for at, each in enumerate(log):
        evolve_directory(again, each)
        if at == len(log) // 2:
            from_snapshot = msgspec.json.decode(msgspec.json.encode(again), type=Directory)
        elif at > len(log) // 2:
            evolve_directory(from_snapshot, each)
    assert again == state
    assert not log or from_snapshot == state


@settings(max_examples=150, deadline=None)
@given(st.lists(_FACTS, max_size=20).map(_BASE.__add__), st.lists(_FACTS, min_size=2, max_size=4))
def test_facts_of_one_change_are_judged_one_after_the_other_and_nothing_is_done_yet(
    earlier: list[DirectoryFact], facts: list[DirectoryFact]
) -> None:
    state = folded(*_allowed(earlier))
    after = deepcopy(state)

    found = next(faults(state, facts, 1.0), None)

    assert state == after
    expected = None
    for fact in facts:
        expected = fault(after, fact)
        if expected is not None:
            break
        apply(after, fact, 1.0)
    assert found == expected


@settings(max_examples=100, deadline=None)
@given(st.lists(st.one_of(*_ABSENCES, *_MEMBERS), max_size=30).map([*_BASE, user("c")].__add__))
def test_members_alone_are_away_and_stand_in(facts: list[DirectoryFact]) -> None:
    _check_whole(folded(*_allowed(facts)))


def _allowed(facts: list[DirectoryFact]) -> list[DirectoryFact]:
    """Of some facts, those that may follow those before them."""
    state, found = Directory(), []
    for fact in facts:
        if fault(state, fact) is None:
            found.append(fact)
            evolve_directory(state, event(len(found), fact))
    return found


def test_at_first_there_is_the_default_workspace_and_nobody() -> None:
    state = Directory()

    assert list(state.workspaces) == [DEFAULT_ID]
    assert (state.users, state.keys, state.version) == ({}, {}, 0)


def test_an_event_that_does_not_follow_is_refused() -> None:
    with pytest.raises(ValueError, match="does not follow"):
        evolve_directory(folded(user("a")), event(3, user("b")))


def test_a_command_that_was_taken_changes_nothing_a_second_time() -> None:
    state = folded(user("a"))
    again = _command(1, user("b"))

    (outcome,) = decide_directory(state, again, 0.0)

    assert isinstance(outcome, Outcome)
    assert (outcome.outcome, outcome.event_id) == ("duplicate", 1)


def test_of_a_long_history_the_last_commands_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory, "COMMANDS", 3)

    state = folded(*(user(f"user-{number}") for number in range(1, 9)))

    assert [number for number in range(1, 9) if state.taken(f"command-{number}")] == [4, 5, 6, 7, 8]


def test_workspaces_of_a_user_come_oldest_first() -> None:
    newer = "00000000-0000-0000-0000-00000000000a"
    state = folded(
        workspace(OTHER), workspace(newer), user("a"), *(member(each, "a", "read") for each in (newer, OTHER))
    )

    assert state.memberships("a") == [OTHER, newer]


def test_roles_are_ones_own_and_ones_groups_in_open_workspaces() -> None:
    state = folded(
        workspace(OTHER),
        user("a"),
        member(OTHER, "a", "write"),
        GroupSet(actor=ADMIN, workspace_id=OTHER, group_id="g", name="g", roles=["approver"], user_ids=["a"]),
    )

    (roles,) = state.grants_of("a").values()
    bound = state.grants_of("a", bound=["read"])
    elsewhere = state.grants_of("a", within=DEFAULT_ID)
    closed = folded(workspace(OTHER), user("a"), member(OTHER, "a", "write"), _closed()).grants_of("a")

    assert roles == {"read", "write", "approver"}
    assert list(bound.values()) == [{"read"}]
    assert (elsewhere, closed) == ({}, {})


def _closed() -> WorkspaceClosed:
    return WorkspaceClosed(actor=ADMIN, workspace_id=OTHER)
