"""Answers that come late, in another order, or not at all: nothing is lost, and nothing done twice."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Page, Route, expect

from browser.conftest import OpenPage
from browser.test_inbox import Desk, asking, link
from browser.test_modules import BLOCKS, connected
from browser.test_resume import api, paused
from browser.test_resume_link import link_of
from support.browser_pages import Watch, axe
from support.browser_server import BrowserServer, Person, eventually
from support.exhibit import Exhibit
from support.oidc_provider import OidcProvider

LIVE = "**/exhibit/live*"
SIGN_IN = re.compile(r"/sign-in(\?|$)")
POLLED = 11_000
"""Milliseconds after which a page without a feed was read again."""


class Held:
    """Answers of the server that are held back.

    Attributes:
        waiting: how many have come from the server.
    """

    def __init__(self, method: str, most: int = 1) -> None:
        self.waiting = 0
        self._method, self._left = method, most
        self._go = asyncio.Event()
        self._gone = asyncio.Event()

    async def take(self, route: Route) -> None:
        """Hold this one, if it is one of those."""
        if route.request.method != self._method or not self._left:
            await route.continue_()
            return
        self._left -= 1
        answer = await route.fetch(max_redirects=0)
        self.waiting += 1
        await self._go.wait()
        await route.fulfill(response=answer)
        self._gone.set()

    async def let_go(self) -> None:
        """Let them arrive."""
        self._go.set()
        await self._gone.wait()


@asynccontextmanager
async def lost(page: Page, method: str) -> AsyncIterator[None]:
    """The server gets what is sent to the live page, and does it; its answer is lost."""

    async def lose(route: Route) -> None:
        if route.request.method == method:
            await route.fetch(max_redirects=0)
            await route.abort("connectionreset")
        else:
            await route.continue_()

    await page.route(LIVE, lose)
    yield
    await page.unroute(LIVE, lose)


async def test_an_older_answer_that_comes_later_is_dropped(
    page: Page, server: BrowserServer, exhibit: Exhibit
) -> None:
    workflow = await server.deploy(BLOCKS)
    await connected(page)
    held = Held("GET")
    await page.route(LIVE, held.take)
    await server.execute(workflow)
    await eventually(lambda: held.waiting == 1, "the page was not read again")

    await page.get_by_label("Text").fill("the newest")
    await page.get_by_role("button", name="Send").click()
    await expect(page.get_by_text("Said the newest")).to_be_visible()
    times = await page.locator("#count").text_content()
    await held.let_go()

    await expect(page.get_by_role("listitem").get_by_text("the newest", exact=True)).to_be_visible()
    assert await page.locator("#count").text_content() == times


async def test_what_happens_before_the_feed_is_open_is_told_by_it(
    page: Page, server: BrowserServer, exhibit: Exhibit
) -> None:
    workflow = await server.deploy(BLOCKS)
    held = Held("GET")
    before = exhibit.times

    async def hold(route: Route) -> None:
        held.waiting += 1
        await opened.wait()
        await route.continue_()

    opened = asyncio.Event()
    await page.route("**/api/stream*", hold)
    await page.goto("/exhibit/live")
    await eventually(lambda: held.waiting == 1, "no feed was asked for")
    assert exhibit.times == before + 1
    await server.execute(workflow)
    opened.set()

    await expect(page.locator("#count")).to_have_text(f"Read {before + 2} times")


async def test_a_feed_that_goes_on_where_it_was_reads_no_page(
    page: Page, server: BrowserServer, exhibit: Exhibit
) -> None:
    workflow = await server.deploy(BLOCKS)
    asked = 0
    happened = asyncio.Event()

    async def stop_once(route: Route) -> None:
        nonlocal asked
        asked += 1
        if asked > 1:
            await happened.wait()
            await route.continue_()
            return
        cursor = await page.locator("body").get_attribute("data-cursor")
        elsewhere = json.dumps({"type": "pause:opened", "executionId": "another", "data": {}})
        body = f"retry: 10\nid: {cursor}\ndata: {elsewhere}\n\n"
        await route.fulfill(content_type="text/event-stream", body=body)

    await page.route("**/api/stream*", stop_once)
    await page.add_init_script("window.missed = 0; addEventListener('sf:missed', () => missed++, true)")
    await page.goto("/exhibit/live")
    before = exhibit.times
    await eventually(lambda: asked == 2, "the feed was not asked for again")
    await server.execute(workflow)
    happened.set()

    await eventually(lambda: exhibit.times > before, "the event did not reach the page")
    assert await page.evaluate("missed") == 0


async def test_two_quick_decisions_on_a_slow_network_leave_nothing_struck_out(
    server: BrowserServer, open_page: OpenPage
) -> None:
    workspace_id = await server.add_workspace("Inbox")
    person = await server.add_person("Ada", "approver", workspace_id=workspace_id)
    desk = Desk(server, workspace_id, person)
    await desk.deploy("refund", asking("Refund <start.amount>"))
    await desk.ask("refund", 3)
    page = await open_page(person, "/inbox")
    held = Held("GET", most=20)
    await page.route("**/inbox", held.take)

    await page.keyboard.press("j")
    for title in ("Refund 1", "Refund 2"):
        await expect(link(page, title)).to_be_focused()
        await page.keyboard.press("a")
        async with page.expect_request("**/inbox"):
            await page.keyboard.press("Control+Enter")
            await expect(page.get_by_text(f"Approved: {title}")).to_be_visible()
        await page.keyboard.press("j")
    await held.let_go()

    await expect(link(page, "Refund 1")).to_have_count(0)
    await expect(page.locator("#inbox-list tbody tr")).to_have_count(1)
    await expect(page.locator("#inbox-held")).to_be_hidden()


async def test_a_form_whose_answer_is_lost_is_sent_again_and_done_once(
    page: Page, server: BrowserServer, exhibit: Exhibit, watch: Watch
) -> None:
    watch.expect("ERR_CONNECTION_RESET")
    workflow = await server.deploy(BLOCKS)
    await connected(page)
    await page.get_by_label("Text").fill("once only")
    async with lost(page, "POST"):
        await page.get_by_role("button", name="Send").click()
        await expect(page.get_by_text("nobody can say whether this was taken")).to_be_visible()
    await expect(page.get_by_text("Send it again: it is not done twice.")).to_be_visible()
    await expect(page.get_by_label("Text")).to_have_value("once only")
    before = exhibit.times
    await server.execute(workflow)  # the page is read anew, and with it the form's key
    await eventually(lambda: exhibit.times > before, "the event did not reach the page")

    await page.get_by_role("button", name="Send").click()

    await expect(page.get_by_text("Said once only")).to_be_visible()
    assert exhibit.said.count("once only") == 1
    assert exhibit.keys[-1] == exhibit.keys[-2] is not None


async def test_a_form_that_was_taken_is_not_called_unsent_when_its_page_cannot_be_read(
    page: Page, exhibit: Exhibit, watch: Watch
) -> None:
    watch.expect("503")
    await connected(page)

    async def away(route: Route) -> None:
        await (route.fulfill(status=503) if route.request.method == "GET" else route.continue_())

    await page.route(LIVE, away)
    await page.get_by_label("Text").fill("taken all the same")
    await page.get_by_role("button", name="Send").click()
    await expect(page.get_by_text("This was done.")).to_be_visible()
    await page.unroute(LIVE, away)

    await expect(page.get_by_role("listitem").get_by_text("taken all the same", exact=True)).to_be_visible()
    await expect(page.get_by_text("Said taken all the same")).to_be_visible()
    assert exhibit.said.count("taken all the same") == 1


async def test_what_was_typed_into_a_form_that_came_too_late_is_kept(page: Page) -> None:
    await connected(page)
    await page.evaluate("document.addEventListener('sf:refused', ({target}) => window.refused = target.id)")
    await page.get_by_label("Text").fill("late")

    await page.get_by_role("button", name="Send").click()

    await expect(page.get_by_text("Somebody was first.")).to_be_visible()
    assert await page.evaluate("window.refused") == "note"
    await page.reload()
    await expect(page.get_by_label("Text")).to_have_value("late")


async def test_a_slow_form_is_sent_once_however_often_its_button_is_pressed(
    page: Page, exhibit: Exhibit
) -> None:
    await connected(page)
    held = Held("POST")
    await page.route(LIVE, held.take)
    await page.get_by_label("Text").fill("impatient")
    button = page.get_by_role("button", name="Send")
    await button.click()
    await expect(button).to_have_attribute("aria-busy", "true")
    await button.click()
    await page.get_by_label("Text").press("Enter")
    await held.let_go()

    await expect(page.get_by_text("Said impatient")).to_be_visible()
    assert exhibit.said.count("impatient") == 1
    assert held.waiting == 1


async def test_a_form_survives_a_restart_of_the_server(
    page: Page, server: BrowserServer, exhibit: Exhibit, watch: Watch
) -> None:
    watch.expect("ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET|503")
    await connected(page)
    await page.get_by_label("Text").fill("before the restart")
    await server.stop()
    try:
        await page.get_by_role("button", name="Send").click()
        await expect(page.get_by_text("No answer came")).to_be_visible()
    finally:
        await server.start()

    await page.get_by_role("button", name="Send").click()

    await expect(page.get_by_text("Said before the restart")).to_be_visible()
    assert exhibit.said.count("before the restart") == 1


async def test_signing_in_again_with_a_provider_happens_in_another_tab(
    open_page: OpenPage, company: BrowserServer, provider: OidcProvider, exhibit: Exhibit, watch: Watch
) -> None:
    watch.expect("401|external request: http://127.0.0.1")
    person = await company.add_person("Olga", "admin")
    provider.vouches = {"email": person.email, "email_verified": True}
    page = await open_page(person, server=company)
    await connected(page)
    await page.get_by_label("Text").fill("typed before the end")
    await page.context.clear_cookies()

    await page.get_by_role("button", name="Send").click()
    async with page.context.expect_page() as opened:
        await page.get_by_role("dialog").get_by_role("link", name="Continue with Company account").click()
    await expect((await opened.value).get_by_role("heading", name="You are signed in")).to_be_visible()

    await expect(page.get_by_text("Said typed before the end")).to_be_visible()
    await expect(page.get_by_role("dialog")).to_have_count(0)
    assert exhibit.said[-1] == "typed before the end"


async def test_the_dialog_that_asks_to_sign_in_outlives_a_server_that_is_away(
    page: Page, person: Person, watch: Watch
) -> None:
    watch.expect("401|ERR_FAILED|503")
    await page.goto("/settings/users/new")
    await page.locator("#field-name").fill("Eve")
    await page.locator("#field-email").fill("eve@example.org")
    await page.context.clear_cookies()
    await page.route(SIGN_IN, lambda route: route.abort(), times=1)

    await page.get_by_role("button", name="Add", exact=True).click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_text("The server does not answer.")).to_be_visible()
    await axe(page)
    await dialog.get_by_role("button", name="Try again").click()
    await expect(dialog.get_by_label("E-mail address")).to_be_focused()
    await axe(page)  # fields of the page have the same names
    await page.route(SIGN_IN, lambda route: route.fulfill(status=503), times=1)
    await dialog.get_by_label("E-mail address").fill(person.email)
    await dialog.get_by_label("Password").fill("whatever")
    await dialog.get_by_role("button", name="Sign in", exact=True).click()
    await expect(dialog.get_by_text("The server does not answer.")).to_be_visible()
    await expect(dialog.get_by_label("E-mail address")).to_have_value(person.email)
    await dialog.get_by_role("button", name="I have signed in in another tab").click()
    await expect(dialog.get_by_text("You are not signed in yet.")).to_be_visible()
    await dialog.get_by_role("button", name="Not now").click()

    await expect(dialog).to_have_count(0)
    await expect(page.locator("#field-name")).to_have_value("Eve")


async def test_the_page_of_a_link_is_read_now_and_then_until_the_link_is_over(
    open_page: OpenPage, server: BrowserServer, person: Person, watch: Watch
) -> None:
    watch.expect("401")
    path = await paused(server)
    page = await open_page(None)
    await page.clock.install()
    await page.goto(await link_of(server, path, await open_page(person)))
    await expect(page.get_by_role("button", name="Approve")).to_be_visible()

    await server.call("POST", api(path, "/comment"), json={"text": "Look at the amount"})
    await page.clock.fast_forward(POLLED)
    await expect(page.get_by_text("Look at the amount").first).to_be_visible()

    links = (await server.call("GET", api(path, "/links")))["links"]
    await server.call("DELETE", api(path, f"/links/{links[0]['id']}"))
    await page.clock.fast_forward(POLLED)
    await expect(page.get_by_text("Not updated any more")).to_be_visible()
    read: list[str] = []
    page.on("request", lambda request: read.append(request.url))
    await page.clock.fast_forward(5 * POLLED)
    await axe(page)
    assert read == []


async def test_tabs_share_a_few_connections_and_the_others_read_now_and_then(
    page: Page, exhibit: Exhibit
) -> None:
    feeds: list[str] = []
    page.context.on("request", lambda each: feeds.append(each.url) if "/api/stream" in each.url else None)
    tabs = [page, *[await page.context.new_page() for _ in range(2)]]
    for tab in tabs:
        await connected(tab)
    late = await page.context.new_page()
    await late.clock.install()
    await late.goto("/exhibit/live")

    async with late.expect_response(lambda answer: answer.url.endswith("/exhibit/live")):
        await late.clock.fast_forward(POLLED)
    assert len(feeds) == len(tabs)

    await tabs[1].close()
    async with asyncio.timeout(10):
        while len(feeds) == len(tabs):
            await late.clock.fast_forward(POLLED)
