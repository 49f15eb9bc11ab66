"""Runs that begin in the middle or are tried again, from the command line."""

import json
from pathlib import Path

from e2e.shell import Embedded

BLOCKS = {
    "first": {"type": "function", "code": "return <start.n> + 1", "then": "second"},
    "second": {
        "type": "function",
        "code": "if (<start.n> < 1) throw new Error('too few')\nreturn <first.result> * 10",
    },
}


def deploy(server: Embedded, folder: Path, name: str) -> None:
    file = folder / f"{name}.json"
    file.write_text(json.dumps({"workflow": name, "blocks": BLOCKS}))
    assert server.signoff("deploy", str(file)).code == 0


def test_a_run_begins_with_a_block_and_ends_with_one(server: Embedded, tmp_path: Path) -> None:
    deploy(server, tmp_path, "partly")
    whole = server.signoff("run", "partly", "--input", '{"n": 4}')

    rest = server.signoff("run", "partly", "--from-block", "second")
    named = server.signoff(
        "run", "partly", "--from-block", "second", "--source", whole.lines[0]["executionId"]
    )
    begun = server.signoff("run", "partly", "--input", '{"n": 1}', "--stop-after", "first")

    assert [each.lines[0]["output"]["result"] for each in (whole, rest, named, begun)] == [50, 50, 50, 2]


def test_a_block_that_is_not_there_is_named(server: Embedded, tmp_path: Path) -> None:
    deploy(server, tmp_path, "absent")
    server.signoff("run", "absent", "--input", '{"n": 4}')

    refused = server.signoff("run", "absent", "--from-block", "nobody")

    assert refused.code == 3
    assert "Block not found in workflow: nobody" in refused.err


def test_a_failed_execution_is_tried_again(server: Embedded, tmp_path: Path) -> None:
    deploy(server, tmp_path, "failing")
    failed = server.signoff("run", "failing", "--input", '{"n": 0}')

    again = server.signoff("retry", failed.lines[0]["executionId"], "--reason", "once more")

    assert (failed.code, again.code) == (1, 1)
    assert "too few" in again.lines[0]["error"]
    assert again.lines[0]["executionId"] == failed.lines[0]["executionId"]


def test_what_did_not_fail_cannot_be_tried_again(server: Embedded, tmp_path: Path) -> None:
    deploy(server, tmp_path, "well")
    done = server.signoff("run", "well", "--input", '{"n": 4}')

    refused = server.signoff("retry", done.lines[0]["executionId"])

    assert refused.code == 3
    assert "Only a failed execution can be retried" in refused.err
