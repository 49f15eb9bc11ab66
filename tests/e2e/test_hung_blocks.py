"""A block that nothing can stop: the server stops without it."""

from pathlib import Path

from e2e.shell import Embedded, eventually

BLOCKS = """
import threading
from pathlib import Path

from signoff.blocks import block


@block
def hang(mark: str) -> None:
    Path(mark).touch()
    threading.Event().wait()
"""


def test_a_server_stops_although_a_block_in_a_thread_never_ends(embedded: Embedded, tmp_path: Path) -> None:
    mark, workflow = tmp_path / "at work", tmp_path / "workflow.yaml"
    (tmp_path / "hanging.py").write_text(BLOCKS)
    workflow.write_text(f'workflow: hung\nblocks:\n  hang: {{type: hang, with: {{mark: "{mark}"}}}}\n')
    embedded.serve("--blocks", "hanging", PYTHONPATH=str(tmp_path))
    embedded.signoff("deploy", str(workflow))
    embedded.signoff("run", "hung", "--async")
    eventually(mark.exists)

    assert embedded.stop() == 0
