"""Records beside the log: each is there, at one version, until it is removed or expires."""

import asyncio
from uuid import UUID, uuid4

import pytest

from signoff.events.errors import RecordConflictError, StoreUnavailableError, ValueNotStorableError
from signoff.events.records import MAX_KEY, MAX_VALUE, Kept
from signoff.events.store.base import EventStore
from support.stores import STARTED

PAST = STARTED - 1
FUTURE = 4_000_000_000.25
"""Before and after what the clock of every store says."""

STRANGE = "a\x00b\x01c\x010\\ é 漢 😀 '\"\u2028"


@pytest.fixture
def scope() -> UUID:
    """A workspace or a user that nobody else has."""
    return uuid4()


async def keys(store: EventStore, scope: UUID, *, after: str = "", limit: int = 100) -> list[str]:
    return [kept.key for kept in await store.records.list("profile", scope, after=after, limit=limit)]


async def test_a_record_comes_back_as_it_went_in(store: EventStore, scope: UUID) -> None:
    version = await store.records.put("profile", scope, STRANGE, b"\x00\xff", expires_at=FUTURE)

    kept = Kept(key=STRANGE, value=b"\x00\xff", version=version, expires_at=FUTURE)
    assert await store.records.get("profile", scope, STRANGE) == kept
    assert await store.records.list("profile", scope) == [kept]


async def test_a_record_is_found_under_its_kind_scope_and_key_only(store: EventStore, scope: UUID) -> None:
    await store.records.put("profile", scope, "ada", b"value")

    others = [("session", scope, "ada"), ("profile", uuid4(), "ada"), ("profile", scope, "Ada")]
    assert [await store.records.get(*place) for place in others] == [None] * 3
    assert [await store.records.remove(*place) for place in others] == [False] * 3
    assert await store.records.list("session", scope) == []
    assert await keys(store, scope) == ["ada"]


async def test_a_record_takes_the_place_of_the_one_before_it_with_all_that_it_says(
    store: EventStore, scope: UUID
) -> None:
    before = await store.records.put("profile", scope, "ada", b"old", expires_at=FUTURE, due_at=STARTED)

    version = await store.records.put("profile", scope, "ada", b"new")

    assert version > before
    kept = Kept(key="ada", value=b"new", version=version, expires_at=None)
    assert await store.records.list("profile", scope) == [kept]
    assert await store.records.due("profile", before=STARTED, limit=9) == []


async def test_a_write_that_expects_another_version_is_refused(store: EventStore, scope: UUID) -> None:
    version = await store.records.put("profile", scope, "ada", b"value", expected=0)

    for expected in (0, version + 1, version - 1):
        with pytest.raises(RecordConflictError, match=f"profile record is not at version {expected}"):
            await store.records.put("profile", scope, "ada", b"other", expected=expected)
    with pytest.raises(RecordConflictError):
        await store.records.put("profile", scope, "nobody", b"other", expected=version)

    kept = await store.records.get("profile", scope, "ada")
    assert kept == Kept(key="ada", value=b"value", version=version, expires_at=None)
    assert await store.records.get("profile", scope, "nobody") is None
    assert await store.records.put("profile", scope, "ada", b"other", expected=version) > version


async def test_of_twenty_that_expect_nothing_one_writes(store: EventStore, scope: UUID) -> None:
    results = await asyncio.gather(
        *(store.records.put("profile", scope, "ada", b"%d" % number, expected=0) for number in range(20)),
        return_exceptions=True,
    )

    versions = [(number, result) for number, result in enumerate(results) if isinstance(result, int)]
    assert len(versions) == 1
    assert sum(isinstance(result, RecordConflictError) for result in results) == 19
    ((number, version),) = versions
    kept = await store.records.get("profile", scope, "ada")
    assert kept == Kept(key="ada", value=b"%d" % number, version=version, expires_at=None)


async def test_of_twenty_that_expect_the_same_version_one_writes(store: EventStore, scope: UUID) -> None:
    version = await store.records.put("profile", scope, "ada", b"value")

    results = await asyncio.gather(
        *(store.records.put("profile", scope, "ada", b"new", expected=version) for _ in range(20)),
        return_exceptions=True,
    )

    assert sum(isinstance(result, RecordConflictError) for result in results) == 19


async def test_the_last_of_many_writes_has_the_highest_version(store: EventStore, scope: UUID) -> None:
    values = [b"%d" % number for number in range(20)]

    versions = await asyncio.gather(*(store.records.put("profile", scope, "ada", value) for value in values))

    kept = await store.records.get("profile", scope, "ada")
    assert kept is not None
    assert len(set(versions)) == 20
    assert (kept.version, kept.value) == max(zip(versions, values, strict=True))


async def test_a_record_is_either_removed_or_written_again_and_never_both(
    store: EventStore, scope: UUID
) -> None:
    for key in map(str, range(20)):
        version = await store.records.put("profile", scope, key, b"value")

        written, removed = await asyncio.gather(
            store.records.put("profile", scope, key, b"new", expected=version),
            store.records.remove("profile", scope, key, expected=version),
            return_exceptions=True,
        )

        assert isinstance(written, RecordConflictError) == removed
        assert (await store.records.get("profile", scope, key) is None) == removed


async def test_a_removed_record_is_gone_and_its_versions_do_not_return(
    store: EventStore, scope: UUID
) -> None:
    version = await store.records.put("profile", scope, "ada", b"value")
    assert not await store.records.remove("profile", scope, "ada", expected=version + 1)

    assert await store.records.remove("profile", scope, "ada", expected=version)

    assert await store.records.get("profile", scope, "ada") is None
    assert not await store.records.remove("profile", scope, "ada")
    assert await store.records.put("profile", scope, "ada", b"value", expected=0) > version


async def test_an_expired_record_is_not_there(store: EventStore, scope: UUID) -> None:
    version = await store.records.put("profile", scope, "ada", b"old", expires_at=PAST, due_at=PAST)

    assert await store.records.get("profile", scope, "ada") is None
    assert await store.records.list("profile", scope) == []
    assert await store.records.due("profile", before=STARTED, limit=9) == []
    assert not await store.records.remove("profile", scope, "ada")
    with pytest.raises(RecordConflictError):
        await store.records.put("profile", scope, "ada", b"new", expected=version)
    assert await store.records.put("profile", scope, "ada", b"new", expected=0) > version
    assert await keys(store, scope) == ["ada"]


async def test_a_list_goes_by_the_bytes_of_the_keys(store: EventStore, scope: UUID) -> None:
    ordered = sorted(
        ["B", "Zoë", "a", "a\x00", "a\x00b", "a\x01", "a ", "a-b", "ab", "é", "漢", "\uffee", "😀"],
        key=str.encode,
    )
    for key in reversed(ordered):
        await store.records.put("profile", scope, key, b"")

    assert await keys(store, scope) == ordered


async def test_a_list_is_read_on_from_where_a_page_ended(store: EventStore, scope: UUID) -> None:
    for key in "abcde":
        await store.records.put("profile", scope, key, b"", expires_at=PAST if key == "b" else None)

    assert await keys(store, scope, limit=2) == ["a", "c"]
    assert await keys(store, scope, after="c", limit=2) == ["d", "e"]
    assert await keys(store, scope, after="e") == []


async def test_what_is_due_comes_earliest_first_of_every_scope(store: EventStore) -> None:
    scopes = [uuid4() for _ in range(3)]
    for scope, due_at in zip(scopes, (STARTED, STARTED - 2, STARTED - 1), strict=True):
        await store.records.put("delivery", scope, "later", b"", due_at=STARTED + 0.000_001)
        await store.records.put("delivery", scope, "never", b"")
        await store.records.put("other", scope, "due", b"", due_at=due_at)
        await store.records.put("delivery", scope, STRANGE, scope.bytes, due_at=due_at, expires_at=FUTURE)

    due = await store.records.due("delivery", before=STARTED, limit=9)

    assert [(scope, kept.key, kept.value) for scope, kept in due] == [
        (scope, STRANGE, scope.bytes) for scope in (scopes[1], scopes[2], scopes[0])
    ]
    assert {kept.expires_at for _, kept in due} == {FUTURE}
    assert await store.records.due("delivery", before=STARTED, limit=2) == due[:2]


async def test_of_two_that_take_what_is_due_one_has_it(store: EventStore, scope: UUID) -> None:
    await store.records.put("delivery", scope, "1", b"", due_at=STARTED)
    ((_, kept),) = await store.records.due("delivery", before=STARTED, limit=1)

    taken = await asyncio.gather(
        *(
            store.records.put("delivery", scope, "1", b"", expected=kept.version, due_at=STARTED + 60)
            for _ in range(2)
        ),
        return_exceptions=True,
    )

    assert sorted(isinstance(result, RecordConflictError) for result in taken) == [False, True]
    assert await store.records.due("delivery", before=STARTED, limit=9) == []


async def test_a_purge_deletes_what_has_expired_and_nothing_else(store: EventStore, scope: UUID) -> None:
    for number in range(5):
        await store.records.put("session", scope, str(number), b"", expires_at=PAST - number)
    await store.records.put("profile", scope, "for ever", b"")
    await store.records.put("profile", scope, "for long", b"", expires_at=FUTURE)
    await store.records.put("session", scope, "4", b"renewed", expires_at=FUTURE)

    assert await store.records.purge(limit=3) == 3
    assert await store.records.purge() == 1
    assert await store.records.purge() == 0

    assert await keys(store, scope) == ["for ever", "for long"]
    assert await store.records.get("session", scope, "4") is not None


async def test_two_purges_at_once_delete_each_record_once(store: EventStore, scope: UUID) -> None:
    for number in range(20):
        await store.records.put("session", scope, str(number), b"", expires_at=PAST)

    gone = await asyncio.gather(*(store.records.purge(limit=15) for _ in range(4)))

    assert sum(gone) + await store.records.purge() == 20


async def test_the_longest_key_and_the_largest_value_are_kept(store: EventStore, scope: UUID) -> None:
    kind, key, value = "k" * 32, "\x00" * MAX_KEY, b"\xff" * MAX_VALUE

    await store.records.put(kind, scope, key, value)

    kept = await store.records.get(kind, scope, key)
    assert kept is not None
    assert kept.value == value
    assert await store.records.list(kind, scope) == [kept]


@pytest.mark.parametrize(
    ("kind", "key", "value"),
    [
        ("", "key", b""),
        ("k" * 33, "key", b""),
        ("a kind", "key", b""),
        ("kind", "", b""),
        ("kind", "é" * (MAX_KEY // 2) + "e", b""),
        ("kind", "a lone surrogate \ud800", b""),
        ("kind", "key", b"v" * (MAX_VALUE + 1)),
    ],
    ids=["no kind", "long kind", "blank in kind", "no key", "long key", "surrogate", "large value"],
)
async def test_what_no_database_should_hold_is_refused(
    store: EventStore, scope: UUID, kind: str, key: str, value: bytes
) -> None:
    with pytest.raises(ValueNotStorableError):
        await store.records.put(kind, scope, key, value)


async def test_a_key_that_is_no_unicode_cannot_be_asked_for(store: EventStore, scope: UUID) -> None:
    asked = [
        store.records.get("kind", scope, "\ud800"),
        store.records.remove("kind", scope, "\ud800"),
        store.records.list("kind", scope, after="\ud800"),
    ]

    results = await asyncio.gather(*asked, return_exceptions=True)

    assert [type(result) for result in results] == [ValueNotStorableError] * 3


async def test_a_closed_store_keeps_no_records(store: EventStore, scope: UUID) -> None:
    await store.close()

    calls = [
        store.records.get("profile", scope, "ada"),
        store.records.put("profile", scope, "ada", b"value"),
        store.records.remove("profile", scope, "ada"),
        store.records.list("profile", scope),
        store.records.due("profile", before=STARTED, limit=1),
        store.records.purge(),
    ]
    results = await asyncio.gather(*calls, return_exceptions=True)

    assert [type(result) for result in results] == [StoreUnavailableError] * 6
