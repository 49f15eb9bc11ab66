"""The examples, run as their READMEs say, on an embedded server."""

import asyncio
import json
import shutil
import sqlite3
from contextlib import closing
from typing import Any

import jsonschema_rs

from e2e.shell import Embedded, Ended, Shell
from signoff.events.schemas import documents
from support.openai_server import MODEL, OpenAiServer, Scripted, fails, says, says_json

REFUND = "@examples/refund-approval/input.json"
REVIEW = "@examples/publish-review/input.json"
GATE = "@examples/deploy-gate/input.json"
INVOICES = "@examples/batch-review/input.json"
LARGE = "@examples/large-refund/input.json"
MAIL = "@examples/triage/input.json"
YES = '{"approved": true, "comments": "fine"}'
NO = '{"approved": false, "comments": "not yet"}'


def data_of(record: dict[str, Any]) -> dict[str, Any]:
    """What the response block of a completed run answers."""
    assert record["status"] == "completed", record
    data: dict[str, Any] = record["output"]["data"]
    return data


def decide(server: Embedded, name: str, execution: str, given: dict[str, Any]) -> Ended:
    """Decide as one of the people of the examples."""
    return acting_as(server, name).signoff("resume", execution, "--input", json.dumps(given))


def acting_as(server: Embedded, name: str) -> Shell:
    """A shell with the key of one of the people of the examples."""
    key = (server.data / "keys" / name).read_text().strip()
    return Shell(SIGNOFF_URL=server.url, SIGNOFF_API_KEY=key)


def test_a_small_refund_is_paid_at_once(server: Embedded) -> None:
    done = server.signoff("run", "refund-approval", "--input", '{"amount": 80, "customer": "Ada"}')

    assert done.code == 0
    assert data_of(done.lines[0]) == {
        "refunded": True,
        "amount": 80,
        "receipt": "R-ADA-80",
        "approvedBy": None,
    }


def test_a_large_refund_waits_and_is_paid_once_somebody_approves(server: Embedded) -> None:
    paused = server.signoff("run", "refund-approval", "--id", "refund-yes", "--input", REFUND)
    assert paused.code == 4
    assert paused.lines[0]["pausePoints"][0]["contextId"] == "approve"

    done = server.signoff("resume", "refund-yes", "--input", YES)

    assert done.code == 0
    data = data_of(done.lines[0])
    assert (data["refunded"], data["receipt"], data["approvedBy"]) == (True, "R-ADA-250", "bootstrap")


def test_a_refused_refund_says_why(server: Embedded) -> None:
    server.signoff("run", "refund-approval", "--id", "refund-no", "--input", REFUND)

    done = server.signoff("resume", "refund-no", "approve", "--input", NO)

    assert data_of(done.lines[0]) == {"refunded": False, "why": "not yet"}


def test_an_urgent_article_is_published_when_both_agree_in_any_order(server: Embedded) -> None:
    paused = server.signoff("run", "publish-review", "--id", "urgent", "--input", REVIEW)
    assert sorted(point["contextId"] for point in paused.lines[0]["pausePoints"]) == ["editor", "lawyer"]

    which = server.signoff("resume", "urgent", "--input", YES)
    lawyer = server.signoff("resume", "urgent", "lawyer", "--input", YES)
    editor = server.signoff("resume", "urgent", "editor", "--input", YES)

    assert which.code == 2
    assert "urgent waits for 2 decisions" in which.err
    assert [line.strip() for line in which.err.splitlines()[1:]] == ["editor", "lawyer"]
    assert lawyer.code == 4
    assert editor.code == 0
    assert data_of(editor.lines[0])["published"] is True


def test_an_urgent_article_is_rejected_when_one_of_the_two_disagrees(server: Embedded) -> None:
    server.signoff("run", "publish-review", "--id", "disputed", "--input", REVIEW)

    server.signoff("resume", "disputed", "editor", "--input", YES)
    done = server.signoff("resume", "disputed", "--input", NO)

    data = data_of(done.lines[0])
    assert (data["published"], data["comments"]["lawyer"]) == (False, "not yet")


def test_an_article_with_time_goes_to_the_editor_and_then_to_the_lawyer(server: Embedded) -> None:
    article = json.dumps({"title": "On patience", "text": "It pays."})
    first = server.signoff("run", "publish-review", "--id", "patient", "--input", article)
    assert [point["contextId"] for point in first.lines[0]["pausePoints"]] == ["first_editor"]

    second = server.signoff("resume", "patient", "--input", YES)
    assert [point["contextId"] for point in second.lines[0]["pausePoints"]] == ["then_lawyer"]
    shown = second.lines[0]["pausePoints"][0]["response"]["data"]["responseStructure"]
    assert {"name": "The editor wrote", "type": "string", "value": "fine"} in shown

    done = server.signoff("resume", "patient", "--input", YES)
    assert data_of(done.lines[0]) == {"published": True, "title": "On patience"}


def test_what_the_editor_rejects_never_reaches_the_lawyer(server: Embedded) -> None:
    article = json.dumps({"title": "On haste", "text": "It does not."})
    server.signoff("run", "publish-review", "--id", "hasty", "--input", article)

    done = server.signoff("resume", "hasty", "--input", NO)

    assert data_of(done.lines[0])["published"] is False


def test_a_release_bakes_is_probed_and_goes_out_when_two_of_three_open_the_gate(server: Embedded) -> None:
    waiting = server.signoff("run", "deploy-gate", "--id", "release", "--input", GATE)
    shown = waiting.lines[0]["pausePoints"][0]["response"]["data"]["responseStructure"]
    assert {"name": "Canary.status", "type": "string", "value": "ok"} in shown

    first = decide(server, "ann", "release", {"go": True})
    assert (first.code, first.lines[0]["status"], first.lines[0]["approvals"]) == (4, "recorded", 1)
    done = decide(server, "ben", "release", {"go": True})

    data = data_of(done.lines[0])
    assert (data["released"], data["service"], data["version"]) == (True, "checkout", "2.4.0")
    assert [vote["verdict"] for vote in data["votes"]] == ["approved", "approved"]


def test_a_gate_stays_shut_when_security_says_no_and_whoever_started_it_has_no_voice(
    server: Embedded,
) -> None:
    server.signoff("run", "deploy-gate", "--id", "vetoed", "--input", GATE)

    own = server.signoff("resume", "vetoed", "--input", '{"go": true}')
    done = decide(server, "cleo", "vetoed", {"go": False, "why": "a hole"})

    assert own.code == 3
    assert data_of(done.lines[0]) == {"released": False, "why": "a hole"}


def test_a_large_refund_is_decided_by_its_group_and_has_a_deadline(server: Embedded) -> None:
    server.signoff("run", "large-refund", "--id", "large", "--input", LARGE)
    policy = acting_as(server, "ann").signoff("inbox", "show", "large").lines[0]["policy"]
    assert [step["action"] for step in policy["deadline"]] == ["remind", "escalate", "decide"]

    refused = decide(server, "cleo", "large", {"approved": True, "amount": 900})
    misfit = decide(server, "ann", "large", {"approved": True, "amount": 901})
    done = decide(server, "ann", "large", {"approved": True, "amount": 850})

    assert (refused.code, misfit.code) == (3, 3)
    assert data_of(done.lines[0]) == {"refunded": 850, "customer": "Ada", "reason": "late"}


def test_what_a_campaign_sends_is_what_was_approved(server: Embedded) -> None:
    given = {"subject": "Sale", "text": "Now", "receivers": ["ada@example.org"]}
    server.signoff("run", "campaign", "--id", "sale", "--input", json.dumps(given))

    acting_as(server, "ann").signoff("inbox", "return", "sale", "--reason", "when?")
    blocked = decide(server, "ben", "sale", {"approved": True})
    shown = json.dumps({"Subject": "Sale", "Text": "On Sunday", "Receivers": ["bo@example.org"]})
    amended = server.signoff("inbox", "amend", "sale", "--reason", "the day", "--display", shown)
    done = decide(server, "ben", "sale", {"approved": True})

    assert (blocked.code, amended.code) == (3, 0)
    ((mail,),) = data_of(done.lines[0])["sent"]
    assert mail["result"] == {"to": "bo@example.org", "subject": "Sale", "text": "On Sunday"}


def test_people_of_the_examples_are_made_once_and_their_keys_are_their_own_to_read(
    embedded: Embedded,
) -> None:
    embedded.serve("--examples")
    keys = keys_of(embedded)
    modes = {file.stat().st_mode & 0o777 for file in (embedded.data / "keys").iterdir()}

    embedded.stop()
    embedded.serve("--examples")

    assert (sorted(keys), modes) == (["ann", "ben", "cleo"], {0o600})
    assert keys_of(embedded) == keys
    assert len(embedded.signoff("users", "list").lines) == 3


def test_people_of_the_examples_whose_keys_were_lost_get_others(embedded: Embedded) -> None:
    embedded.serve("--examples")
    lost = keys_of(embedded)
    embedded.stop()
    shutil.rmtree(embedded.data / "keys")

    embedded.serve("--examples")

    assert lost.items().isdisjoint(keys_of(embedded).items())
    assert len(embedded.signoff("users", "list").lines) == 3
    assert acting_as(embedded, "cleo").signoff("inbox", "list").code == 0


def keys_of(server: Embedded) -> dict[str, str]:
    """The keys of the people of the examples, by name."""
    return {file.name: file.read_text() for file in (server.data / "keys").iterdir()}


def test_invoices_under_the_limit_need_nobody(server: Embedded) -> None:
    small = json.dumps({"invoices": [{"number": f"B-{number}", "amount": number} for number in range(50)]})

    done = server.signoff("run", "batch-review", "--input", small)

    data = data_of(done.lines[0])
    assert (data["total"], len(data["paid"]), data["refused"]) == (sum(range(50)), 50, [])


def test_each_large_invoice_waits_for_its_own_decision_in_any_order(server: Embedded) -> None:
    paused = server.signoff("run", "batch-review", "--id", "batch", "--input", INVOICES)
    assert [point["contextId"] for point in paused.lines[0]["pausePoints"]] == ["review₍1₎", "review₍2₎"]

    server.signoff("resume", "batch", "review₍2₎", "--input", '{"pay": false}')
    done = server.signoff("resume", "batch", "--input", '{"pay": true}')

    assert data_of(done.lines[0]) == {
        "total": 9920, "paid": {"A-1": "the limit", "A-2": "bootstrap"}, "refused": ["A-3"],
    }  # fmt: skip


def test_a_mail_is_answered_by_hand_where_there_is_no_model_and_who_writes_is_told_why(
    server: Embedded,
) -> None:
    paused = server.signoff("run", "triage", "--id", "by-hand", "--input", MAIL)
    assert shown_at(paused)["No draft"] == "No model: set the block's `model`, or SIGNOFF_LLM_MODEL"

    done = server.signoff("resume", "by-hand", "--input", '{"text": "We are sorry."}')

    assert data_of(done.lines[0]) == {"sorted": "by hand", "sent": True, "text": "We are sorry."}


async def test_a_mail_is_sorted_and_answered_by_a_model_and_sent_by_a_person(embedded: Embedded) -> None:
    async with OpenAiServer() as model:
        paused = await run_triage(embedded, model, route("complaint"), says("Dear Ada, we ", "are sorry."))
        done = await asyncio.to_thread(embedded.signoff, "resume", "mail", "--input", '{"send": true}')

    assert shown_at(paused)["Draft"] == "Dear Ada, we are sorry."
    assert data_of(done.lines[0]) == {
        "sorted": "complaint", "sent": True, "draft": "Dear Ada, we are sorry.", "instead": None,
    }  # fmt: skip


async def test_what_needs_no_answer_is_filed_without_anybody(embedded: Embedded) -> None:
    async with OpenAiServer() as model:
        done = await run_triage(embedded, model, route("other"))

    assert data_of(done.lines[0]) == {"sorted": "other", "sent": False}


async def test_a_model_that_sorts_but_does_not_draft_leaves_the_answer_to_a_person(
    embedded: Embedded,
) -> None:
    async with OpenAiServer() as model:
        paused = await run_triage(embedded, model, route("question"), fails(400, "too tired"))

    assert "Error: too tired | Status: 400" in shown_at(paused)["No draft"]


async def run_triage(server: Embedded, model: OpenAiServer, *answers: Scripted) -> Ended:
    """Sort the example's mail with a model that says what is given."""
    model.script(*answers)
    await asyncio.to_thread(server.serve, "--examples", SIGNOFF_LLM_URL=model.url, SIGNOFF_LLM_MODEL=MODEL)
    return await asyncio.to_thread(server.signoff, "run", "triage", "--id", "mail", "--input", MAIL)


def route(name: str) -> Scripted:
    return says_json({"route": name, "reasoning": "it says so"})


def shown_at(paused: Ended) -> dict[str, Any]:
    """What the one point of a paused run shows, by name."""
    (point,) = paused.lines[0]["pausePoints"]
    return {row["name"]: row["value"] for row in point["response"]["data"]["responseStructure"]}


def test_whatever_the_examples_have_written_fits_the_published_schema(server: Embedded) -> None:
    server.signoff("run", "refund-approval", "--input", REFUND)
    schema = jsonschema_rs.Draft202012Validator(documents.events())

    with closing(sqlite3.connect(f"file:{server.data / 'signoff.db'}?mode=ro", uri=True)) as connection:
        rows = connection.execute("SELECT state FROM stored_events").fetchall()

    assert len(rows) > 10
    assert [error.message for (raw,) in rows for error in schema.iter_errors(json.loads(raw))] == []
