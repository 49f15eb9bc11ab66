"""What the modules do: live pages, drafts, forms that survive the end of a session, shortcuts, popovers."""

from playwright.async_api import Page, expect

from browser.conftest import OpenPage
from browser.test_executions import refund
from browser.test_inbox import Desk, asking
from support.browser_pages import Watch, axe
from support.browser_server import FIRST_PASSWORD, PASSWORD, BrowserServer, Person, eventually
from support.exhibit import Exhibit

BLOCKS = {"only": {"type": "variables", "set": {"a": 1}}}


async def connected(page: Page) -> None:
    """Wait until a live page has its feed."""
    async with page.expect_response(lambda answer: "/api/stream" in answer.url):
        await page.goto("/exhibit/live")


async def test_a_live_page_keeps_what_the_person_does(
    page: Page, server: BrowserServer, exhibit: Exhibit
) -> None:
    workflow = await server.deploy(BLOCKS)
    await connected(page)
    await page.get_by_text("More").click()
    await page.get_by_label("Text").press_sequentially("half a sen")
    before = exhibit.times

    await server.execute(workflow)

    await eventually(lambda: exhibit.times > before, "the event did not reach the page")
    await expect(page.locator("#count")).to_have_text(f"Read {exhibit.times} times")
    await expect(page.get_by_text("Hidden until it is opened")).to_be_visible()
    await expect(page.get_by_label("Text")).to_have_value("half a sen")
    await expect(page.get_by_label("Text")).to_be_focused()


async def test_a_page_goes_on_when_the_server_comes_back(
    page: Page, server: BrowserServer, exhibit: Exhibit, watch: Watch
) -> None:
    watch.expect("ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_EMPTY_RESPONSE|503")
    workflow = await server.deploy(BLOCKS)
    await connected(page)

    await server.stop()
    try:
        await expect(page.get_by_text("Reconnecting…")).to_be_visible()
    finally:
        await server.start()
    await expect(page.get_by_text("Reconnecting…")).to_be_hidden()

    before = exhibit.times
    await server.execute(workflow)
    await eventually(lambda: exhibit.times > before, "the event did not reach the page")


async def test_nothing_typed_is_lost_when_the_session_ends(
    page: Page, server: BrowserServer, person: Person, exhibit: Exhibit, watch: Watch
) -> None:
    watch.expect("401")
    await connected(page)
    await page.get_by_label("Text").fill("typed before")
    await page.context.clear_cookies()

    await page.get_by_role("button", name="Send").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("E-mail address").fill(person.email)
    await axe(page)
    await dialog.get_by_label("Password").fill(PASSWORD)
    await dialog.get_by_role("button", name="Sign in", exact=True).click()

    await expect(page.get_by_text("Said typed before")).to_be_visible()
    assert exhibit.said[-1] == "typed before"


async def sign_in_again(page: Page, person: Person) -> None:
    """Do it in the dialog that asks for it."""
    dialog = page.get_by_role("dialog", name="Sign in again")
    await dialog.get_by_label("E-mail address").fill(person.email)
    await dialog.get_by_label("Password").fill(PASSWORD)
    await dialog.get_by_role("button", name="Sign in", exact=True).click()


async def test_whoever_opens_an_event_after_their_session_has_ended_signs_in_and_sees_it(
    page: Page, server: BrowserServer, person: Person, watch: Watch
) -> None:
    watch.expect("401|503")
    _, execution = await refund(server)
    await page.goto(f"/executions/{execution}/events")
    unfold = page.get_by_role("button", name="JSON of event 2")
    one = "**/events/2"
    await page.route(one, lambda route: route.fulfill(status=503), times=1)
    await unfold.click()
    await expect(page.get_by_text("The server cannot answer now.")).to_be_visible()
    await page.context.clear_cookies()

    await unfold.click()
    await page.get_by_role("dialog").get_by_role("button", name="Not now").click()
    await expect(page.get_by_text("You are signed out.")).to_be_visible()
    await unfold.click()
    await sign_in_again(page, person)

    await expect(page.locator("#event-2 .json-tree")).to_be_visible()
    await expect(unfold).to_have_attribute("aria-expanded", "true")


async def test_a_look_beside_the_list_after_the_session_has_ended_offers_to_sign_in(
    server: BrowserServer, open_page: OpenPage, watch: Watch
) -> None:
    watch.expect("401")
    workspace_id = await server.add_workspace("Inbox")
    person = await server.add_person("Ada", "approver", workspace_id=workspace_id)
    desk = Desk(server, workspace_id, person)
    await desk.deploy("refund", asking("Refund <start.amount>"))
    await desk.ask("refund")
    page = await open_page(person, "/inbox")
    await page.context.clear_cookies()

    await page.keyboard.press("j")
    pane = page.locator("#inbox-peek")
    await expect(pane).to_contain_text("You are signed out.")
    await axe(page)
    await pane.get_by_role("button", name="Sign in").click()
    await sign_in_again(page, person)

    await expect(pane).to_contain_text("Amount")


async def test_whose_password_somebody_else_has_set_is_told_so_and_led_to_change_it(
    page: Page, server: BrowserServer, watch: Watch
) -> None:
    watch.expect("401|403")
    newcomer = await server.add_newcomer("Newcomer", "read")
    await connected(page)
    token = await server.session(newcomer, FIRST_PASSWORD)  # signed in with it in another tab
    await page.context.add_cookies([{"name": "signoff_session", "value": token, "url": server.url}])
    await server.execute(await server.deploy(BLOCKS))

    told = page.locator("sf-connection")
    await expect(told).to_contain_text("Your password has to be changed")
    await axe(page)
    await told.get_by_role("button", name="Change it").click()
    async with page.context.expect_page() as opened:
        await page.get_by_role("dialog").get_by_role("link", name="Choose a password").click()
    first = await opened.value
    await first.get_by_label("Current password").fill(FIRST_PASSWORD)
    await first.get_by_label("New password").first.fill(PASSWORD)
    await first.get_by_label("once more").fill(PASSWORD)
    await first.get_by_role("button", name="Change the password").click()

    await expect(page.get_by_text("Account: Newcomer")).to_be_visible()
    await expect(told).to_be_hidden()


async def test_without_scripts_nothing_typed_is_lost_either(
    open_page: OpenPage, server: BrowserServer, person: Person, exhibit: Exhibit, watch: Watch
) -> None:
    watch.expect("401")
    page = await open_page(person, "/exhibit/live", scripts=False)
    await page.get_by_label("Text").fill("typed <before>")
    await page.context.clear_cookies()
    await page.get_by_role("button", name="Send").click()
    await expect(page.get_by_role("heading", name="Sign in first")).to_be_visible()

    token = await server.session(person)
    await page.context.add_cookies([{"name": "signoff_session", "value": token, "url": server.url}])
    await page.get_by_role("button", name="Send it again").click()

    await expect(page.get_by_text("Said typed <before>")).to_be_visible()
    assert exhibit.said[-1] == "typed <before>"


KEPT = """async (text) => {
    const isKept = () => Object.values(localStorage).some((each) => each.includes(text));
    while (!isKept()) await new Promise(requestAnimationFrame);
}"""
"""Ends once a draft with a text is kept, which is a moment after it was typed."""


async def test_an_error_stands_at_its_field_and_a_draft_comes_back(page: Page, watch: Watch) -> None:
    watch.expect("422")
    await page.goto("/exhibit/live")
    await page.get_by_label("Text").fill("wrong")
    await page.get_by_role("button", name="Send").click()

    await expect(page.get_by_text("Say something else.")).to_be_visible()
    await expect(page.get_by_label("Text")).to_have_value("wrong")

    await page.get_by_label("Text").fill("a long thought")
    await page.reload()
    await expect(page.get_by_label("Text")).to_have_value("a long thought")
    await page.get_by_role("button", name="Discard it").click()
    await expect(page.get_by_label("Text")).to_have_value("")


async def test_shortcuts_are_told_and_can_be_turned_off(page: Page) -> None:
    await page.goto("/exhibit/live")
    await page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    await expect(dialog).to_be_visible()
    await axe(page)

    await dialog.get_by_label("Use shortcuts").uncheck()
    await page.keyboard.press("Escape")
    await page.keyboard.press("?")

    await expect(dialog).to_be_hidden()


async def test_whoever_signs_out_leaves_nothing_behind_but_their_choice_of_look(
    page: Page, watch: Watch
) -> None:
    await connected(page)
    await page.get_by_label("Text").fill("my secret plan")
    await page.evaluate(KEPT, "my secret plan")
    other = await page.context.new_page()
    await other.goto("/exhibit/live")
    await expect(other.get_by_label("Text")).to_have_value("my secret plan")
    await page.get_by_text("Account: Ada").click()
    await page.get_by_label("Dark").check()
    await page.get_by_role("button", name="Sign out").click()
    await page.wait_for_url("**/sign-in")

    await other.get_by_label("Text").fill("typed into a tab that was forgotten")
    await other.close(run_before_unload=False)

    assert await page.evaluate("Object.keys(localStorage)") == []
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")


async def test_a_draft_has_no_one_time_code_and_stays_in_its_workspace(
    page: Page, server: BrowserServer, person: Person
) -> None:
    other = await server.add_workspace("Other")
    await server.join(person.email, "admin", workspace_id=other)
    await page.goto("/exhibit/live")
    await page.get_by_label("Text").fill("kept")
    await page.get_by_label("Code").fill("123456")

    await page.reload()
    await expect(page.get_by_label("Text")).to_have_value("kept")
    await expect(page.get_by_label("Code")).to_have_value("")

    await page.goto(f"/exhibit/live?workspaceId={other}")
    await expect(page.get_by_label("Text")).to_have_value("")


async def test_what_is_scrolled_to_is_not_under_the_header(open_page: OpenPage, person: Person) -> None:
    covered = """document.querySelector(".site-header").offsetHeight
        > parseFloat(getComputedStyle(document.documentElement).scrollPaddingTop)"""
    is_sticky = "getComputedStyle(document.querySelector('.site-header')).position === 'sticky'"
    for is_phone in (False, True):
        page = await open_page(person, "/exhibit", phone=is_phone)
        assert not await page.evaluate(covered)
        assert await page.evaluate(is_sticky)

    await page.set_viewport_size({"width": 320, "height": 256})  # 400 % of 1280 by 1024
    assert not await page.evaluate(is_sticky)


async def test_when_what_had_the_focus_goes_the_nearest_control_gets_it(page: Page) -> None:
    await page.goto("/exhibit/live")

    focused = await page.evaluate(
        """async () => {
            const { morph } = await import(document.querySelector('link[href*="morph"]').href);
            const live = document.getElementById("live");
            const newer = live.cloneNode(true);
            newer.querySelector("#note button").remove();
            live.querySelector("#note button").focus();
            morph(live, newer);
            return document.activeElement.name;
        }"""
    )

    assert focused == "text"


async def test_shortcuts_act_where_nothing_can_be_written(page: Page) -> None:
    await page.goto("/exhibit/live")
    await page.evaluate(
        """() => {
            const slider = document.createElement("input");
            slider.type = "range";
            document.getElementById("main").append(slider);
            slider.focus();
        }"""
    )

    await page.keyboard.press("?")

    await expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()


async def test_questions_over_a_page_close_by_escape_and_elsewhere_and_give_the_focus_back(
    page: Page, server: BrowserServer
) -> None:
    _, execution = await refund(server)
    await page.goto(f"/executions/{execution}")
    fork, cancel = page.locator("#ask-fork"), page.locator("#ask-cancel")
    is_open = "details => details.open"

    await fork.locator("summary").click()
    await expect(page.locator("#fork-reason")).to_be_focused()
    await axe(page)
    await page.keyboard.press("Escape")
    await expect(fork.locator("summary")).to_be_focused()
    assert not await fork.evaluate(is_open)

    await page.keyboard.press("Enter")
    await expect(page.locator("#fork-reason")).to_be_focused()
    await cancel.locator("summary").click()
    await expect(page.locator("#ask-cancel-form")).to_be_focused()  # not the button that cancels
    assert not await fork.evaluate(is_open)

    await page.locator("#timeline-title").click()
    await expect(cancel.locator("summary")).to_be_focused()
    assert not await cancel.evaluate(is_open)

    await cancel.locator("summary").click()
    await page.get_by_text("Account: Ada").click()
    await expect(page.get_by_label("Dark")).to_be_visible()
    assert not await cancel.evaluate(is_open)
    await page.keyboard.press("Escape")
    await expect(page.get_by_label("Dark")).to_be_hidden()


async def test_a_question_stays_open_while_somebody_signs_in_again(
    page: Page, server: BrowserServer, person: Person, watch: Watch
) -> None:
    watch.expect("401")
    _, execution = await refund(server)
    await page.goto(f"/executions/{execution}")
    await page.locator("#ask-fork > summary").click()
    await page.locator("#fork-reason").fill("what if")
    await page.context.clear_cookies()

    await page.get_by_role("button", name="Begin the fork").click()
    dialog = page.get_by_role("dialog", name="Sign in again")
    await dialog.get_by_text("Your session has ended.").click()
    await page.keyboard.press("Escape")

    await expect(dialog).to_have_count(0)
    await expect(page.locator("#fork-reason")).to_be_visible()
