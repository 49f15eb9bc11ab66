"""The inbox, as people work through it."""

import re
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from browser.conftest import OpenPage
from support.browser_pages import Watch, axe, screenshot, snapshot, weight
from support.browser_server import PASSWORD, BrowserServer, Person

MOST_BYTES = 150_000
YES_OR_NO = {"approved": {"type": "boolean", "required": True}, "comments": "string"}


def asking(title: str, **more: Any) -> dict[str, Any]:
    """Blocks that ask one person."""
    block = {"type": "human_in_the_loop", "title": title, "show": {"Amount": "<start.amount>"}}
    return {"ask": {**block, "form": YES_OR_NO, **more}}


class Desk:
    """A workspace of its own, with somebody who decides there."""

    def __init__(self, server: BrowserServer, workspace_id: str, person: Person) -> None:
        self.server = server
        self.workspace_id = workspace_id
        self.person = person

    async def call(self, method: str, path: str, **given: Any) -> Any:
        headers = {"X-Workspace-Id": self.workspace_id, **given.pop("headers", {})}
        return await self.server.call(method, path, headers=headers, **given)

    async def deploy(self, name: str, blocks: dict[str, Any]) -> None:
        await self.call("PUT", f"/api/workflows/{name}", json={"blocks": blocks})

    async def ask(self, name: str, number: int = 1, **given: Any) -> list[str]:
        """Start a workflow so often; gives the executions."""
        path, amounts = f"/api/workflows/{name}/execute", range(1, number + 1)
        inputs = [{"input": {"amount": each, **given}} for each in amounts]
        return [(await self.call("POST", path, json=each))["executionId"] for each in inputs]

    async def decide(self, name: str, execution: str, *, approved: bool = True) -> None:
        await self.call(
            "POST", f"/api/resume/{name}/{execution}/ask", json={"submission": {"approved": approved}}
        )

    async def amend(self, execution: str) -> None:
        """Show another amount than the one that was shown."""
        point = await self.call("GET", f"/api/inbox/{execution}/ask")
        headers = {"If-Match": f'"{point["contentDigest"]}"'}
        body = {"reason": "wrong", "display": {"Amount": 2_000}}
        await self.call("PUT", f"/api/inbox/{execution}/ask/content", json=body, headers=headers)

    async def status(self, execution: str) -> str:
        return str((await self.call("GET", f"/api/executions/{execution}"))["status"])


@pytest.fixture
async def desk(server: BrowserServer) -> Desk:
    workspace_id = await server.add_workspace("Inbox")
    person = await server.add_person("Ada", "admin", "approver", workspace_id=workspace_id)
    return Desk(server, workspace_id, person)


def row(page: Page, title: str) -> Locator:
    """The row of the decision with a title."""
    return page.get_by_role("row").filter(has=page.get_by_role("link", name=title))


def link(page: Page, title: str) -> Locator:
    """The link of that row."""
    return page.locator("#inbox-list").get_by_role("link", name=title)


async def test_an_inbox_can_be_read_by_everybody(desk: Desk, open_page: OpenPage) -> None:
    deadline = {"steps": [{"after": "2d", "fail": True}]}
    await desk.deploy(
        "refund", asking("Refund <start.amount> € to ACME", priority="urgent", deadline=deadline)
    )
    await desk.deploy("payout", asking("Pay out", quorum={"required": 2}, assignees=["role:approver"]))
    await desk.ask("refund")
    await desk.ask("payout")

    page = await open_page(desk.person, "/inbox")
    await expect(page).to_have_title("(2) Inbox · Signoff")
    await page.keyboard.press("j")
    await expect(page.locator("#peek")).to_contain_text("Amount")
    await expect(page.get_by_text("New", exact=True).filter(visible=True)).to_have_count(1)
    await screenshot(page, "inbox")
    await axe(page)
    await snapshot(page.locator("main"), "inbox")

    phone = await open_page(desk.person, "/inbox", phone=True, dark=True)
    await screenshot(phone, "inbox-phone")
    await axe(phone)
    await snapshot(phone.locator("#inbox-list"), "inbox-phone")
    assert await phone.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_the_preview_is_a_page_of_its_own(desk: Desk, open_page: OpenPage) -> None:
    await desk.deploy(
        "refund", asking("Refund <start.amount>", quorum={"required": 2}, form={"approved": "boolean"})
    )
    [execution] = await desk.ask("refund")
    page = await open_page(desk.person, "/inbox")
    await page.keyboard.press("j")
    await page.keyboard.press("a")
    await page.keyboard.type("It was paid twice")
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_text("Approved: Refund 1")).to_be_visible()

    await page.goto(f"/inbox/{execution}/ask")
    await expect(page.get_by_role("list", name="Remarks")).to_contain_text("It was paid twice")
    await axe(page)
    await snapshot(page.locator("main"), "inbox-peek")


async def test_what_has_the_focus_is_never_under_the_bar(desk: Desk, open_page: OpenPage) -> None:
    await desk.deploy("refund", asking("Refund <start.amount>"))
    await desk.ask("refund", 30)
    for phone in (False, True):
        page = await open_page(desk.person, "/inbox", phone=phone)
        await page.keyboard.press("k")
        await expect(link(page, "Refund 30")).to_be_focused()
        for _ in range(25):
            await page.keyboard.press("k")
            box = await page.evaluate("document.activeElement.getBoundingClientRect().top")
            bar = await page.evaluate("document.querySelector('.inbox-bar').getBoundingClientRect().bottom")
            assert box >= bar


async def test_somebody_decides_with_the_keyboard_alone(desk: Desk, open_page: OpenPage) -> None:
    await desk.deploy("refund", asking("Refund <start.amount>"))
    executions = await desk.ask("refund", 3)
    page = await open_page(desk.person, "/inbox")

    await page.keyboard.press("j")
    await page.keyboard.press("j")
    await expect(link(page, "Refund 2")).to_be_focused()
    await page.keyboard.press("c")
    await expect(row(page, "Refund 2")).to_contain_text("You")
    await page.keyboard.press("r")
    await axe(page)
    await page.keyboard.type("It was paid before")
    await page.keyboard.press("Control+Enter")

    await expect(page.get_by_text("Rejected: Refund 2")).to_be_visible()
    await expect(row(page, "Refund 2")).to_have_count(0)
    await expect(link(page, "Refund 3")).to_be_focused()
    await expect(page).to_have_title("(2) Inbox · Signoff")
    read = await desk.call("GET", f"/api/resume/refund/{executions[1]}/ask")
    entry = read["pausePoint"]["latestResumeEntry"]
    assert entry["resumeInput"] == {"submission": {"approved": False, "comments": "It was paid before"}}

    await page.keyboard.press("k")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/resume/refund/**")


async def test_of_many_answered_at_once_those_not_taken_are_told(desk: Desk, open_page: OpenPage) -> None:
    await desk.deploy("refund", asking("Refund <start.amount>"))
    blocks = asking(
        "Asks for more", form={"approved": "boolean", "account": {"type": "string", "required": True}}
    )
    await desk.deploy("account", blocks)
    await desk.ask("refund", 23)
    await desk.ask("account")
    page = await open_page(desk.person, "/inbox")

    await page.get_by_label("Select all").check()
    await expect(page.get_by_text("24 selected")).to_be_visible()
    await page.get_by_role("button", name="Approve").first.click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_role("heading")).to_have_text("Approve 24 decisions?")
    await dialog.get_by_label("Reason").fill("All is well")
    await dialog.get_by_role("button", name="Approve").click()

    await expect(dialog.get_by_role("heading")).to_have_text("23 approved, 1 not approved")
    await expect(dialog.get_by_role("listitem")).to_contain_text("Open it: its form asks for more: account.")
    await axe(page)
    await dialog.get_by_role("button", name="Close").click()
    await expect(page.get_by_role("row")).to_have_count(2)
    await expect(row(page, "Asks for more")).to_be_visible()


async def test_points_without_a_title_are_told_apart_in_rows_and_in_the_dialog(
    desk: Desk, open_page: OpenPage
) -> None:
    form = {**YES_OR_NO, "share": {"type": "number", "required": True, "default": 80, "label": "How much"}}
    blocks = asking("", show={"Customer": "<start.customer>", "Amount": "<start.amount>"}, form=form)
    del blocks["ask"]["title"]
    await desk.deploy("refund", blocks)
    for customer in ("Ada", "Ben", "Cleo", "Dora", "Eve", "Finn"):
        [execution] = await desk.ask("refund", customer=customer)
    page = await open_page(desk.person, "/inbox?sort=opened")

    last = page.get_by_role("row").filter(has_text="Finn")
    await expect(last.get_by_role("link", name="refund: ask")).to_be_visible()
    await expect(last).to_contain_text(f"{execution[:8]}…{execution[-4:]}")
    await expect(last).not_to_contain_text("Sent with it", use_inner_text=True)
    await page.get_by_label("Select refund: ask, Ben, 1").check()
    await page.get_by_label("Select refund: ask, Finn, 1").check()
    await page.keyboard.press("a")
    asked = page.get_by_role("dialog").get_by_role("listitem")
    await expect(asked).to_have_count(2)
    await expect(asked.nth(1)).to_contain_text("refund: ask")
    await expect(asked.nth(1)).to_contain_text("Customer Finn")
    await expect(asked.nth(1)).to_contain_text("Sent with it, as the form fills it in: How much 80")
    await axe(page)
    await page.get_by_role("dialog").get_by_role("button", name="Cancel").click()

    await page.locator("#inbox-all").check()
    await page.keyboard.press("a")
    scrolls = page.get_by_role("list", name="What is decided")
    assert await scrolls.evaluate("each => each.scrollHeight > each.clientHeight")
    await expect(page.get_by_role("dialog").get_by_role("button", name="Approve")).to_be_in_viewport()
    await page.get_by_role("dialog").get_by_role("button", name="Approve").click()
    await expect(page.get_by_role("heading", name="Nothing waits for you")).to_be_visible()

    await page.goto(f"/resume/refund/{execution}")
    await expect(page).to_have_title("refund: ask · Signoff")
    made = page.get_by_role("region", name="The decision")
    await expect(made.get_by_text("80 as filled in by the form")).to_be_visible()
    await expect(page.locator("#standing")).to_contain_text("decided just now")
    await page.goto("/inbox/decided")
    await expect(page.get_by_role("row").filter(has_text="Customer Ben")).to_contain_text("refund: ask")


async def test_without_scripts_rows_say_what_the_form_fills_in(desk: Desk, open_page: OpenPage) -> None:
    share = {"type": "number", "required": True, "default": 80, "label": "How much"}
    await desk.deploy("refund", asking("Refund <start.amount>", form={**YES_OR_NO, "share": share}))
    await desk.ask("refund")
    page = await open_page(desk.person, "/inbox", scripts=False)

    await expect(row(page, "Refund 1").get_by_text("as the form fills it in: How much 80")).to_be_visible()
    await page.get_by_label("Select Refund 1").check()
    await page.get_by_role("button", name="Approve").click()
    await expect(page.get_by_text("Approved: Refund 1")).to_be_visible()


async def test_on_a_phone_filters_are_folded_and_rows_say_what_is_special(
    desk: Desk, open_page: OpenPage
) -> None:
    await desk.deploy("refund", asking("Refund <start.amount>"))
    await desk.deploy("urgent", asking("At once", priority="urgent", assignees=["role:approver"]))
    await desk.ask("refund", 2)
    await desk.ask("urgent")
    page = await open_page(desk.person, "/inbox", phone=True)

    first = await row(page, "At once").bounding_box()
    assert first is not None
    assert first["y"] < 390
    await expect(row(page, "At once").get_by_text("approvers")).to_be_visible()
    await expect(row(page, "Refund 1").get_by_text("Normal")).to_be_hidden()
    await expect(row(page, "Refund 1").get_by_text("Anybody")).to_be_hidden()
    await expect(page.get_by_label("Priority")).to_be_hidden()
    await page.get_by_text("Filters", exact=True).tap()
    await page.get_by_label("Priority").select_option("urgent")
    await expect(page.get_by_role("row")).to_have_count(2)
    await expect(page.get_by_text("Filters (1)")).to_be_visible()
    await expect(page.get_by_label("Priority")).to_be_visible()
    await axe(page)
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    desktop = await open_page(desk.person, "/inbox")
    await expect(desktop.get_by_label("Priority")).to_be_visible()
    await expect(desktop.get_by_text("Filters", exact=True)).to_be_hidden()


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
async def test_after_a_decision_the_next_one_of_the_same_view_is_a_click_away(
    desk: Desk, open_page: OpenPage, phone: bool
) -> None:
    await desk.deploy("refund", asking("Refund <start.amount>"))
    await desk.deploy("travel", asking("Travel"))
    await desk.ask("refund", 3)
    await desk.ask("travel")
    page = await open_page(desk.person, "/inbox?text=refund&sort=-opened", phone=phone)

    await link(page, "Refund 2").click()
    for title, onward in (("Refund 2", "Refund 1 (1 more)"), ("Refund 1", "Refund 3")):
        await expect(page.get_by_role("heading", name=title)).to_be_visible()
        await page.get_by_role("button", name="Approve").click()
        await page.get_by_role("link", name=f"Next in your inbox: {onward}").click()
    await page.get_by_role("button", name="Reject").click()
    await page.get_by_role("link", name="Back to the inbox").click()
    await expect(page).to_have_url(
        re.compile(r"/inbox\?sort=-opened&text=refund$|/inbox\?text=refund&sort=-opened$")
    )


async def test_the_inbox_is_a_crumb_of_its_decisions_also_from_beside_the_list(
    desk: Desk, open_page: OpenPage
) -> None:
    await desk.deploy("refund", asking("Refund <start.amount>"))
    await desk.ask("refund", 2)
    page = await open_page(desk.person, "/inbox?scope=all")
    await page.keyboard.press("j")

    await page.locator("#peek").get_by_role("link", name="Open").click()
    await page.locator(".crumbs").get_by_role("link", name="Inbox").click()

    await expect(page).to_have_url(re.compile(r"/inbox\?scope=all$"))


async def test_what_changes_while_the_dialog_asks_is_not_decided(desk: Desk, open_page: OpenPage) -> None:
    await desk.deploy("refund", asking("Refund <start.amount>"))
    [execution] = await desk.ask("refund")
    page = await open_page(desk.person, "/inbox")
    await page.keyboard.press("j")
    await page.keyboard.press("a")

    await desk.amend(execution)
    await page.get_by_role("dialog").get_by_role("button", name="Approve").click()

    await expect(page.get_by_role("dialog")).to_contain_text("What it shows has changed since you saw it")
    assert await desk.status(execution) == "paused"


async def test_what_changes_while_it_is_ticked_is_not_decided_with_the_others(
    desk: Desk, open_page: OpenPage
) -> None:
    await desk.deploy("refund", asking("Refund <start.amount>"))
    executions = await desk.ask("refund", 2)
    page = await open_page(desk.person, "/inbox")
    await page.get_by_label("Select all").check()

    await desk.amend(executions[0])
    await expect(row(page, "Refund 1")).to_contain_text("Changed, look again")
    await expect(page.get_by_text("1 selected")).to_be_visible()
    await expect(page.locator("#inbox-told")).to_have_text("Changed, look again: “Refund 1”")
    await axe(page)
    await page.locator("#inbox-all").click()
    await expect(page.get_by_label("Select Refund 1")).not_to_be_checked()
    await expect(page.get_by_label("Select Refund 2")).to_be_checked()

    await page.get_by_label("Select Refund 1").check()
    await expect(row(page, "Refund 1").get_by_text("Changed, look again")).to_have_count(0)
    await page.get_by_role("button", name="Approve").first.click()
    await page.get_by_role("dialog").get_by_role("button", name="Approve").click()
    await expect(page.get_by_role("heading", name="Nothing waits for you")).to_be_visible()


async def test_what_changes_beside_the_list_is_decided_once_it_was_looked_at_again(
    desk: Desk, open_page: OpenPage
) -> None:
    await desk.deploy("refund", asking("Refund <start.amount>"))
    [execution] = await desk.ask("refund")
    page = await open_page(desk.person, "/inbox")
    await page.keyboard.press("j")
    pane, dialog = page.locator("#peek"), page.get_by_role("dialog")
    await expect(pane.get_by_role("button", name="Approve")).to_be_visible()

    await desk.amend(execution)
    await expect(pane.get_by_text("This was changed while you looked at it")).to_be_visible()
    await expect(pane.get_by_role("row", name="Amount")).to_contain_text("2000")
    await axe(page)
    await pane.get_by_role("button", name="Approve").click()
    await dialog.get_by_role("button", name="Approve").click()
    await expect(dialog).to_contain_text("What it shows has changed since you saw it")
    assert await desk.status(execution) == "paused"

    await dialog.get_by_role("button", name="Close").click()
    await pane.get_by_role("button", name="I have looked again").click()
    await expect(pane.get_by_role("link", name="Refund 1")).to_be_focused()
    await expect(pane.get_by_text("This was changed while you looked at it")).to_be_hidden()
    await pane.get_by_role("button", name="Approve").click()
    await dialog.get_by_role("button", name="Approve").click()
    await expect(page.get_by_text("Approved: Refund 1")).to_be_visible()


async def test_what_changes_in_the_list_before_it_is_answered_is_not_decided(
    desk: Desk, open_page: OpenPage
) -> None:
    await desk.deploy("refund", asking("Refund <start.amount>"))
    [execution] = await desk.ask("refund")
    page = await open_page(desk.person, "/inbox", phone=True)
    await link(page, "Refund 1").focus()

    await desk.amend(execution)
    await expect(row(page, "Refund 1")).to_contain_text("Changed, look again")
    await page.keyboard.press("a")
    await page.get_by_role("dialog").get_by_role("button", name="Approve").click()

    await expect(page.get_by_role("dialog")).to_contain_text("What it shows has changed since you saw it")
    assert await desk.status(execution) == "paused"


async def test_a_session_that_ends_before_the_decision_costs_no_reason(
    desk: Desk, open_page: OpenPage, watch: Watch
) -> None:
    watch.expect("401")
    await desk.deploy("refund", asking("Refund <start.amount>"))
    await desk.ask("refund")
    page = await open_page(desk.person, "/inbox")
    await page.keyboard.press("j")
    await page.keyboard.press("r")
    await page.get_by_role("textbox", name="Reason").fill("Paid before")
    await page.context.clear_cookies()

    await page.keyboard.press("Control+Enter")
    again = page.get_by_role("dialog", name="Sign in again")
    await again.get_by_label("E-mail address").fill(desk.person.email)
    await again.get_by_label("Password").fill(PASSWORD)
    await again.get_by_role("button", name="Sign in", exact=True).click()

    await expect(page.get_by_text("Rejected: Refund 1")).to_be_visible()
    await expect(page.get_by_role("heading", name="Nothing waits for you")).to_be_visible()


async def test_what_comes_and_goes_moves_no_row(desk: Desk, open_page: OpenPage) -> None:
    await desk.deploy("refund", asking("Refund <start.amount>"))
    await desk.deploy("urgent", asking("At once", priority="urgent"))
    executions = await desk.ask("refund", 3)
    page = await open_page(desk.person, "/inbox")
    await link(page, "Refund 2").focus()
    before = await row(page, "Refund 2").bounding_box()

    await desk.ask("urgent", 2)
    await desk.decide("refund", executions[0])

    await expect(page.get_by_role("button", name="2 new, 1 gone: show")).to_be_visible()
    await expect(page).to_have_title("(4) Inbox · Signoff")
    await expect(row(page, "Refund 1")).to_contain_text("no longer here")
    assert await row(page, "Refund 2").bounding_box() == before
    await expect(link(page, "Refund 2")).to_be_focused()

    await page.get_by_role("button", name="2 new, 1 gone: show").click()
    await expect(row(page, "At once").first).to_be_visible()
    await expect(row(page, "Refund 1")).to_have_count(0)
    await expect(link(page, "At once").first).to_be_focused()


async def test_an_empty_inbox_fills_by_itself(desk: Desk, open_page: OpenPage) -> None:
    page = await open_page(desk.person, "/inbox")
    await expect(page.get_by_role("heading", name="Nothing waits for you")).to_be_visible()
    await axe(page)

    await desk.deploy("refund", asking("Refund"))
    await desk.ask("refund")

    await expect(row(page, "Refund")).to_be_visible()
    await expect(page).to_have_title("(1) Inbox · Signoff")


async def test_filters_apply_at_once_and_stand_in_the_address(desk: Desk, open_page: OpenPage) -> None:
    await desk.deploy("refund", asking("Refund <start.amount>"))
    await desk.deploy("travel", asking("Travel to <start.place>", priority="high"))
    await desk.ask("refund", 2)
    await desk.ask("travel", place="Rome")
    page = await open_page(desk.person, "/inbox")

    await page.get_by_label("Search").press_sequentially("rom")
    await expect(page.get_by_role("row")).to_have_count(2)
    await expect(page).to_have_url(re.compile(r"/inbox\?text=rom$"))
    await expect(page.get_by_label("Search")).to_be_focused()
    await page.get_by_label("Search").fill("")
    await page.get_by_label("Priority").select_option("normal")
    await expect(page.get_by_role("row")).to_have_count(3)
    await expect(page.get_by_label("Priority")).to_contain_text("High (1)")
    await page.get_by_label("Claimed").select_option("me")
    await expect(page.get_by_role("heading", name="Nothing fits this filter")).to_be_visible()

    await page.reload()
    await expect(page.get_by_label("Priority")).to_have_value("normal")
    await page.get_by_role("link", name="Show all").click()
    await expect(page.get_by_role("row")).to_have_count(4)


async def test_who_opened_a_decision_sees_when_it_changes(desk: Desk, open_page: OpenPage) -> None:
    await desk.deploy("refund", asking("Refund"))
    [execution] = await desk.ask("refund")
    page = await open_page(desk.person, "/inbox", phone=True)  # no preview, in which they would see it
    await expect(row(page, "Refund")).to_contain_text("New")
    await page.get_by_role("button", name="Mark all as read").click()
    await expect(row(page, "Refund").get_by_text("New")).to_be_hidden()

    await desk.call("POST", f"/api/inbox/{execution}/ask/comment", json={"text": "Look again"})
    await desk.call("POST", f"/api/inbox/{execution}/ask/return", json={"reason": "The invoice is missing"})

    await page.goto("/inbox?scope=all")
    await expect(row(page, "Refund").get_by_text("Changed", exact=True)).to_be_visible()
    await expect(row(page, "Refund")).to_contain_text("Sent back")


async def test_a_hidden_tab_tells_of_what_is_new_if_it_may(desk: Desk, open_page: OpenPage) -> None:
    await desk.deploy("refund", asking("Refund <start.amount>"))
    page = await open_page(desk.person, "/inbox", permissions=["notifications"])
    await page.evaluate(
        """() => { window.told = []; window.Notification = class extends EventTarget {
            static permission = "granted"; static requestPermission = async () => "granted";
            constructor(title, {body}) { super(); told.push([title, body]); } } }"""
    )
    await page.get_by_role("button", name="Notify me").click()
    await expect(page.get_by_role("button", name="Notify me")).to_have_attribute("aria-pressed", "true")
    await page.evaluate(
        """() => { Object.defineProperty(document, "hidden", {get: () => true});
            document.dispatchEvent(new Event("visibilitychange")); }"""
    )

    await desk.ask("refund")

    await expect(page).to_have_title("(1) Inbox · Signoff")
    assert await page.evaluate("told") == [["Refund 1", "Waits for your decision"]]


async def test_hostile_titles_are_shown_as_titles(desk: Desk, open_page: OpenPage) -> None:
    title = (
        "<img src=x onerror=alert(1)> \"'><script>alert(2)</script> \u202egnp.exe\u202c \u0007 " + "long" * 20
    )
    await desk.deploy("hostile", asking("<start.title>"))
    await desk.ask("hostile", title=title)
    page = await open_page(desk.person, "/inbox")

    await expect(page.get_by_role("row").nth(1)).to_contain_text("<script>alert(2)</script>")
    await expect(page.get_by_role("row").nth(1)).to_contain_text("[U+202E]gnp.exe")
    await page.keyboard.press("j")
    await expect(page.locator("#peek")).to_contain_text("<img src=x onerror=alert(1)>")
    await page.keyboard.press("a")
    await expect(page.get_by_role("dialog")).to_contain_text("<img src=x onerror=alert(1)>")
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_without_scripts_forms_do_the_same(desk: Desk, open_page: OpenPage) -> None:
    await desk.deploy("refund", asking("Refund <start.amount>"))
    blocks = asking("Asks for more", form={"account": {"type": "string", "required": True}})
    await desk.deploy("account", blocks)
    await desk.ask("refund", 3)
    await desk.ask("account")
    page = await open_page(desk.person, "/inbox", scripts=False)

    await page.get_by_label("Search").fill("refund")
    await page.get_by_role("button", name="Filter").click()
    await expect(page.get_by_role("row")).to_have_count(4)
    await page.get_by_label("Select Refund 2").check()
    await page.get_by_role("textbox", name="Reason").fill("Fine")
    await page.get_by_role("button", name="Approve").click()
    await expect(page.get_by_text("Approved: Refund 2")).to_be_visible()
    await expect(page).to_have_url(re.compile("text=refund"))

    await page.goto("/inbox")
    for name in ("Refund 1", "Asks for more"):
        await page.get_by_label(f"Select {name}").check()
    await page.get_by_role("button", name="Reject").click()
    await expect(page.get_by_role("heading", name="1 of 2 rejected")).to_be_visible()
    await snapshot(page.locator("main"), "inbox-results")


async def test_what_one_has_decided_is_found_again(desk: Desk, open_page: OpenPage) -> None:
    await desk.deploy("refund", asking("Refund <start.amount>"))
    executions = await desk.ask("refund", 2)
    page = await open_page(desk.person, "/inbox")
    await page.keyboard.press("j")
    await page.keyboard.press("a")
    await page.get_by_role("dialog").get_by_role("button", name="Approve").click()
    await expect(page.get_by_text("Approved: Refund 1")).to_be_visible()
    await desk.decide("refund", executions[1])

    await page.get_by_role("link", name="Decided by you").click()

    await expect(page.get_by_role("row")).to_have_count(2)
    await expect(row(page, "Refund 1")).to_contain_text("Approved")
    await axe(page)
    await snapshot(page.locator("main"), "inbox-decided")


async def test_a_hundred_rows_are_light_and_quick(desk: Desk, open_page: OpenPage) -> None:
    await desk.deploy("refund", asking("Refund <start.amount>", priority="high"))
    await desk.ask("refund", 100)
    page = await open_page(desk.person)

    assert await weight(page, "/inbox") < MOST_BYTES
    await expect(page.get_by_role("row")).to_have_count(31)
    for _ in range(3):
        await page.get_by_role("link", name="Next page").click()
    await expect(link(page, "Refund 100")).to_be_visible()
    await page.goto("/inbox?limit=100")
    await page.get_by_label("Select all").check()
    await expect(page.get_by_text("100 selected")).to_be_visible()
    await page.keyboard.press("k")
    await expect(link(page, "Refund 100")).to_be_focused()


async def test_a_decision_beside_the_list_leaves_other_rows_chosen(desk: Desk, open_page: OpenPage) -> None:
    await desk.deploy("refund", asking("Refund <start.amount> €"))
    await desk.ask("refund", 2)
    page = await open_page(desk.person, "/inbox")
    await page.keyboard.press("j")
    await expect(page.locator("#peek")).to_be_visible()
    beside = await page.locator("#peek h2").inner_text()
    [other] = {"Refund 1 €", "Refund 2 €"} - {beside}
    await row(page, other).get_by_role("checkbox").check()

    await page.locator("#peek").get_by_role("button", name="Claim").click()

    await expect(page.get_by_text(f"Claimed: {beside}")).to_be_visible()
    await expect(row(page, other).get_by_role("checkbox")).to_be_checked()
