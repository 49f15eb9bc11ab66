"""Pages in a browser as tests hold them: what goes wrong in one fails its test."""

import os
import re
from pathlib import Path
from typing import Any, Final

from playwright.async_api import BrowserContext, ConsoleMessage, Locator, Page, Request, Response

from support import npm

_TESTS: Final = Path(__file__).resolve().parents[1]
_REPOSITORY: Final = _TESTS.parent
_SNAPSHOTS: Final = _TESTS / "browser" / "snapshots"
_UPDATE: Final = os.environ.get("SIGNOFF_UPDATE_SNAPSHOTS") == "1"
_SHOTS: Final = os.environ.get("SIGNOFF_SCREENSHOTS")
_WIDTH: Final = 1200

WCAG: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
_ALSO: Final = "label-content-name-mismatch"
"""A rule of WCAG 2.1 A (2.5.3) that axe-core leaves out unless it is named."""

_MASKS: Final = (
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "<id>"),
    (re.compile(r"[\w-]{8}…[\w-]{4}\b"), "<id>"),
    (re.compile(r"signoff_[\w-]{43}"), "<key>"),
    (re.compile(r"127\.0\.0\.1:\d+"), "<address>"),
    (re.compile(r"sha256:[0-9a-f]+(?:…[0-9a-f]{4})?|\b[0-9a-f]{64}\b"), "<digest>"),
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z"), "<time>"),
    (re.compile(r"\b\d+(?:\.\d+)? (?:ms|s)\b"), "<when>"),
    (re.compile(r"\b[\d,]+ bytes\b"), "<size>"),  # of names with running numbers, and of ports
    (re.compile(r"\b\d{1,2} \w{3,4}, \d\d:\d\d:\d\d\.\d{3}\b"), "<time>"),
    (re.compile(r"[A-Za-z0-9+/]{43}="), "<hash>"),
    (re.compile(r"\d{1,2} \w{3,4} \d{4}, \d\d:\d\d:\d\d(?: UTC)?"), "<time>"),
    (re.compile(r"\w{3} \d{1,2}, \d{4}, [\d:]+\s[AP]M"), "<time>"),
    (re.compile(r"just now|in a moment"), "<when>"),
    (re.compile(r"(?:in )?\d+ (?:s|minutes?|hours?|days?|months?|years?)\b(?: ago)?"), "<when>"),
    (re.compile(r"-\d+(?=@example\.org)|(?<=[a-z])-\d+\b"), "-<n>"),
    (re.compile(r"/assets/[0-9a-f]+/"), "/assets/<set>/"),
)  # fmt: skip


class Watch:
    """Notes what a page must not do: errors, violations of its policy, requests elsewhere."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self._expected: list[re.Pattern[str]] = []

    def expect(self, pattern: str) -> None:
        """Some fault is part of the test: one whose text has this."""
        self._expected.append(re.compile(pattern))

    def on(self, context: BrowserContext, url: str) -> None:
        """Watch all pages of a context, which are of the server with this URL."""
        context.on("console", self._console)
        context.on("weberror", lambda told: self._note(f"page error: {told.error}"))
        context.on("request", lambda request: self._request(request, url))

    def check(self) -> None:
        """Fail where something was noted."""
        unexpected = [
            each for each in self.faults if not any(pattern.search(each) for pattern in self._expected)
        ]
        assert unexpected == [], "\n".join(unexpected)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._note(f"console {message.type}: {message.text} ({message.location.get('url')})")

    def _request(self, request: Request, url: str) -> None:
        if not request.url.startswith((url + "/", "data:", "blob:", "about:")):
            self._note(f"external request: {request.url}")

    def _note(self, text: str) -> None:
        self.faults.append(text)


async def axe(page: Page) -> None:
    """Fail where axe-core finds a violation of WCAG 2.2 AA on a page as it is now."""
    script = npm.install(_TESTS / "browser" / "npm") / "node_modules" / "axe-core" / "axe.min.js"
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(script.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = await page.evaluate(
        """async ([tags, also]) => {
            const options = {runOnly: {type: "tag", values: tags}, rules: {[also]: {enabled: true}}};
            const at = scrollY;  // what has just gone half under the sticky header is not too small
            scrollTo({top: 0, behavior: "instant"});
            const {violations} = await axe.run(document, options);
            scrollTo({top: at, behavior: "instant"});
            return violations.map(({id, help, nodes}) => (
                {id, help, nodes: nodes.map((node) => [node.html.slice(0, 300), node.failureSummary])}
            ));
        }""",
        [WCAG, _ALSO],
    )
    assert found == [], "\n".join(f"{each['id']}: {each['help']}\n{each['nodes']}" for each in found)


async def snapshot(found: Page | Locator, name: str) -> None:
    """Compare an accessibility tree with the committed one; SIGNOFF_UPDATE_SNAPSHOTS=1 writes it anew.

    Args:
        found: the page, or a part of it.
        name: of the file in tests/browser/snapshots.
    """
    locator = found.locator("body") if isinstance(found, Page) else found
    tree = await locator.aria_snapshot() + "\n"
    for pattern, mask in _MASKS:
        tree = pattern.sub(mask, tree)
    file = _SNAPSHOTS / f"{name}.yml"
    if _UPDATE:
        file.write_text(tree, encoding="utf-8")
    assert file.exists(), f"there is no {file}: run with SIGNOFF_UPDATE_SNAPSHOTS=1"
    assert tree == file.read_text(encoding="utf-8"), f"differs from {file}"


async def screenshot(page: Page, name: str) -> None:
    """Write a picture for the docs, where SIGNOFF_SCREENSHOTS names a folder (from the repository)."""
    if _SHOTS is None:
        return
    folder = _REPOSITORY / _SHOTS
    folder.mkdir(parents=True, exist_ok=True)
    size = page.viewport_size
    if size is not None and size["width"] > _WIDTH:
        await page.set_viewport_size({"width": _WIDTH, "height": size["height"]})
    await page.evaluate("scrollTo(0, 0)")
    await page.screenshot(path=folder / f"{name}.png", animations="disabled", caret="hide")
    if size is not None:
        await page.set_viewport_size(size)


async def weight(page: Page, path: str, *, sent: bool = False) -> int:
    """Bytes that a browser without a cache gets for a page: of the page and all it loads.

    Args:
        sent: as they come over the line, compressed; else as they are.
    """
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108 - a builtin cannot listen
    await page.goto(path)
    loaded = [each for each in answers if each.status == 200 and not _streams(each)]
    if sent:
        return sum([(await each.request.sizes())["responseBodySize"] for each in loaded])
    return sum([len(await each.body()) for each in loaded])


def _streams(answer: Response) -> bool:
    return "text/event-stream" in answer.headers.get("content-type", "")
