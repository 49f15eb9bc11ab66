"""Executions as people watch them: the list, the graph and its past, events, comparisons, proofs."""

import asyncio
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Page, expect

from browser.conftest import OpenPage
from support.browser_pages import Watch, axe, screenshot, snapshot, weight
from support.browser_server import BrowserServer, Person

REFUND: Final = {
    "check": {
        "type": "condition",
        "cases": [{"when": "<start.amount> <= 100", "then": "pay"}, {"else": "approve"}],
    },
    "approve": {
        "type": "human_in_the_loop",
        "name": "Approve",
        "show": {"Amount": "<start.amount>"},
        "form": {"approved": "boolean"},
        "then": "pay",
    },
    "pay": {"type": "variables", "name": "Pay", "set": {"paid": "<start.amount>"}},
}
INPUT: Final = {"amount": "number", "customer": "string"}
HOSTILE: Final = "<img src=x onerror=alert(1)>\u202e\x07</script>" + "x" * 100_000


async def refund(server: BrowserServer, amount: int = 250, **more: Any) -> tuple[str, str]:
    """A refund that waits for its approval, or is done if it is small: its workflow and its id."""
    workflow = await server.deploy(REFUND, name="refund", input=INPUT, **more)
    answer = await server.execute(workflow, {"amount": amount, "customer": "ACME"})
    return workflow, answer["executionId"]


async def approve(server: BrowserServer, workflow: str, execution: str) -> None:
    await server.call("POST", f"/api/resume/{workflow}/{execution}/approve", json={"approved": True})


def turns(step: str, **more: Any) -> dict[str, Any]:
    """A loop of 800 turns, each of three events."""
    inner = {step: {"type": "variables", "set": {"at": "<loop.index>"}}}
    return {"type": "loop", "for": 800, "blocks": inner, **more}


def block(page: Page, name: str) -> Any:
    """A block of the graph, by what it says of itself."""
    return page.locator("#graph .gb").filter(
        has=page.locator("title", has_text=re.compile(f"^{re.escape(name)},"))
    )


async def test_an_execution_is_found_and_watched_live(
    page: Page, server: BrowserServer, open_page: OpenPage, person: Person
) -> None:
    workflow, execution = await refund(server)
    await page.goto(f"/executions?workflowId={workflow}")
    await expect(page.get_by_role("row").filter(has_text="Waiting")).to_have_count(1)
    await snapshot(page.locator("#executions"), "executions-list")
    await axe(page)
    await screenshot(page, "executions")

    await page.locator("#executions tbody th a").click()
    await expect(page.locator("#status")).to_have_text("Waiting")
    await expect(block(page, "Approve")).to_have_attribute(
        "href", f"/resume/{workflow}/{execution}?contextId=approve"
    )
    await snapshot(page.locator("#execution"), "execution")
    await axe(page)

    await approve(server, workflow, execution)

    await expect(page.locator("#status")).to_have_text("Completed")
    await expect(block(page, "Pay")).to_have_attribute("data-tone", "good")
    await expect(page.locator(".gls .taken")).to_have_count(3)
    dark = await open_page(person, f"/executions/{execution}", dark=True)
    await axe(dark)


async def test_the_slider_shows_graph_and_state_as_of_any_event_by_keyboard(
    page: Page, server: BrowserServer
) -> None:
    workflow, execution = await refund(server)
    await approve(server, workflow, execution)
    await page.goto(f"/executions/{execution}")
    slider = page.get_by_role("slider", name="As of event")
    await slider.focus()

    await page.keyboard.press("Home")
    await expect(page.locator("#when")).to_contain_text("Event 1 of")
    await expect(page.locator("#status")).to_have_text("Running")
    await expect(block(page, "Pay")).not_to_have_attribute("data-tone", "good")
    await expect(page).to_have_url(f"{server.url}/executions/{execution}?asOf=1")
    await page.keyboard.press("ArrowRight")
    await expect(page.locator("#when")).to_contain_text("Event 2 of")
    await expect(slider).to_be_focused()
    await expect(slider).to_have_attribute("aria-valuetext", re.compile("^Event 2 of"))
    await axe(page)
    await screenshot(page, "execution-past")

    await page.reload()
    await expect(page.locator("#when")).to_contain_text("Event 2 of")
    await page.get_by_role("link", name="Back to now").click()
    await expect(page.locator("#status")).to_have_text("Completed")


async def test_a_fork_goes_on_from_the_event_at_which_it_was_asked_for(
    page: Page, server: BrowserServer
) -> None:
    workflow, execution = await refund(server)
    await page.goto(f"/executions/{execution}")
    asked, question = page.locator("#ask-fork > summary"), page.locator("#ask-fork")
    event_id = await question.locator("[name=eventId]").input_value()
    await asked.click()

    await approve(server, workflow, execution)
    await expect(page.locator("#status")).to_have_text("Completed")

    await expect(question).to_contain_text(f"from event {event_id}.")
    await expect(question.locator("[name=eventId]")).to_have_value(event_id)
    await page.locator("#earlier").click()
    await expect(question).not_to_contain_text(f"from event {event_id}.")
    await page.get_by_role("link", name="Back to now").click()
    await asked.click()
    await expect(question.locator("[name=eventId]")).not_to_have_value(event_id)


async def test_an_execution_lists_its_forks_live(
    page: Page, server: BrowserServer, open_page: OpenPage, person: Person
) -> None:
    workflow, execution = await refund(server)
    watching = await open_page(person, f"/executions/{execution}")
    await expect(watching.locator("#status")).to_have_text("Waiting")
    await expect(watching.locator("#forks")).to_have_count(0)

    await page.goto(f"/executions/{execution}")
    await page.get_by_text("Fork…").click()
    await page.get_by_role("button", name="Begin the fork").click()
    await expect(page.get_by_text("Fork of")).to_be_visible()
    fork = page.url.rpartition("/")[2]

    listed = watching.locator("#forks [data-key]")
    await expect(listed).to_have_count(1)
    await expect(listed).to_contain_text(re.compile(f"Waiting.*{fork}.*by {person.name}", re.DOTALL))
    await approve(server, workflow, fork)
    await expect(listed).to_contain_text("Completed")
    await expect(watching.locator("#status")).to_have_text("Waiting")
    await snapshot(watching.locator("#forks"), "execution-forks")
    await axe(watching)

    for _ in range(10):
        body = {"mode": "live"}
        latest = await server.call("POST", f"/api/executions/{execution}/forks", json=body)
    await expect(listed).to_have_count(10)
    await expect(listed.first).to_contain_text(latest["executionId"])
    await axe(watching)
    await watching.get_by_role("link", name="All forks").click()
    await expect(watching.locator("#executions tbody tr")).to_have_count(11)
    await expect(watching.get_by_label("Fork of")).to_have_value(execution)
    await watching.get_by_role("link", name="Completed").click()
    await expect(watching.locator("#executions tbody tr")).to_have_count(1)
    await watching.get_by_role("link", name="Clear").click()
    await expect(watching.locator("#executions tbody tr").nth(11)).to_be_visible()


async def test_values_of_a_block_and_every_event_are_shown(page: Page, server: BrowserServer) -> None:
    workflow, execution = await refund(server)
    await approve(server, workflow, execution)
    await page.goto(f"/executions/{execution}")

    await page.locator(".timeline").get_by_role("link", name="Approve").click()
    await expect(page.locator("#values")).to_contain_text("approved")
    await expect(page).to_have_url(f"{server.url}/executions/{execution}?block=approve&turn=approve")
    await page.go_back()
    await expect(page.locator("#values-title")).to_have_text("The execution")

    await page.goto(f"/executions/{execution}/events")
    await snapshot(page.locator("#events"), "execution-events")
    await page.goto(f"/executions/{execution}/events#event-3")
    line = page.locator("#event-3")
    await expect(line).to_be_focused()
    await expect(line.locator("time")).to_have_text(re.compile(r"^\d{1,2} \w+, \d\d:\d\d:\d\d\.\d{3} UTC$"))
    await expect(line.locator(".json-tree")).to_contain_text("block:completed")
    unfold = page.get_by_role("button", name="JSON of event 2")
    await unfold.evaluate("(button) => { button.click(); button.click(); }")
    await expect(page.locator("#event-2 .json-tree")).to_have_count(1)
    await expect(unfold).to_have_attribute("aria-expanded", "true")
    await axe(page)
    await page.get_by_label("About").select_option("pause")
    await page.get_by_role("button", name="Show").click()
    await expect(page.locator(".events > li")).to_have_count(1)
    await page.locator(".event-number").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Event ")
    await snapshot(page.locator("main"), "execution-event")
    await axe(page)


async def test_two_executions_are_compared(page: Page, server: BrowserServer) -> None:
    workflow, first = await refund(server)
    second = (await server.execute(workflow, {"amount": 80, "customer": "ACME"}))["executionId"]

    await page.goto(f"/executions/{first}")
    await page.get_by_role("link", name="Compare…").click()
    await page.get_by_label("Second execution").fill(second)
    await page.get_by_role("button", name="Compare").click()

    await expect(page.get_by_role("row").filter(has_text="input › amount")).to_contain_text("250")
    await expect(block(page, "Approve")).to_have_attribute("data-change", "only first")
    await expect(block(page, "check")).to_have_attribute("data-change", "differs")
    await expect(page.locator("#pairs table")).to_be_hidden()
    await page.get_by_text("Event by event").click()
    await expect(page.get_by_role("row").filter(has_text="pause:opened")).to_contain_text("only first")
    await snapshot(page.locator("main"), "executions-compare")
    await axe(page)


async def test_what_two_decisions_led_to_is_not_said_twice(page: Page, server: BrowserServer) -> None:
    workflow, first = await refund(server)
    second = (await server.execute(workflow, {"amount": 250, "customer": "ACME"}))["executionId"]
    await approve(server, workflow, first)
    await server.call("POST", f"/api/resume/{workflow}/{second}/approve", json={"approved": False})

    await page.goto(f"/executions/compare?left={first}&right={second}")

    decisions = page.get_by_role("region", name="Decisions")
    await expect(decisions.get_by_role("row").filter(has_text="approved")).to_have_count(1)
    await expect(block(page, "Approve")).to_have_attribute("data-change", "differs")
    await expect(page.locator("#differences .follow table:visible")).to_have_count(0)
    await page.locator("#differences details.group > summary", has_text="Approve").click()
    await page.locator("#differences details[open] .follow > summary").click()
    await expect(page.locator("#differences .follow[open] tbody th").first).to_be_visible()
    await expect(page.get_by_role("link", name="All differences as JSON")).to_have_attribute(
        "href", re.compile(f"/api/executions/{first}/diff[?]with={second}")
    )
    await axe(page)


async def test_a_form_with_one_execution_says_that_two_are_compared(
    page: Page, server: BrowserServer, watch: Watch
) -> None:
    watch.expect("422")
    await page.goto("/executions/compare?left=some&right=")
    await expect(page.get_by_text("Name both executions.")).to_be_visible()
    await page.goto("/executions/compare?left=some")
    await expect(page.get_by_label("First execution")).to_have_value("some")
    await expect(page.get_by_text("Name both executions.")).to_have_count(0)


async def test_a_fork_counts_nothing_that_its_source_did(page: Page, server: BrowserServer) -> None:
    workflow, execution = await refund(server)
    forked = await server.call("POST", f"/api/executions/{execution}/forks", json={"mode": "live"})
    await approve(server, workflow, forked["executionId"])

    await page.goto(f"/executions/{forked['executionId']}")

    await expect(page.locator("#status")).to_have_text("Completed")
    await expect(block(page, "check")).to_contain_text("Taken over")
    line = page.locator(".timeline tbody tr").filter(has_text="check")
    await expect(line.locator("td.number")).to_have_text("")
    await expect(line.locator(".bars rect:not([class^=stretch])")).to_have_count(0)
    await expect(block(page, "Approve")).to_contain_text(re.compile("Decided · waited"))


async def test_moments_name_their_zone_and_filters_are_in_it(
    open_page: OpenPage, server: BrowserServer, person: Person
) -> None:
    workflow, execution = await refund(server)
    page = await open_page(person, zone="Asia/Kolkata")

    await page.goto(f"/executions/{execution}/events")
    await expect(page.locator(".events time").first).to_have_text(re.compile(r"GMT\+5:30$"))
    await page.goto(f"/executions?workflowId={workflow}&startedAfter=2026-01-01T00:00")
    field = page.get_by_label("Started from (GMT+5:30)")
    await expect(field).to_have_value("2026-01-01T05:30")
    await field.fill("2026-01-02T05:30")
    await page.get_by_role("button", name="Find").click()
    await expect(page).to_have_url(re.compile("startedAfter=2026-01-02T00%3A00"))
    await expect(field).to_have_value("2026-01-02T05:30")
    await expect(page.locator("#executions tbody tr")).to_have_count(1)


async def test_a_print_has_moments_and_no_buttons(page: Page, server: BrowserServer) -> None:
    _, execution = await refund(server)
    await page.goto(f"/executions/{execution}")
    await expect(page.locator(".graph-tools")).to_be_visible()

    await page.emulate_media(media="print")

    await expect(page.locator(".button:visible")).to_have_count(0)
    await expect(page.locator("input[type=range]:visible")).to_have_count(0)
    printed = "(e) => getComputedStyle(e, '::after').content"
    moment = await page.locator(".execution-facts time").first.evaluate(printed)
    assert re.search(r"\d{1,2} \w+ \d{4}, \d\d:\d\d:\d\d UTC", moment)


async def test_a_cut_case_of_a_condition_is_told_whole(page: Page, server: BrowserServer) -> None:
    when = "<start.amount> > 0 && <start.amount> <= 100 && <start.customer> != 'nobody at all'"
    blocks = {
        "check": {"type": "condition", "cases": [{"when": when, "then": "pay"}, {"else": "refuse"}]},
        "pay": {"type": "response", "data": "paid"},
        "refuse": {"type": "response", "data": "refused"},
    }
    workflow = await server.deploy(blocks, input=INPUT)
    await server.execute(workflow, {"amount": 7, "customer": "ACME"})
    await page.goto(f"/executions?workflowId={workflow}")
    await page.locator("#executions tbody th a").click()
    cut = block(page, "check").locator(".e").first
    await expect(cut).to_contain_text("…")
    await expect(cut.locator("title")).to_have_text(when)
    await block(page, "check").click()
    await expect(page.locator(".ways")).to_contain_text(when)
    await expect(page.locator(".ways div").first).to_contain_text("taken")
    await axe(page)


async def test_a_cancelled_execution_says_who_cancelled_it_and_has_no_error(
    page: Page, server: BrowserServer, person: Person
) -> None:
    workflow, execution = await refund(server)
    await page.goto(f"/executions/{execution}")
    await page.get_by_text("Cancel…").click()
    await page.get_by_role("button", name="Cancel the execution").click()
    await expect(page.get_by_text(f"Cancelled by {person.name}")).to_be_visible()

    await page.goto(f"/executions?workflowId={workflow}")
    await expect(page.locator("#executions tbody tr")).to_contain_text("Cancelled")
    await expect(page.locator("#executions .told")).to_have_count(0)


async def test_a_damaged_log_is_told_of(page: Page, server: BrowserServer, watch: Watch) -> None:
    watch.expect("ERR_|503")
    _, execution = await refund(server)
    await page.goto(f"/executions/{execution}/verification")
    await expect(page.get_by_role("heading", name="The log is as it was recorded")).to_be_visible()
    await snapshot(page.locator("main"), "execution-verification")
    await axe(page)

    await server.stop()
    try:
        await asyncio.to_thread(damage, server.data, execution)
    finally:
        await server.start()

    await page.get_by_role("link", name="Verify again").click()
    await expect(page.get_by_role("heading", name="The log is not as it was recorded")).to_be_visible()
    await expect(page.locator(".faults")).to_contain_text("does not carry the hash")
    await axe(page)


def damage(folder: Path, execution: str) -> None:
    """Raise an amount behind everybody's back."""
    with closing(sqlite3.connect(folder / "signoff.db")) as database, database:
        changed = database.execute(
            "UPDATE stored_events SET state = CAST(replace(state, '250', '999') AS BLOB) "
            "WHERE originator_id = ? AND originator_version = 1",
            (execution.replace("-", ""),),
        )
        assert changed.rowcount == 1


async def test_an_execution_is_cancelled_and_run_again(page: Page, server: BrowserServer) -> None:
    _, execution = await refund(server)
    await page.goto(f"/executions/{execution}")

    await page.get_by_text("Cancel…").click()
    await axe(page)
    await page.get_by_role("button", name="Cancel the execution").click()
    await expect(page.get_by_text("The execution is cancelled.")).to_be_visible()
    await expect(page.locator("#status")).to_have_text("Cancelled")

    await page.get_by_text("Run again…").click()
    await page.get_by_role("button", name="Run", exact=True).click()
    await expect(page.locator("#status")).to_have_text("Waiting")
    assert execution not in page.url
    await page.get_by_text("Fork…").click()
    await snapshot(page.locator("#ask-fork"), "execution-fork")
    await page.get_by_label("Why?").and_(page.locator("#fork-reason")).fill("what if")
    await page.get_by_role("button", name="Begin the fork").click()
    await expect(page.get_by_text("Fork of")).to_be_visible()


async def test_a_long_log_makes_no_large_page(page: Page, server: BrowserServer) -> None:
    workflow = await server.deploy({"first": turns("one", then="second"), "second": turns("other")})
    execution = (await server.execute(workflow))["executionId"]

    assert await weight(page, f"/executions/{execution}") < 150_000
    await expect(page.locator("#status")).to_have_text("Completed")
    await expect(page.locator(".timeline")).to_contain_text("800 times")
    assert await weight(page, f"/executions/{execution}/events") < 150_000
    await page.get_by_role("link", name="Next page").click()
    await expect(page.locator("#event-51")).to_be_visible()
    await page.goto(f"/executions/{execution}/events#event-4321")
    await expect(page.locator("#event-4321")).to_be_focused()


async def test_hostile_values_are_data(page: Page, server: BrowserServer) -> None:
    blocks = {"keep": {"type": "variables", "name": "<b>Keep</b>", "set": {"text": "<start.text>"}}}
    more: dict[str, Any] = {"input": {"text": "string"}, "variables": {"text": ""}}
    workflow = await server.deploy(blocks, attributes=["text"], **more)
    execution = (await server.execute(workflow, {"text": HOSTILE}))["executionId"]
    short = (await server.execute(workflow, {"text": HOSTILE[:40]}))["executionId"]

    one = f"/executions/{execution}"
    for path in (
        f"/executions?workflowId={workflow}",
        one,
        f"{one}?show=input",
        f"{one}?block=keep",
        f"{one}/events/1",
        f"/executions/compare?left={execution}&right={short}",
    ):
        await page.goto(path)
        await expect(page.locator("main img")).to_have_count(0)
        await expect(page.locator("main b b")).to_have_count(0)
    await axe(page)


async def test_an_execution_is_looked_at_on_a_phone_and_without_scripts(
    server: BrowserServer, open_page: OpenPage, person: Person
) -> None:
    _, execution = await refund(server)
    phone = await open_page(person, f"/executions/{execution}", phone=True)
    await axe(phone)
    assert await phone.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await screenshot(phone, "execution-phone")

    plain = await open_page(person, f"/executions/{execution}", scripts=False)
    await plain.locator("#earlier").click()
    await expect(plain.locator("#when")).to_contain_text("Event 7 of 8")
    await plain.get_by_text("Cancel…").click()
    await plain.get_by_role("button", name="Cancel the execution").click()
    await expect(plain.locator("#status")).to_have_text("Cancelled")
    await expect(plain.get_by_text("The execution is cancelled.")).to_be_visible()


async def test_a_watched_execution_goes_on_after_a_restart_of_the_server(
    page: Page, server: BrowserServer, watch: Watch
) -> None:
    watch.expect("ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_EMPTY_RESPONSE|503")
    workflow, execution = await refund(server)
    await page.goto(f"/executions/{execution}")
    await server.stop()
    await server.start()

    await approve(server, workflow, execution)

    await expect(page.locator("#status")).to_have_text("Completed")


async def test_the_list_is_filtered_by_keyboard_alone(
    page: Page, server: BrowserServer, watch: Watch
) -> None:
    workflow, _ = await refund(server, attributes=["customer"], variables={"customer": ""})
    watch.expect("400")
    await page.goto("/executions")

    await page.keyboard.press("/")
    await page.keyboard.type(workflow)
    await page.keyboard.press("Enter")
    await expect(page.locator("#executions tbody tr")).to_have_count(1)
    await page.locator("summary", has_text="More filters").focus()
    await page.keyboard.press("Enter")
    await page.get_by_label("Attribute").fill("amount")
    await page.keyboard.press("Enter")
    await expect(page.locator("#field-attribute-error")).to_be_visible()
    await axe(page)
