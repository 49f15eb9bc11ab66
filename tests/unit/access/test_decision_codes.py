"""Step-up codes: what is sent and kept of them, and how little there is to guess."""

import asyncio
import re
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from signoff.access.errors import CodeNotSentError, TooManyCodesError, WrongCodeError
from signoff.access.links.codes import (
    ATTEMPTS,
    GOOD_FOR,
    MOST_WRONG,
    SENDS,
    WINDOW,
    DecisionCodes,
)
from signoff.access.secrets.sealing import Sealer
from signoff.events.store.memory import MemoryStore

LINK, OTHER = "a" * 64, "b" * 64
WORKSPACE = UUID(int=7)


class Place:
    """Codes that are sent into a list."""

    def __init__(self) -> None:
        self.now = 1_000_000_000.0
        self.store = MemoryStore(clock=lambda: self.now)
        self.sealer = Sealer([b"s" * 32])
        self.sent: list[tuple[str, str, str]] = []
        self.fails = False
        self.codes = DecisionCodes(self.store.records, self.sealer, self._send, clock=lambda: self.now)

    async def _send(self, address: str, title: str, body: str) -> None:
        if self.fails:
            raise CodeNotSentError("no")
        self.sent.append((address, title, body))

    async def send(self, link_id: str = LINK) -> str:
        """Send a code; gives it."""
        await self.codes.send(WORKSPACE, link_id, "ada@example.org", keep_until=self.now + 86_400)
        (code,) = re.findall(r"\b\d{6}\b", self.sent[-1][2])
        return str(code)

    async def check(self, code: str, link_id: str = LINK) -> None:
        await self.codes.check(WORKSPACE, link_id, code, keep_until=self.now + 86_400)

    async def refused(self, code: str, link_id: str = LINK) -> str:
        """Try a code that is not taken; gives why."""
        with pytest.raises(WrongCodeError) as refused:
            await self.check(code, link_id)
        return str(refused.value)


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    place = Place()
    yield place
    await place.store.close()


def _other(code: str, by: int = 1) -> str:
    return f"{(int(code) + by) % 1_000_000:06}"


async def test_the_code_that_was_sent_is_taken_and_stays_good_for_its_time(place: Place) -> None:
    until = await place.codes.send(WORKSPACE, LINK, "ada@example.org", keep_until=place.now + 86_400)
    (code,) = re.findall(r"\b\d{6}\b", place.sent[0][2])

    for _ in range(2 * ATTEMPTS):
        await place.check(code)

    assert until == place.now + GOOD_FOR
    assert place.sent[0][0] == "ada@example.org"
    place.now = until
    assert "ask for a new one" in await place.refused(code)


async def test_without_a_code_that_was_sent_none_is_taken(place: Place) -> None:
    assert "ask for a new one" in await place.refused("000000")


async def test_a_code_is_for_one_link(place: Place) -> None:
    code = await place.send()
    await place.send(OTHER)

    assert "wrong" in await place.refused(_other(code))
    await place.check(code)
    if place.sent[0][2] != place.sent[1][2]:
        await place.refused(code, OTHER)


async def test_a_new_code_takes_the_place_of_the_one_before(place: Place) -> None:
    first = await place.send()
    second = await place.send()
    while second == first:
        second = await place.send()

    await place.refused(first)
    await place.check(second)


async def test_after_so_many_wrong_ones_the_right_one_is_not_taken_either(place: Place) -> None:
    code = await place.send()

    for number in range(ATTEMPTS):
        assert "wrong" in await place.refused(_other(code, number + 1))

    assert "ask for a new one" in await place.refused(code)


async def test_many_guesses_at_once_are_no_more_than_one_after_the_other(place: Place) -> None:
    code = await place.send()
    guesses = [_other(code, number) for number in range(1, 50)]

    answers = await asyncio.gather(
        *(place.check(guess) for guess in (*guesses, code)), return_exceptions=True
    )

    looked_at = [each for each in answers if "is wrong" in str(each)]
    assert len(looked_at) == ATTEMPTS
    assert None not in answers, "the right one came after the others"
    assert all(isinstance(each, WrongCodeError) for each in answers)


async def test_a_link_takes_no_more_codes_after_many_wrong_ones_in_all(place: Place) -> None:
    for _ in range(MOST_WRONG // ATTEMPTS):
        code = await place.send()
        for number in range(ATTEMPTS):
            await place.refused(_other(code, number + 1))
        place.now += WINDOW

    with pytest.raises(TooManyCodesError, match="ask for a new link or sign in") as refused:
        await place.send()
    assert refused.value.retry_after is None


async def test_so_many_codes_are_sent_in_an_hour_and_then_more(place: Place) -> None:
    for _ in range(SENDS):
        await place.send()
        place.now += 60

    with pytest.raises(TooManyCodesError) as refused:
        await place.send()
    assert refused.value.retry_after == WINDOW - SENDS * 60
    assert len(place.sent) == SENDS
    place.now += WINDOW - SENDS * 60
    await place.send()


async def test_many_wishes_at_once_send_no_more_than_that(place: Place) -> None:
    answers = await asyncio.gather(*(place.send() for _ in range(3 * SENDS)), return_exceptions=True)

    assert len(place.sent) == SENDS
    assert sum(isinstance(each, TooManyCodesError) for each in answers) == 2 * SENDS


async def test_no_record_holds_a_code_or_its_plain_digest(place: Place) -> None:
    code = await place.send()

    (kept,) = await place.store.records.list("decision-code", WORKSPACE)
    assert code.encode() not in kept.value.replace(str(place.now).encode(), b"")
    assert place.sealer.digest(code.encode()).encode() not in kept.value


async def test_a_code_that_cannot_be_sent_counts_as_sent_and_says_so(place: Place) -> None:
    place.fails = True
    for _ in range(SENDS):
        with pytest.raises(CodeNotSentError):
            await place.send()

    with pytest.raises(TooManyCodesError):
        await place.send()
