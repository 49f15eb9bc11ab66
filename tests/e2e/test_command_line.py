"""The command line against a running server: what it shows, and what it says when it is refused."""

import json
import re
from pathlib import Path

import pytest

from e2e.shell import Embedded, eventually
from support.ports import unused_port

REFUND = "@examples/refund-approval/input.json"


def test_on_a_terminal_a_pause_shows_the_way_on_and_that_command_works(server: Embedded) -> None:
    paused = server.on_terminal(f"signoff run refund-approval --id shown --input {REFUND} --watch")

    assert paused.code == 4
    assert "✓  check    condition" in paused.out
    assert "‖  approve  human_in_the_loop" in paused.out
    assert "Amount    250" in paused.out
    command = re.search(r"signoff resume .*", paused.out)
    assert command is not None

    done = server.on_terminal(command[0] + " --watch")

    assert done.code == 0
    assert "✓ completed" in done.out
    assert '"receipt": "R-ADA-250"' in done.out


def test_without_watch_a_terminal_shows_only_what_came_of_it(server: Embedded) -> None:
    done = server.on_terminal("""signoff run refund-approval --input '{"amount": 7, "customer": "Bo"}'""")

    assert done.code == 0
    assert "✓ completed" in done.out
    assert "condition" not in done.out
    assert '"receipt": "R-BO-7"' in done.out


def test_an_input_may_come_down_a_pipe(server: Embedded) -> None:
    done = server.signoff("run", "refund-approval", "--input", "-", given='{"amount": 7, "customer": "Bo"}')

    assert done.lines[0]["output"]["data"]["receipt"] == "R-BO-7"


def test_an_output_may_be_cut_off_by_the_next_program(server: Embedded) -> None:
    shown = server.on_terminal(
        f"set -o pipefail; signoff run refund-approval --id cut --input {REFUND} --watch | head -n 1"
    )

    assert json.loads(shown.out)["type"] == "execution:started"


def test_a_start_that_nobody_waits_for_prints_its_id(server: Embedded) -> None:
    started = server.signoff("run", "refund-approval", "--input", '{"amount": 1}', "--async")

    assert started.code == 0
    assert server.signoff("watch", started.lines[0]["executionId"]).code == 0


def test_a_failed_execution_has_exit_code_1_and_says_why(server: Embedded, tmp_path: Path) -> None:
    file = tmp_path / "fails.yaml"
    file.write_text(
        "workflow: fails\nblocks:\n  boom: {type: function, code: \"throw new Error('too bad')\"}\n"
    )
    server.signoff("deploy", str(file))

    failed = server.signoff("run", "fails")

    assert failed.code == 1
    assert failed.lines[0]["status"] == "failed"
    assert "too bad" in failed.lines[0]["error"]


def test_a_definition_with_faults_is_refused_with_every_place_and_nothing_is_deployed(
    server: Embedded, tmp_path: Path
) -> None:
    file = tmp_path / "faulty.yaml"
    file.write_text(
        "workflow: faulty\n"
        "blocks:\n"
        "  check: {type: condition, cases: [{when: 'true', then: pya}, {else: pay}]}\n"
        "  pay: {type: functoin, code: return 1}\n"
    )

    refused = server.signoff("deploy", str(file))

    assert refused.code == 3
    assert "faulty.yaml is not deployed" in refused.err
    assert "blocks.check.cases[0].then" in refused.err
    assert 'did you mean "pay"?' in refused.err
    assert "blocks.pay.type" in refused.err
    assert "Workflow not found" in server.signoff("run", "faulty").err


def test_a_rollback_lets_an_earlier_version_take_the_executions(server: Embedded, tmp_path: Path) -> None:
    file = tmp_path / "says.yaml"
    for text in ("one", "two"):
        file.write_text(f"workflow: says\nblocks:\n  say: {{type: response, data: {{text: {text}}}}}\n")
        server.signoff("deploy", str(file))

    back = server.signoff("rollback", "says", "--to", "1")
    unknown = server.signoff("rollback", "says", "--to", "9")

    assert (back.code, back.lines[0]["version"]) == (0, 1)
    assert server.signoff("run", "says").lines[0]["output"]["data"] == {"text": "one"}
    assert unknown.code == 3
    assert "Workflow version not found" in unknown.err


def test_a_form_that_does_not_fit_is_refused_by_field_and_the_pause_stays(server: Embedded) -> None:
    server.signoff("run", "refund-approval", "--id", "misfit", "--input", REFUND)

    refused = server.signoff("resume", "misfit", "--input", '{"approved": "perhaps"}')
    accepted = server.signoff("resume", "misfit", "--input", '{"approved": false}')

    assert refused.code == 3
    assert "approved" in refused.err
    assert accepted.code == 0


def test_a_decision_is_taken_once(server: Embedded) -> None:
    server.signoff("run", "refund-approval", "--id", "once", "--input", REFUND)
    server.signoff("resume", "once", "--input", '{"approved": true}')

    again = server.signoff("resume", "once", "approve", "--input", '{"approved": false}')
    unnamed = server.signoff("resume", "once", "--input", '{"approved": false}')

    assert again.code == 3
    assert "already resumed" in again.err
    assert unnamed.code == 2
    assert "nothing of once waits for a decision" in unnamed.err


def test_a_paused_execution_is_cancelled_once_and_then_stays_so(server: Embedded) -> None:
    server.signoff("run", "refund-approval", "--id", "stopped", "--input", REFUND)

    first = server.signoff("cancel", "stopped")
    second = server.signoff("cancel", "stopped")

    assert (first.code, first.lines[0]["reason"]) == (0, "recorded")
    assert (second.code, second.lines[0]["reason"]) == (0, "already_cancelled")
    assert server.signoff("watch", "stopped").code == 1
    assert server.signoff("resume", "stopped", "approve", "--input", "{}").code == 3


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["run", "nothing-like-it"], "Workflow not found"),
        (["watch", "nothing-like-it"], "Execution not found"),
        (["resume", "nothing-like-it", "--input", "{}"], "Execution not found"),
        (["cancel", "nothing-like-it"], "Execution not found"),
    ],
)
def test_what_never_was_is_refused_in_a_sentence(server: Embedded, arguments: list[str], says: str) -> None:
    refused = server.signoff(*arguments)

    assert refused.code == 3
    assert says in refused.err
    assert refused.err.count("\n") == 1
    assert refused.out == ""


def test_a_wrong_key_is_told_from_no_key(server: Embedded) -> None:
    environment = dict(server.environment)
    try:
        server.environment["SIGNOFF_API_KEY"] = "sk-nobody-knows-this"
        wrong = server.signoff("run", "refund-approval")
        del server.environment["SIGNOFF_API_KEY"]
        server.environment["SIGNOFF_DATA"] = "/nonexistent"
        none = server.signoff("run", "refund-approval")
    finally:
        server.environment = environment

    assert (wrong.code, none.code) == (3, 3)
    assert "does not know this key" in wrong.err
    assert "the server wants a key" in none.err


def test_an_id_that_was_used_before_is_refused(server: Embedded) -> None:
    server.signoff("run", "refund-approval", "--id", "unique", "--input", '{"amount": 1}')

    again = server.signoff("run", "refund-approval", "--id", "unique", "--input", '{"amount": 1}')

    assert again.code == 3
    assert "already been used" in again.err


ORDER = """
workflow: order
input: {customer: string, amount: number}
variables: {customer: "", amount: {type: number, value: "0"}}
attributes: [customer, amount]
blocks:
  know:
    type: variables
    set: {customer: <start.customer>, amount: {type: number, value: <start.amount>}}
    then: approve
  approve: {type: human_in_the_loop, form: {approved: boolean}}
"""
DAILY = """
workflow: daily
blocks:
  mornings: {type: schedule, cron: "0 9 * * 1-5", then: say}
  say: {type: function, code: "return 1"}
"""


@pytest.fixture(scope="module")
def orders(server: Embedded, tmp_path_factory: pytest.TempPathFactory) -> Embedded:
    """A server with two paused orders, of Ada and of Bo."""
    file = tmp_path_factory.mktemp("orders") / "order.yaml"
    file.write_text(ORDER)
    server.signoff("deploy", str(file))
    for customer, amount in (("Ada", 250), ("Bo", 20)):
        given = json.dumps({"customer": customer, "amount": amount})
        server.signoff("run", "order", "--id", f"order-{customer}", "--input", given)
    return server


def test_executions_are_found_by_what_they_are_about_and_counted(orders: Embedded) -> None:
    paused = ("--workflow", "order", "--status", "paused")
    found = orders.signoff("executions", "list", "--attribute", "amount>=100", *paused)
    counted = orders.signoff("executions", "list", "--workflow", "order", "--count")
    shown = orders.on_terminal("signoff executions list --workflow order --limit 1 --sort startedAt")

    assert [each["executionId"] for each in found.lines] == ["order-Ada"]
    assert counted.lines[0]["total"] == 2
    assert "customer: Ada" in shown.out
    assert "order-Bo" not in shown.out
    assert "see more with --limit" in shown.out


def test_an_execution_is_shown_as_it_is_and_as_it_came_about(orders: Embedded) -> None:
    shown = orders.on_terminal("signoff executions show order-Ada")
    recorded = orders.signoff("executions", "events", "order-Ada")
    watched = orders.signoff("watch", "order-Ada")
    later = orders.signoff("executions", "events", "order-Ada", "--after", "2", "--until", "3")

    assert shown.code == 0
    assert "‖ paused" in shown.out
    assert "signoff resume order-Ada" in shown.out
    assert recorded.out == watched.out
    assert [each["eventId"] for each in later.lines] == [3]


def test_many_are_cancelled_only_when_they_were_looked_at(orders: Embedded) -> None:
    which = ("executions", "cancel", "--workflow", "order", "--attribute", "customer:Bo")

    looked = orders.signoff(*which)
    still = orders.signoff("executions", "show", "order-Bo")
    done = orders.signoff(*which, "--yes", "--reason", "the shop is closed")
    again = orders.on_terminal("signoff executions cancel --workflow order --attribute customer:Bo --yes")

    assert looked.lines == [{"executionId": "order-Bo", "result": "matched"}]
    assert "nothing is changed: cancel 1 execution with --yes" in looked.err
    assert still.lines[0]["status"] == "paused"
    assert done.lines[0]["result"] == "cancelled"
    assert "There is nothing to cancel." in again.out


def test_a_feed_shows_what_happens_as_it_is_recorded(server: Embedded, tmp_path: Path) -> None:
    feed = server.start("feed", "--types", "execution:completed", into=tmp_path / "feed")

    def has_come() -> bool:
        server.signoff("run", "refund-approval", "--input", '{"amount": 1}')
        return bool((tmp_path / "feed").read_text())

    try:
        eventually(has_come)
    finally:
        feed.terminate()
        feed.communicate(timeout=10)

    assert json.loads((tmp_path / "feed").read_text().splitlines()[0])["type"] == "execution:completed"


def test_a_value_goes_in_and_never_comes_out(server: Embedded) -> None:
    kept = server.signoff("env", "set", "BANK_TOKEN", given="s3cret\n")
    listed = server.signoff("env", "list")
    removed = server.signoff("env", "remove", "BANK_TOKEN")

    assert (kept.code, removed.code) == (0, 0)
    assert "BANK_TOKEN" in [each["name"] for each in listed.lines]
    assert "s3cret" not in kept.out + kept.err + listed.out


def test_a_schedule_is_switched_off_and_stays_so(server: Embedded, tmp_path: Path) -> None:
    file = tmp_path / "daily.yaml"
    file.write_text(DAILY)
    server.signoff("deploy", str(file))

    server.signoff("schedules", "disable", "daily", "mornings")

    assert [each["enabled"] for each in server.signoff("schedules", "list").lines] == [False]


def test_a_webhook_is_set_up_tried_switched_and_removed(server: Embedded) -> None:
    made = server.signoff(
        "hooks", "create", f"http://127.0.0.1:{unused_port()}/in", "--types", "pause:opened"
    )
    hook = made.lines[0]["hookId"]
    tried = server.signoff("hooks", "test", hook)
    switched = server.signoff("hooks", "disable", hook)
    server.signoff("hooks", "remove", hook)
    gone = server.signoff("hooks", "show", hook)

    assert (tried.code, tried.lines[0]["delivered"]) == (1, False)
    assert (switched.lines[0]["enabled"], switched.lines[0]["types"]) == (False, ["pause:opened"])
    assert "secret" not in switched.lines[0]
    assert gone.code == 3


def test_workflows_and_their_versions_are_listed_and_a_definition_deploys_as_it_is(
    server: Embedded, tmp_path: Path
) -> None:
    listed = server.signoff("workflows", "list")
    file = tmp_path / "again.json"
    file.write_text(server.signoff("workflows", "show", "refund-approval").out)
    deployed = server.signoff("deploy", str(file), "--id", "again")
    server.signoff("workflows", "undeploy", "again")
    versions = server.signoff("workflows", "versions", "again")

    assert "refund-approval" in [each["id"] for each in listed.lines]
    assert (deployed.code, deployed.lines[0]["version"]) == (0, 1)
    assert [each["version"] for each in versions.lines] == [1]
    assert "is not deployed: deploy it" in server.signoff("run", "again").err


def test_a_key_says_whose_it_is_and_what_it_may_do(server: Embedded) -> None:
    key = server.signoff("keys", "create", "looks", "--roles", "read").lines[0]["key"]
    environment = server.environment | {"SIGNOFF_API_KEY": key}
    server.environment, before = environment, server.environment
    try:
        caller = server.signoff("whoami").lines[0]
        refused = server.signoff("env", "set", "TOKEN", given="x")
        limits = server.signoff("limits").lines[0]
    finally:
        server.environment = before

    assert caller["user"] is None
    assert [each["roles"] for each in caller["workspaces"]] == [["read"]]
    assert (refused.code, refused.err.count("\n")) == (3, 1)
    assert "`signoff whoami` shows what this key may do" in refused.err
    assert limits["rateLimit"]["sync"]["limit"] is None


def test_a_key_of_several_workspaces_acts_in_the_one_that_is_named(server: Embedded) -> None:
    workspace = server.signoff("workspaces", "create", "Finance").lines[0]["id"]
    server.environment["SIGNOFF_WORKSPACE"] = workspace
    try:
        there = server.signoff("workflows", "list")
    finally:
        del server.environment["SIGNOFF_WORKSPACE"]

    assert (there.code, there.out) == (0, "")
    assert server.signoff("workflows", "list").out
