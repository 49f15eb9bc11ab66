"""What is read from arguments and files, and what is said of what cannot be read."""

from pathlib import Path

import pytest

from signoff.cli.arguments.documents import read_document, read_input
from signoff.cli.exits import CommandError, Exit


def test_an_input_is_json_or_a_file_or_nothing(tmp_path: Path) -> None:
    file = tmp_path / "input.json"
    file.write_text('{"from": "file"}')

    assert read_input('{"amount": 250}') == {"amount": 250}
    assert read_input(f"@{file}") == {"from": "file"}
    assert read_input(None) == {}


@pytest.mark.parametrize("text", ["{", "NaN", '{"a": Infinity}', "[" * 100_000, ""])
def test_an_input_that_is_not_json_is_refused_before_anything_is_sent(text: str) -> None:
    with pytest.raises(CommandError, match="--input is not JSON") as caught:
        read_input(text)
    assert caught.value.code == Exit.USAGE


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"nowhere\.json cannot be read: No such file"):
        read_input(f"@{tmp_path}/nowhere.json")


def test_a_definition_goes_where_its_workflow_key_says_and_is_sent_as_written(tmp_path: Path) -> None:
    file = tmp_path / "some.yaml"
    file.write_text("workflow: on # a text, whatever YAML 1.1 says\nblocks: {}\n")

    document = read_document(file, None)

    assert (document.workflow_id, document.media_type) == ("on", "application/yaml")
    assert document.raw == file.read_bytes()


def test_an_export_of_sim_goes_where_its_workflow_says(tmp_path: Path) -> None:
    file = tmp_path / "exported.json"
    file.write_text('{"workflow": {"id": "onboarding", "name": "On boarding"}, "state": {}}')

    assert read_document(file, None).workflow_id == "onboarding"


def test_the_id_given_on_the_command_line_wins(tmp_path: Path) -> None:
    file = tmp_path / "exported.json"
    file.write_text('{"version": "1.0", "blocks": []}')

    document = read_document(file, "onboarding")

    assert (document.workflow_id, document.media_type) == ("onboarding", "application/json")


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("w.json", '{"blocks": []}', "has no `workflow` key"),
        ("w.yaml", "- a list", "has no `workflow` key"),
        ("w.json", '{"workflow": {"name": "w"}}', "has no `workflow` key"),
        ("w.json", "{", "is not JSON"),
        ("w.yaml", "a: [", "is not YAML"),
        ("w.yaml", "a: " + "[" * 5000, "is not YAML"),
        ("w.yaml", b"\xff\xfe\x00", "is not YAML"),
    ],
)
def test_a_file_that_says_nothing_is_named_with_the_reason(
    tmp_path: Path, name: str, text: str | bytes, reason: str
) -> None:
    file = tmp_path / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())

    with pytest.raises(CommandError, match=f"{name} {reason}"):
        read_document(file, None)


def test_a_file_over_what_a_server_takes_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "big.yaml"
    with file.open("wb") as big:
        big.truncate(11 * 1024 * 1024)

    with pytest.raises(CommandError, match="over 10 MiB"):
        read_document(file, "big")
