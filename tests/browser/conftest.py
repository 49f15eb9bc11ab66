"""One server and one browser for all tests; each test has people and pages of its own."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from argon2 import PasswordHasher
from argon2.profiles import CHEAPEST
from playwright.async_api import Browser, BrowserContext, Page, ViewportSize, async_playwright

from signoff.access.signing_in import passwords
from support.browser_pages import Watch
from support.browser_server import BrowserServer, Person
from support.exhibit import Exhibit, exhibited
from support.mail_servers import MailServer
from support.oidc_provider import CLIENT_ID, CLIENT_SECRET, OidcProvider

DESKTOP: Final = ViewportSize(width=1280, height=800)
PHONE: Final = ViewportSize(width=390, height=844)
_ACTION_LIMIT: Final = 10_000.0
"""Milliseconds for a click, or for something to be seen."""

OpenPage = Callable[..., Awaitable[Page]]


@pytest.fixture(scope="session")
def exhibit() -> Iterator[Exhibit]:
    """Pages that only the tests' server has."""
    with exhibited() as exhibit:
        yield exhibit


@pytest.fixture(scope="session", autouse=True)
def _passwords_are_hashed_at_little_cost() -> Iterator[None]:
    """Each test has people of its own, and a real hash takes a core for a tenth of a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "PasswordHasher", lambda: PasswordHasher.from_parameters(CHEAPEST))
        yield


@pytest.fixture(scope="session")
async def server(
    tmp_path_factory: pytest.TempPathFactory, exhibit: Exhibit, _passwords_are_hashed_at_little_cost: None
) -> AsyncIterator[BrowserServer]:
    """An embedded server; who stops it starts it again."""
    server = BrowserServer(tmp_path_factory.mktemp("browser") / "data")
    await server.start()
    yield server
    await server.stop()


@pytest.fixture(scope="session")
async def mail() -> AsyncIterator[MailServer]:
    """Takes what `company` mails."""
    async with MailServer().serving() as mail:
        yield mail


@pytest.fixture(scope="session")
async def provider() -> AsyncIterator[OidcProvider]:
    """Lets people into `company`."""
    async with OidcProvider() as provider:
        yield provider


@pytest.fixture(scope="session")
async def company(
    tmp_path_factory: pytest.TempPathFactory,
    exhibit: Exhibit,
    mail: MailServer,
    provider: OidcProvider,
    _passwords_are_hashed_at_little_cost: None,
) -> AsyncIterator[BrowserServer]:
    """A server that mails people, and where they sign in with an OpenID provider: ``server=company``."""
    server = BrowserServer(
        tmp_path_factory.mktemp("company") / "data",
        mail_url=mail.url,
        oidc_issuer=provider.issuer,
        oidc_client_id=CLIENT_ID,
        oidc_client_secret=CLIENT_SECRET,
        oidc_name="Company account",
    )
    await server.start()
    yield server
    await server.stop()


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Chromium: its build without windows where it is installed, which takes less than half of the time."""
    program = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    assert program is not None, "install chromium (make test tells how)"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        )
        yield browser
        await browser.close()


@pytest.fixture
async def watch() -> AsyncIterator[Watch]:
    """What no page of the test may do; ``watch.expect(pattern)`` lets a fault be that belongs to the test."""
    watch = Watch()
    yield watch
    watch.check()


@pytest.fixture
async def open_page(server: BrowserServer, browser: Browser, watch: Watch) -> AsyncIterator[OpenPage]:
    """Opens a page in a browser of its own: ``await open_page(person, "/inbox", phone=True)``."""
    contexts: list[BrowserContext] = []

    async def open_page(
        person: Person | None = None,
        path: str | None = None,
        *,
        phone: bool = False,
        dark: bool = False,
        scripts: bool = True,
        zone: str = "UTC",
        server: BrowserServer = server,
        **more: Any,
    ) -> Page:
        context = await browser.new_context(
            base_url=server.url,
            viewport=PHONE if phone else DESKTOP,
            has_touch=phone,
            is_mobile=phone,
            color_scheme="dark" if dark else "light",
            java_script_enabled=scripts,
            reduced_motion="reduce",
            locale="en-GB",
            timezone_id=zone,
            **more,
        )
        contexts.append(context)
        context.set_default_timeout(_ACTION_LIMIT)
        watch.on(context, server.url)
        if person is not None:
            token = await server.session(person)
            await context.add_cookies([{"name": "signoff_session", "value": token, "url": server.url}])
        page = await context.new_page()
        if path is not None:
            await page.goto(path)
        return page

    yield open_page
    for context in contexts:
        await context.close()


@pytest.fixture
async def person(server: BrowserServer) -> Person:
    """An administrator of the default workspace, who also decides."""
    return await server.add_person("Ada", "admin", "approver")


@pytest.fixture
async def page(open_page: OpenPage, person: Person) -> Page:
    """A page on which `person` is signed in, still empty."""
    return await open_page(person)


@pytest.fixture
def downloads(tmp_path: Path) -> Path:
    """A folder for what a page lets people download."""
    return tmp_path
