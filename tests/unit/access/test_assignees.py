"""Those who are to decide: as authors write them, as the log knows them, and as people are shown them."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from signoff.access import assignees
from signoff.access.assignees import ERASED, KEEP_FOR, REMOVED, Assignees, Named
from signoff.access.directory.fold import DEFAULT_ID
from signoff.access.directory.live import LiveDirectory
from signoff.access.errors import UnknownAssigneeError
from signoff.access.signing_in.people import People, Person
from signoff.events.bus.memory import MemoryBus
from signoff.events.store.memory import MemoryStore
from signoff.events.topics import DEFAULT_WORKSPACE, PARTITIONS, directory_log_id
from signoff.events.types import DirectoryFact, GroupRemoved, MemberRemoved, UserDisabled, WorkspaceClosed
from support.directories import ADMIN, absence, group, member, user, workspace
from support.growing_logs import Ledger
from support.stores import Clock

OTHER = "0198c1f0-7d3e-7c1a-9f7e-1f2e3d4c5b6a"
DAY = 86_400.0


class Place:
    """A directory on a log that grows, with people beside it, in a time that a test sets."""

    def __init__(self, store: MemoryStore, ledger: Ledger) -> None:
        self.clock = Clock()
        self.people = People(store.records)
        self.directory = LiveDirectory(store)
        self.assignees = Assignees(self.directory, self.people, clock=self.clock)
        self._log = ledger.log(log_id=directory_log_id())

    async def record(self, *facts: DirectoryFact) -> None:
        """Something happens in the directory; nobody has looked yet."""
        await self._log.add(*facts, publish=False)

    async def join(self, name: str, *roles: str, workspace_id: str = DEFAULT_ID) -> None:
        """A person becomes a member; their id is their name in small letters."""
        user_id = name.lower()
        person = Person(name=name, created_at=1.0, email=f"{user_id}@example.com")
        await self.people.add(user_id, person, is_user=set().__contains__)
        await self.record(user(user_id), member(workspace_id, user_id, *(roles or ("approver",))))  # type: ignore[arg-type]


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    store, bus = MemoryStore(), MemoryBus()
    await store.migrate(partitions=PARTITIONS)
    place = Place(store, await Ledger.open(store, bus))
    await place.record(workspace(OTHER))
    await place.join("Ann")
    await place.join("Bob", "write")
    await place.join("Eve", workspace_id=OTHER)
    await place.record(group(DEFAULT_ID, "g-1", "ann", name="finance"))
    await place.directory.look()
    yield place
    await bus.close()
    await store.close()


# As authors write them ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("ann@example.com", "user:ann"),
        (" ANN@Example.com", "user:ann"),
        ("user:ann", "user:ann"),
        ("user:ann@example.com", "user:ann"),
        ("group:finance", "group:g-1"),
        ("group:g-1", "group:g-1"),
        ("role:approver", "role:approver"),
    ],
)
async def test_what_an_author_writes_has_a_key(place: Place, name: str, key: str) -> None:
    assert await place.assignees.keys_of(DEFAULT_WORKSPACE, [name]) == {name: key}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nobody@example.com", "no active member"),
        ("eve@example.com", "no active member"),
        ("user:eve", "no active member"),
        ("user:", "no active member"),
        ("a@b@c", "no active member"),
        ("group:finanse", "no such group"),
        ("role:boss", "the roles are read, write"),
        ("finance", "write an e-mail address"),
        ("ann", "write an e-mail address"),
        ("", "write an e-mail address"),
    ],
)
async def test_a_name_that_nobody_has_in_the_workspace_is_refused_with_what_to_do(
    place: Place, name: str, reason: str
) -> None:
    with pytest.raises(UnknownAssigneeError, match=reason) as refused:
        await place.assignees.keys_of(DEFAULT_WORKSPACE, ["user:ann", name])

    assert refused.value.names == [name]


async def test_all_unknown_names_are_told_at_once(place: Place) -> None:
    names = ["group:finanse", "role:approver", "zoe@example.com"]

    with pytest.raises(UnknownAssigneeError, match=r"finanse.*zoe@example") as refused:
        await place.assignees.keys_of(DEFAULT_WORKSPACE, names)

    assert refused.value.names == ["group:finanse", "zoe@example.com"]


@pytest.mark.parametrize(
    "last",
    [
        UserDisabled(actor=ADMIN, user_id="ann"),
        MemberRemoved(actor=ADMIN, workspace_id=DEFAULT_ID, user_id="ann"),
    ],
    ids=["disabled", "left"],
)
async def test_who_may_decide_nothing_here_any_more_is_nobody(place: Place, last: DirectoryFact) -> None:
    await place.record(last)
    await place.directory.look()

    with pytest.raises(UnknownAssigneeError):
        await place.assignees.keys_of(DEFAULT_WORKSPACE, ["ann@example.com"])


async def test_in_a_closed_workspace_there_is_nobody(place: Place) -> None:
    await place.record(WorkspaceClosed(actor=ADMIN, workspace_id=OTHER))
    await place.directory.look()

    with pytest.raises(UnknownAssigneeError):
        await place.assignees.keys_of(UUID(OTHER), ["user:eve", "role:approver"])
    assert place.assignees.members_of(UUID(OTHER), ["user:eve"]) == []
    assert await place.assignees.addresses(UUID(OTHER), ["eve"]) == {}


async def test_who_was_added_a_moment_ago_is_known(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assignees, "_FRESH", 0.0)
    await place.join("Zoe")

    assert await place.assignees.keys_of(DEFAULT_WORKSPACE, ["user:zoe"]) == {"user:zoe": "user:zoe"}


# As people are shown them -------------------------------------------------------------------------------


async def test_keys_are_shown_by_names(place: Place) -> None:
    keys = ["user:ann", "group:g-1", "role:approver", "nonsense"]

    assert await place.assignees.named(DEFAULT_WORKSPACE, keys) == {
        "user:ann": Named(kind="user", id="ann", name="Ann"),
        "group:g-1": Named(kind="group", id="g-1", name="finance"),
        "role:approver": Named(kind="role", id="approver", name="approver"),
    }


async def test_who_was_erased_and_a_group_that_is_no_more_have_a_neutral_name(place: Place) -> None:
    await place.people.erase("ann")
    await place.record(GroupRemoved(actor=ADMIN, workspace_id=DEFAULT_ID, group_id="g-1"))
    await place.directory.look()

    shown = await place.assignees.named(DEFAULT_WORKSPACE, ["user:ann", "group:g-1"])

    assert [each.name for each in shown.values()] == [ERASED, REMOVED]


async def test_another_workspaces_group_is_not_named(place: Place) -> None:
    shown = await place.assignees.named(UUID(OTHER), ["group:g-1"])

    assert shown["group:g-1"].name == REMOVED


async def test_a_new_name_is_shown_within_seconds(place: Place) -> None:
    async def name() -> str:
        return (await place.assignees.named(DEFAULT_WORKSPACE, ["user:ann"]))["user:ann"].name

    first = await name()
    await place.people.change("ann", lambda kept: Person(name="Ann Lee", created_at=kept.created_at))
    place.clock.now += KEEP_FOR

    assert (first, await name()) == ("Ann", "Ann Lee")


async def test_names_are_kept_for_a_bounded_number_of_people(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assignees, "_KEEP", 2)
    keys = [f"user:{each}" for each in ("ann", "bob", "eve", "nobody")]

    shown = await place.assignees.named(DEFAULT_WORKSPACE, keys)

    assert [each.name for each in shown.values()] == ["Ann", "Bob", "Eve", ERASED]
    assert len(place.assignees._known) <= 2


# As they are told ---------------------------------------------------------------------------------------


async def test_keys_come_to_users_members_of_groups_and_members_with_a_role(place: Place) -> None:
    await place.record(group(DEFAULT_ID, "g-2", "ann", name="admins", roles=("admin",)))
    await place.directory.look()

    def told(*keys: str) -> list[str]:
        return place.assignees.members_of(DEFAULT_WORKSPACE, keys)

    assert told("user:bob", "group:g-1") == ["bob", "ann"]
    assert told("role:approver") == ["ann"]
    assert told("role:read") == ["ann", "bob"]
    assert told("role:admin", "group:g-2") == ["ann"]
    assert told("user:eve", "group:other", "role:auditor", "nonsense") == []


async def test_who_stands_in_for_one_who_is_away_is_told_too(place: Place) -> None:
    now = place.clock.now
    await place.record(absence(DEFAULT_ID, "ann", "bob", since=now, until=now + DAY))
    await place.directory.look()

    while_away = place.assignees.members_of(DEFAULT_WORKSPACE, ["user:ann"])
    place.clock.now += DAY

    assert while_away == ["ann", "bob"]
    assert place.assignees.members_of(DEFAULT_WORKSPACE, ["user:ann"]) == ["ann"]


async def test_keys_come_to_a_bounded_number_of_people(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assignees, "MAX_MEMBERS", 1)

    assert place.assignees.members_of(DEFAULT_WORKSPACE, ["role:read", "role:approver"]) == ["bob"]


async def test_addresses_are_those_of_active_members_that_have_one(place: Place) -> None:
    await place.record(user("robot"), member(DEFAULT_ID, "robot", "write"))
    await place.people.add("robot", Person(name="Robot", created_at=1.0), is_user=set().__contains__)
    await place.record(UserDisabled(actor=ADMIN, user_id="bob"))
    await place.directory.look()

    found = await place.assignees.addresses(DEFAULT_WORKSPACE, ["ann", "bob", "eve", "robot", "nobody"])

    assert found == {"ann": "ann@example.com"}
