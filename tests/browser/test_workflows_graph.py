"""A graph is moved and zoomed by whatever people have."""

from typing import Any, Final

import pytest
from playwright.async_api import Locator, Page, expect

from browser.conftest import OpenPage
from support.browser_pages import axe
from support.browser_server import BrowserServer, Person

LENGTH: Final = 40


@pytest.fixture(scope="module")
async def chain(server: BrowserServer) -> str:
    """A workflow that is far too wide for a screen."""
    blocks: dict[str, Any] = {
        f"b{each}": {"type": "wait", "for": "1s", "then": f"b{each + 1}"} for each in range(LENGTH)
    }
    blocks[f"b{LENGTH}"] = {"type": "response", "data": "done"}
    return await server.deploy(blocks, name="chain")


async def _stands(page: Page) -> tuple[float, float, float]:
    """Where the drawing is: x, y and its scale."""
    found = await page.locator(".graph-drawing").evaluate(
        "(e) => { const m = new DOMMatrix(getComputedStyle(e).transform); return [m.e, m.f, m.a]; }"
    )
    return (found[0], found[1], found[2])


async def _drawn(page: Page) -> Locator:
    view = page.get_by_role("group", name="Graph of")
    await expect(page.locator(".graph-drawing[style]")).to_be_visible()
    return view


async def _moved(page: Page, before: tuple[float, float, float]) -> tuple[float, float, float]:
    await page.wait_for_function(
        """([x, y, scale]) => {
            const m = new DOMMatrix(getComputedStyle(document.querySelector(".graph-drawing")).transform);
            const isStill = !document.querySelector("[data-sf-moving]");
            return isStill && (m.e !== x || m.f !== y || m.a !== scale);
        }""",
        arg=list(before),
    )
    return await _stands(page)


async def test_a_graph_is_dragged_and_zoomed_by_mouse(page: Page, chain: str) -> None:
    await page.goto(f"/workflows/{chain}")
    view = await _drawn(page)
    box = await view.bounding_box()
    assert box is not None
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    before = await _stands(page)
    await page.mouse.move(*middle)
    await page.mouse.down()
    await page.mouse.move(middle[0] - 200, middle[1], steps=4)
    await page.mouse.up()
    after = await _moved(page, before)
    assert after[0] == pytest.approx(before[0] - 200, abs=1)
    assert page.url.endswith(chain), "a drag is no click"
    await page.locator(".gb").nth(1).focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("#block")).to_be_visible()
    await page.go_back()
    await _drawn(page)
    after = await _stands(page)

    await page.keyboard.down("Control")
    await page.mouse.wheel(0, -100)
    await page.keyboard.up("Control")
    zoomed = await _moved(page, after)
    assert zoomed[2] > after[2]

    await page.get_by_role("button", name="Show all of it").click()
    whole = await _moved(page, zoomed)
    assert whole[2] < 0.25
    await page.get_by_role("button", name="Zoom in").click()
    assert (await _moved(page, whole))[2] == pytest.approx(whole[2] * 1.25, rel=1e-3)


async def test_a_graph_is_moved_by_keys(page: Page, chain: str) -> None:
    await page.goto(f"/workflows/{chain}")
    view = await _drawn(page)
    await view.focus()
    before = await _stands(page)
    await page.keyboard.press("ArrowRight")
    after = await _moved(page, before)
    assert after[0] < before[0]
    await page.keyboard.press("+")
    zoomed = await _moved(page, after)
    assert zoomed[2] > after[2]
    await page.keyboard.press("0")
    assert (await _moved(page, zoomed))[2] < 0.25


async def test_a_block_that_has_the_focus_is_in_sight(page: Page, chain: str) -> None:
    await page.goto(f"/workflows/{chain}")
    view = await _drawn(page)
    before = await _stands(page)
    last = page.locator(".gb").last
    await last.focus()
    await _moved(page, before)

    around, box = await view.bounding_box(), await last.bounding_box()
    assert around is not None
    assert box is not None
    assert around["x"] <= box["x"]
    assert box["x"] + box["width"] <= around["x"] + around["width"]
    await page.keyboard.press("Enter")
    await expect(page.locator("#block")).to_be_visible()


async def test_a_graph_can_be_skipped(page: Page, chain: str) -> None:
    await page.goto(f"/workflows/{chain}")
    await _drawn(page)
    skip = page.get_by_role("link", name="Skip the graph")
    await skip.focus()
    await expect(skip).to_be_in_viewport()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await expect(page.locator(".graph-list summary")).to_be_focused()


async def test_a_graph_is_pinched_on_a_phone(
    open_page: OpenPage, server: BrowserServer, person: Person, chain: str
) -> None:
    page = await open_page(person, f"/workflows/{chain}", phone=True)
    view = await _drawn(page)
    before = await _stands(page)
    box = await view.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    session = await page.context.new_cdp_session(page)

    async def touch(kind: str, apart: float) -> None:
        points = [{"x": x - apart, "y": y, "id": 1}, {"x": x + apart, "y": y, "id": 2}]
        await session.send(
            "Input.dispatchTouchEvent", {"type": kind, "touchPoints": [] if kind == "touchEnd" else points}
        )

    await touch("touchStart", 40)
    for apart in (50, 60, 70, 80):
        await touch("touchMove", apart)
    await touch("touchEnd", 0)

    assert (await _moved(page, before))[2] > before[2] * 1.3
    await axe(page)


@pytest.mark.parametrize("phone", [False, True])
async def test_no_button_covers_the_graph_and_a_phone_begins_with_all_of_it(
    open_page: OpenPage, person: Person, chain: str, phone: bool
) -> None:
    page = await open_page(person, f"/workflows/{chain}", phone=phone)
    view = await _drawn(page)

    tools, around = await page.locator(".graph-tools").bounding_box(), await view.bounding_box()
    assert tools is not None
    assert around is not None
    assert tools["y"] + tools["height"] <= around["y"]
    last = await page.locator(".gb").last.bounding_box()
    assert last is not None
    assert (last["x"] + last["width"] <= around["x"] + around["width"]) is phone
    if phone:
        await page.set_viewport_size({"width": 700, "height": 390})
        await page.wait_for_function(
            """() => {
                const [view, drawing] = [".graph-view", ".graph-drawing"].map((each) =>
                    document.querySelector(each).getBoundingClientRect());
                const middle = (box) => [box.x + box.width / 2, box.y + box.height / 2];
                const [x, y] = middle(view).map((at, axis) => Math.abs(at - middle(drawing)[axis]));
                return view.width > 500 && x < 2 && y < 2;
            }"""
        )


async def test_a_graph_stays_where_it_is_when_the_page_is_read_again(page: Page, chain: str) -> None:
    await page.goto(f"/workflows/{chain}")
    view = await _drawn(page)
    await view.focus()
    before = await _stands(page)
    await page.keyboard.press("ArrowRight")
    moved = await _moved(page, before)

    await page.evaluate(
        """async () => {
            const { morph } = await import(document.querySelector('link[href$="morph.js"]').href);
            const answer = await fetch(location.href);
            const newer = new DOMParser().parseFromString(await answer.text(), "text/html");
            morph(document.getElementById("graph"), newer.getElementById("graph"));
        }"""
    )

    assert await _stands(page) == moved
    await expect(page.get_by_role("button", name="Zoom in")).to_have_count(1)


async def test_a_graph_scrolls_without_scripts(open_page: OpenPage, person: Person, chain: str) -> None:
    page = await open_page(person, f"/workflows/{chain}", scripts=False)
    view = page.get_by_role("group", name="Graph of")
    await view.focus()
    await page.locator(".gb").last.focus()
    await expect(page.locator(".gb").last).to_be_in_viewport()
    await page.get_by_text("The same as a list").click()
    await expect(page.locator(".graph-list li")).to_have_count(LENGTH + 2)
