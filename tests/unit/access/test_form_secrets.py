"""Secrets that were submitted to forms, as records keep them."""

from uuid import UUID

import pytest

from signoff.access.directory.fold import DEFAULT_ID, Directory
from signoff.access.errors import SealError
from signoff.access.secrets.form_secrets import KIND, FormSecrets, context_of
from signoff.access.secrets.resealing import reseal
from signoff.access.secrets.sealing import Sealer
from signoff.events.store.memory import MemoryStore

OLD, NEW = b"the old secret key of this server", b"the new secret key of this server"
OURS, THEIRS = UUID(DEFAULT_ID), UUID(int=7)


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


async def test_a_secret_is_found_in_its_workspace_alone_until_it_is_removed(store: MemoryStore) -> None:
    secrets = FormSecrets(store.records, Sealer([OLD]))
    secret_id = await secrets.keep(OURS, "4711", place="a.pin")

    assert await secrets.find(OURS, [secret_id, "another"]) == {secret_id: "4711"}
    assert await secrets.find(THEIRS, [secret_id]) == {}
    await store.records.remove(KIND, OURS, secret_id)
    assert await secrets.find(OURS, [secret_id]) == {}


async def test_only_the_same_secret_in_the_same_place_has_the_same_id(store: MemoryStore) -> None:
    secrets = FormSecrets(store.records, Sealer([OLD]))
    first = await secrets.keep(OURS, "4711", place="a.pin")

    assert await secrets.keep(OURS, "4711", place="a.pin") == first
    others = [
        await secrets.keep(OURS, "4712", place="a.pin"),
        await secrets.keep(OURS, "4711", place="b.pin"),
        await secrets.keep(THEIRS, "4711", place="a.pin"),
        await FormSecrets(store.records, Sealer([NEW])).keep(OURS, "4711", place="a.pin"),
    ]
    assert len({first, *others}) == 5


async def test_a_record_that_was_put_in_the_place_of_another_does_not_open(store: MemoryStore) -> None:
    secrets = FormSecrets(store.records, Sealer([OLD]))
    first = await secrets.keep(OURS, "4711", place="a.pin")
    second = await secrets.keep(OURS, "4712", place="b.pin")
    kept = await store.records.get(KIND, OURS, first)
    assert kept is not None
    await store.records.put(KIND, OURS, second, kept.value)

    with pytest.raises(SealError, match="moved from elsewhere"):
        await secrets.find(OURS, [second])


async def test_a_secret_outlives_the_key_that_it_was_sealed_under(store: MemoryStore) -> None:
    secret_id = await FormSecrets(store.records, Sealer([OLD])).keep(OURS, "4711", place="a.pin")

    await reseal(Directory(), store.records, Sealer([NEW, OLD]), {KIND: context_of})

    assert await FormSecrets(store.records, Sealer([NEW])).find(OURS, [secret_id]) == {secret_id: "4711"}
