"""The page of a decision: what it tells of, and its forms when they come late or twice."""

import html
import re
from typing import Any

import pytest
import pytest_asyncio
from msgspec import Struct
from msgspec.structs import replace
from yarl import URL

from signoff.audit.life.aside import Aside
from signoff.audit.life.what_if import DryRun, TooManyDryRunsError, WhatIf
from signoff.events.types import Command, Refusal
from signoff.gateway.gateway import GATEWAY
from support.gateways import Server, serving, settings
from support.identities import Caller, add_person, administrator, sign_in

_ASK = {
    "ask": {
        "type": "human_in_the_loop",
        "show": {"Note": "As usual"},
        "form": {"approved": "boolean"},
        "then": "done",
    },
    "done": {"type": "response", "data": {}},
}  # fmt: skip
_KEY = "0198c1f0-4444-7c1a-9f7e-1f2e3d4c5b6a"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server() -> Any:
    async with serving(settings(), executor=True) as running:
        yield running


class Place(Struct, frozen=True):
    """A pause point, and somebody who is signed in."""

    server: Server
    workflow: str
    execution: str
    user_id: str
    caller: Caller

    @property
    def page(self) -> str:
        return f"/resume/{self.workflow}/{self.execution}/ask"

    async def ask(self, method: str, path: str, **given: Any) -> tuple[int, str, Any]:
        """Status, text and headers of an answer."""
        self.server.client.session.cookie_jar.clear()
        headers, address = {**self.caller.headers, "Connection": "close"}, URL(path, encoded=True)
        asking = self.server.client.request(method, address, headers=headers, allow_redirects=False, **given)
        async with asking as answer:
            return answer.status, await answer.text(), answer.headers

    async def correct(self, **fields: str) -> tuple[int, str, Any]:
        """Send the form by which the content is corrected; ``Note`` is its only value."""
        note = fields.pop("Note", None)
        named = fields if note is None else {**fields, "row.0.Note": note}
        return await self.ask("POST", f"{self.page}/content", data=named)

    async def seen(self) -> str:
        """The digest of what the point shows."""
        detail = await administrator(self.server).do("GET", f"/api/inbox/{self.execution}/ask")
        return str(detail["contentDigest"])

    async def amended(self) -> int:
        """How often it was corrected."""
        path = f"/api/executions/{self.execution}/events"
        found = await administrator(self.server).do("GET", path, params={"limit": "1000"})
        return sum(each["type"] == "pause:amended" for each in found["events"])


@pytest_asyncio.fixture(loop_scope="session")
async def place(server: Server) -> Place:
    """A new pause point, and who may correct it."""
    return await _paused(server)


async def _paused(server: Server, **policy: Any) -> Place:
    workflow = await server.deploy({**_ASK, "ask": {**_ASK["ask"], **policy}})
    execution = str((await server.execute(workflow))["executionId"])
    user_id, address = await add_person(server, "write", "approver")
    return Place(server, workflow, execution, user_id, await sign_in(server, address))


async def test_a_correction_that_is_sent_again_was_taken(place: Place) -> None:
    form = {"seen": await place.seen(), "Note": "New", "title": "", "reason": "a typo", "key": _KEY}

    answers = [await place.correct(**form) for _ in range(2)]

    assert [status for status, _, _ in answers] == [303, 303]
    assert await place.amended() == 1


async def test_a_form_that_was_sent_with_something_else_before_changes_nothing(place: Place) -> None:
    form = {"seen": await place.seen(), "Note": "8", "reason": "a typo", "key": _KEY}
    await place.correct(**form)

    status, text, _ = await place.correct(**{**form, "Note": "9"})

    assert (status, "This form was sent before with something else" in text) == (409, True)
    assert await place.amended() == 1


async def test_who_clears_a_field_and_forgets_why_has_it_cleared_still(place: Place) -> None:
    status, text, _ = await place.correct(seen=await place.seen(), Note="", title="Other")

    assert (status, "Say why" in text) == (400, True)
    assert fields(text) == {"row.0.Note": "", "reason": ""}


async def test_what_others_changed_meanwhile_is_told_before_what_is_missing(place: Place) -> None:
    seen = await place.seen()
    await place.correct(seen=seen, Note="8", reason="a typo")

    status, text, _ = await place.correct(seen=seen, Note="As usual", reason="")

    assert (status, "somebody else has changed it meanwhile" in text) == (412, True)
    assert fields(text)["row.0.Note"] == "8"


async def test_what_somebody_corrected_who_came_too_late_is_on_the_page(place: Place) -> None:
    seen, decision = await place.seen(), {"verdict": "approve"}
    await place.ask("POST", place.page, data={**decision, "seen": seen})

    status, text, _ = await place.correct(seen=seen, Note="8000", reason="a typo")

    assert status == 409
    assert "Nothing was changed" in text
    assert '<dd dir="auto" class="said">8000</dd>' in text


class Busy:
    """Tries nothing out at first, and then what it is asked."""

    def __init__(self, within: WhatIf) -> None:
        self.within, self.asked = within, 0

    async def __call__(self, command: Command, values: Aside) -> DryRun | Refusal:
        self.asked += 1
        if self.asked == 1:
            raise TooManyDryRunsError("Others are tried out")
        return await self.within(command, values)


async def test_what_could_not_be_tried_at_a_busy_moment_is_tried_when_somebody_looks_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = place.server.client.app
    assert app is not None
    gateway = app[GATEWAY]
    assert gateway.what_if is not None
    busy = Busy(gateway.what_if)
    monkeypatch.setitem(app._state, GATEWAY, replace(gateway, what_if=busy))

    first, again, kept = [(await place.ask("GET", f"{place.page}/outcome"))[1] for _ in range(3)]

    assert "Blocks that may run then" in first
    assert "If you approve" in again
    assert "If you approve" in kept
    assert busy.asked == 3


async def test_what_was_tried_counts_for_what_its_maker_may_now(server: Server) -> None:
    admin = administrator(server)
    group = await admin.do("POST", "/api/groups", json={"name": "payers", "userIds": []})
    place = await _paused(server, assignees=["group:payers"])

    outside = (await place.ask("GET", f"{place.page}/outcome"))[1]
    members = {"name": "payers", "userIds": [place.user_id]}
    await admin.do("PUT", f"/api/groups/{group['id']}", json=members)
    inside = (await place.ask("GET", f"{place.page}/outcome"))[1]
    await admin.do("PUT", f"/api/groups/{group['id']}", json={**members, "userIds": []})
    outside_again = (await place.ask("GET", f"{place.page}/outcome"))[1]

    assert ["If you approve" in each for each in (outside, inside, outside_again)] == [False, True, False]


def fields(text: str) -> dict[str, str]:
    """What stands in the areas of the form by which the content is corrected."""
    form = text.partition('id="content-form"')[2].partition("</form>")[0]
    found = re.findall(r'<textarea name="([^"]*)"[^>]*>\n(.*?)</textarea>', form, re.DOTALL)
    return {name: html.unescape(value) for name, value in found}
