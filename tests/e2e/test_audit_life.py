"""``signoff audit show|diff|replay``: an execution's life for people and for programs."""

import json
from pathlib import Path
from typing import Any

import pytest

from e2e.shell import Embedded, Shell

ID = "audited"
GIVEN = '{"amount": 250, "customer": "Ada"}'


@pytest.fixture(scope="module")
def decided(server: Embedded) -> Embedded:
    """A server on which an execution paused, was decided, and ended."""
    assert server.signoff("run", "refund-approval", "--id", ID, "--input", GIVEN).code == 4
    assert server.signoff("resume", ID, "approve", "--input", '{"approved": true}').code == 0
    return server


def events(server: Embedded) -> list[dict[str, object]]:
    return [json.loads(line) for line in server.signoff("executions", "events", ID).out.splitlines()]


def paused_event(server: Embedded) -> str:
    return str(next(each["eventId"] for each in events(server) if each["type"] == "execution:paused"))


def fork(server: Embedded, *options: str) -> list[dict[str, Any]]:
    """Fork the execution where it paused, and decide; gives what is printed."""
    forked = server.signoff("audit", "fork", ID, paused_event(server), "--point", "approve", *options)
    assert forked.code == 0, forked.err
    return forked.lines


def test_the_life_of_an_execution_reads_as_text_and_as_json(decided: Embedded) -> None:
    shown = decided.on_terminal(f"signoff audit show {ID}")
    lines = decided.signoff("audit", "show", ID).lines

    assert shown.code == 0
    for words in ("Definition: version 1, sha256:", "Asked for a decision", "A decision was taken up",
                  "authenticated by: apiKey", "content: sha256:", 'decided: {"approved":true',
                  "Completed"):  # fmt: skip
        assert words in shown.out
    decision = next(each for each in lines if each.get("type") == "execution:resumed")
    assert decision["submission"]["approved"] is True
    assert decision["contentDigest"].startswith("sha256:")
    assert decision["who"]
    assert lines[-1]["state"]["status"] == "completed"


def test_as_of_an_event_it_ends_there(decided: Embedded) -> None:
    lines = decided.signoff("audit", "show", ID, "--as-of", paused_event(decided)).lines

    assert lines[-1]["state"]["status"] == "paused"
    assert not any(each.get("type") == "execution:resumed" for each in lines)


@pytest.mark.parametrize(("moment", "says"), [("soon", "is no event and no time"),
                                              ("999", "has no event 999"),
                                              ("9" * 18, f"has no event {'9' * 18}"),
                                              ("9" * 30, "is no event and no time"),
                                              ("2099-01-01", "is still to come"),
                                              ("1999-01-01", "nothing had happened")])  # fmt: skip
def test_a_point_that_never_was_is_refused(decided: Embedded, moment: str, says: str) -> None:
    refused = decided.signoff("audit", "show", ID, "--as-of", moment)

    assert refused.code != 0
    assert says in refused.err


def test_a_difference_is_shown_between_two_points(decided: Embedded) -> None:
    lines = decided.signoff("audit", "diff", ID, paused_event(decided)).lines
    shown = decided.on_terminal(f"signoff audit diff {ID} {paused_event(decided)}")

    changes = {" ".join(each["path"]): each for each in lines}
    assert (changes["status"]["before"], changes["status"]["after"]) == ("paused", "completed")
    assert '~ status: "paused" → "completed"' in shown.out
    assert "+ decisions › approve:" in shown.out


def test_two_executions_are_shown_event_by_event(decided: Embedded) -> None:
    other = decided.signoff("run", "refund-approval", "--input", '{"amount": 7, "customer": "Bo"}').lines[0]
    timeline = ("--with", str(other["executionId"]), "--timeline")

    lines = decided.signoff("audit", "diff", ID, *timeline).lines

    assert any(each["same"] for each in lines)
    assert any("second" not in each for each in lines)
    assert decided.signoff("audit", "diff", ID, "--timeline").code == 2


def test_people_have_their_names_beside_their_ids(decided: Embedded) -> None:
    ann = Shell(SIGNOFF_URL=decided.url, SIGNOFF_API_KEY=(decided.data / "keys" / "ann").read_text().strip())
    user = ann.signoff("whoami").lines[0]["user"]["id"]
    decided.signoff("run", "refund-approval", "--id", "named", "--input", GIVEN)
    assert ann.signoff("resume", "named", "approve", "--input", '{"approved": true}').code == 0

    lines = decided.signoff("audit", "show", "named").lines

    decision = next(each for each in lines if each.get("type") == "execution:resumed")
    assert decision["person"] == f"Ann (example) ({user})"


def test_a_dry_run_says_where_it_stops_and_how_it_differs(decided: Embedded) -> None:
    answer, *pairs = fork(decided, "--decision", '{"approved": false}', "--reason", "What if not?")
    no = """--point approve --decision '{"approved": false}'"""
    shown = decided.on_terminal(f"signoff audit fork {ID} {paused_event(decided)} {no}")

    assert answer["stopped"] == "ended"
    assert answer["state"]["executionId"] == ID
    assert not pairs[0]["same"]
    decisions = [each for each in pairs if each.get("second", {}).get("type") == "execution:resumed"]
    assert [each["second"]["data"]["submission"]["approved"] for each in decisions] == [False]
    assert "nothing was written or done: it would be over" in shown.out
    assert "~" in shown.out


def test_a_live_fork_goes_its_own_way_and_is_compared(decided: Embedded) -> None:
    before = events(decided)

    forked, *pairs = fork(decided, "--decision", '{"approved": false}', "--live")

    assert forked["executionId"] != ID
    assert decided.signoff("executions", "show", forked["executionId"]).lines[0]["status"] == "completed"
    assert next(each["second"]["type"] for each in pairs if "second" in each) == "execution:forked"
    assert events(decided) == before


def test_a_replay_proves_that_the_state_follows_from_the_log(tmp_path: Path) -> None:
    server = Embedded(tmp_path / "data")
    server.serve("--examples")
    server.signoff("run", "refund-approval", "--id", ID, "--input", GIVEN)
    forked = str(fork(server, "--decision", '{"approved": true}', "--live")[0]["executionId"])
    server.stop()

    proved = server.signoff("audit", "replay", ID, "--steps")
    until = server.signoff("audit", "replay", ID, "--to", "3")
    copied = server.signoff("audit", "replay", forked)

    assert (proved.code, until.code, copied.code) == (0, 0, 0), copied.out
    assert [each["same"] for each in proved.lines if "what" in each] == [True, True]
    first = proved.lines[0]
    assert (first["eventId"], first["type"]) == (1, "execution:started")
    assert until.lines[-1]["eventId"] == 3
