"""The settings, as people use them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import quote

import aiohttp
import pytest
from aiohttp import web
from playwright.async_api import Page, expect

from browser.conftest import OpenPage
from support.browser_pages import Watch, axe, screenshot, snapshot, weight
from support.browser_server import FIRST_PASSWORD, PASSWORD, BrowserServer, Person
from support.ports import unused_port

NEWER = "another long password"


@pytest.fixture
async def place(server: BrowserServer) -> str:
    """A workspace that no other test sees."""
    return await server.add_workspace("Finance")


@pytest.fixture
async def admin(server: BrowserServer, place: str) -> Person:
    """Its administrator."""
    return await server.add_person("Grace", "admin", workspace_id=place)


async def test_a_key_is_made_shown_once_used_and_revoked_by_keyboard_alone(
    open_page: OpenPage, server: BrowserServer, admin: Person, place: str
) -> None:
    page = await open_page(admin, "/settings/own-keys/new")
    await page.get_by_label("Name").press_sequentially("laptop")
    await page.get_by_label("read", exact=False).first.press("Space")
    await page.get_by_label("Expires after").press("Tab")
    await page.keyboard.press("Enter")

    shown = page.get_by_role("textbox", name="The API key")
    key = await shown.input_value()
    await axe(page)
    await snapshot(page.locator("main"), "settings-secret")
    workspaces = await server.call("GET", "/api/workspaces", key=key)
    assert [each["id"] for each in workspaces["workspaces"]] == [place]
    assert key not in page.url

    await page.get_by_role("link", name="I have kept it").press("Enter")
    row = page.get_by_role("row").filter(has_text="laptop")
    await expect(row).to_be_visible()
    assert key not in await page.content()
    await snapshot(page.locator("main"), "settings-keys")
    await row.get_by_role("link", name="Revoke laptop…").press("Enter")
    question = page.get_by_role("dialog", name="Revoke the key “laptop”?")
    await expect(question.get_by_role("link", name="Cancel")).to_be_focused()
    await axe(page)
    await snapshot(question, "settings-question")
    await page.keyboard.press("Shift+Tab")
    await page.keyboard.press("Enter")

    await expect(page.get_by_text("The key “laptop” is revoked.")).to_be_visible()
    await expect(page.get_by_text("There are no keys yet")).to_be_visible()
    async with aiohttp.ClientSession() as session:
        refused = await session.get(f"{server.url}/api/workspaces", headers={"X-API-Key": key})
        assert refused.status == 401


async def test_whoever_cancels_a_question_is_back_where_they_were(
    open_page: OpenPage, server: BrowserServer, admin: Person
) -> None:
    page = await open_page(admin, "/settings/secrets")
    await _set_secret(page, "ERP_TOKEN", "one")
    ask = page.get_by_role("link", name="Remove ERP_TOKEN…")
    await ask.click()
    question = page.get_by_role("dialog", name="Remove the secret ERP_TOKEN?")
    await expect(question).to_contain_text("In the workspace “Finance”.")
    await page.keyboard.press("Escape")

    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(ask).to_be_focused()


async def test_a_question_is_of_the_workspace_of_its_page_whichever_was_chosen_since(
    open_page: OpenPage, server: BrowserServer, admin: Person
) -> None:
    other = await server.add_workspace("Production")
    await server.join(admin.email, "admin", workspace_id=other)
    page = await open_page(admin, "/settings/secrets")
    here = str(await page.evaluate("document.body.dataset.workspace"))
    await _set_secret(page, "ERP_TOKEN", "one")
    assert here != other
    await page.context.add_cookies([{"name": "signoff_workspace", "value": other, "url": server.url}])

    await page.get_by_role("link", name="Remove ERP_TOKEN…").click()
    await page.get_by_role("dialog").get_by_role("button", name="Remove ERP_TOKEN").click()

    await expect(page.get_by_text("ERP_TOKEN is removed.")).to_be_visible()
    left = await server.call("GET", "/api/environment", headers={"X-Workspace-Id": here})
    assert left["environment"] == []


async def test_what_goes_wrong_with_a_question_is_told_in_its_dialog(
    open_page: OpenPage, admin: Person, watch: Watch
) -> None:
    watch.expect("ERR_INTERNET_DISCONNECTED")
    page = await open_page(admin, "/settings/secrets")
    await _set_secret(page, "ERP_TOKEN", "one")
    await page.get_by_role("link", name="Remove ERP_TOKEN…").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_be_visible()
    await page.context.set_offline(True)

    await dialog.get_by_role("button", name="Remove ERP_TOKEN").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("You are offline")
    await expect(page.get_by_text("Offline", exact=True)).to_be_visible()
    await dialog.get_by_role("button", name="Close this message").click()
    await expect(dialog.get_by_role("alert")).to_have_count(0)
    await page.context.set_offline(False)

    await expect(page.get_by_text("Offline", exact=True)).to_be_hidden()


async def test_somebody_is_invited_and_gets_another_role(
    open_page: OpenPage, admin: Person, place: str, server: BrowserServer
) -> None:
    page = await open_page(admin, "/settings/members")
    await page.get_by_role("link", name="Add a member").click()
    await page.get_by_label("E-mail address").fill("new-face@example.org")
    await page.get_by_label("Name").fill("Alan")
    await page.get_by_role("checkbox", name="approver").check()
    await page.get_by_role("button", name="Add them").click()
    await expect(page.get_by_text("new-face@example.org is a member.")).to_be_visible()

    await page.get_by_role("link", name="Alan").click()
    await axe(page)
    await snapshot(page.locator("main"), "settings-member")
    await page.get_by_role("checkbox", name="auditor").check()
    await page.get_by_role("button", name="Save the roles").click()

    row = page.get_by_role("row").filter(has_text="Alan")
    await expect(row).to_contain_text("auditor")
    members = (await server.call("GET", f"/api/workspaces/{place}/members"))["members"]
    assert {each["name"]: sorted(each["roles"]) for each in members} == {
        "Grace": ["admin"],
        "Alan": ["approver", "auditor"],
    }


async def test_the_last_administrator_is_told_why_they_cannot_leave(
    open_page: OpenPage, admin: Person, watch: Watch
) -> None:
    watch.expect("409")
    watch.expect("422")
    page = await open_page(admin, f"/settings/members/{admin.id}")
    await page.get_by_role("checkbox", name="admin").uncheck()
    await page.get_by_role("checkbox", name="auditor").check()
    await page.get_by_role("button", name="Save the roles").click()

    await expect(page.get_by_role("alert")).to_contain_text("administrator")
    await expect(page.get_by_role("checkbox", name="auditor")).to_be_checked()


async def test_a_secret_goes_in_and_never_comes_out(
    open_page: OpenPage, server: BrowserServer, admin: Person, place: str
) -> None:
    page = await open_page(admin, "/settings/secrets")
    await _set_secret(page, "ERP_TOKEN", "hunter2 is the value")
    await axe(page)
    await snapshot(page.locator("main"), "settings-secrets")

    assert "hunter2" not in await page.content()
    assert "hunter2" not in page.url
    listed = await server.call("GET", "/api/environment", headers={"X-Workspace-Id": place})
    assert [each["name"] for each in listed["environment"]] == ["ERP_TOKEN"]
    await page.get_by_role("link", name="Another value for ERP_TOKEN").click()
    await expect(page.get_by_label("Name")).to_have_value("ERP_TOKEN")
    await expect(page.get_by_role("textbox", name="Value")).to_have_value("")


async def test_a_bad_name_of_a_secret_is_told_and_its_value_is_not_shown_again(
    open_page: OpenPage, admin: Person, watch: Watch
) -> None:
    watch.expect("422")
    page = await open_page(admin, "/settings/secrets", scripts=False)
    await page.get_by_label("Name").evaluate("each => each.removeAttribute('pattern')")
    await page.get_by_label("Name").fill("1BAD")
    await page.get_by_role("textbox", name="Value").fill("hunter2")
    await page.get_by_role("button", name="Set it").click()

    await expect(page.get_by_role("alert")).to_contain_text("letters, digits and _")
    assert "hunter2" not in await page.content()


async def test_a_webhook_is_made_tested_and_removed(open_page: OpenPage, admin: Person) -> None:
    async with _receiver() as (url, received):
        page = await open_page(admin, "/settings/hooks/new")
        await page.get_by_label("Address").fill(f"{url}?token=hunter2")
        await page.get_by_role("checkbox", name="execution:completed").check()
        await page.get_by_role("button", name="Make the webhook").click()
        secret = await page.get_by_role("textbox", name="The signing secret").input_value()
        assert secret.startswith("whsec_")

        await page.get_by_role("link", name="I have kept it").click()
        await axe(page)
        await snapshot(page.locator("main"), "settings-hook")
        await page.get_by_role("link", name="Change it").click()
        await snapshot(page.locator("main"), "settings-hook-settings")
        await page.get_by_role("link", name="Cancel").click()
        content = await page.content()
        assert secret not in content
        assert "hunter2" not in content
        await page.get_by_role("button", name="Send a test").click()
        await expect(page.get_by_text("The test was taken: 204")).to_be_visible(timeout=25_000)
        assert received == ["hook:test"]

    await page.get_by_role("link", name="Dead letters").click()
    await expect(page.get_by_text("There are no dead letters.")).to_be_visible()
    await page.get_by_role("link", name="Remove…").click()
    await page.get_by_role("dialog").get_by_role("button", name="Remove the webhook").click()
    await expect(page.get_by_text("There are no webhooks yet")).to_be_visible()


async def test_the_access_log_is_filtered(
    open_page: OpenPage, server: BrowserServer, admin: Person, place: str
) -> None:
    reader = await server.add_person("Nosy", "read", workspace_id=place)
    nosy = await open_page(reader)
    refused = await nosy.request.get(f"/api/keys?workspaceId={place}")
    assert refused.status == 403
    page = await open_page(admin, "/settings/access-log")
    accesses = page.get_by_role("region", name="Accesses")
    await _until_shown(page, "List keys")
    await _until_shown(page, "Looked at the access log")
    own = accesses.get_by_role("row").filter(has_text="Looked at the access log")
    await expect(own).to_have_count(1)
    await own.get_by_text("Looked at the access log").click()
    await expect(own.get_by_text("listAccesses")).to_be_visible()
    await own.get_by_text("Looked at the access log").click()
    await screenshot(page, "settings-access-log")

    await page.get_by_label("What").select_option("access:refused")
    await page.get_by_label("Who").select_option(reader.id)
    await page.get_by_role("button", name="Filter").click()

    rows = accesses.get_by_role("row").filter(has_text="refused")
    await expect(rows).to_have_count(1)
    await expect(rows).to_contain_text("Nosy")
    await axe(page)
    await snapshot(page.locator("main"), "settings-access-log")
    exported = await page.get_by_role("link", name="Download as JSON").get_attribute("href")
    assert exported is not None
    told = await (await page.request.get(exported)).json()
    assert [each["type"] for each in told["accesses"]] == ["access:refused"]
    await page.get_by_label("Who").select_option(admin.id)
    await page.get_by_role("button", name="Filter").click()
    await expect(page.get_by_text("Nothing is found here")).to_be_visible()


async def test_who_has_somebody_elses_password_changes_it_before_all_else(
    open_page: OpenPage, server: BrowserServer, place: str, watch: Watch
) -> None:
    watch.expect("422")
    newcomer = await server.add_newcomer("Newcomer", "read", workspace_id=place)
    page = await open_page(None, "/sign-in?next=/settings/members", phone=True)
    await page.get_by_label("E-mail address").fill(newcomer.email)
    await page.get_by_label("Password").fill(FIRST_PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/settings/password?**")
    await axe(page)
    await snapshot(page.locator("main"), "settings-password")
    await page.goto("/inbox")
    await page.wait_for_url("**/settings/password?next=%2Finbox")

    await _change_password(page, FIRST_PASSWORD, FIRST_PASSWORD)
    await expect(page.get_by_text("must be another one than the current password").first).to_be_visible()
    await _change_password(page, FIRST_PASSWORD, NEWER)

    await page.wait_for_url("**/inbox")
    await expect(page.get_by_text("Your password is changed.")).to_be_visible()


async def test_a_session_elsewhere_is_ended(open_page: OpenPage, admin: Person) -> None:
    elsewhere = await open_page(admin, "/settings/account")
    page = await open_page(admin, "/settings/account")
    sessions = page.get_by_role("region", name="Where you are signed in")
    await expect(sessions.get_by_text("This browser")).to_have_count(1)
    another = await open_page(admin, "/settings/account")
    await page.reload()
    await sessions.get_by_role("button", name="Sign out: ").first.click()
    await expect(page.get_by_text("That session is ended.")).to_be_visible()
    await another.goto("/settings/account")
    await another.wait_for_url("**/sign-in?**")

    await sessions.get_by_role("link", name="Sign out everywhere else…").click()
    await page.get_by_role("dialog").get_by_role("button", name="Sign out everywhere else").click()

    await expect(page.get_by_text("You are signed out everywhere else.")).to_be_visible()
    await expect(sessions.get_by_role("row")).to_have_count(2)
    await elsewhere.goto("/settings/account")
    await elsewhere.wait_for_url("**/sign-in?**")


async def test_without_scripts_a_group_is_made_and_a_page_asks_before_it_goes(
    open_page: OpenPage, admin: Person
) -> None:
    page = await open_page(admin, "/settings/groups/new", scripts=False)
    await page.get_by_label("Name").fill("controllers")
    await page.get_by_role("checkbox", name="Grace").check()
    await page.get_by_role("checkbox", name="approver").check()
    await page.get_by_role("button", name="Make the group").click()
    await page.get_by_role("link", name="controllers").click()
    await snapshot(page.locator("main"), "settings-group")
    await page.get_by_role("link", name="Remove the group…").click()

    await expect(page.get_by_role("heading", name="Remove the group “controllers”?")).to_be_visible()
    await page.get_by_role("button", name="Remove “controllers”").click()
    await expect(page.get_by_text("The group “controllers” is removed.")).to_be_visible()


async def test_somebody_goes_away_and_comes_back(
    open_page: OpenPage, server: BrowserServer, admin: Person, place: str
) -> None:
    await server.add_person("Deputy", "approver", workspace_id=place)
    page = await open_page(admin, "/settings/account")
    choice = page.get_by_label("Who decides meanwhile")
    deputy = await choice.locator("option", has_text="Deputy").get_attribute("value")
    await choice.select_option(deputy)
    until = await page.evaluate("new Date(Date.now() + 86400000).toISOString().slice(0, 16)")
    await page.get_by_label("Until").fill(until)
    await page.get_by_role("button", name="Set the absence").click()
    await expect(page.get_by_text("Deputy decides in your place")).to_be_visible()

    await page.get_by_role("button", name="End the absence").click()
    await expect(page.get_by_text("Nobody decides in your place any more.")).to_be_visible()


async def test_a_workspace_is_made_renamed_and_closed_by_who_administers_the_installation(
    open_page: OpenPage, person: Person
) -> None:
    page = await open_page(person, "/settings/workspaces")
    new = page.get_by_role("region", name="New workspace")
    await new.get_by_label("Name").fill("Short-lived")
    await new.get_by_role("button", name="Make the workspace").click()
    await expect(page.get_by_text("The workspace “Short-lived” is made.")).to_be_visible()
    await page.get_by_role("button", name="Go there: Short-lived").click()
    await page.goto("/settings/workspaces")
    await page.get_by_role("region", name="This workspace").get_by_label("Name").fill("Ephemeral")
    await page.get_by_role("button", name="Rename").click()
    await expect(page.get_by_text("is called “Ephemeral” now")).to_be_visible()

    await page.get_by_role("link", name="Close the workspace…").click()
    await page.get_by_role("dialog").get_by_role("button", name="Close “Ephemeral”").click()
    await expect(page.get_by_text("The workspace “Ephemeral” is closed.")).to_be_visible()


async def test_a_person_is_added_disabled_and_erased(open_page: OpenPage, person: Person) -> None:
    page = await open_page(person, "/settings/users/new")
    await page.get_by_label("Name").fill("Temp")
    await page.get_by_label("E-mail address").fill("temp-worker@example.org")
    await page.get_by_label("First password").fill(PASSWORD)
    await page.get_by_role("button", name="Add").click()
    await expect(page.get_by_text("Temp is added")).to_be_visible()
    await axe(page)
    await snapshot(page.locator("main"), "settings-user")
    await page.get_by_role("link", name="Disable…").click()
    await page.get_by_role("dialog").get_by_role("button", name="Disable Temp").click()
    await expect(page.get_by_text("Temp is disabled.")).to_be_visible()
    await page.get_by_role("link", name="Erase…").click()
    await page.get_by_role("dialog").get_by_role("button", name="Erase Temp").click()
    await expect(page.get_by_text("The user is erased.")).to_be_visible()


async def test_a_service_account_gets_keys_and_loses_them(open_page: OpenPage, person: Person) -> None:
    page = await open_page(person, "/settings/users/new?kind=service")
    await page.get_by_label("Name").fill("crawler")
    await page.get_by_role("button", name="Add").click()
    await page.get_by_role("link", name="New key").click()
    await page.get_by_label("Name").fill("nightly")
    await page.get_by_role("button", name="Make the key").click()
    await page.get_by_role("link", name="I have kept it").click()
    await axe(page)
    await snapshot(page.locator("main"), "settings-service-keys")

    await page.get_by_role("link", name="Revoke nightly…").click()
    await page.get_by_role("dialog").get_by_role("button", name="Revoke “nightly”").click()
    await expect(page.get_by_text("There are no keys yet")).to_be_visible()
    await page.get_by_role("link", name="Service account").click()
    await expect(page.get_by_text("It has none yet.")).to_be_visible()


async def test_a_member_sees_what_is_theirs_and_is_kept_from_the_rest(
    open_page: OpenPage, server: BrowserServer, place: str, watch: Watch
) -> None:
    watch.expect("403")
    reader = await server.add_person("Reader", "approver", workspace_id=place)
    page = await open_page(reader, "/settings")
    await page.wait_for_url("**/settings/account")
    await snapshot(page.get_by_role("navigation", name="Settings"), "settings-navigation-member")

    for path in (
        "keys", "keys/new", "members/new", f"members/{reader.id}", "groups/new", "secrets", "hooks", "users",
        "access-log", "installation",
    ):  # fmt: skip
        answer = await page.goto(f"/settings/{path}")
        assert answer is not None
        assert answer.status == 403, path
        await expect(page.get_by_role("heading", name="This is not for you")).to_be_visible()
    await page.goto("/settings/members")
    await expect(page.get_by_role("row").filter(has_text="Reader")).to_be_visible()
    await expect(page.get_by_role("link", name="Add a member")).to_have_count(0)


async def test_every_page_is_accessible_and_fits_a_phone(
    open_page: OpenPage, admin: Person, server: BrowserServer
) -> None:
    page = await open_page(admin, phone=True, dark=True)
    for path in (
        "account", "own-keys", "own-keys/new", "limits", "workspaces", "members", "members/new", "groups",
        "groups/new", "keys", "keys/new", "secrets", "hooks", "hooks/new", "access-log", "password",
        "sessions/end",
    ):  # fmt: skip
        await page.goto(f"/settings/{path}")
        await axe(page)
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


async def test_the_installations_pages_are_accessible(open_page: OpenPage, person: Person) -> None:
    page = await open_page(person, "/settings/installation")
    await axe(page)
    await expect(page.get_by_role("row").filter(has_text="directory")).to_contain_text("Well")
    await snapshot(page.get_by_role("region", name="Keys of checkpoints"), "settings-installation")
    await page.goto("/settings/users/new")
    await axe(page)
    await snapshot(page.locator("main"), "settings-users-new")
    await page.goto(f"/settings/users?email={quote(person.email)}")
    await axe(page)
    await snapshot(page.locator("main"), "settings-users")
    await page.goto("/settings/members")
    await axe(page)


async def test_pages_of_an_administrator_have_these_trees(open_page: OpenPage, admin: Person) -> None:
    page = await open_page(admin, "/settings")
    for path in (
        "account", "limits", "workspaces", "members", "members/new", "groups", "groups/new", "hooks",
        "hooks/new", "keys/new", "own-keys/new",
    ):  # fmt: skip
        await page.goto(f"/settings/{path}")
        await snapshot(page.locator("main"), f"settings-{path.replace('/', '-')}")
    await page.goto("/settings/account")
    await screenshot(page, "settings")


async def test_a_page_weighs_little(open_page: OpenPage, admin: Person) -> None:
    page = await open_page(admin)

    assert await weight(page, "/settings/account") < 150_000


async def _set_secret(page: Page, name: str, value: str) -> None:
    await page.get_by_label("Name").fill(name)
    await page.get_by_role("textbox", name="Value").fill(value)
    await page.get_by_role("button", name="Set it").click()
    await expect(page.get_by_text(f"{name} is set.")).to_be_visible()


async def _change_password(page: Page, current: str, newer: str) -> None:
    await page.get_by_label("Current password").fill(current)
    await page.get_by_label("New password").first.fill(newer)
    await page.get_by_label("New password, once more").fill(newer)
    await page.get_by_role("button", name="Change the password").click()


async def _until_shown(page: Page, text: str) -> None:
    """Load a page again until it shows something: accesses are recorded within seconds."""
    async with asyncio.timeout(20):
        while not await page.get_by_text(text).count():
            await page.reload()


@asynccontextmanager
async def _receiver() -> AsyncIterator[tuple[str, list[str]]]:
    """A receiver of webhooks: its address, and the types of what it took."""
    received: list[str] = []

    async def take(request: web.Request) -> web.Response:
        received.append((await request.json())["type"])
        return web.Response(status=204)

    app = web.Application()
    app.router.add_post("/", take)
    runner, port = web.AppRunner(app), unused_port()
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://127.0.0.1:{port}/", received
    finally:
        await runner.cleanup()
