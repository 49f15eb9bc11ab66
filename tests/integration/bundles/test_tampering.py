"""Whatever is changed in a bundle is named, and no bundle does harm to who checks it."""

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Final
from uuid import UUID
from zipfile import ZipInfo

import pytest

from signoff.audit.bundle import layout, opening
from support.bundles import (
    NO_KEYS,
    STRANGER,
    checked,
    decided,
    fetched,
    meanings,
    opened,
    packed,
    resigned,
    seal,
    server_signer,
    zipped,
)
from support.gateways import serving, settings

Files = dict[str, bytes]


@pytest.fixture(scope="module")
async def bundle() -> bytes:
    async with serving(settings()) as server:
        execution_id = await decided(server, json={"input": {"text": "x" * 400_000}})
        await decided(server)
        await seal(server)
        return await fetched(server, execution_id)


@pytest.fixture
def files(bundle: bytes) -> Files:
    return opened(bundle)


def events_of(files: Files) -> str:
    return next(path for path in files if path.endswith("events.jsonl"))


def proof_of(files: Files) -> str:
    return next(path for path in files if path.endswith("proof.json"))


def test_an_intact_bundle_is_never_reported(files: Files, tmp_path: Path) -> None:
    assert meanings(checked(tmp_path, packed(files))) == ""


def test_a_bundle_packed_by_another_program_is_not_reported(files: Files, tmp_path: Path) -> None:
    assert meanings(checked(tmp_path, zipped(list(files.items())))) == ""


def test_a_changed_byte_of_any_file_is_named(files: Files, tmp_path: Path) -> None:
    for path, content in files.items():
        middle = len(content) // 2
        changed = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]

        report = checked(tmp_path, packed(files | {path: changed}))

        assert path in meanings(report)


def test_a_removed_file_is_named_whichever_it_is(files: Files, tmp_path: Path) -> None:
    for path in files:
        report = checked(tmp_path, packed({name: files[name] for name in files if name != path}))

        assert path in meanings(report)


def test_a_file_that_was_put_in_is_named(files: Files, tmp_path: Path) -> None:
    added = f"values/{'0' * 64}"

    assert f"{added} was put into the bundle" in meanings(checked(tmp_path, packed(files | {added: b"x"})))


def test_a_bundle_made_up_with_another_key_is_named(files: Files, tmp_path: Path) -> None:
    path = events_of(files)
    lines = files[path].splitlines(keepends=True)
    keys = b'{"keys":[]}'
    forged = resigned(files | {path: b"".join(lines[:-1]), "keys.json": keys}, STRANGER)

    report = checked(tmp_path, packed(forged))

    assert "signed with a key that is none of those that were given" in meanings(report)


# What somebody with the server's key, but not with its past, could sign ------------------------------

Change = Callable[[Files], Files]


def _without_an_event(files: Files) -> Files:
    path = events_of(files)
    lines = files[path].splitlines(keepends=True)
    return {path: b"".join(lines[:3] + lines[4:])}


def _with_swapped_events(files: Files) -> Files:
    path = events_of(files)
    lines = files[path].splitlines(keepends=True)
    return {path: b"".join([*lines[:3], lines[4], lines[3], *lines[5:]])}


def _shortened(files: Files) -> Files:
    path = events_of(files)
    return {path: b"".join(files[path].splitlines(keepends=True)[:-1])}


def _cut_off(files: Files) -> Files:
    return {events_of(files): files[events_of(files)][:-9]}


def _with_another_definition(files: Files) -> Files:
    path = next(path for path in files if path.endswith("definitions.jsonl"))
    return {path: files[path].replace(b'"Amount"', b'"Amounts"')}


def _with_a_moved_proof(files: Files) -> Files:
    proof = json.loads(files[proof_of(files)])
    return {proof_of(files): json.dumps(proof | {"index": proof["index"] ^ 1}).encode()}


def _with_a_proof_by_a_stranger(files: Files) -> Files:
    proof = json.loads(files[proof_of(files)])
    raw = json.dumps(proof["checkpoint"], separators=(",", ":")).encode()
    return {proof_of(files): json.dumps(proof | {"signature": STRANGER.sign(raw)}).encode()}


def _with_a_second_definition(files: Files) -> Files:
    path = next(path for path in files if path.endswith("definitions.jsonl"))
    return {path: files[path].replace(b'"Amount"', b'"Amounts"') + files[path]}


CHANGES: Final[dict[str, tuple[Change, str]]] = {
    "an event is left out": (_without_an_event, "version"),
    "two events are swapped": (_with_swapped_events, "version"),
    "the end is missing": (_shortened, "bundle"),
    "a line is cut off": (_cut_off, "bundle"),
    "the definition is another": (_with_another_definition, "rewritten"),
    "a definition is there twice, once as another": (_with_a_second_definition, "rewritten"),
    "the proof is of another leaf": (_with_a_moved_proof, "checkpoint"),
    "a stranger signed the checkpoint": (_with_a_proof_by_a_stranger, "checkpoint"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_signed_must_also_agree_with_itself(files: Files, tmp_path: Path, change: str) -> None:
    make, kind = CHANGES[change]

    report = checked(tmp_path, packed(resigned(files | make(files), server_signer())))

    assert kind in {fault.kind for fault in report.faults}, meanings(report)


@pytest.mark.parametrize("make", [_with_a_moved_proof, _with_a_proof_by_a_stranger])
def test_a_proof_that_proves_nothing_is_not_told_as_one(files: Files, tmp_path: Path, make: Change) -> None:
    report = checked(tmp_path, packed(resigned(files | make(files), server_signer())))

    assert not any("commits to" in each for each in report.checked)
    assert any("no checkpoint committed to it" in each for each in report.not_shown)


def test_a_status_that_does_not_follow_from_the_events_is_named(files: Files, tmp_path: Path) -> None:
    (entry,) = json.loads(files["manifest.json"])["executions"]
    forged = resigned(files, server_signer(), executions=[entry | {"status": "failed"}])

    assert "the manifest says failed" in meanings(checked(tmp_path, packed(forged)))


# What is made to do harm -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "values/../keys.json", "C:\\x", "a\0b"])
def test_a_path_that_leads_elsewhere_is_refused(files: Files, tmp_path: Path, name: str) -> None:
    evil = zipped([*files.items(), (ZipInfo(name), b"x")])

    assert "which no bundle has" in meanings(checked(tmp_path, evil))
    assert [path.name for path in tmp_path.iterdir()] == ["bundle.zip"]


def test_a_file_that_is_there_twice_is_refused(files: Files, tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        evil = zipped([*files.items(), ("keys.json", STRANGER.sign(b"").encode())])

    assert "it has keys.json twice" in meanings(checked(tmp_path, evil))


def test_more_bytes_than_a_bundle_may_have_are_not_read(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "MOST_BYTES", 3_000_000)
    bomb = packed(resigned(files | {events_of(files): b"\n" * 100_000_000}, server_signer()))
    assert len(bomb) < 1_000_000

    assert "holds more than 3000000 bytes" in meanings(checked(tmp_path, bomb))


def test_what_has_somebody_read_the_same_over_and_over_is_not_read_to_the_end(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "_AGAIN", 100)

    assert "has more than 100 bytes read again" in meanings(checked(tmp_path, packed(files)))


def test_events_that_are_all_at_fault_are_not_named_without_end(files: Files, tmp_path: Path) -> None:
    evil = packed(resigned(files | {events_of(files): b"\n" * 1_000_000}, server_signer()))

    report = checked(tmp_path, evil)

    assert len(report.faults) < 2_000
    assert "more than 1000 events are at fault" in meanings(report)


def test_a_manifest_that_does_not_fit_into_memory_is_refused(files: Files, tmp_path: Path) -> None:
    bomb = packed(files | {"manifest.json": b" " * (layout.MOST_IN_MEMORY + 1)})

    assert "manifest.json is larger than" in meanings(checked(tmp_path, bomb))


def test_a_line_without_an_end_is_refused(files: Files, tmp_path: Path) -> None:
    bomb = packed(resigned(files | {events_of(files): b" " * 50_000_000}, server_signer()))

    assert "has a line of more than" in meanings(checked(tmp_path, bomb))


def test_a_directory_that_does_not_fit_into_memory_is_refused_before_it_is_read(
    bundle: bytes, tmp_path: Path
) -> None:
    end = bundle[-22:]
    evil = bundle[:-22] + end[:12] + struct.pack("<I", 2**31) + end[16:]

    assert "more than 50000 files" in meanings(checked(tmp_path, evil))


@pytest.mark.parametrize("content", [b"", b"PK", b"x" * 100, b"PK\x05\x06" + b"\xff" * 18])
def test_what_is_no_zip_file_is_named(tmp_path: Path, content: bytes) -> None:
    assert "is no bundle" in meanings(checked(tmp_path, content))


def test_a_bundle_that_is_cut_off_anywhere_is_named(bundle: bytes, tmp_path: Path) -> None:
    for size in range(0, len(bundle), max(1, len(bundle) // 40)):
        assert checked(tmp_path, bundle[:size]).faults


def test_random_bytes_in_it_never_raise_anything(bundle: bytes, tmp_path: Path) -> None:
    for at in range(0, len(bundle), max(1, len(bundle) // 150)):
        changed = bundle[:at] + bytes([bundle[at] ^ 0x5A]) + bundle[at + 1 :]

        checked(tmp_path, changed, NO_KEYS)


def test_an_execution_that_a_manifest_names_again_and_again_is_read_once_at_most(
    files: Files, tmp_path: Path
) -> None:
    executions = json.loads(files["manifest.json"])["executions"] * 2

    report = checked(tmp_path, packed(resigned(files, server_signer(), executions=executions)))

    assert (report.events, "it has an execution twice" in meanings(report)) == (0, True)


def test_more_executions_than_a_bundle_may_have_are_not_read(files: Files, tmp_path: Path) -> None:
    (entry,) = json.loads(files["manifest.json"])["executions"]
    others = [entry | {"head": entry["head"] | {"logId": str(UUID(int=each))}} for each in range(1_001)]

    report = checked(tmp_path, packed(resigned(files, server_signer(), executions=[entry, *others])))

    assert (report.events, "it has more than 1001 executions" in meanings(report)) == (0, True)


@pytest.mark.parametrize("path", ["manifest.json", "keys.json", "proof.json"])
def test_json_that_nests_without_end_is_named(files: Files, tmp_path: Path, path: str) -> None:
    path = next(each for each in files if each.endswith(path))
    content = b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"," + files[path][1:]
    made_up = files | {path: content}

    report = checked(tmp_path, packed(made_up if path == "manifest.json" else resigned(made_up, STRANGER)))

    assert path in meanings(report)


def test_a_proof_that_is_no_base64_is_named(files: Files, tmp_path: Path) -> None:
    proof = json.loads(files[proof_of(files)]) | {"path": ["é"]}
    content = json.dumps(proof, separators=(",", ":")).encode()
    forged = resigned(files | {proof_of(files): content}, server_signer())

    assert "the proof cannot be read" in meanings(checked(tmp_path, packed(forged)))
