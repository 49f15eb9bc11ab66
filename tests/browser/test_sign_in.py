"""Signing in and out, as a person does."""

import re

from playwright.async_api import expect

from browser.conftest import OpenPage
from support.browser_pages import Watch, axe, screenshot, snapshot
from support.browser_server import KEY, PASSWORD, Person


async def test_whoever_signs_in_is_where_they_wanted_to_be(open_page: OpenPage, person: Person) -> None:
    page = await open_page(None, "/exhibit?x=1")
    await axe(page)
    await snapshot(page, "sign-in")
    await screenshot(page, "sign-in")

    await page.get_by_label("E-mail address").fill(person.email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")

    await page.wait_for_url("**/exhibit?x=1")
    await page.get_by_text("Account: Ada").click()
    await page.get_by_role("button", name="Sign out").click()
    await page.wait_for_url("**/sign-in")
    await page.goto("/exhibit")
    await expect(page).to_have_url(re.compile(r"/sign-in\?next=%2Fexhibit$"))


async def test_a_wrong_password_is_told_at_once(open_page: OpenPage, person: Person, watch: Watch) -> None:
    watch.expect("422")
    page = await open_page(None, "/sign-in", phone=True, dark=True)

    await page.get_by_label("E-mail address").fill(person.email)
    await page.get_by_label("Password").fill("not the password")
    await page.get_by_role("button", name="Sign in", exact=True).click()

    problem = page.get_by_role("alert")
    await expect(problem).to_have_text("E-mail address or password is wrong.")
    await expect(problem).to_be_focused()
    await expect(page.get_by_label("E-mail address")).to_have_value(person.email)
    await axe(page)


async def test_an_api_key_signs_in_without_scripts(open_page: OpenPage) -> None:
    page = await open_page(None, "/sign-in?next=/exhibit", scripts=False)

    await page.get_by_text("Sign in with an API key").click()
    await page.get_by_label("API key").fill(KEY)
    await page.get_by_role("button", name="Sign in with this key").click()

    await expect(page.get_by_role("heading", name="Components")).to_be_visible()
    await expect(page.get_by_text("bootstrap key")).to_be_visible()
