"""What auditors mistype: one sentence that says what to do, before anything is opened or written."""

from pathlib import Path

import pytest

from signoff.audit.checkpoints.signing import Keyring
from signoff.audit.verify.sources import FilesSource
from signoff.cli.auditing.checkpoints_at_hand import sources_at_hand
from signoff.cli.exits import Exit
from signoff.cli.main import call
from signoff.events.store.memory import MemoryStore
from signoff.runtime.settings import Settings


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("audit verify refund.zip --chain", "a bundle is checked whole"),
        ("audit verify --topic", "set SIGNOFF_KAFKA"),
        ("audit verify --partition 64", "--partition"),
        ("audit verify refund.zip --values", "a bundle is checked whole"),
        ("audit verify --processes 0", "--processes"),
        ("audit verify --since yesterday", "--since yesterday is no moment"),
        ("audit export ftp://somewhere/else", "is no place to export to"),
        ("audit export exported --since yesterday", "--since yesterday is no moment"),
        ("audit access --until tomorrow", "--until tomorrow is no moment"),
        ("audit replay refund-1 --to 0", "--to"),
        ("audit fork refund-1 soon", "soon is no event and no time"),
        ("audit fork refund-1 --point approve", "--decision, what fills its form"),
        ("audit fork refund-1 --input nonsense", "--input is not JSON"),
        ("audit fork refund-1 --if-match sha256:0 --point a --decision {}", "--live"),
    ],
)
def test_wrong_usage_is_told_in_a_sentence_and_leaves_nothing_behind(
    typed: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SIGNOFF_KAFKA", raising=False)

    code = call(typed.split())

    assert code == Exit.USAGE
    assert says in " ".join(capsys.readouterr().err.split())
    assert not list(tmp_path.rglob("*.db")) + list(tmp_path.rglob("exported")) + list(tmp_path.rglob("ftp:"))


@pytest.mark.parametrize("typed", ["audit verify", "audit replay refund-1", "audit export exported"])
def test_where_no_server_was_nothing_is_made(
    typed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SIGNOFF_DATA", "elsewhere")

    assert call(typed.split()) == Exit.USAGE
    assert f"there is no log in {tmp_path / 'elsewhere'}: set SIGNOFF_DATA" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_large_values_of_a_cluster_are_where_somebody_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SIGNOFF_DATA", str(tmp_path))
    monkeypatch.setenv("SIGNOFF_DATABASE_URL", "postgresql://127.0.0.1:1/signoff")

    assert call(["audit", "verify", "--values"]) == Exit.USAGE
    assert "--values reads the object store: set SIGNOFF_BLOBS" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


async def test_checkpoints_of_the_server_that_are_named_as_a_copy_are_read_once(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    folder.mkdir()

    copies = [str(folder), str(folder)]
    sources = await sources_at_hand(Settings(data=tmp_path), MemoryStore(), None, copies, Keyring([]))

    assert [source.is_live for source in sources if isinstance(source, FilesSource)] == [True]
