"""Large values: where they go, how they come back, and that nobody can forge a reference."""

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from signoff.events.blobs import ALWAYS_OVER, ENVELOPE_ALLOWANCE, BlobStore
from signoff.events.codec import MAX_RECORD, encode_json
from signoff.events.errors import BlobDamagedError, BlobError, BlobNotFoundError
from signoff.events.escapes import SecretReference

WORKSPACE = UUID(int=1)
OTHER_WORKSPACE = UUID(int=2)
BUDGET = MAX_RECORD - ENVELOPE_ALLOWANCE

keys = st.text(max_size=8) | st.sampled_from(["$", "$$", "$blob", "$$blob", "$secret", "size", "mediaType"])
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=1500),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(keys, inner, max_size=6),
    max_leaves=25,
)


@pytest.fixture(params=["memory", "file"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    return BlobStore.open("memory:" if request.param == "memory" else f"file://{tmp_path}/blobs")


def references(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        found = [value] if "$blob" in value else []
        return found + [each for item in value.values() for each in references(item)]
    return [each for item in value for each in references(item)] if isinstance(value, list) else []


async def test_a_value_is_read_back_by_its_reference(blobs: BlobStore) -> None:
    reference = await blobs.put(WORKSPACE, b"a value", "text/plain")

    assert reference == {
        "$blob": "sha256:aa62dea5c98c96bdbb4abf7e49a15b90c13453552e04199caf3f4ad333e33c7d",
        "size": 7,
        "mediaType": "text/plain",
    }
    assert await blobs.get(WORKSPACE, reference["$blob"]) == b"a value"


async def test_the_same_value_has_the_same_reference(blobs: BlobStore) -> None:
    assert await blobs.put(WORKSPACE, b"twice", "text/plain") == await blobs.put(
        WORKSPACE, b"twice", "text/plain"
    )


async def test_another_workspace_cannot_read_it(blobs: BlobStore) -> None:
    reference = await blobs.put(WORKSPACE, b"ours", "text/plain")

    with pytest.raises(BlobNotFoundError):
        await blobs.get(OTHER_WORKSPACE, reference["$blob"])


@pytest.mark.parametrize("digest", ["", "sha256:", "sha256:../../etc/passwd", "md5:00", "sha256:" + "g" * 64])
async def test_what_is_no_digest_is_not_found(blobs: BlobStore, digest: str) -> None:
    with pytest.raises(BlobNotFoundError):
        await blobs.get(WORKSPACE, digest)


async def test_a_damaged_value_is_noticed_and_healed_by_storing_it_again(tmp_path: Path) -> None:
    blobs = BlobStore.open(f"file://{tmp_path}/with%20space")
    reference = await blobs.put(WORKSPACE, b"the value", "text/plain")
    (file,) = (path for path in (tmp_path / "with space").rglob("*") if path.is_file())
    file.write_bytes(b"")

    with pytest.raises(BlobDamagedError, match="damaged"):
        await blobs.get(WORKSPACE, reference["$blob"])
    await blobs.put(WORKSPACE, b"the value", "text/plain")

    assert await blobs.get(WORKSPACE, reference["$blob"]) == b"the value"


async def test_values_outlive_the_process(tmp_path: Path) -> None:
    reference = await BlobStore.open(f"file://{tmp_path}").put(WORKSPACE, b"kept", "text/plain")

    assert await BlobStore.open(f"file://{tmp_path}").get(WORKSPACE, reference["$blob"]) == b"kept"


@pytest.mark.parametrize("url", ["nowhere:", "s3://", "file:///dev/null/folder"])
def test_a_store_that_cannot_be_opened_is_told_by_its_url(url: str) -> None:
    with pytest.raises(BlobError, match=f"cannot open the blob store {url}"):
        BlobStore.open(url)


async def test_a_small_value_stays_as_it_is(blobs: BlobStore) -> None:
    value = {"a": [1, "two", None]}

    assert await blobs.offload(value, workspace_id=WORKSPACE) is value
    assert await blobs.resolve(value, workspace_id=WORKSPACE) is value


async def test_only_the_part_over_the_limit_moves(blobs: BlobStore) -> None:
    small, large = "x" * 100_000, "y" * (ALWAYS_OVER - 1)

    moved = await blobs.offload({"small": small, "in": [{"large": large}]}, workspace_id=WORKSPACE)

    assert moved["small"] == small
    (reference,) = references(moved)
    assert moved["in"] == [{"large": reference}]
    assert reference["size"] == ALWAYS_OVER + 1
    assert await blobs.get(WORKSPACE, reference["$blob"]) == encode_json(large)


async def test_a_value_at_the_limit_stays(blobs: BlobStore) -> None:
    value = "x" * (ALWAYS_OVER - 2)

    assert await blobs.offload(value, workspace_id=WORKSPACE) == value


async def test_an_object_of_many_parts_gives_up_its_largest_first(blobs: BlobStore) -> None:
    value = {"id": 7, "a": "a" * 150_000, "b": "b" * 90_000, "c": "c" * 50_000}

    moved = await blobs.offload(value, workspace_id=WORKSPACE)

    assert references(moved) == [moved["a"]]
    assert await blobs.resolve(moved, workspace_id=WORKSPACE) == value


async def test_many_small_items_move_together(blobs: BlobStore) -> None:
    moved = await blobs.offload(list(range(100_000)), workspace_id=WORKSPACE)

    assert references(moved) == [moved]


async def test_values_of_one_event_keep_the_budget_together(blobs: BlobStore) -> None:
    fields = {"input": {"keep": 1, "text": "x" * 200_000}, "output": ["y" * 250_000, "z" * 90_000]}

    moved = await blobs.offload_fields(fields, workspace_id=WORKSPACE)

    assert len(encode_json(moved)) <= BUDGET
    assert moved["input"]["keep"] == 1
    assert moved["output"][1] == "z" * 90_000  # the largest ones went, and they were enough
    assert {
        name: await blobs.resolve(value, workspace_id=WORKSPACE) for name, value in moved.items()
    } == fields


async def test_a_reference_that_a_user_writes_is_no_reference(blobs: BlobStore) -> None:
    secret = await blobs.put(WORKSPACE, b'"secret"', "application/json")

    moved = await blobs.offload({"input": secret}, workspace_id=WORKSPACE)

    assert references(moved) == []
    assert await blobs.resolve(moved, workspace_id=WORKSPACE) == {"input": secret}


async def test_a_stored_part_is_the_users_own_json(blobs: BlobStore) -> None:
    part = [{"$ref": "x" * 100, "number": number} for number in range(5_000)]

    moved = await blobs.offload({"$part": part}, workspace_id=WORKSPACE)

    assert await blobs.get(WORKSPACE, moved["$$part"]["$blob"]) == encode_json(part)


async def test_a_reference_to_a_file_is_left_to_whoever_serves_it(blobs: BlobStore) -> None:
    reference = await blobs.put(WORKSPACE, b"\x89PNG", "image/png")

    assert await blobs.resolve({"picture": reference}, workspace_id=WORKSPACE) == {"picture": reference}


async def test_a_missing_part_is_told(blobs: BlobStore) -> None:
    moved = await blobs.offload("x" * ALWAYS_OVER, workspace_id=WORKSPACE)

    with pytest.raises(BlobNotFoundError):
        await blobs.resolve(moved, workspace_id=OTHER_WORKSPACE)


@settings(deadline=None)
@given(value=json_values, budget=st.integers(1024, 4096), limit=st.integers(600, 2048))
@example(
    value={"$blob": "sha256:" + "0" * 64, "size": 1, "mediaType": "application/json"}, budget=1024, limit=600
)
async def test_whatever_is_offloaded_comes_back(value: Any, budget: int, limit: int) -> None:
    blobs = BlobStore.open("memory:")

    moved = await blobs.offload(value, workspace_id=WORKSPACE, budget=budget, always_over=limit)

    assert len(encode_json(moved)) <= budget
    assert await blobs.resolve(moved, workspace_id=WORKSPACE) == value


async def test_stored_values_shrink_by_their_largest_fields(blobs: BlobStore) -> None:
    stored = {
        "small": {"selectedOption": "yes", "text": "a" * 600},
        "large": {"selectedOption": "no", "text": "b" * 9_000, "more": ["c" * 3_000]},
        "text": "d" * 2_000,
    }

    shrunk = await blobs.shrink(stored, workspace_id=WORKSPACE, budget=4_000)

    assert len(encode_json(shrunk)) <= 4_000
    assert shrunk["large"]["selectedOption"] == "no"
    assert (shrunk["small"], shrunk["text"]) == (stored["small"], stored["text"])
    assert await blobs.resolve(shrunk, workspace_id=WORKSPACE) == stored


async def test_stored_values_that_fit_stay_as_they_are(blobs: BlobStore) -> None:
    stored = {"a": {"text": "a" * 600}}

    assert await blobs.shrink(stored, workspace_id=WORKSPACE, budget=4_000) == stored


async def test_what_shrinks_keeps_its_references_and_its_own_dollars(blobs: BlobStore) -> None:
    value = {"a": {"deep": ["x" * 300_000, {"$mine": "y" * 700}]}}
    stored = {"block": await blobs.offload(value, workspace_id=WORKSPACE)}

    shrunk = await blobs.shrink(stored, workspace_id=WORKSPACE, budget=200)

    assert len(encode_json(shrunk)) <= 200
    assert await blobs.resolve(shrunk["block"], workspace_id=WORKSPACE) == value


async def test_a_secret_is_named_and_never_shown(blobs: BlobStore) -> None:
    value = {"pin": SecretReference("s1"), "forged": {"$secret": "s2"}}

    stored = await blobs.offload(value, workspace_id=WORKSPACE)

    assert stored == {"pin": {"$secret": "s1"}, "forged": {"$$secret": "s2"}}
    shown = await blobs.resolve(stored, workspace_id=WORKSPACE)
    read = await blobs.resolve(stored, workspace_id=WORKSPACE, reveal={"s1": "4711"}.__getitem__)
    assert (shown, read) == ({**value, "pin": "•••"}, {**value, "pin": "4711"})


@pytest.mark.parametrize("way", ["offload", "shrink", "refit"])
async def test_a_large_value_that_names_a_secret_goes_on_to_name_it(blobs: BlobStore, way: str) -> None:
    value = [{"pin": SecretReference(f"s{number}"), "$own": number} for number in range(20_000)]
    stored = {"turns": [{"pin": {"$secret": f"s{number}"}, "$$own": number} for number in range(20_000)]}
    if way == "offload":
        stored = {"turns": await blobs.offload(value, workspace_id=WORKSPACE)}
    elif way == "shrink":
        stored = await blobs.shrink(stored, workspace_id=WORKSPACE, budget=1024)
    else:
        stored = await blobs.refit(stored, workspace_id=WORKSPACE)

    assert references(stored) != []
    assert await blobs.resolve(stored, workspace_id=WORKSPACE, reveal=SecretReference) == {"turns": value}


async def test_what_is_fitted_again_keeps_large_values_escapes_and_secrets(blobs: BlobStore) -> None:
    value = {"text": "x" * 300_000, "$own": {"$blob": "y"}, "pin": SecretReference("s")}
    stored = {"output": await blobs.offload(value, workspace_id=WORKSPACE)}

    again = await blobs.refit(stored, workspace_id=WORKSPACE)

    assert again == stored
