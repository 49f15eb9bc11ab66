"""People of several workspaces, of none, and those whom the provider does not let in."""

import re

from playwright.async_api import expect

from browser.conftest import OpenPage
from support.browser_pages import Watch, axe, snapshot
from support.browser_server import BrowserServer


async def test_a_page_of_another_workspace_says_so_and_its_links_stay_there(
    open_page: OpenPage, server: BrowserServer
) -> None:
    other = await server.add_workspace("Finance")
    ada = await server.add_person("Ada", "read")
    await server.join(ada.email, "read", workspace_id=other)

    page = await open_page(ada, f"/executions?workspaceId={other}")
    await axe(page)
    await snapshot(page.locator("#elsewhere"), "another-workspace")
    await page.get_by_role("link", name="Workflows").click()
    await expect(page).to_have_url(re.compile(f"/workflows.workspaceId={other}$"))
    await page.get_by_role("button", name="Go on in Finance").click()

    await expect(page).to_have_url(re.compile("/inbox$"))
    await expect(page.get_by_text("Workspace: Finance")).to_be_attached()
    await expect(page.get_by_text("not of the one that you chose last")).to_have_count(0)


async def test_whoever_is_in_no_workspace_is_told_what_to_do(
    open_page: OpenPage, server: BrowserServer, watch: Watch
) -> None:
    watch.expect("404")
    page = await open_page(await server.add_person("Nemo"), "/inbox", phone=True)

    await expect(page.get_by_role("heading", name="You are in no workspace yet")).to_be_visible()
    await axe(page)
    await snapshot(page.locator("main"), "no-workspace")
    await page.get_by_role("link", name="Change your password").click()
    await expect(page.get_by_role("heading", name="Change your password")).to_be_visible()
    await axe(page)


async def test_whom_the_provider_does_not_let_in_reads_why_at_the_sign_in(
    open_page: OpenPage, company: BrowserServer
) -> None:
    page = await open_page(None, "/api/auth/oidc/callback?error=access_denied", server=company)

    await expect(page).to_have_url(re.compile("/sign-in$"))
    await expect(page.get_by_role("alert")).to_contain_text("begin again")
    await axe(page)
