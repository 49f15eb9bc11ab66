"""Workflows as people find, read, run, write and compare them."""

import re
from typing import Any, Final

from playwright.async_api import FilePayload, Page, expect

from browser.conftest import OpenPage
from support.browser_pages import Watch, axe, screenshot, snapshot, weight
from support.browser_server import BrowserServer, Person

MOST_BYTES: Final = 150_000

BLOCKS: Final[dict[str, Any]] = {
    "mornings": {"type": "schedule", "cron": "0 9 * * 1-5", "timezone": "Europe/Berlin", "then": "sum"},
    "pushed": {"type": "webhook", "secret": "{{PUSH_SECRET}}", "then": "sum"},
    "sum": {"type": "function", "code": "return <start.amount> * 2", "then": "approve", "catch": "refused"},
    "approve": {
        "type": "human_in_the_loop",
        "name": "Approve the refund",
        "show": {"Amount": "<start.amount>"},
        "form": {"approved": "boolean"},
        "then": "check",
    },
    "check": {
        "type": "condition",
        "cases": [{"when": "<approve.approved>", "then": "paid"}, {"else": "refused"}],
    },
    "paid": {"type": "response", "data": "paid"},
    "refused": {"type": "response", "data": "refused"},
}
INPUT: Final[dict[str, Any]] = {
    "amount": {"type": "number", "required": True, "max": 500, "description": "What is given back"},
    "customer": {"type": "string", "default": "Ada"},
    "urgent": "boolean",
    "kind": {"type": "string", "options": ["late", {"value": "broken", "label": "Broken or wrong"}]},
    "papers": {"type": "files", "accept": [".pdf"]},
}
EXECUTION: Final = re.compile(r"/executions/[0-9a-f-]{36}$")


async def _deploy(server: BrowserServer, **more: Any) -> str:
    return await server.deploy(BLOCKS, name="refund", start="sum", input=INPUT, **more)


async def _input_of(server: BrowserServer, page: Page) -> Any:
    execution = page.url.rpartition("/")[2]
    return (await server.call("GET", f"/api/executions/{execution}"))["input"]


async def test_a_workflow_is_found_and_read(
    open_page: OpenPage, server: BrowserServer, person: Person
) -> None:
    workflow = await _deploy(server)
    page = await open_page(person, "/workflows")
    await axe(page)
    await snapshot(page.get_by_role("row").filter(has_text=workflow), "workflows-row")
    await page.get_by_role("link", name=workflow, exact=True).click()

    await expect(page.get_by_role("heading", name=workflow)).to_be_visible()
    await expect(page.get_by_text(f"/api/webhooks/{workflow}/pushed")).to_be_visible()
    await expect(page.get_by_text("0 9 * * 1-5")).to_be_visible()
    await axe(page)
    await snapshot(page.locator("sf-graph"), "workflow-graph")
    await screenshot(page, "workflow")

    await page.get_by_role("link", name=re.compile("Approve the refund, Decision")).click()
    await expect(page.get_by_role("heading", name="Approve the refund")).to_be_visible()
    await page.get_by_role("link", name="Source").click()
    await expect(page.get_by_role("region", name="Definition")).to_contain_text("return <start.amount> * 2")
    await axe(page)
    await snapshot(page.locator("main"), "workflow-source")


async def test_a_schedule_is_switched_off(page: Page, server: BrowserServer) -> None:
    workflow = await _deploy(server)
    await page.goto(f"/workflows/{workflow}")

    await page.get_by_role("button", name="Switch off mornings").click()

    await expect(page.get_by_text("The schedule mornings is off.")).to_be_visible()
    await expect(page.get_by_role("button", name="Switch on mornings")).to_be_visible()


async def test_a_workflow_is_run_by_its_form(page: Page, server: BrowserServer, watch: Watch) -> None:
    watch.expect("422")
    workflow = await _deploy(server)
    await page.goto(f"/workflows/{workflow}")
    await page.get_by_role("link", name="Run").first.click()
    await axe(page)
    await snapshot(page.locator("#run"), "workflow-run")
    await page.get_by_label("amount").fill("900")
    await page.get_by_role("button", name="Run", exact=True).click()
    await expect(page.get_by_text('"amount" must be at most 500')).to_be_visible()
    await expect(page.locator("[data-problems]")).to_be_focused()
    await axe(page)

    await page.get_by_label("amount").fill("20")
    await page.get_by_label("kind").select_option(label="Broken or wrong")
    await page.get_by_label("urgent").select_option(label="No")
    papers: FilePayload = {"name": "a.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4"}
    await page.get_by_label("papers").set_input_files(papers)
    await page.get_by_role("button", name="Run", exact=True).click()
    await page.wait_for_url(EXECUTION)

    given = await _input_of(server, page)
    assert [each["name"] for each in given.pop("papers")] == ["a.pdf"]
    assert given == {"amount": 20, "customer": "Ada", "urgent": False, "kind": "broken"}


async def test_a_form_is_sent_without_scripts(
    open_page: OpenPage, server: BrowserServer, person: Person, watch: Watch
) -> None:
    watch.expect("422")
    workflow = await _deploy(server)
    page = await open_page(person, f"/workflows/{workflow}/run", scripts=False)
    await page.get_by_role("button", name="Run", exact=True).click()
    await expect(page.get_by_text('"amount" is required')).to_be_visible()

    await page.get_by_label("amount").fill("20")
    await page.get_by_role("button", name="Run", exact=True).click()

    await page.wait_for_url(EXECUTION)
    assert (await _input_of(server, page))["amount"] == 20


async def test_a_workflow_without_fields_is_run_with_json(
    page: Page, server: BrowserServer, watch: Watch
) -> None:
    watch.expect("400")
    workflow = await server.deploy({"done": {"type": "response", "data": "<start.list>"}}, name="echo")
    await page.goto(f"/workflows/{workflow}/run")
    await page.get_by_label("Input as JSON").fill("{list: 1}")
    await page.get_by_role("button", name="Run with this JSON").click()
    await expect(page.get_by_text("The input is not JSON")).to_be_visible()
    await expect(page.locator("[data-problems]")).to_be_focused()

    await page.get_by_label("Input as JSON").fill('{"list": [1, 2]}')
    await page.get_by_role("button", name="Run with this JSON").click()

    await page.wait_for_url(EXECUTION)
    assert await _input_of(server, page) == {"list": [1, 2]}


WRONG: Final = """workflow: written
blocks:
  check:
    type: human_in_the_loop
    then: pya
  pay: {type: function, code: "return }"}
"""


async def test_a_new_workflow_is_checked_and_deployed(
    page: Page, server: BrowserServer, watch: Watch
) -> None:
    watch.expect("422")
    await page.goto("/workflows/+new")
    await axe(page)
    await snapshot(page.locator("main"), "workflow-new")
    await page.get_by_label("Definition").fill(WRONG)
    await page.get_by_role("button", name="Deploy").click()
    remarks = page.locator("#remarks")
    await expect(remarks).to_contain_text('Fault in line 5: there is no block "pya" (did you mean "pay"?)')
    await expect(remarks).to_contain_text("blocks.pay.code")
    await axe(page)

    await page.get_by_label("Definition").fill(WRONG.replace("pya", "pay").replace("return }", "return 1"))
    await page.get_by_role("button", name="Check").click()
    await expect(page.get_by_role("heading", name="It can be deployed")).to_be_visible()
    await expect(page.locator("sf-graph .gb")).to_have_count(3)
    await page.get_by_role("button", name="Deploy").click()

    await page.wait_for_url("**/workflows/written")
    await expect(page.get_by_text("Version 1 is deployed")).to_be_visible()


async def test_a_definition_is_deployed_from_a_file(page: Page, server: BrowserServer) -> None:
    text = "workflow: uploaded\nblocks:\n  done: {type: response, data: done}\n"
    await page.goto("/workflows/+new")
    file: FilePayload = {"name": "workflow.yaml", "mimeType": "application/yaml", "buffer": text.encode()}
    await page.get_by_label("Or a file").set_input_files(file)
    await page.get_by_role("button", name="Deploy").click()

    await page.wait_for_url("**/workflows/uploaded")


async def test_versions_are_compared_and_an_earlier_one_is_activated(
    open_page: OpenPage, server: BrowserServer, person: Person
) -> None:
    workflow = await _deploy(server)
    changed = {
        **{name: block for name, block in BLOCKS.items() if name != "pushed"},
        "sum": {**BLOCKS["sum"], "code": "return <start.amount> * 3"},
        "told": {"type": "function", "code": "return 1"},
    }
    await server.call(
        "PUT", f"/api/workflows/{workflow}", json={"start": "sum", "input": INPUT, "blocks": changed}
    )
    page = await open_page(person, f"/workflows/{workflow}/versions")
    await axe(page)
    await snapshot(page.locator("#versions"), "workflow-versions")
    await page.get_by_role("button", name="Compare").click()

    graph = page.locator("sf-graph")
    await expect(graph.get_by_role("link").or_(graph.locator(".gb"))).not_to_have_count(0)
    await expect(graph.locator('[data-change="added"]')).to_contain_text("told")
    await expect(graph.locator('[data-change="removed"]')).to_contain_text("pushed")
    await expect(graph.locator('[data-change="changed"]').first).to_be_visible()
    diff = page.get_by_role("region", name="Differences line by line")
    await expect(diff.locator("del").filter(has_text="2").first).to_be_visible()
    await expect(diff.locator("ins").filter(has_text="3").first).to_be_visible()
    await axe(page)
    await snapshot(page.locator("main"), "workflow-compare")
    await screenshot(page, "workflow-compare")

    await page.goto(f"/workflows/{workflow}/versions")
    await page.get_by_text("Activate…").click()
    await page.get_by_role("button", name="Activate version 1").click()
    await expect(page.get_by_text("Version 1 is active")).to_be_visible()
    assert (await server.call("GET", f"/api/workflows/{workflow}"))["version"] == 1


async def test_hostile_names_are_shown_as_data(page: Page, server: BrowserServer) -> None:
    name = "<script>alert(1)</script>\u202egnp.exe"
    workflow = await server.deploy(
        {"done": {"type": "response", "name": name, "data": "x" * 200_000}}, name="hostile"
    )
    for path in ("", "?block=done", "/source", "/run", "/versions", "/compare?left=1&right=1"):
        await page.goto(f"/workflows/{workflow}{path}")
        await expect(page.locator("h1")).to_be_visible()
        await expect(page.locator("main script:not([type='application/json'])")).to_have_count(0)
    await page.goto(f"/workflows/{workflow}")
    await expect(
        page.get_by_role("link", name="<script>alert(1)</script>[U+202E]gnp.exe, Response")
    ).to_be_visible()


async def test_who_may_only_read_is_offered_nothing_else(
    open_page: OpenPage, server: BrowserServer, watch: Watch
) -> None:
    watch.expect("403")
    workflow = await _deploy(server)
    reader = await server.add_person("Rea", "auditor")
    page = await open_page(reader, f"/workflows/{workflow}")
    await expect(page.get_by_role("link", name="New version")).to_have_count(0)
    await page.goto(f"/workflows/{workflow}/run")
    await expect(page.get_by_text("You may not run workflows here")).to_be_visible()
    await page.goto("/workflows/+new")
    await expect(page.get_by_role("heading", name="This is not for you")).to_be_visible()


async def test_a_form_that_is_sent_twice_runs_once(page: Page, server: BrowserServer) -> None:
    workflow = await _deploy(server)
    await page.goto(f"/workflows/{workflow}/run")
    key = await page.locator("#run [name=key]").input_value()

    led_to = {
        (
            await page.request.post(
                f"/workflows/{workflow}/run",
                multipart={
                    "key": key,
                    "field.amount": "20",
                    "field.papers": {"name": "a.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4"},
                },
                headers={"Origin": server.url},
                max_redirects=0,
            )
        ).headers["location"]
        for _ in range(2)
    }

    assert len(led_to) == 1


async def test_a_draft_is_of_the_workflow_it_was_written_for(page: Page, server: BrowserServer) -> None:
    first, second = await _deploy(server), await _deploy(server)
    await page.goto(f"/workflows/+new?of={first}")
    await page.get_by_label("Definition").fill("only for the first")
    await page.wait_for_function(
        "() => Object.values(localStorage).some((each) => each.includes('only for the first'))"
    )

    await page.goto(f"/workflows/+new?of={second}")
    await expect(page.get_by_label("Workflow id")).to_have_value(second)
    await expect(page.get_by_label("Definition")).not_to_have_value("only for the first")

    await page.goto(f"/workflows/+new?of={first}")
    await expect(page.get_by_label("Definition")).to_have_value("only for the first")


async def test_a_workflow_may_be_called_new(page: Page, server: BrowserServer) -> None:
    blocks = {"done": {"type": "response", "data": "done"}}
    await server.call("PUT", "/api/workflows/new", json={"blocks": blocks})

    await page.goto("/workflows/new")

    await expect(page.get_by_role("heading", name="new", exact=True)).to_be_visible()


def _many(count: int) -> dict[str, Any]:
    """Blocks of a large workflow: a chain with choices, and failures that lead to one block."""
    blocks: dict[str, Any] = {
        f"b{each}": {
            "type": "condition",
            "cases": [{"when": "true", "then": f"b{each + 1}"}, {"else": f"b{min(count - 2, each + 5)}"}],
        }
        if each % 6 == 0
        else {"type": "function", "code": "return 1", "then": f"b{each + 1}", "catch": "failed"}
        for each in range(count - 2)
    }
    done = {"type": "response", "data": "done"}
    return {**blocks, f"b{count - 2}": done, "failed": done}


async def test_the_page_of_a_large_workflow_is_light(page: Page, server: BrowserServer) -> None:
    workflow = await server.deploy(_many(300), name="large")

    answer = await page.goto(f"/workflows/{workflow}")

    assert answer is not None
    assert len(await answer.body()) < MOST_BYTES
    await expect(page.locator("sf-graph .gb")).to_have_count(301)
    assert await weight(page, f"/workflows/{workflow}", sent=True) < MOST_BYTES / 2


async def test_pages_of_workflows_are_light_and_fit_a_phone(
    open_page: OpenPage, server: BrowserServer, person: Person
) -> None:
    workflow = await _deploy(server)
    page = await open_page(person, phone=True, dark=True)
    for path in ("/workflows", f"/workflows/{workflow}", f"/workflows/{workflow}/run", "/workflows/+new"):
        assert await weight(page, path) < MOST_BYTES
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        await axe(page)
