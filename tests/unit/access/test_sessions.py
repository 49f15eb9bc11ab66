"""A user's sessions: which there are, and how one of them is ended."""

import re
import time

import pytest

from signoff.access.callers import Caller
from signoff.access.keys.making import digest_of
from signoff.access.signing_in.sessions import Session, Sessions, session_name
from signoff.events.records import Records
from signoff.events.store.memory import MemoryStore
from signoff.events.topics import DEFAULT_WORKSPACE
from signoff.events.types import Actor

ADA, BEN = "0198c1f0-1111-7c1a-9f7e-1f2e3d4c5b6a", "0198c1f0-2222-7c1a-9f7e-1f2e3d4c5b6a"


@pytest.fixture
def records() -> Records:
    return MemoryStore().records


def session(user_id: str = ADA, *, ago: float = 0.0, epoch: int = 0) -> Session:
    return Session(user_id=user_id, method="password", signed_in_at=time.time() - ago, epoch=epoch)


async def test_a_users_sessions_are_listed_the_newest_first_without_their_tokens(records: Records) -> None:
    sessions = Sessions(records)
    older = await sessions.begin(session(ago=60))
    newer = await sessions.begin(session())
    await sessions.begin(session(BEN))

    listed = await sessions.of_user(ADA)

    assert [name for name, _ in listed] == [session_name(newer), session_name(older)]
    assert not {older, newer} & {name for name, _ in listed}


async def test_a_session_is_ended_by_its_name(records: Records) -> None:
    sessions = Sessions(records)
    token, other = await sessions.begin(session()), await sessions.begin(session())

    assert await sessions.end_named(ADA, session_name(token))

    assert await sessions.find(token) is None
    assert await sessions.find(other) is not None
    assert [name for name, _ in await sessions.of_user(ADA)] == [session_name(other)]
    assert not await sessions.end_named(ADA, session_name(token))


def test_a_name_is_never_taken_for_an_option_of_a_command() -> None:
    token = next(each for each in map(str, range(10_000)) if digest_of(each).startswith("+"))

    assert re.fullmatch(r"[A-Za-z0-9._]{22}", session_name(token))
    assert session_name(token)[0] == "."


@pytest.mark.parametrize("name", ["", "x", "A" * 22, "A" * 44])
async def test_what_names_no_session_ends_none(records: Records, name: str) -> None:
    sessions = Sessions(records)
    await sessions.begin(session())

    assert not await sessions.end_named(ADA, name)
    assert len(await sessions.of_user(ADA)) == 1


async def test_nobody_ends_the_session_of_somebody_else(records: Records) -> None:
    sessions = Sessions(records)
    token = await sessions.begin(session())

    assert not await sessions.end_named(BEN, session_name(token))
    assert await sessions.find(token) is not None


async def test_what_was_signed_out_or_ended_with_all_is_not_listed(records: Records) -> None:
    sessions = Sessions(records)
    await sessions.end(await sessions.begin(session()))
    await sessions.begin(session())
    epoch = await sessions.end_all(ADA)
    lasting = await sessions.begin(session(epoch=epoch))

    assert [name for name, _ in await sessions.of_user(ADA)] == [session_name(lasting)]


async def test_a_session_of_a_key_is_nobodys_and_ends_with_its_token(records: Records) -> None:
    sessions = Sessions(records)
    token = await sessions.begin(Session(method="apiKey", signed_in_at=time.time(), key_digest="digest"))

    await sessions.end(token)

    assert await sessions.find(token) is None


def test_who_must_change_their_password_may_do_nothing_else() -> None:
    caller = Caller(
        actor=Actor(type="user", id=ADA),
        user_id=ADA,
        auth_method="session",
        grants={DEFAULT_WORKSPACE: frozenset({"read", "write", "admin"})},
        must_change=True,
    )

    principal = caller.within(DEFAULT_WORKSPACE)

    assert principal.may("password:change")
    assert not principal.may("account:manage")
    assert not principal.may("installation:manage")
    assert not principal.may("workspace:read")
