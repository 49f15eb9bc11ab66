"""Deciding on the page of a pause point, as people do it."""

import asyncio
import re
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Locator, Page, Route, expect

from browser.conftest import OpenPage
from support.browser_pages import Watch, axe, screenshot, snapshot, weight
from support.browser_server import BrowserServer, Person
from support.exhibit import HOSTILE

FORM: Final[list[dict[str, Any]]] = [
    {"name": "approved", "type": "boolean", "required": True, "label": "Refund it?"},
    {
        "name": "amount",
        "type": "number",
        "required": True,
        "min": 1,
        "max": 900,
        "value": 250,
        "label": "How much",
    },
    {
        "name": "reason",
        "type": "string",
        "options": ["late", {"value": "broken", "label": "Broken or wrong"}],
    },
    {"name": "comments", "type": "string", "multiline": True, "description": "What the customer is told"},
]


def waiting(form: list[dict[str, Any]] | None = None, **more: Any) -> dict[str, Any]:
    """A workflow that shows something, asks, and then answers."""
    show = more.pop("show", {"Customer": "Ada", "Order": {"id": "A-7", "lines": [1, 2, 3]}, "Note": None})
    fields = FORM if form is None else form
    form_of = {each["name"]: {key: value for key, value in each.items() if key != "name"} for each in fields}
    for each in form_of.values():
        if "value" in each:
            each["default"] = each.pop("value")
    ask: dict[str, Any] = {"type": "human_in_the_loop", "show": show, "then": "done", **more}
    if form_of:
        ask["form"] = form_of
    return {"ask": ask, "done": {"type": "response", "data": {"by": "<ask.submittedBy>"}}}


async def paused(server: BrowserServer, form: list[dict[str, Any]] | None = None, **more: Any) -> str:
    """An execution that waits; gives the path of its page."""
    workflow = await server.deploy(waiting(form, **more), name="decision")
    ran = await server.call("POST", f"/api/workflows/{workflow}/execute", json={"input": {}})
    return f"/resume/{workflow}/{ran['executionId']}?contextId=ask"


def api(path: str, rest: str = "") -> str:
    """The address of a page's pause point in the inbox's API."""
    return f"/api/inbox/{urlsplit(path).path.rpartition('/')[2]}/ask{rest}"


async def decided(server: BrowserServer, path: str) -> Any:
    """What was submitted."""
    detail = await server.call("GET", api(path))
    return detail["point"]["latestResumeEntry"]["resumeInput"]["submission"]


async def send_unchecked(button: Locator) -> None:
    """Send a form that the browser would not; at once, before the page is read again and has it checked."""
    await button.evaluate("each => { each.form.noValidate = true; each.click(); }")


async def test_somebody_decides_at_a_desk(
    page: Page, server: BrowserServer, person: Person, watch: Watch
) -> None:
    watch.expect("422")
    path = await paused(server, title="Refund 250 to Ada", priority="high")
    path += f"&inbox=%2Finbox%3FworkflowId%3D{path.split('/')[2]}"  # in which nothing else waits
    await page.goto(path)
    await expect(page.get_by_role("heading", name="Refund 250 to Ada")).to_be_visible()
    await expect(page.locator("sf-outcome").get_by_text("If you approve")).to_be_visible()
    await axe(page)
    await snapshot(page.locator("#resume"), "resume")
    await screenshot(page, "resume")

    # What the browser would not let through is told by the server, field by field.
    await page.get_by_label("How much").fill("1000")
    await page.get_by_label("comments").fill("Sorry!")
    await send_unchecked(page.get_by_role("button", name="Approve"))
    await expect(page.get_by_text('"amount" must be at most 900')).to_be_visible()
    await expect(page.locator("#decide").get_by_role("alert")).to_be_focused()
    await expect(page.get_by_label("How much")).to_have_value("1000")
    await expect(page.get_by_label("comments")).to_have_value("Sorry!")
    await axe(page)

    await page.get_by_label("How much").fill("200")
    await page.get_by_role("button", name="Approve").click()
    await expect(page.get_by_text("Your decision was taken")).to_be_visible()
    made = page.get_by_role("region", name="The decision")
    await expect(made.get_by_text("Approved")).to_be_visible()
    await expect(
        made.get_by_text(re.compile(f"^{person.name} decided .*just now, signed in.$"))
    ).to_be_visible()
    await expect(made.get_by_text("Sorry!")).to_be_visible()
    await expect(page.locator("#decide")).to_have_count(0)
    assert await decided(server, path) == {"approved": True, "amount": 200, "comments": "Sorry!"}
    await axe(page)
    await expect(page.locator("#standing").get_by_text("Decided", exact=True)).to_be_visible()
    await snapshot(page.locator("#resume"), "resume-decided")


async def test_somebody_rejects_on_a_phone_in_the_dark(
    open_page: OpenPage, server: BrowserServer, person: Person
) -> None:
    path = await paused(server)
    page = await open_page(person, path, phone=True, dark=True)
    await expect(page.locator("sf-outcome").get_by_text("If you reject")).to_be_attached()
    await axe(page)
    await screenshot(page, "resume-phone")
    wide = await page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390

    await page.get_by_label("reason").select_option(label="Broken or wrong")
    await page.get_by_role("button", name="Reject").tap()

    await expect(page.get_by_role("region", name="The decision").get_by_text("Rejected")).to_be_visible()
    assert await decided(server, path) == {"approved": False, "amount": 250, "reason": "broken"}


async def test_on_a_phone_the_buttons_are_at_hand_and_cover_nothing_that_has_the_focus(
    open_page: OpenPage, server: BrowserServer, person: Person
) -> None:
    show = {f"Value {number}": "x" * 20 for number in range(20)}
    path = await paused(server, show=show)
    page = await open_page(person, path, phone=True)
    approve, bar = page.get_by_role("button", name="Approve"), page.locator(".decide-actions")
    await expect(approve).to_be_in_viewport(ratio=1)
    shown = page.locator("#display tr", has=page.get_by_text("Value 7", exact=True))
    name, value = shown.locator("th"), shown.locator("td").last
    above, beside = await name.bounding_box(), await value.bounding_box()
    assert above is not None
    assert beside is not None
    assert abs(above["y"] - beside["y"]) < 10

    await page.locator("h1").click()
    edge = await bar.evaluate("each => each.getBoundingClientRect().top")
    seen = set()
    for _ in range(60):
        await page.keyboard.press("Tab")
        place = await page.evaluate(  # of a text with several lines: the first one, where one writes
            """() => { const each = document.activeElement, box = each.getBoundingClientRect();
                return each === document.body || each.closest(".decide-actions") ? null
                    : [each.outerHTML.slice(0, 80),
                       each.localName === "textarea" ? box.top + 30 : box.bottom]; }"""
        )
        if place is not None:
            seen.add(place[0])
            assert place[1] <= edge + 1, place
    assert any("comment-text" in each for each in seen)
    end = await page.evaluate(
        "scrollTo(0, 1e6), document.querySelector('#history').getBoundingClientRect().bottom"
    )
    assert end <= edge
    await axe(page)


async def test_who_may_not_decide_is_offered_no_other_ways_either(
    open_page: OpenPage, server: BrowserServer
) -> None:
    path = await paused(server, assignees=["role:admin"])
    page = await open_page(await server.add_person("Eve", "approver"), path)

    await expect(page.get_by_role("heading", name="Display data")).to_be_visible()
    await expect(page.get_by_role("heading", name="Not now, or not you?")).to_have_count(0)
    await expect(page.locator("#beside")).to_be_hidden()


async def test_a_keyboard_is_enough(page: Page, server: BrowserServer) -> None:
    path = await paused(server)
    await page.goto(path)

    await page.keyboard.press("r")
    await expect(page.get_by_label("comments")).to_be_focused()
    await page.keyboard.type("Too late")
    await page.keyboard.press("Control+Enter")

    await expect(page.get_by_text("Your decision was taken")).to_be_visible()
    assert await decided(server, path) == {"approved": False, "amount": 250, "comments": "Too late"}

    path = await paused(server)
    await page.goto(path)
    await page.keyboard.press("a")
    approve = page.get_by_role("button", name="Approve")
    await expect(approve).to_be_focused()
    await expect(approve).to_have_attribute("data-sf-armed", "")
    assert (await server.call("GET", api(path)))["point"]["resumeStatus"] == "paused"
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Your decision was taken")).to_be_visible()
    await expect(page.get_by_role("region", name="The decision")).to_be_focused()
    assert (await decided(server, path))["approved"] is True


async def test_enter_in_a_field_approves_nothing(page: Page, server: BrowserServer) -> None:
    path = await paused(server)
    await page.goto(path)

    await page.get_by_label("How much").press("Enter")
    await page.get_by_role("link", name="Refresh execution details").click()

    await expect(page.get_by_text("Up to date")).to_be_visible()
    assert (await server.call("GET", api(path)))["point"]["resumeStatus"] == "paused"


async def test_of_two_people_one_is_first_and_the_other_loses_nothing_typed(
    open_page: OpenPage, server: BrowserServer, person: Person
) -> None:
    ben = await server.add_person("Ben", "approver")
    path = await paused(server)
    mine, his = await open_page(person, path), await open_page(ben, path)
    await mine.get_by_label("comments").fill("I was about to say this")

    await his.get_by_role("button", name="Approve").click()
    await expect(his.get_by_text("Your decision was taken")).to_be_visible()

    await expect(mine.get_by_role("region", name="The decision").get_by_text("Ben decided")).to_be_visible()
    kept = mine.get_by_role("region", name="What you had typed")
    await expect(kept.get_by_text("I was about to say this")).to_be_visible()
    await expect(mine.get_by_role("region", name="The decision")).to_be_focused()
    await expect(mine.locator("#told")).to_have_text(
        re.compile("^Ben decided .* What you had typed is kept on this page.$")
    )
    await axe(mine)


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "forms alone"])
async def test_of_two_who_send_at_once_the_second_keeps_what_they_wrote(
    open_page: OpenPage, server: BrowserServer, person: Person, watch: Watch, scripts: bool
) -> None:
    watch.expect("409")
    ben = await server.add_person("Ben", "approver")
    path = await paused(server)
    pages = {each.name: await open_page(each, path, scripts=scripts) for each in (person, ben)}
    held, go_on = asyncio.Semaphore(0), asyncio.Event()

    async def hold(route: Route) -> None:
        held.release()
        await go_on.wait()
        await route.continue_()

    for name, each in pages.items():
        await each.get_by_label("comments", exact=True).fill(f"{name} says so")
        await each.route("**/ask?*", hold)
        await each.get_by_role("button", name="Approve").click(no_wait_after=True)
        await held.acquire()
    go_on.set()
    for each in pages.values():
        await expect(each.get_by_role("region", name="The decision")).to_be_visible()

    first = (await decided(server, path))["comments"].removesuffix(" says so")
    (second,) = pages.keys() - {first}
    kept = pages[second].get_by_role("region", name="What you had typed")
    await expect(kept.get_by_text(f"{second} says so")).to_be_visible()
    await expect(pages[second].locator("#messages").get_by_text(f"{first} was first")).to_be_visible()
    await expect(pages[first].locator("#kept-typing")).to_have_count(0)


async def test_a_draft_that_came_back_is_kept_from_who_was_first(
    open_page: OpenPage, server: BrowserServer, person: Person
) -> None:
    path = await paused(server)
    page = await open_page(person, path)
    await page.get_by_label("comments", exact=True).fill("Half a thought")
    await page.goto("/exhibit")
    await page.goto(path)
    await expect(page.get_by_text("Your draft from just now is back.")).to_be_visible()

    ben = await open_page(await server.add_person("Ben", "approver"), path)
    await ben.get_by_role("button", name="Reject").click()

    kept = page.get_by_role("region", name="What you had typed")
    await expect(kept.get_by_text("Half a thought")).to_be_visible()


async def test_who_comes_second_is_told_who_was_first(
    open_page: OpenPage, server: BrowserServer, person: Person
) -> None:
    ben = await server.add_person("Ben", "approver")
    path = await paused(server)
    # Without scripts the second page hears of nothing.
    mine, his = await open_page(person, path, scripts=False), await open_page(ben, path)
    await his.get_by_role("button", name="Reject").click()
    await expect(his.get_by_text("Your decision was taken")).to_be_visible()

    await mine.get_by_role("button", name="Approve").click()

    await expect(mine.locator("#messages").get_by_text("Ben was first")).to_be_visible()
    assert (await decided(server, path))["approved"] is False


async def test_without_scripts_the_form_is_a_form(
    open_page: OpenPage, server: BrowserServer, person: Person
) -> None:
    path = await paused(server)
    page = await open_page(person, path, scripts=False)
    await page.get_by_label("Comment", exact=True).fill("Looks fine")
    await page.get_by_role("button", name="Add comment").click()
    await expect(page.locator("#messages").get_by_text("Your comment is added.")).to_be_visible()
    await expect(page.locator("#timeline").get_by_text("Looks fine")).to_be_visible()

    await page.get_by_role("link", name="See which blocks run then").click()
    await expect(page.get_by_role("heading", name="If you approve, these blocks run")).to_be_visible()
    await page.get_by_role("link", name="Back to").click()

    await page.get_by_label("comments", exact=True).fill("As agreed")
    await page.get_by_role("button", name="Approve").click()
    await expect(page.locator("#messages").get_by_text("Your decision was taken")).to_be_visible()
    assert (await decided(server, path))["comments"] == "As agreed"


async def test_content_that_changed_is_shown_and_asked_about_again(
    page: Page, server: BrowserServer, watch: Watch
) -> None:
    watch.expect("412")
    path = await paused(server, show={"Text": "Everything is 50 % off", "Receivers": 2})
    await page.goto(path)
    await page.get_by_label("comments", exact=True).fill("Fine")
    digest = (await server.call("GET", api(path)))["contentDigest"]

    await server.call(
        "PUT", api(path, "/content"), headers={"If-Match": f'"{digest}"'},
        json={"reason": "a typo", "display": {"Text": "Everything is 5 % off", "Receivers": 2}},
    )  # fmt: skip
    warned = page.get_by_role("alert").filter(has_text="was changed while this page was open")
    await expect(warned).to_be_visible()
    await expect(page.locator("#display").get_by_text("5 % off")).to_be_visible()
    await axe(page)

    await page.get_by_role("button", name="Approve").click()
    told = page.get_by_role("table", name="What changed since you saw it")
    await expect(told.locator("del")).to_have_text("50")
    await expect(told.locator("ins")).to_have_text("5")
    await expect(page.get_by_label("comments", exact=True)).to_have_value("Fine")
    await axe(page)

    await page.get_by_role("button", name="Approve").click()
    await expect(page.get_by_text("Your decision was taken")).to_be_visible()


async def test_content_that_changed_before_the_page_was_ready_is_asked_about_again(
    page: Page, server: BrowserServer, watch: Watch
) -> None:
    watch.expect("412")
    path = await paused(server, show={"Text": "Everything is 50 % off"})
    go_on = asyncio.Event()

    async def slowly(route: Route) -> None:
        await go_on.wait()
        await route.continue_()

    await page.route("**/resume-typed.js", slowly)
    await page.goto(path, wait_until="commit")
    digest = (await server.call("GET", api(path)))["contentDigest"]
    await server.call(
        "PUT", api(path, "/content"), headers={"If-Match": f'"{digest}"'},
        json={"reason": "a typo", "display": {"Text": "Everything is 5 % off"}},
    )  # fmt: skip
    await expect(page.locator("#display").get_by_text("5 % off")).to_be_visible()
    go_on.set()

    await expect(page.get_by_role("alert").filter(has_text="was changed while this page")).to_be_visible()
    await page.get_by_role("button", name="Approve").click()
    told = page.get_by_role("table", name="What changed since you saw it")
    await expect(told.locator("del")).to_have_text("50")


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "forms alone"])
async def test_content_that_changed_is_not_approved_by_mending_a_field(
    open_page: OpenPage, server: BrowserServer, person: Person, watch: Watch, scripts: bool
) -> None:
    watch.expect("412|422")
    path = await paused(server, [], show={"Text": "Everything is 50 % off"})
    page = await open_page(person, path, scripts=scripts)
    digest = (await server.call("GET", api(path)))["contentDigest"]
    await server.call(
        "PUT", api(path, "/content"), headers={"If-Match": f'"{digest}"'},
        json={"reason": "a typo", "display": {"Text": "Everything is 5 % off"}},
    )  # fmt: skip

    for given in ("{no json", "[1]"):
        await page.get_by_role("textbox", name="Input").fill(given)
        await send_unchecked(page.get_by_role("button", name="Resume execution"))
        told = page.get_by_role("table", name="What changed since you saw it")
        await expect(told.locator("del")).to_have_text("50")
        await expect(page.get_by_role("textbox", name="Input")).to_have_value(given)
    await expect(page.locator("#decide").get_by_text("Nothing was decided: what you decide")).to_be_visible()
    assert (await server.call("GET", api(path)))["point"]["resumeStatus"] == "paused"

    await page.get_by_role("button", name="Resume execution").click()
    await expect(page.get_by_text("Your decision was taken")).to_be_visible()


async def test_an_operator_corrects_what_is_shown(
    open_page: OpenPage, server: BrowserServer, person: Person, watch: Watch
) -> None:
    watch.expect("412|422")
    path = await paused(server, show={"Text": "Everything is 50 % off", "Receivers": 2}, title="A campaign")
    page = await open_page(person, path)
    ben = await open_page(await server.add_person("Ben", "approver"), path)
    await page.get_by_text("Correct what is shown").click()
    form = page.locator("#content-form")
    await axe(page)
    await snapshot(form, "resume-content")

    await form.get_by_label("Receivers").evaluate("each => { each.value = 'two' }")
    await form.get_by_label("Why it is changed").fill("A typo")
    await send_unchecked(form.get_by_role("button", name="Show this instead"))
    await expect(form.get_by_text("This is no JSON").first).to_be_visible()
    await form.get_by_label("Receivers").fill("3")
    await form.get_by_label("Text").fill("Everything is 5 % off")
    await form.get_by_role("button", name="Show this instead").click()

    await expect(page.get_by_text("It shows what you wrote now.")).to_be_visible()
    await expect(page.locator("#display").get_by_text("5 % off")).to_be_visible()
    changed = page.get_by_role("table", name="By the last change")
    await expect(changed.locator("ins")).to_have_text("5")
    await expect(form.get_by_label("Why it is changed")).to_have_value("")
    await expect(ben.get_by_role("alert").filter(has_text="was changed while this page")).to_be_visible()
    await expect(ben.get_by_text("Correct what is shown")).to_have_count(0)


async def test_who_corrects_what_another_has_corrected_meanwhile_overwrites_nothing(
    page: Page, server: BrowserServer, watch: Watch
) -> None:
    watch.expect("412")
    path = await paused(server, show={"Text": "Fifty", "Receivers": 2})
    await page.goto(path)
    await page.get_by_text("Correct what is shown").click()
    form = page.locator("#content-form")
    await form.get_by_label("Text").fill("Five")
    await form.get_by_label("Why it is changed").fill("A typo")
    digest = (await server.call("GET", api(path)))["contentDigest"]
    await server.call(
        "PUT", api(path, "/content"), headers={"If-Match": f'"{digest}"'},
        json={"reason": "more", "display": {"Text": "Fifty", "Receivers": 9}},
    )  # fmt: skip
    await expect(page.locator("#display").get_by_text("9", exact=True)).to_be_visible()

    await form.get_by_role("button", name="Show this instead").click()
    await expect(form.get_by_text("Nothing was changed: somebody else")).to_be_visible()
    await expect(form.get_by_label("Text")).to_have_value("Five")
    await expect(form.get_by_label("Receivers")).to_have_value("9")
    await form.get_by_role("button", name="Show this instead").click()

    await expect(page.locator("#display").get_by_text("Five")).to_be_visible()
    await expect(page.locator("#display").get_by_text("9", exact=True)).to_be_visible()


async def test_a_draft_of_a_correction_overwrites_nothing_that_others_corrected_since(
    page: Page, server: BrowserServer
) -> None:
    path = await paused(server, show={"Text": "Fifty", "Note": "As usual", "Receivers": 2})
    await page.goto(path)
    form = page.locator("#content-form")
    await page.get_by_text("Correct what is shown").click()
    await form.get_by_label("Text").fill("Five")
    await form.get_by_label("Note").fill("Mine")
    await page.goto("/exhibit")
    digest = (await server.call("GET", api(path)))["contentDigest"]
    await server.call(
        "PUT", api(path, "/content"), headers={"If-Match": f'"{digest}"'},
        json={"reason": "more", "display": {"Text": "Fifty", "Note": "Theirs", "Receivers": 9}},
    )  # fmt: skip

    await page.goto(path)
    await page.get_by_text("Correct what is shown").click()
    await expect(form.get_by_text("Your draft from just now is back.")).to_be_visible()
    await expect(form.get_by_label("Text")).to_have_value("Five")
    await expect(form.get_by_label("Note")).to_have_value("Theirs")
    await expect(form.get_by_label("Receivers")).to_have_value("9")
    await expect(form.locator(".draft dd")).to_have_text("Mine")
    await form.get_by_label("Why it is changed").fill("A typo")
    await form.get_by_role("button", name="Show this instead").click()

    await expect(page.get_by_text("It shows what you wrote now.")).to_be_visible()
    for text in ("Five", "Theirs", "9"):
        await expect(page.locator("#display").get_by_text(text, exact=True)).to_be_visible()


async def test_what_it_will_cause_is_told_for_what_stands_in_the_form(
    page: Page, server: BrowserServer
) -> None:
    workflow = await server.deploy({
        "ask": {
            "type": "human_in_the_loop", "then": "size",
            "form": {"approved": {"type": "boolean"}, "amount": {"type": "number", "default": 1}},
        },
        "size": {
            "type": "condition",
            "cases": [{"when": "<ask.amount> > 10", "then": "large"}, {"else": "small"}],
        },
        "large": {"type": "response", "data": {}},
        "small": {"type": "response", "data": {}},
    })  # fmt: skip
    ran = await server.execute(workflow)
    await page.goto(f"/resume/{workflow}/{ran['executionId']}")
    told = page.locator("sf-outcome")
    await expect(told.get_by_text("small").first).to_be_visible()

    await page.get_by_label("amount").fill("20")
    await page.get_by_label("amount").blur()

    await expect(told.get_by_text("large").first).to_be_visible()
    await expect(told.get_by_text("Tried out with what stands in the form now.")).to_be_visible()


async def test_who_may_not_start_executions_is_told_what_the_graph_says(
    open_page: OpenPage, server: BrowserServer
) -> None:
    path = await paused(server)
    page = await open_page(await server.add_person("Ben", "approver"), path)

    told = page.locator("sf-outcome")
    await expect(told.get_by_text("Blocks that may run then")).to_be_visible()
    await expect(told.get_by_text("which needs the right to start executions")).to_be_visible()


async def test_a_point_that_nobody_decided_is_closed(page: Page, server: BrowserServer, watch: Watch) -> None:
    path = await paused(server)
    await page.goto(path)
    workflow, execution = path.removeprefix("/resume/").partition("?")[0].split("/")

    await server.call("POST", f"/api/workflows/{workflow}/executions/{execution}/cancel", json={})

    await expect(page.locator("#standing").get_by_text("Closed", exact=True)).to_be_visible()
    await expect(page.locator("#standing").get_by_text("nobody decides it any more")).to_be_visible()
    await expect(page.locator("#decide, #content-form")).to_have_count(0)
    await axe(page)


async def test_a_point_without_a_form_takes_json(page: Page, server: BrowserServer) -> None:
    path = await paused(server, [])
    await page.goto(path)
    area = page.get_by_role("textbox", name="Input")

    await area.fill("{not json")
    await page.get_by_role("button", name="Resume execution").click()
    assert "no JSON" in await area.evaluate("each => each.validationMessage")

    await area.fill('{"go": [1, 2]}')
    await page.get_by_role("button", name="Resume execution").click()
    await expect(page.get_by_text("Your decision was taken")).to_be_visible()
    detail = await server.call("GET", api(path))
    assert detail["point"]["latestResumeEntry"]["resumeInput"] == {"go": [1, 2]}


async def test_every_kind_of_field_is_filled_in(page: Page, server: BrowserServer) -> None:
    form: list[dict[str, Any]] = [
        {"name": "text", "type": "string", "required": True, "placeholder": "Write", "maxLength": 20},
        {"name": "flag", "type": "boolean"},
        {"name": "other flag", "type": "boolean"},
        {"name": "data", "type": "object", "value": {"a": 1}},
        {"name": "several", "type": "array", "options": ["x", "y", "z"], "value": ["x"]},
        {"name": "token", "type": "secret"},
        {"name": "receipts", "type": "files", "accept": [".txt"], "maxItems": 2},
    ]
    path = await paused(server, form)
    await page.goto(path)
    await axe(page)
    await snapshot(page.locator("#decide"), "resume-fields")

    await page.get_by_label("text").fill("words")
    await page.get_by_label("flag", exact=True).select_option(label="No")
    await page.get_by_label("data", exact=True).fill('{"b": 2}')
    await page.get_by_label("z").check()
    await page.get_by_label("token").fill("hush")
    await page.get_by_label("receipts").set_input_files(
        {"name": "a.txt", "mimeType": "text/plain", "buffer": b"paid"}
    )
    await page.get_by_role("button", name="Resume execution").click()

    await expect(page.get_by_text("Your decision was taken")).to_be_visible()
    given = await decided(server, path)
    assert {name: given[name] for name in ("text", "flag", "data", "several")} == {
        "text": "words", "flag": False, "data": {"b": 2}, "several": ["x", "z"],
    }  # fmt: skip
    assert "other flag" not in given
    assert given["token"] != "hush"
    assert given["receipts"][0]["name"] == "a.txt"


async def test_hostile_display_data_is_shown_as_data(page: Page, server: BrowserServer) -> None:
    path = await paused(server, title="<b>Bold</b> \u202e title", show=HOSTILE)
    await page.goto(path)

    await expect(page.get_by_role("heading", name="<b>Bold</b>")).to_be_visible()
    await expect(page.get_by_text("<script>document.title = 'taken'</script>").first).to_be_visible()
    assert "taken" not in await page.title()
    await axe(page)


async def test_several_people_see_how_far_they_are(
    open_page: OpenPage, server: BrowserServer, person: Person
) -> None:
    ben = await server.add_person("Ben", "approver")
    cleo = await server.add_person("Cleo", "approver")
    path = await paused(
        server,
        assignees=[ben.email, cleo.email, person.email],
        quorum={"required": 2, "veto": [cleo.email], "rejections": 2},
        deadline={"steps": [{"after": "30m", "remind": True}, {"after": "2d", "fail": True}]},
    )
    mine, his = await open_page(person, path), await open_page(ben, path)
    await expect(mine.get_by_text("0 of 2 for it")).to_be_visible()
    await expect(mine.locator("#deadline").get_by_text("in 29:")).to_be_visible()

    await his.get_by_label("comments", exact=True).fill("Agreed")
    await his.get_by_role("button", name="Approve").click()
    await expect(his.get_by_text("Your approval counts: 1 of 2 are for it by now.")).to_be_visible()
    await expect(his.locator("#standing").get_by_text("You have decided this already")).to_be_visible()

    who = mine.get_by_role("region", name="Who decides")
    await expect(who.get_by_text("1 of 2 for it")).to_be_visible()
    await expect(who.get_by_text("Agreed")).to_be_visible()
    await expect(who.get_by_text("Not yet: Cleo, Ada")).to_be_visible()
    await axe(mine)
    await snapshot(who, "resume-quorum")
    await mine.get_by_role("button", name="Approve").click()
    await expect(mine.get_by_text("and the execution goes on")).to_be_visible()
    await expect(his.get_by_role("region", name="The decision")).to_be_visible()


async def test_people_claim_hand_on_and_send_back(
    open_page: OpenPage, server: BrowserServer, person: Person, watch: Watch
) -> None:
    watch.expect("422")
    ben = await server.add_person("Ben", "approver")
    path = await paused(server)
    mine, his = await open_page(person, path), await open_page(ben, path)

    await mine.get_by_role("button", name="Claim it").click()
    await expect(mine.get_by_text("It is yours to decide until you release it.")).to_be_visible()
    await expect(his.locator("#standing").get_by_text("Ada has claimed this.")).to_be_visible()
    await expect(his.locator("#decide")).to_have_count(0)
    await mine.get_by_role("button", name="Release").click()
    await expect(his.get_by_role("button", name="Approve")).to_be_visible()

    await mine.get_by_text("Let somebody else decide").click()
    await mine.get_by_role("textbox", name="Who", exact=True).fill("nobody@example.org")
    await mine.get_by_role("button", name="Hand it on").click()
    await expect(mine.locator("#delegate").get_by_text("must be an active member").first).to_be_visible()
    await mine.get_by_role("textbox", name="Who", exact=True).fill(ben.email)
    await mine.get_by_role("button", name="Hand it on").click()
    await expect(mine.get_by_text("It is handed on.")).to_be_visible()

    await his.get_by_text("Send it back for changes").click()
    await his.get_by_label("What must change").fill("The invoice is missing")
    await his.get_by_role("button", name="Send it back").click()
    await expect(his.get_by_text("It was sent back: nobody decides")).to_be_visible()
    await expect(mine.locator("#timeline").get_by_text("The invoice is missing")).to_be_visible()


async def test_what_happened_since_somebody_last_looked_is_marked(page: Page, server: BrowserServer) -> None:
    path = await paused(server)
    await page.goto(path)
    await expect(page.locator("#timeline li")).to_have_count(1)
    await page.goto("/exhibit")
    await server.call("POST", api(path, "/comment"), json={"text": "The customer called"})

    await page.goto(path)

    since = page.locator("#since")
    await expect(since.get_by_text("Since you last looked")).to_be_visible()
    await expect(since.get_by_role("link", name="commented")).to_be_visible()
    await axe(page)


async def test_points_beside_one_another_are_listed_with_their_places_in_the_queue(
    page: Page, server: BrowserServer
) -> None:
    ask = {
        "type": "human_in_the_loop",
        "form": {"approved": {"type": "boolean", "required": True}},
        "then": "done",
    }
    workflow = await server.deploy({
        "both": {"type": "condition", "cases": [{"else": ["first", "second"]}]},
        "first": {**ask, "title": "The first"},
        "second": {**ask, "title": "The second"},
        "done": {"type": "response", "data": {}},
    })  # fmt: skip
    ran = await server.execute(workflow)
    await page.goto(f"/resume/{workflow}/{ran['executionId']}")
    points = page.get_by_role("navigation", name="Pause points")
    await expect(points.get_by_role("link")).to_have_count(2)
    await axe(page)

    await page.get_by_role("button", name="Approve").click()
    await expect(page.get_by_role("region", name="The decision")).to_be_visible()
    await page.get_by_role("link", name="Next: The second").click()
    await expect(page.get_by_role("heading", name="The second", level=1)).to_be_visible()
    await expect(points.get_by_text("Decided")).to_be_visible()


async def test_what_is_not_there_says_so_and_leads_home(page: Page, watch: Watch) -> None:
    watch.expect("404")
    await page.goto("/resume/nothing/0198c1f0-7d3e-7c1a-9f7e-1f2e3d4c5b6a")

    await expect(page.get_by_role("heading", name="Execution not found")).to_be_visible()
    await expect(page.get_by_role("link", name="Return home")).to_be_visible()
    await axe(page)
    await snapshot(page.get_by_role("main"), "resume-missing")


async def test_the_page_is_light(page: Page, server: BrowserServer) -> None:
    assert await weight(page, await paused(server)) < 150_000
