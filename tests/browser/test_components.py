"""Every shared component: what assistive technology finds, in both themes, on both screens."""

from playwright.async_api import Page, expect

from browser.conftest import OpenPage
from support.browser_pages import axe, screenshot, snapshot, weight
from support.browser_server import Person
from support.exhibit import HOSTILE

MOST_BYTES = 150_000


async def test_components_are_accessible_on_every_screen(open_page: OpenPage, person: Person) -> None:
    page = await open_page(person, "/exhibit")
    await axe(page)
    await snapshot(page, "components")
    await screenshot(page, "components")

    page = await open_page(person, "/exhibit", phone=True, dark=True)
    await axe(page)
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_hostile_data_are_shown_as_data(page: Page) -> None:
    await page.goto("/exhibit/hostile")

    await expect(page).to_have_title("Hostile · Signoff")
    cell = page.get_by_role("row").filter(has_text="html")
    await expect(cell).to_contain_text(HOSTILE["html"])
    await expect(page.get_by_role("row").filter(has_text="rtl")).to_contain_text("abc[U+202E]gnp.exe[U+202C]")
    await expect(page.get_by_role("row").filter(has_text="control")).to_contain_text("bell␇ nul␀ del␡")
    await expect(page.get_by_text("1,000,000 characters in all").first).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await axe(page)


async def test_a_page_with_everything_is_light(page: Page) -> None:
    assert await weight(page, "/exhibit") < MOST_BYTES
