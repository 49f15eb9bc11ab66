"""What is kept of people beside the log: profiles, passwords, attempts, uses of keys."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.low_level import Type
from argon2.profiles import CHEAPEST

from signoff.access.errors import PasswordsBusyError, PersonConflictError, TooManyAttemptsError
from signoff.access.keys.uses import KeyUses
from signoff.access.signing_in.attempts import WINDOW, Attempts
from signoff.access.signing_in.passwords import Passwords
from signoff.access.signing_in.people import People, Person, folded
from signoff.access.signing_in.sessions import Session, Sessions
from signoff.events.errors import StoreUnavailableError
from signoff.events.records import Records
from signoff.events.store.memory import MemoryStore

ADA = Person(name="Ada", created_at=1.0, email="Ada@Example.org")
FAST = PasswordHasher.from_parameters(CHEAPEST)


class Clock:
    now = 1_000_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def records(clock: Clock) -> AsyncIterator[Records]:
    store = MemoryStore(clock=clock)
    yield store.records
    await store.close()


# People -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spelled", ["ada@example.org", " ADA@EXAMPLE.ORG ", "\uff21da@example.org"])
async def test_a_person_is_found_by_their_address_however_it_is_spelled(
    records: Records, spelled: str
) -> None:
    people = People(records)
    await people.add("u", ADA, is_user=set().__contains__)

    assert await people.by_email(spelled) == "u"
    assert await people.get("u") == ADA


@pytest.mark.parametrize(
    "text", ["", "ada", "@example.org", "a b@c", "a@b@c", "a\x00@b", f"{'x' * 250}@b.de"]
)
async def test_a_text_that_is_no_address_is_nobodys(records: Records, text: str) -> None:
    assert await People(records).by_email(text) is None
    with pytest.raises(ValueError, match="e-mail address"):
        folded(text)


async def test_of_two_who_claim_an_address_at_once_one_gets_it(records: Records) -> None:
    people, users = People(records), {"first"}
    await people.add("first", ADA, is_user=set().__contains__)

    other = await people.add("second", ADA, is_user=users.__contains__)

    assert other == "first"
    assert await people.get("second") is None


async def test_an_adding_that_broke_off_before_there_was_a_user_goes_on_with_its_id(records: Records) -> None:
    people = People(records)
    await people.add("first", ADA, is_user=set().__contains__)

    again = await people.add("second", ADA, is_user=set().__contains__)

    assert again == "first"


async def test_a_provider_vouches_for_one_user_by_a_subject_and_by_one_subject_for_a_user(
    records: Records,
) -> None:
    people = People(records)
    for user_id in "uv":
        await people.add(user_id, Person(name=user_id, created_at=1.0), is_user=set().__contains__)

    assert await people.link("u", "https://issuer", "s")
    assert not await people.link("v", "https://issuer", "s")
    assert not await people.link("u", "https://issuer", "t")
    assert await people.by_subject("https://issuer", "s") == "u"
    assert await people.by_subject("https://issuer", "t") is None


async def test_a_subject_that_was_refused_is_free_for_whom_it_belongs_to(records: Records) -> None:
    people = People(records)
    for user_id in "uv":
        await people.add(user_id, Person(name=user_id, created_at=1.0), is_user=set().__contains__)
    await people.link("u", "https://issuer", "s")

    await people.link("u", "https://issuer", "t")
    await people.link("nobody", "https://issuer", "t")

    assert await people.link("v", "https://issuer", "t")


async def test_an_id_that_is_somebodys_gets_no_second_address(records: Records) -> None:
    people, users = People(records), {"u"}
    other = Person(name="Ada", created_at=1.0, email="eve@example.org")
    await people.add("u", ADA, is_user=set().__contains__)

    again = await people.add("u", ADA, is_user=users.__contains__)
    for known in (set[str](), users):  # the directory may not show the user yet
        with pytest.raises(PersonConflictError):
            await people.add("u", other, is_user=known.__contains__)

    assert again == "u"
    assert await people.get("u") == ADA
    assert await people.add("v", other, is_user=users.__contains__) == "v"


async def test_an_id_is_not_given_again_once_its_person_was_erased(records: Records) -> None:
    people, users = People(records), {"u"}
    await people.add("u", ADA, is_user=set().__contains__)
    await people.erase("u")

    with pytest.raises(PersonConflictError):
        await people.add("u", ADA, is_user=users.__contains__)

    assert await people.add("v", ADA, is_user=users.__contains__) == "v"


async def test_of_two_addresses_for_one_id_at_once_one_is_taken(records: Records) -> None:
    people = People(records)
    addresses = [f"person-{n}@example.org" for n in range(5)]

    results = await asyncio.gather(
        *(
            people.add("u", Person(name="Ada", created_at=1.0, email=each), is_user=set().__contains__)
            for each in addresses
        ),
        return_exceptions=True,
    )

    person = await people.get("u")
    assert person is not None
    assert results.count("u") == 1
    assert [each for each in addresses if await people.by_email(each) == "u"] == [person.email]
    assert len(await records.list("email", UUID(int=0))) == 1


async def test_who_signs_up_over_an_address_that_broke_off_before_is_found_by_their_subject(
    records: Records,
) -> None:
    people = People(records)
    vouched = Person(
        name="Ada", created_at=1.0, email="ada@example.org", issuer="https://issuer", subject="s"
    )
    await people.add(
        "first",
        Person(name="Ada", created_at=1.0, issuer="https://issuer", subject="s"),
        is_user=set().__contains__,
    )
    await people.add("second", ADA, is_user=set().__contains__)

    user_id = await people.add("third", vouched, is_user=set().__contains__)

    assert user_id == "second"
    assert await people.by_subject("https://issuer", "s") == "second"


async def test_what_an_adding_that_broke_off_had_claimed_goes_with_it(records: Records) -> None:
    people = People(records)
    vouched = Person(
        name="Ada", created_at=1.0, email="ada@example.org", issuer="https://issuer", subject="s"
    )
    await people.add("first", vouched, is_user=set().__contains__)

    await people.add("second", ADA, is_user=set().__contains__)

    assert await people.by_subject("https://issuer", "s") is None
    assert await records.list("subject", UUID(int=0)) == []


async def test_erasing_leaves_nothing_and_may_be_asked_for_again(records: Records) -> None:
    people = People(records)
    await people.add("u", ADA, is_user=set().__contains__)
    await people.link("u", "https://issuer", "s")

    erased, again = await people.erase("u"), await people.erase("u")

    assert (erased, again) == (True, False)
    for kind in ("person", "email", "subject"):
        assert await records.list(kind, UUID(int=0)) == []


# Passwords --------------------------------------------------------------------------------------------


async def test_passwords_are_hashed_with_argon2id_and_the_librarys_defaults() -> None:
    passwords = Passwords()

    kept = await passwords.hash("correct horse battery")

    parameters = extract_parameters(kept)
    assert parameters.type is Type.ID
    assert (parameters.memory_cost, parameters.time_cost) >= (65536, 3)
    assert await passwords.verify(kept, "correct horse battery")
    assert not passwords.is_outdated(kept)


async def test_a_wrong_password_no_hash_and_a_broken_hash_are_all_refused() -> None:
    passwords = Passwords(FAST)
    kept = await passwords.hash("correct horse battery")

    assert not await passwords.verify(kept, "another")
    assert not await passwords.verify(None, "another")
    assert not await passwords.verify("no hash", "another")


async def test_a_hash_with_other_parameters_is_outdated() -> None:
    assert Passwords().is_outdated(await Passwords(FAST).hash("correct horse battery"))


async def test_more_passwords_than_may_wait_are_refused() -> None:
    passwords = Passwords(FAST, at_once=1, most_waiting=1)
    results = await asyncio.gather(*(passwords.hash("x" * 10) for _ in range(5)), return_exceptions=True)

    assert sorted(type(each).__name__ for each in results) == ["PasswordsBusyError"] * 3 + ["str"] * 2
    assert isinstance(await passwords.hash("x" * 10), str)
    assert issubclass(PasswordsBusyError, Exception)


# Attempts ---------------------------------------------------------------------------------------------


async def test_there_are_so_many_attempts_in_a_window_also_at_once(records: Records, clock: Clock) -> None:
    attempts = Attempts(records, clock=clock)

    results = await asyncio.gather(*(attempts.take("ada", 3) for _ in range(5)), return_exceptions=True)
    refused = [each for each in results if each is not None]
    clock.now += WINDOW - 100
    with pytest.raises(TooManyAttemptsError) as late:
        await attempts.take("ada", 3)
    clock.now += 100
    await attempts.take("ada", 3)

    assert [type(each) for each in refused] == [TooManyAttemptsError] * 2
    assert late.value.retry_after == 100
    await attempts.take("somebody else", 1)


async def test_an_attempt_that_succeeded_is_given_back(records: Records, clock: Clock) -> None:
    attempts = Attempts(records, clock=clock)
    for _ in range(10):
        await attempts.take("ada", 2)
        await attempts.give_back("ada")

    await attempts.take("ada", 2)
    await attempts.take("ada", 2)
    with pytest.raises(TooManyAttemptsError):
        await attempts.take("ada", 2)
    await attempts.forget("ada")
    await attempts.take("ada", 2)


# Sessions ---------------------------------------------------------------------------------------------


async def test_a_session_that_is_being_begun_while_all_are_ended_is_ended_too(
    records: Records, clock: Clock
) -> None:
    sessions = Sessions(records)
    epoch = await sessions.epoch("u")
    await sessions.end_all("u")

    late = await sessions.begin(Session(user_id="u", method="password", signed_in_at=clock.now, epoch=epoch))
    anew = await sessions.begin(
        Session(user_id="u", method="password", signed_in_at=clock.now, epoch=await sessions.epoch("u"))
    )

    assert await sessions.find(late) is None
    assert await sessions.find(anew) is not None


async def test_a_session_ends_after_two_weeks(records: Records, clock: Clock) -> None:
    sessions = Sessions(records)
    token = await sessions.begin(Session(user_id="u", method="oidc", signed_in_at=clock.now))

    clock.now += 14 * 86400 - 1
    still = await sessions.find(token)
    clock.now += 1

    assert still is not None
    assert await sessions.find(token) is None


# Uses of keys -----------------------------------------------------------------------------------------


async def test_uses_are_told_at_once_and_by_others_when_they_were_written(
    records: Records, clock: Clock
) -> None:
    here, elsewhere = KeyUses(records, clock=clock), KeyUses(records, clock=clock)
    here.note("k")

    before = await elsewhere.last(["k", "never"])
    await here.write()

    assert await here.last(["k"]) == {"k": clock.now}
    assert (before, await elsewhere.last(["k", "never"])) == ({}, {"k": clock.now})
    await here.forget("k")
    assert await elsewhere.last(["k"]) == {}


async def test_uses_that_could_not_be_written_are_written_later(clock: Clock) -> None:
    store = MemoryStore(clock=clock)
    uses = KeyUses(store.records, clock=clock)
    for name in "abc":
        uses.note(name)
    await store.close()

    with pytest.raises(StoreUnavailableError):
        await uses.write()

    again = MemoryStore(clock=clock)
    uses._records = again.records
    await uses.write()
    assert await KeyUses(again.records).last("abc") == dict.fromkeys("abc", clock.now)
    await again.close()


async def test_what_was_noted_is_written_when_the_process_ends(records: Records, clock: Clock) -> None:
    uses = KeyUses(records, clock=clock)
    following = asyncio.create_task(uses.follow(every=3600.0))
    await asyncio.sleep(0)
    uses.note("k")

    following.cancel()
    await asyncio.wait([following])

    assert await KeyUses(records).last(["k"]) == {"k": clock.now}
