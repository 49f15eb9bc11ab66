"""`signoff resume` and `signoff inbox` as people use them: at a real terminal, against a running server."""

import codecs
import os
import pty
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from e2e.shell import REPOSITORY, SIGNOFF, Embedded, eventually

LIMIT = 20.0
PAYOUT = """
workflow: payout
input: {amount: number, customer: string}
blocks:
  approve:
    type: human_in_the_loop
    title: "Pay <start.amount> EUR to <start.customer>"
    show: {Amount: <start.amount>, Customer: <start.customer>}
    form:
      approved: {type: boolean, required: true, label: "Approve?"}
      account: {type: string, options: [{value: ops, label: Operations}, {value: rnd, label: Research}]}
      most: {type: number, min: 1, max: 100}
      note: {type: string, multiline: true}
      pin: {type: secret, minLength: 4}
      bill: {type: files, accept: [.txt]}
    then: pay
  pay:
    type: function
    code: |
      return {approved: <approve.approved>, account: <approve.account>, most: <approve.most>,
              note: <approve.note>, bill: <approve.bill>[0].name};
"""
SHORT = """
workflow: short
input: {amount: number}
blocks:
  approve:
    type: human_in_the_loop
    title: "Pay <start.amount>"
    show: {Amount: <start.amount>}
    form: {approved: {type: boolean, required: true}}
    quorum: {required: 2, field: approved}
    selfApproval: true
"""
PLAIN = SHORT.replace("workflow: short", "workflow: plain").replace(
    "    quorum: {required: 2, field: approved}\n    selfApproval: true\n", ""
)


class Person:
    """Somebody at a terminal who waits until they are asked, and then answers."""

    def __init__(self, server: Embedded, *arguments: str) -> None:
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [SIGNOFF, *arguments],
            cwd=REPOSITORY,
            env=server.environment | {"TERM": "dumb", "COLUMNS": "80"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            # The terminal becomes that of the command, so that Ctrl-C reaches it.
            preexec_fn=lambda: os.close(os.open(os.ttyname(0), os.O_RDWR)),  # noqa: PLW1509 - no threads here
        )
        os.close(theirs)
        self.seen = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def sees(self, text: str) -> str:
        """Read until a text is there after all that was seen before; gives what was read."""
        new = ""
        end = time.monotonic() + LIMIT
        while text not in new:
            assert select.select([self._ours], [], [], max(0.0, end - time.monotonic()))[0], self.seen + new
            new += self._decoder.decode(os.read(self._ours, 1))
        self.seen += new
        return new

    def answers(self, prompt: str, *lines: str) -> None:
        """Wait for a text and the prompt after it, then type a line, and further ones at the next prompts."""
        self.sees(prompt)
        for line in lines:
            self.sees("> ")
            os.write(self._ours, f"{line}\n".encode())

    def presses_ctrl_c(self) -> None:
        """Again and again, as people do: Python may not wait for a key yet, and lets the first one pass."""
        self.sees("> ")
        end = time.monotonic() + LIMIT
        while self.process.poll() is None and time.monotonic() < end:
            os.write(self._ours, b"\x03")
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=2)

    def leaves(self) -> int:
        """Read to the end; gives the exit code."""
        end = time.monotonic() + LIMIT
        while select.select([self._ours], [], [], max(0.0, end - time.monotonic()))[0]:
            try:
                self.seen += self._decoder.decode(os.read(self._ours, 65536))
            except OSError:  # nobody is left at the other end
                break
        return self.process.wait(timeout=LIMIT)

    def goes(self) -> None:
        """Leave, whatever happens meanwhile."""
        self.process.kill()
        self.process.wait(timeout=LIMIT)
        os.close(self._ours)


Sit = Callable[..., Person]


@pytest.fixture(scope="module")
def desk(server: Embedded, tmp_path_factory: pytest.TempPathFactory) -> Embedded:
    """The server with workflows that ask."""
    folder = tmp_path_factory.mktemp("workflows")
    for name, text in (("payout", PAYOUT), ("short", SHORT), ("plain", PLAIN)):
        (folder / f"{name}.yaml").write_text(text)
        assert server.signoff("deploy", str(folder / f"{name}.yaml")).code == 0
    return server


@pytest.fixture
def sit(desk: Embedded) -> Iterator[Sit]:
    """Lets people sit down at terminals, with a command."""
    people: list[Person] = []

    def begin(*arguments: str) -> Person:
        people.append(Person(desk, *arguments))
        return people[-1]

    yield begin
    for person in people:
        person.goes()


@pytest.fixture
def bill(tmp_path: Path) -> Path:
    file = tmp_path / "bill.txt"
    file.write_text("one refund")
    return file


def paused(desk: Embedded, workflow: str, execution: str, customer: str = "ACME") -> str:
    given = f'{{"amount": 120, "customer": "{customer}"}}'
    assert desk.signoff("run", workflow, "--id", execution, "--input", given).code == 4
    return execution


def status(desk: Embedded, execution: str) -> Any:
    return desk.signoff("executions", "show", execution).lines[0]


def test_a_form_is_asked_field_by_field_and_each_answer_is_checked_at_once(
    desk: Embedded, sit: Sit, bill: Path
) -> None:
    person = sit("resume", paused(desk, "payout", "asked"))

    person.answers("Approve? *", "perhaps")
    person.answers('"approved" must be true or false', "y")
    person.answers("2  Research", "2")
    person.answers("at least 1; at most 100", "500")
    person.answers('"most" must be at most 100', "50")
    person.answers("several lines", "well", "done", "")
    person.answers("not shown while you type", "1234")
    person.answers("only .txt", str(bill), "")
    told = person.sees("Send it?")
    person.answers("edit", "yes")

    assert person.leaves() == 0, person.seen
    assert "Research" in told
    assert "1234" not in person.seen
    output = status(desk, "asked")["finalOutput"]["result"]
    assert output == {
        "approved": True, "account": "rnd", "most": 50, "note": "well\ndone", "bill": "bill.txt",
    }  # fmt: skip


def test_what_changed_meanwhile_is_shown_and_nothing_typed_is_lost(desk: Embedded, sit: Sit) -> None:
    person = sit("resume", paused(desk, "plain", "changed"))
    person.answers("approved *", "yes")
    person.sees("Send it?")
    amended = desk.signoff(
        "inbox", "amend", "changed", "--display", '{"Amount": 90}', "--reason", "a discount"
    )

    person.answers("edit", "yes")
    told = person.sees("Send it?")
    person.answers("edit", "yes")

    assert amended.code == 0, amended.err
    assert "has changed meanwhile" in told
    assert "120  →  90" in told
    assert person.leaves() == 0, person.seen
    assert status(desk, "changed")["status"] == "completed"


@pytest.mark.parametrize("how", ["ctrl-c", "no"])
def test_whoever_stops_has_decided_nothing(desk: Embedded, sit: Sit, how: str) -> None:
    person = sit("resume", paused(desk, "plain", f"stopped-{how}"))

    if how == "ctrl-c":
        person.sees("approved *")
        person.presses_ctrl_c()
    else:
        person.answers("approved *", "yes")
        person.answers("Send it?", "no")

    assert person.leaves() == 130
    assert "nothing was decided" in person.seen
    assert status(desk, f"stopped-{how}")["status"] == "paused"


def test_one_of_several_decisions_is_said_to_be_recorded(desk: Embedded, sit: Sit) -> None:
    person = sit("resume", paused(desk, "short", "together"))
    person.answers("approved *", "yes")
    person.answers("Send it?", "yes")

    assert person.leaves() == 4, person.seen
    assert "recorded as approved: 1 of 2" in person.seen
    again = desk.signoff("resume", "together", "--input", '{"approved": true}')
    assert again.code == 3
    assert "You have decided this already" in again.err
    shown = desk.signoff("inbox", "show", "together", "approve").lines[0]
    assert shown["progress"]["approvals"] == 1


def test_text_of_others_cannot_steer_the_terminal(desk: Embedded) -> None:
    paused(desk, "payout", "hostile", customer="\\u001b[2JEvil\\u009b31m\\u202e\\r\\u0007")

    shown = desk.on_terminal(
        "signoff inbox show hostile; signoff inbox list; signoff executions show hostile"
    )

    assert "Evil" in shown.out
    assert "\x1b[2J" not in shown.out
    assert not {"\x9b", "\u202e", "\x07"} & set(shown.out)


def test_without_a_terminal_and_an_input_it_says_what_to_pass(desk: Embedded) -> None:
    told = desk.signoff("resume", paused(desk, "plain", "piped"))

    assert told.code == 2
    assert "--input" in told.err
    assert status(desk, "piped")["status"] == "paused"


def test_a_decision_is_found_claimed_commented_sent_back_and_amended(desk: Embedded) -> None:
    paused(desk, "plain", "worked-on")

    found = [each for each in desk.signoff("inbox", "list").lines if each["executionId"] == "worked-on"]
    claimed = desk.signoff("inbox", "claim", "worked-on")
    released = desk.signoff("inbox", "release", "worked-on")
    said = desk.signoff("inbox", "comment", "worked-on", "--text", "too much")
    back = desk.signoff("inbox", "return", "worked-on", "--reason", "wrong amount")
    refused = desk.signoff("resume", "worked-on", "--input", '{"approved": true}')
    amended = desk.signoff("inbox", "amend", "worked-on", "--display", '{"Amount": 1}', "--reason", "mended")
    shown = desk.on_terminal("signoff inbox show worked-on")

    assert [each["title"] for each in found] == ["Pay 120"]
    assert [each.code for each in (claimed, released, said, back, amended)] == [0] * 5
    assert refused.code == 3
    assert "sent back for changes" in refused.err
    told = " ".join(shown.out.split())
    assert "too much" in told
    assert "wrong amount" in told
    assert "signoff resume worked-on approve" in shown.out


def test_a_decision_on_what_is_not_shown_any_more_is_refused(desk: Embedded) -> None:
    paused(desk, "plain", "seen-before")

    refused = desk.signoff("resume", "seen-before", "--input", '{"approved": true}', "--if-match", "other")

    assert refused.code == 3
    assert "has changed" in refused.err


def test_a_link_is_shown_once_listed_and_revoked(desk: Embedded) -> None:
    desk.signoff("users", "add", "Ann", "--email", "ann@example.org")
    workspace = desk.signoff("workspaces", "list").lines[0]["id"]
    desk.signoff("workspaces", "add-member", workspace, "ann@example.org", "--roles", "approver")
    paused(desk, "plain", "linked")

    made = desk.signoff("links", "make", "linked", "--user", "ann@example.org").lines[0]
    listed = desk.signoff("links", "list", "linked", "approve")
    desk.signoff("links", "revoke", "linked", "approve", made["id"])

    assert made["token"] in made["url"]
    assert made["token"] not in listed.out
    assert [each["id"] for each in listed.lines] == [made["id"]]
    assert desk.signoff("links", "list", "linked", "approve").lines[0]["revokedAt"]


@pytest.fixture
def watched(desk: Embedded, tmp_path: Path) -> Iterator[Path]:
    """What `signoff inbox list --watch` prints while it runs."""
    paused(desk, "plain", "there-before")
    file = tmp_path / "watched"
    process = desk.start("inbox", "list", "--watch", "--workflow", "plain", into=file)
    try:
        eventually(lambda: '"executionId":"there-before"' in file.read_text())
        yield file
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=LIMIT)
        assert process.stderr is not None
        process.stderr.close()


def test_a_watched_inbox_tells_of_what_comes_and_of_what_goes(desk: Embedded, watched: Path) -> None:
    paused(desk, "plain", "comes")
    eventually(lambda: '"executionId":"comes"' in watched.read_text())

    desk.signoff("resume", "comes", "--input", '{"approved": true}')

    gone = '{"executionId":"comes","contextId":"approve","gone":true}'
    eventually(lambda: gone in watched.read_text())
