"""Deciding by a link: no sign-in, one point, one decision, and a token that goes nowhere else."""

import asyncio
import re
from urllib.parse import urlsplit

from playwright.async_api import Page, Request, expect

from browser.conftest import OpenPage
from browser.test_resume import api, decided, paused
from support.browser_pages import Watch, axe, snapshot
from support.browser_server import PASSWORD, BrowserServer, Person
from support.mail_servers import MailServer


async def link_of(server: BrowserServer, path: str, page: Page) -> str:
    """The path of a link that the person of a page made for themselves."""
    made = await page.request.post(server.url + api(path, "/links"), data={}, headers={"Origin": server.url})
    assert made.status == 201, await made.text()
    parts = urlsplit((await made.json())["url"])
    return f"{parts.path}?{parts.query}"


async def test_somebody_decides_by_a_link_once_and_then_sees_what_they_decided(
    open_page: OpenPage, server: BrowserServer, person: Person
) -> None:
    path = await paused(server)
    link = await link_of(server, path, await open_page(person))
    page = await open_page(None)
    told: list[str] = []

    async def note(request: Request) -> None:
        told.append(str((await request.all_headers()).get("referer", "")))

    page.on("request", lambda request: asyncio.ensure_future(note(request)))
    await page.goto(link)
    assert "signofflink_" not in page.url
    await expect(page.get_by_role("link", name="Inbox")).to_have_count(0)
    await axe(page)
    await snapshot(page.locator(".point"), "resume-link")
    await page.get_by_label("comments", exact=True).fill("By mail")
    await page.get_by_role("button", name="Approve").click()

    made = page.get_by_role("region", name="The decision")
    await expect(
        made.get_by_text(re.compile("^Ada decided .*just now, by a decision link.$"))
    ).to_be_visible()
    assert (await decided(server, path))["comments"] == "By mail"
    await page.reload()
    await expect(made).to_be_visible()
    await expect(page.locator("form#decide, form#comment")).to_have_count(0)
    assert not [each for each in told if "signofflink_" in each]


async def test_without_scripts_a_link_decides_as_well(
    open_page: OpenPage, server: BrowserServer, person: Person
) -> None:
    path = await paused(server)
    page = await open_page(None, await link_of(server, path, await open_page(person)), scripts=False)

    await page.get_by_role("button", name="Reject").click()

    await expect(page.locator("#messages").get_by_text("Your decision was taken")).to_be_visible()
    assert (await decided(server, path))["approved"] is False


async def test_a_link_that_another_made_asks_for_a_code_from_the_mail(
    open_page: OpenPage, company: BrowserServer, mail: MailServer, watch: Watch
) -> None:
    watch.expect("422")
    person = await company.add_person("Ada", "approver")
    path = await paused(company)
    made = await company.call("POST", api(path, "/links"), json={"userId": person.id})
    page = await open_page(None, made["url"].removeprefix(company.url), server=company, phone=True)
    await expect(page.get_by_role("button", name="Mail me a code")).to_be_visible()
    await axe(page)

    await page.get_by_label("comments", exact=True).fill("Kept")
    await page.get_by_label("Code").fill("000000")
    await page.get_by_role("button", name="Approve").click()
    await expect(page.locator("#decide").get_by_role("alert")).to_be_visible()
    await expect(page.get_by_label("comments", exact=True)).to_have_value("Kept")
    await expect(page.get_by_label("Code")).to_have_attribute("aria-invalid", "true")
    await axe(page)

    await page.get_by_role("button", name="Mail me a code").click()
    await expect(page.get_by_text("A code was mailed to you.")).to_be_visible()
    (message,) = mail.to(person.email)
    (code,) = re.findall(r"^(\d{6}) is your code", message.get_content(), re.MULTILINE)
    await page.get_by_label("Code").fill(code)
    await page.get_by_role("button", name="Approve").click()

    made_by = page.get_by_role("region", name="The decision")
    await expect(made_by.get_by_text("by a decision link and a code.")).to_be_visible()
    assert (await decided(company, path))["comments"] == "Kept"


async def test_a_link_that_is_over_says_so_and_leads_to_the_page_without_its_token(
    open_page: OpenPage, server: BrowserServer, person: Person, watch: Watch
) -> None:
    watch.expect("401")
    path = await paused(server)
    made = await server.call("POST", api(path, "/links"), json={"userId": person.id})
    await server.call("DELETE", api(path, f"/links/{made['id']}"))
    page = await open_page(None, made["url"].removeprefix(server.url))
    await expect(page.get_by_role("heading", name="This link does not open this")).to_be_visible()
    await axe(page)

    await page.get_by_role("link", name="Sign in to see it").click()
    assert "signofflink_" not in page.url
    await page.get_by_label("E-mail address").fill(person.email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")

    await expect(page.get_by_role("button", name="Approve")).to_be_visible()
