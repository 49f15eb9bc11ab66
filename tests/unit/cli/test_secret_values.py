"""Secrets out of files and pipes, never out of arguments."""

import io
from pathlib import Path

import pytest

from signoff.cli.arguments.secret_values import read_secret
from signoff.cli.exits import CommandError


@pytest.mark.parametrize("text", [b"s3cret", b"s3cret\n", b"s3cret\r\n"])
def test_a_line_end_at_the_end_of_a_file_is_not_part_of_the_secret(text: bytes, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_bytes(text)

    assert read_secret("TOKEN", file) == "s3cret"


def test_a_secret_of_several_lines_comes_whole_down_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"-----BEGIN\nabc\n-----END\n")))

    assert read_secret("TLS_KEY", None) == "-----BEGIN\nabc\n-----END"


@pytest.mark.parametrize("text", [b"", b"\n"])
def test_no_value_is_a_mistake(text: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text)))

    with pytest.raises(CommandError, match="TOKEN needs a value"):
        read_secret("TOKEN", None)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "key.der"
    file.write_bytes(b"\x30\x82\xff")

    with pytest.raises(CommandError, match="is not UTF-8 text"):
        read_secret("TLS_KEY", file)
