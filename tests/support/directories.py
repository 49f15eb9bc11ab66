"""A directory to try facts on: folded from them as the log would be."""

from collections.abc import Sequence
from typing import Final

from signoff.access.directory.changes import fault
from signoff.access.directory.fold import WORKFLOW_ID, Directory, evolve_directory
from signoff.events.times import iso
from signoff.events.types import (
    AbsenceSet,
    Actor,
    DirectoryFact,
    Event,
    GroupSet,
    MemberSet,
    Role,
    UserAdded,
    WorkspaceCreated,
)

ADMIN: Final = Actor(type="apiKey", id="bootstrap")
BEGIN: Final = 1_780_000_000.0


def event(number: int, fact: DirectoryFact) -> Event:
    """A fact as it stands in the log: one a second, each by a command of its own."""
    return Event(
        type=fact.TYPE,
        event_id=number,
        workflow_id=WORKFLOW_ID,
        timestamp=iso(BEGIN + number),
        causation_id=f"command-{number}",
        data=fact,
    )


def folded(*facts: DirectoryFact) -> Directory:
    """The directory after facts, each of which must be allowed."""
    state = Directory()
    for number, fact in enumerate(facts, 1):
        found = fault(state, fact)
        assert found is None, found
        evolve_directory(state, event(number, fact))
    return state


def workspace(workspace_id: str, name: str = "A workspace") -> WorkspaceCreated:
    return WorkspaceCreated(actor=ADMIN, workspace_id=workspace_id, name=name)


def user(user_id: str) -> UserAdded:
    return UserAdded(actor=ADMIN, user_id=user_id)


def member(workspace_id: str, user_id: str, *roles: Role) -> MemberSet:
    return MemberSet(actor=ADMIN, workspace_id=workspace_id, user_id=user_id, roles=list(roles))


def group(
    workspace_id: str, group_id: str, *user_ids: str, name: str = "", roles: Sequence[Role] = ()
) -> GroupSet:
    """A group; without a name it has its id's."""
    return GroupSet(
        actor=ADMIN,
        workspace_id=workspace_id,
        group_id=group_id,
        name=name or group_id,
        roles=list(roles),
        user_ids=list(user_ids),
    )


def absence(workspace_id: str, user_id: str, delegate_id: str, *, since: float, until: float) -> AbsenceSet:
    """Somebody is away; times are seconds since the epoch."""
    return AbsenceSet(
        actor=ADMIN,
        workspace_id=workspace_id,
        user_id=user_id,
        delegate_id=delegate_id,
        since=iso(since),
        until=iso(until),
    )
