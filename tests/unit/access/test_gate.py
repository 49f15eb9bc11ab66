"""Who a request comes from, and which workspace it is about."""

import time
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from multidict import CIMultiDict

from signoff.access.directory.fold import DEFAULT_ID
from signoff.access.directory.live import LiveDirectory
from signoff.access.errors import ForeignWorkspaceError, InvalidKeyError, UnknownWorkspaceError
from signoff.access.gate import About, Gate
from signoff.access.keys.making import digest_of
from signoff.access.links.links import Ticket
from signoff.access.permissions import ROLES, TABLE
from signoff.access.signing_in.sessions import COOKIE, Session, Sessions
from signoff.events.store.memory import MemoryStore
from signoff.events.topics import DEFAULT_WORKSPACE
from signoff.events.types import (
    Actor,
    DirectoryFact,
    KeyCreated,
    KeyRevoked,
    KeyRotated,
    MemberRemoved,
    UserDisabled,
    WorkspaceClosed,
)
from signoff.runtime.settings import Settings
from support.directories import ADMIN, folded, member, user, workspace

KEY = "the-bootstrap-key"
OTHER = "0198c1f0-7d3e-7c1a-9f7e-1f2e3d4c5b6a"
NOBODYS = "0198c1f0-7d3e-7c1a-9f7e-000000000000"


class Place:
    """A gate before a directory that a test sets."""

    def __init__(self, store: MemoryStore) -> None:
        self.store = store
        self.now = 1_000_000_000.0
        self.directory = LiveDirectory(store, clock=lambda: 0.0)
        self.gate = Gate(store, self.directory, Settings(bootstrap_api_key=KEY), clock=lambda: self.now)

    async def has(self, *facts: DirectoryFact) -> Gate:
        await self.directory.look()
        self.directory._state = folded(*facts)
        return self.gate

    async def sign_in(self, user_id: str) -> str:
        session = Session(user_id=user_id, method="password", signed_in_at=time.time())
        return f"{COOKIE}={await Sessions(self.store.records).begin(session)}"


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    store = MemoryStore()
    yield Place(store)
    await store.close()


def _ticket(user_id: str, workspace_id: str = DEFAULT_ID) -> Ticket:
    return Ticket(b"12345678", UUID(workspace_id), UUID(int=1), "approve", user_id, 2_000_000_000)


async def test_a_link_s_person_is_who_they_are_now_in_the_link_s_workspace_alone(place: Place) -> None:
    gate = await place.has(
        workspace(OTHER), user("ada"), member(DEFAULT_ID, "ada", "approver"), member(OTHER, "ada", "admin")
    )

    caller = gate.by_link(_ticket("ada"))
    principal = caller.within(DEFAULT_WORKSPACE)

    assert (caller.actor.type, caller.user_id, caller.auth_method) == ("user", "ada", "link")
    assert dict(caller.grants) == {DEFAULT_WORKSPACE: frozenset({"approver"})}
    assert principal.link_id == _ticket("ada").link_id
    assert not principal.verified


async def test_who_came_by_a_link_decides_and_does_nothing_else_whatever_their_roles(place: Place) -> None:
    gate = await place.has(user("ada"), member(DEFAULT_ID, "ada", "admin", "auditor"))

    principal = gate.by_link(_ticket("ada")).within(DEFAULT_WORKSPACE)

    assert {each for each in TABLE if principal.may(each)} == {
        "pauses:comment",
        "pauses:decide",
        "pauses:read",
    }


@pytest.mark.parametrize(
    "facts",
    [
        [],
        [user("ada")],
        [user("ada"), member(DEFAULT_ID, "ada", "read"), UserDisabled(actor=ADMIN, user_id="ada")],
        [
            user("ada"),
            member(DEFAULT_ID, "ada", "read"),
            MemberRemoved(actor=ADMIN, workspace_id=DEFAULT_ID, user_id="ada"),
        ],
        [workspace(OTHER), user("ada"), member(OTHER, "ada", "read")],
    ],
)
async def test_a_link_of_somebody_who_may_do_nothing_there_lets_nobody_in(
    place: Place, facts: list[DirectoryFact]
) -> None:
    gate = await place.has(*facts)

    with pytest.raises(InvalidKeyError, match="may do nothing here any more"):
        gate.by_link(_ticket("ada"))


def _headers(*pairs: tuple[str, str]) -> CIMultiDict[str]:
    return CIMultiDict(pairs)


def _key(key: str, **changes: object) -> KeyCreated:
    given = {"actor": ADMIN, "key_id": key, "name": key, "digest": digest_of(key), **changes}
    return KeyCreated(**given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "header",
    [
        ("X-API-Key", KEY),
        ("x-api-key", f" {KEY} "),
        ("Authorization", f"Bearer {KEY}"),
        ("authorization", f"bearer  {KEY}"),
    ],
)
async def test_the_bootstrap_key_administers_every_open_workspace(
    place: Place, header: tuple[str, str]
) -> None:
    gate = await place.has(workspace(OTHER), workspace(NOBODYS), _close(NOBODYS))

    caller = await gate.caller(_headers(header))

    assert caller is not None
    assert caller.actor == ADMIN
    assert set(caller.grants) == {DEFAULT_WORKSPACE, UUID(OTHER)}
    assert set(caller.grants.values()) == {frozenset(ROLES)}


@pytest.mark.parametrize(
    "headers",
    [[], [("X-API-Key", " ")], [("Authorization", "Bearer ")], [("Authorization", "Basic abc")],
     [("Cookie", f"{COOKIE}=")], [("Cookie", f"{COOKIE}=forged")], [("Cookie", '"; broken=')]],
)  # fmt: skip
async def test_a_request_without_a_credential_is_nobodys(
    place: Place, headers: list[tuple[str, str]]
) -> None:
    assert await (await place.has()).caller(_headers(*headers)) is None


@pytest.mark.parametrize("key", ["wrong", KEY + "x", "ключ", "\udcff"])
async def test_an_unknown_key_is_refused(place: Place, key: str) -> None:
    gate = await place.has()

    with pytest.raises(InvalidKeyError, match="Invalid API key"):
        await gate.caller(_headers(("X-API-Key", key)))


async def test_a_bearer_token_comes_before_a_session_and_a_session_before_a_key(place: Place) -> None:
    gate = await place.has(user("u"), member(DEFAULT_ID, "u", "read"))
    cookie, key = ("Cookie", await place.sign_in("u")), ("X-API-Key", KEY)

    by_session = await gate.caller(_headers(cookie, key))

    assert by_session is not None
    assert (by_session.auth_method, by_session.user_id) == ("session", "u")
    with pytest.raises(InvalidKeyError):
        await gate.caller(_headers(cookie, key, ("Authorization", "Bearer wrong")))


async def test_sessions_end_with_their_epoch_and_with_their_user(place: Place) -> None:
    gate = await place.has(user("u"), user("v"))
    ended, disabled = await place.sign_in("u"), await place.sign_in("v")

    await Sessions(place.store.records).end_all("u")
    await place.has(user("u"), user("v"), UserDisabled(actor=ADMIN, user_id="v"))

    assert await gate.caller(_headers(("Cookie", ended))) is None
    assert await gate.caller(_headers(("Cookie", disabled))) is None


@pytest.mark.parametrize(
    "last",
    [
        KeyRevoked(actor=ADMIN, key_id="k"),
        UserDisabled(actor=ADMIN, user_id="u"),
        MemberRemoved(actor=ADMIN, workspace_id=DEFAULT_ID, user_id="u"),
    ],
    ids=lambda each: each.TYPE,
)
async def test_a_key_is_good_for_nothing_without_itself_its_user_or_a_membership(
    place: Place, last: DirectoryFact
) -> None:
    facts = (user("u"), member(DEFAULT_ID, "u", "read"), _key("k", user_id="u"))
    gate = await place.has(*facts)
    before = gate.by_key("k")

    await place.has(*facts, last)

    assert before.user_id == "u"
    with pytest.raises(InvalidKeyError):
        gate.by_key("k")


async def test_a_key_expires_and_an_earlier_secret_lasts_for_its_overlap(place: Place) -> None:
    gate = await place.has(
        user("u"), member(DEFAULT_ID, "u", "read"),
        _key("k", user_id="u", expires_at="2001-09-09T02:00:00Z"),
        KeyRotated(actor=ADMIN, key_id="k", digest=digest_of("l"), previous_until="2001-09-09T01:50:00Z"),
    )  # fmt: skip
    overlapping = gate.by_key("k"), gate.by_key("l")

    place.now += 600
    with pytest.raises(InvalidKeyError):
        gate.by_key("k")
    gate.by_key("l")
    place.now += 600
    with pytest.raises(InvalidKeyError):
        gate.by_key("l")

    assert overlapping[0] == overlapping[1]


async def test_a_personal_key_has_its_users_roles_within_its_bounds(place: Place) -> None:
    gate = await place.has(
        workspace(OTHER), user("u"),
        member(DEFAULT_ID, "u", "admin"), member(OTHER, "u", "write", "approver"),
        _key("k", user_id="u", roles=["read", "approver"], workspace_id=OTHER),
    )  # fmt: skip

    caller = gate.by_key("k")

    assert caller.grants == {UUID(OTHER): frozenset({"read", "approver"})}


@pytest.mark.parametrize(
    ("given", "owner"),
    [
        ({"user_id": "u"}, "u"),
        ({"workspace_id": DEFAULT_ID, "owner_id": "u", "roles": ["read"]}, "u"),
        ({"workspace_id": DEFAULT_ID, "roles": ["read"]}, None),
    ],
    ids=["a personal key", "a workspace's key", "a workspace's key that nobody made"],
)
async def test_a_key_tells_which_user_is_behind_it(
    place: Place, given: dict[str, object], owner: str | None
) -> None:
    gate = await place.has(user("u"), member(DEFAULT_ID, "u", "read"), _key("k", **given))

    assert gate.by_key("k").actor == Actor(type="apiKey", id="k", owner=owner)


async def test_the_workspace_is_the_named_one_or_the_oldest(place: Place) -> None:
    gate = await place.has(
        workspace(OTHER), user("u"), member(OTHER, "u", "read"), member(DEFAULT_ID, "u", "write"),
        _key("k", user_id="u"),
    )  # fmt: skip
    caller = gate.by_key("k")

    named = await gate.principal(caller, About(workspace_id=OTHER.upper()))
    unnamed = await gate.principal(caller, About())

    assert (named.workspace_id, named.roles) == (UUID(OTHER), {"read"})
    assert (unnamed.workspace_id, unnamed.roles) == (DEFAULT_WORKSPACE, {"read", "write"})


@pytest.mark.parametrize("name", [OTHER, NOBODYS, "other", ""])
async def test_a_workspace_that_is_not_the_callers_is_unknown_to_them(place: Place, name: str) -> None:
    gate = await place.has(
        workspace(OTHER), user("u"), member(DEFAULT_ID, "u", "read"), _key("k", user_id="u")
    )

    with pytest.raises(UnknownWorkspaceError, match="Workspace not found"):
        await gate.principal(gate.by_key("k"), About(workspace_id=name))


async def test_only_the_owner_of_a_workspaces_key_is_told_that_it_is_for_another_one(place: Place) -> None:
    facts = (workspace(OTHER), user("u"), member(OTHER, "u", "read"))
    given = {"workspace_id": DEFAULT_ID, "roles": ["read"]}
    gate = await place.has(*facts, _key("owned", owner_id="u", **given), _key("unowned", **given))

    with pytest.raises(ForeignWorkspaceError, match="not authorized for this workspace"):
        await gate.principal(gate.by_key("owned"), About(workspace_id=OTHER))
    with pytest.raises(UnknownWorkspaceError):
        await gate.principal(gate.by_key("unowned"), About(workspace_id=OTHER))


def _close(workspace_id: str) -> WorkspaceClosed:
    return WorkspaceClosed(actor=ADMIN, workspace_id=workspace_id)
