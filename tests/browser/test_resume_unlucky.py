"""The page of a decision when things go wrong: the server is away, the session ends, the network is slow."""

import asyncio

from playwright.async_api import BrowserContext, Page, Route, expect

from browser.conftest import OpenPage
from browser.test_resume import api, decided, paused
from support.browser_pages import Watch, axe
from support.browser_server import PASSWORD, BrowserServer, Person


async def test_the_page_goes_on_when_the_server_was_restarted(
    page: Page, server: BrowserServer, watch: Watch
) -> None:
    watch.expect(
        "ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET|50[0-9]"
    )
    path = await paused(server)
    await page.goto(path)
    await page.get_by_label("comments", exact=True).fill("Typed before the restart")

    await server.stop()
    await page.get_by_role("button", name="Approve").click()
    await expect(page.get_by_text("Send it again: it is not done twice.")).to_be_visible()
    await server.start()

    # It is live again: what others do appears.
    await server.call("POST", api(path, "/comment"), json={"text": "Back again"})
    await expect(page.locator("#timeline").get_by_text("Back again")).to_be_visible(timeout=20_000)
    await expect(page.get_by_label("comments", exact=True)).to_have_value("Typed before the restart")
    await page.get_by_role("button", name="Approve").click()
    await expect(page.get_by_text("Your decision was taken")).to_be_visible()
    assert (await decided(server, path))["comments"] == "Typed before the restart"


async def test_a_session_that_ends_while_somebody_types_loses_nothing(
    page: Page, server: BrowserServer, person: Person, watch: Watch
) -> None:
    watch.expect("401")
    path = await paused(server)
    await page.goto(path)
    await page.get_by_label("comments", exact=True).fill("Typed before it ended")
    context: BrowserContext = page.context
    await context.clear_cookies()

    await page.get_by_role("button", name="Approve").click()
    dialog = page.get_by_role("dialog", name="Sign in again")
    await expect(dialog.get_by_text("Nothing that you typed is lost")).to_be_visible()
    await axe(page)
    await dialog.get_by_label("E-mail address").fill(person.email)
    await dialog.get_by_label("Password").fill(PASSWORD)
    await dialog.get_by_role("button", name="Sign in", exact=True).click()

    await expect(page.get_by_text("Your decision was taken")).to_be_visible()
    assert (await decided(server, path))["comments"] == "Typed before it ended"


async def test_on_a_slow_network_two_clicks_are_one_decision(page: Page, server: BrowserServer) -> None:
    path = await paused(server)
    await page.goto(path)
    sent: list[str] = []
    go_on = asyncio.Event()

    async def slowly(route: Route) -> None:
        sent.append(route.request.url)
        await go_on.wait()
        await route.continue_()

    await page.route("**/ask?*", slowly)
    approve = page.get_by_role("button", name="Approve")
    await approve.click()
    await expect(approve).to_have_attribute("aria-busy", "true")
    await approve.click()
    await page.get_by_label("comments", exact=True).press("Control+Enter")
    go_on.set()

    await expect(page.get_by_text("Your decision was taken")).to_be_visible()
    assert len(sent) == 1


async def test_a_draft_is_back_after_the_page_was_closed(
    open_page: OpenPage, server: BrowserServer, person: Person
) -> None:
    path = await paused(server)
    page = await open_page(person, path)
    await page.get_by_label("comments", exact=True).fill("Half a thought")
    await page.goto("/exhibit")

    await page.goto(path)

    await expect(page.get_by_text("Your draft from just now is back.")).to_be_visible()
    await expect(page.get_by_label("comments", exact=True)).to_have_value("Half a thought")
