"""Decision links: what a token holds, who may not have made it, and what the records know of a link."""

import asyncio
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signoff.access.callers import Principal
from signoff.access.errors import InvalidKeyError, TooManyLinksError
from signoff.access.links.links import (
    KIND,
    LIFETIME,
    LONGEST,
    MOST,
    PREFIX,
    SHORTEST,
    DecisionLinks,
    NewLink,
    PointOf,
    is_retry,
    page_of,
)
from signoff.access.secrets.sealing import Sealer
from signoff.events.store.memory import MemoryStore
from signoff.events.types import SYSTEM, Actor

ADA, BOB = "user-ada", "user-bob"
WORKSPACE = UUID(int=7)
POINT = PointOf(WORKSPACE, UUID(int=1), "approve₍0₎")
OTHERS = [
    PointOf(WORKSPACE, UUID(int=1), "approve₍1₎"),
    PointOf(WORKSPACE, UUID(int=2), POINT.context_id),
    PointOf(UUID(int=8), UUID(int=1), POINT.context_id),
]
SECRET, NEXT = b"s" * 32, b"n" * 32


class Clock:
    now = 1_000_000_000.0

    def __call__(self) -> float:
        return self.now


class Place:
    """Links on records in memory, both at a time that a test sets."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.store = MemoryStore(clock=self.clock)
        self.links = self.with_keys(SECRET)

    def with_keys(self, *secrets: bytes) -> DecisionLinks:
        return DecisionLinks(self.store.records, Sealer(secrets), clock=self.clock)

    async def make(self, point: PointOf = POINT, user_id: str = ADA) -> NewLink:
        return await self.links.make(point, user_id=user_id, made_by=SYSTEM)


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    place = Place()
    yield place
    await place.store.close()


def _principal(link_id: str | None) -> Principal:
    actor = Actor(type="user", id=ADA)
    return Principal(actor=actor, workspace_id=WORKSPACE, roles=frozenset({"read"}), link_id=link_id)


# Tokens -----------------------------------------------------------------------------------------------


async def test_a_token_names_its_point_its_person_and_its_end(place: Place) -> None:
    made = await place.make()

    ticket = place.links.read(made.token)

    assert (ticket.point, ticket.user_id, ticket.link_id) == (POINT, ADA, made.link_id)
    assert ticket.expires_at == made.expires_at == place.clock.now + LIFETIME


async def test_a_token_fits_a_line_of_a_mail_and_needs_no_escaping(place: Place) -> None:
    made = await place.links.make(POINT, user_id="0198c1f0-7d3e-7c1a-9f7e-1f2e3d4c5b6a", made_by=SYSTEM)

    assert len(made.token) < 300
    assert made.token.replace("_", "").replace("-", "").isalnum()


async def test_a_token_is_good_until_it_expires(place: Place) -> None:
    made = await place.links.make(POINT, user_id=ADA, made_by=SYSTEM, lifetime=SHORTEST)

    place.clock.now = made.expires_at - 0.001
    assert place.links.read(made.token).user_id == ADA
    place.clock.now = made.expires_at
    with pytest.raises(InvalidKeyError, match="has expired; ask for a new one or sign in"):
        place.links.read(made.token)


async def test_a_token_is_good_after_the_secret_key_changed_as_long_as_the_earlier_is_named(
    place: Place,
) -> None:
    made = await place.make()

    assert place.with_keys(NEXT, SECRET).read(made.token).link_id == made.link_id
    with pytest.raises(InvalidKeyError, match="no decision link"):
        place.with_keys(NEXT).read(made.token)


async def test_a_token_that_was_altered_anywhere_is_none(place: Place) -> None:
    token = (await place.make()).token

    for index in range(len(token)):
        other = "A" if token[index] != "A" else "B"
        altered = token[:index] + other + token[index + 1 :]
        if _bytes(altered) == _bytes(token):
            continue  # the last character of base64 has bits that mean nothing
        with pytest.raises(InvalidKeyError):
            place.links.read(altered)


def _bytes(token: str) -> bytes:
    text = token.removeprefix(PREFIX)
    return token[: len(PREFIX)].encode() + urlsafe_b64decode(text + "=" * (-len(text) % 4))


async def test_what_was_sealed_for_something_else_is_no_link(place: Place) -> None:
    sealed = Sealer([SECRET]).seal(b"\x96", context="stream token")

    with pytest.raises(InvalidKeyError):
        place.links.read(PREFIX + sealed.hex())


@given(st.text(), st.booleans())
def test_any_other_text_is_no_link_and_the_error_does_not_repeat_it(text: str, prefixed: bool) -> None:
    links = DecisionLinks(MemoryStore().records, Sealer([SECRET]))

    with pytest.raises(InvalidKeyError) as refused:
        links.read(PREFIX + text if prefixed else text)

    assert str(refused.value).startswith("This is no decision link of this server")
    assert refused.value.__cause__ is None


async def test_no_representation_shows_a_token(place: Place) -> None:
    made = await place.make()

    assert made.token not in repr(made)


async def test_no_record_holds_a_token_or_any_part_of_its_seal(place: Place) -> None:
    made = await place.make()

    (kept,) = await place.store.records.list(KIND, WORKSPACE)

    sealed = _bytes(made.token)[len(PREFIX) :]
    assert made.token.encode() not in kept.value
    assert not any(sealed[at : at + 16] in kept.value for at in range(len(sealed) - 16))
    assert kept.expires_at == made.expires_at


@pytest.mark.parametrize("lifetime", [0.0, SHORTEST - 1, LONGEST + 1, float("nan"), float("inf")])
async def test_a_link_for_too_long_or_too_short_is_not_made(place: Place, lifetime: float) -> None:
    with pytest.raises(ValueError, match="a link is good for"):
        await place.links.make(POINT, user_id=ADA, made_by=SYSTEM, lifetime=lifetime)


def test_a_page_has_its_point_and_token_as_parameters() -> None:
    page = page_of("a workflow", "order/17", "approve₍0₎", "signofflink_a-b_c")

    assert page == (
        "/resume/a%20workflow/order%2F17?contextId=approve%E2%82%8D0%E2%82%8E&token=signofflink_a-b_c"
    )


# Records ----------------------------------------------------------------------------------------------


async def test_a_link_is_found_by_its_ticket(place: Place) -> None:
    made = await place.make()

    link = await place.links.find(place.links.read(made.token))

    assert (link.user_id, link.log_id, link.context_id) == (ADA, POINT.log_id, POINT.context_id)
    assert (link.made_by, link.made_at, link.used_at) == (SYSTEM, place.clock.now, None)


async def test_looking_writes_nothing(place: Place) -> None:
    made = await place.make()
    before = await place.store.records.get(KIND, WORKSPACE, made.link_id)

    for _ in range(3):
        await place.links.find(place.links.read(made.token))

    assert await place.store.records.get(KIND, WORKSPACE, made.link_id) == before


async def test_a_revoked_link_lets_nobody_in_and_stays_listed(place: Place) -> None:
    made = await place.make()
    ticket = place.links.read(made.token)

    first = await place.links.revoke(POINT, made.link_id)
    place.clock.now += 1
    again = await place.links.revoke(POINT, made.link_id)

    assert first == again
    assert first is not None
    assert first.revoked_at == place.clock.now - 1
    with pytest.raises(InvalidKeyError, match="was revoked; ask for a new one"):
        await place.links.find(ticket)
    assert await place.links.at(POINT) == [(made.link_id, first)]


async def test_a_link_whose_record_is_gone_lets_nobody_in(place: Place) -> None:
    made = await place.make()
    await place.store.records.remove(KIND, WORKSPACE, made.link_id)

    with pytest.raises(InvalidKeyError, match="ask for a new one"):
        await place.links.find(place.links.read(made.token))


@pytest.mark.parametrize("other", OTHERS)
async def test_a_link_of_another_point_is_neither_found_nor_revoked(place: Place, other: PointOf) -> None:
    made = await place.make()

    assert await place.links.get(other, made.link_id) is None
    assert await place.links.revoke(other, made.link_id) is None
    assert await place.links.at(other) == []
    found = await place.links.get(POINT, made.link_id)
    assert found is not None
    assert found.revoked_at is None


@pytest.mark.parametrize("link_id", ["", "x", "\ud800", "a" * 10_000, "\x00"])
async def test_an_id_that_is_none_names_no_link(place: Place, link_id: str) -> None:
    made = await place.make()

    for each in (link_id, made.link_id + link_id, made.link_id[:-1] + link_id[:1]):
        if each != made.link_id:
            assert await place.links.get(POINT, each) is None
            assert await place.links.revoke(POINT, each) is None


async def test_a_list_has_all_links_of_a_point_in_pages_or_those_of_one_person(place: Place) -> None:
    made = {(await place.make(user_id=each)).link_id for each in (ADA, BOB, ADA)}
    await place.make(OTHERS[0])

    page = await place.links.at(POINT, limit=2)
    rest = await place.links.at(POINT, after=page[-1][0], limit=2)

    assert {link_id for link_id, _ in (*page, *rest)} == made
    assert [len(page), len(rest)] == [2, 1]
    assert [link.user_id for _, link in await place.links.at(POINT, user_id=BOB)] == [BOB]


async def test_a_person_has_so_many_links_to_a_point_and_no_more(place: Place) -> None:
    for _ in range(MOST):
        await place.make()

    with pytest.raises(TooManyLinksError, match="use one of them"):
        await place.make()
    await place.make(user_id=BOB)
    await place.make(OTHERS[0])
    place.clock.now += LIFETIME
    await place.make()


# Use --------------------------------------------------------------------------------------------------


async def test_the_first_use_of_a_link_is_the_one_that_is_noted(place: Place) -> None:
    made = await place.make()
    noted = place.clock.now

    await place.links.used(_principal(made.link_id), event_id=5, request_key="POST /a key")
    place.clock.now += 1
    await place.links.used(_principal(made.link_id), event_id=9, request_key="another")

    link = await place.links.find(place.links.read(made.token))
    assert (link.used_at, link.event_id) == (noted, 5)
    assert is_retry(link, "POST /a key")
    assert not is_retry(link, "another")
    assert not is_retry(link, None)


async def test_a_use_without_a_key_has_no_retry(place: Place) -> None:
    made = await place.make()

    await place.links.used(_principal(made.link_id), event_id=5)

    link = await place.links.find(place.links.read(made.token))
    assert not is_retry(link, None)
    assert not is_retry(link, "")


async def test_who_came_otherwise_uses_no_link(place: Place) -> None:
    await place.make()
    before = await place.store.records.list(KIND, WORKSPACE)

    await place.links.used(_principal(None), event_id=5)

    assert await place.store.records.list(KIND, WORKSPACE) == before


async def test_of_a_use_and_a_revocation_at_once_both_are_noted(place: Place) -> None:
    made = await place.make()

    await asyncio.gather(
        place.links.used(_principal(made.link_id), event_id=5), place.links.revoke(POINT, made.link_id)
    )

    link = await place.links.get(POINT, made.link_id)
    assert link is not None
    assert link.used_at is not None
    assert link.revoked_at is not None
