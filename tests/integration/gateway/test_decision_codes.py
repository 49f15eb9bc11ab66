"""Codes that are mailed to the people of decision links, by a real mail server."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
import pytest_asyncio
from msgspec import Struct

from signoff.access.links.codes import ATTEMPTS, SENDS
from support.gateways import APPROVAL, LIMIT, Server
from support.identities import Caller, add_person, administrator, serving_people, sign_in
from support.kinds import personal_key
from support.linked import Decision, by_bearer, pause
from support.mail_servers import MailServer
from support.ports import unused_port

STEP_UP: Final = {"approve": {**APPROVAL["approve"], "stepUp": True}, "done": APPROVAL["done"]}


class Place(Struct, frozen=True):
    """A server that sends mail, and who receives it."""

    server: Server
    mail: MailServer


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def place() -> AsyncIterator[Place]:
    async with MailServer().serving() as mail:
        with pytest.MonkeyPatch.context() as patched:
            async with serving_people(patched, mail_url=mail.url) as server:
                yield Place(server, mail)


async def _with_link(server: Server) -> tuple[Decision, Caller]:
    decision = await pause(server)
    return decision, await decision.caller()


async def _sent_code(place: Place, decision: Decision, caller: Caller) -> str:
    """Ask for a code; gives it."""
    answer = await caller.do("POST", f"{decision.inbox}/code")
    assert answer["sent"]
    text = place.mail.received[-1][1].get_content()
    return str(re.findall(r"^(\d{6}) is your code", text, re.MULTILINE)[0])


def _code(code: str) -> dict[str, str]:
    return {"X-Signoff-Code": code}


def _other(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


async def test_a_code_is_mailed_to_the_link_s_person_and_shown_nowhere_else(place: Place) -> None:
    decision, caller = await _with_link(place.server)
    user = await administrator(place.server).do("GET", f"/api/users/{decision.user_id}")

    status, answer, _ = await caller.send("POST", f"{decision.inbox}/code")

    (mail,) = place.mail.to(user["email"])
    assert (status, answer["sent"], set(answer)) == (200, True, {"sent", "expiresAt"})
    assert (mail["From"], mail["Subject"]) == ("signoff@example.org", "Your code for a decision")
    assert re.match(r"\d{6} is your code", mail.get_content())


async def test_the_right_code_lets_a_decision_through_and_a_wrong_one_does_not(place: Place) -> None:
    decision, caller = await _with_link(place.server)
    code = await _sent_code(place, decision, caller)

    wrong = await decision.decide(caller, X_Signoff_Code=_other(code))
    right = await decision.decide(caller, X_Signoff_Code=code)

    refusal = "The code is wrong; look at the last one that was sent"
    assert wrong == (401, {"error": refusal, "code": "CODE_WRONG"})
    assert right[0] == 200


async def test_a_code_of_one_link_is_none_of_another(place: Place) -> None:
    decision, caller = await _with_link(place.server)
    code = await _sent_code(place, decision, caller)
    other = await decision.caller()

    status, refused = await decision.decide(other, X_Signoff_Code=code)

    assert (status, refused["error"]) == (401, "There is no code that is still good; ask for a new one")


async def test_guesses_at_once_are_few_and_then_the_right_code_is_no_good_either(place: Place) -> None:
    decision, caller = await _with_link(place.server)
    code = await _sent_code(place, decision, caller)
    guesses = [f"{(int(code) + number) % 1_000_000:06}" for number in range(1, 21)]

    async def guess(text: str) -> tuple[int, Any]:
        return await decision.decide(caller, X_Signoff_Code=text)

    answers = await asyncio.gather(*map(guess, guesses))

    assert {status for status, _ in answers} == {401}
    assert sum("is wrong" in body["error"] for _, body in answers) == ATTEMPTS
    assert (await guess(code))[0] == 401
    assert (await guess(await _sent_code(place, decision, caller)))[0] == 200


async def test_only_so_many_codes_are_mailed(place: Place) -> None:
    decision, caller = await _with_link(place.server)
    before = len(place.mail.received)

    answers = [await caller.send("POST", f"{decision.inbox}/code") for _ in range(SENDS + 1)]

    assert [status for status, _, _ in answers] == [*[200] * SENDS, 429]
    assert 3500 < int(answers[-1][2]["Retry-After"]) <= 3600
    assert len(place.mail.received) == before + SENDS


async def test_who_came_otherwise_needs_no_code(place: Place) -> None:
    decision, _ = await _with_link(place.server)
    _, address = await add_person(place.server, "approver")
    before = len(place.mail.received)

    answer = await (await sign_in(place.server, address)).do("POST", f"{decision.inbox}/code")

    assert answer == {"sent": False, "expiresAt": None}
    assert len(place.mail.received) == before


@pytest.mark.parametrize("code", ["", "12345", "1234567", "12345a", "١٢٣٤٥٦"])
async def test_a_text_that_cannot_be_a_code_is_refused_and_counts_as_no_attempt(
    place: Place, code: str
) -> None:
    decision, caller = await _with_link(place.server)
    right = await _sent_code(place, decision, caller)

    for _ in range(ATTEMPTS + 1):
        status, refused = await decision.decide(caller, X_Signoff_Code=code)
        assert (status, refused["details"][0]["path"]) == (400, "X-Signoff-Code")

    assert (await decision.decide(caller, X_Signoff_Code=right))[0] == 200


async def test_looking_tries_no_code(place: Place) -> None:
    decision, caller = await _with_link(place.server)
    right = await _sent_code(place, decision, caller)

    for _ in range(ATTEMPTS + 1):
        await caller.do("GET", decision.path, headers=_code(_other(right)))

    assert (await decision.decide(caller, X_Signoff_Code=right))[0] == 200


# Pauses that ask for a code ---------------------------------------------------------------------------


async def test_a_pause_that_asks_for_it_is_decided_by_link_with_a_code_alone(place: Place) -> None:
    decision = await pause(place.server, blocks=STEP_UP)
    made = await decision.link()
    caller = by_bearer(place.server, made.token)

    status, refused = await decision.decide(caller)
    code = await _sent_code(place, decision, caller)
    decided, _ = await decision.decide(caller, X_Signoff_Code=code)

    assert (status, refused["code"], decided) == (401, "CODE_REQUIRED", 200)
    (resumed,) = [each for each in await decision.events() if each["type"] == "execution:resumed"]
    how = resumed["data"]["made"]
    assert (how["authMethod"], how["linkId"], how["verified"]) == ("link", made.link_id, True)


async def test_a_pause_that_asks_for_a_code_asks_nobody_who_signed_in(place: Place) -> None:
    decision = await pause(place.server, blocks=STEP_UP)
    _, address = await add_person(place.server, "approver")

    assert (await decision.decide(await sign_in(place.server, address)))[0] == 200


# Links that somebody else has seen, too ---------------------------------------------------------------


async def test_a_link_that_another_made_shows_and_decides_with_a_code_alone(place: Place) -> None:
    decision = await pause(place.server)
    lent = by_bearer(place.server, (await decision.lend())["token"])

    shown, _ = await lent.get(decision.path)
    status, refused = await decision.decide(lent)
    code = await _sent_code(place, decision, lent)

    assert (shown, status, refused["code"]) == (200, 401, "CODE_REQUIRED")
    assert "POST /api/inbox" in refused["error"]
    assert (await decision.decide(lent, X_Signoff_Code=code))[0] == 200


async def test_a_link_that_its_person_made_needs_no_code(place: Place) -> None:
    decision = await pause(place.server)
    user_id, address = await add_person(place.server, "approver")
    person = await sign_in(place.server, address)

    own = await person.do("POST", f"{decision.inbox}/links", json={})
    status, _ = await decision.decide(by_bearer(place.server, own["token"]))

    assert own["userId"] == user_id
    assert status == 200


async def test_a_bounded_key_makes_no_link_that_may_more_than_itself(place: Place) -> None:
    decision = await pause(place.server)
    _, address = await add_person(place.server, "read", "approver")
    bounded = await personal_key(await sign_in(place.server, address), roles=["read"])

    own = await bounded.do("POST", f"{decision.inbox}/links", json={})
    status, refused = await decision.decide(by_bearer(place.server, own["token"]))

    assert (status, refused["code"]) == (401, "CODE_REQUIRED")


# Mail that cannot be sent -----------------------------------------------------------------------------


async def test_without_a_mail_server_the_answer_names_the_setting() -> None:
    with pytest.MonkeyPatch.context() as patched:
        async with serving_people(patched) as server:
            decision, caller = await _with_link(server)

            status, refused = await caller.post(f"{decision.inbox}/code")

    assert status == 503
    assert "SIGNOFF_MAIL_URL" in refused["error"]


async def test_a_mail_server_that_is_away_is_told_of_without_its_password() -> None:
    url = f"mailto://user:sesame@127.0.0.1:{unused_port()}?from=signoff@example.org"
    with pytest.MonkeyPatch.context() as patched:
        async with serving_people(patched, mail_url=url) as server, asyncio.timeout(LIMIT):
            decision, caller = await _with_link(server)

            status, refused = await caller.post(f"{decision.inbox}/code")

    assert status == 503
    assert "could not be mailed" in refused["error"]
    assert "sesame" not in refused["error"]
