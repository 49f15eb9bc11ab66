"""What holds of every page: it asks for no less than the API, counts alike, and reads forms in one way."""

import re
from importlib.resources import files
from pathlib import Path
from typing import Final

import pytest
from multidict import MultiDict

from signoff.access.permissions import ROLES, allows
from signoff.gateway.pages import once
from signoff.gateway.pages.routes import ALL
from signoff.gateway.routes import ALL as API

ROUTES: Final = {route.name: route for route in API}
FORMS: Final = {page.name: page for page in ALL if page.method == "POST"}
GATEWAY: Final = Path(str(files("signoff.gateway")))

STANDS_FOR: Final = {
    "signInForm": "signIn", "signOutForm": "signOut",
    "decideForm": "decideMany",
    "resumeDecideForm": "resumeExecution", "resumeRetryForm": "resumeExecution",
    "resumeCodeForm": "sendDecisionCode", "resumeClaimForm": "claimPausePoint",
    "resumeReleaseForm": "releasePausePoint", "resumeDelegateForm": "delegatePausePoint",
    "resumeReturnForm": "returnPausePoint", "resumeCommentForm": "commentPausePoint",
    "resumeContentForm": "amendPausePoint",
    "cancelForm": "cancelExecution", "retryForm": "retryExecution", "runAgainForm": "executeWorkflow",
    "forkForm": "forkExecution",
    "newWorkflowForm": "deployWorkflow", "runForm": "executeWorkflow", "rollBackForm": "rollBackWorkflow",
    "undeployForm": "undeployWorkflow", "switchScheduleForm": "switchSchedule",
    "accountForm": "changeAccount", "awayForm": "setAbsence", "backForm": "endAbsence",
    "passwordForm": "changePassword", "newOwnKeyForm": "createPersonalKey",
    "ownKeyRotateForm": "rotatePersonalKey", "ownKeyRevokeForm": "revokePersonalKey",
    "newWorkspaceForm": "createWorkspace", "renameWorkspaceForm": "renameWorkspace",
    "closeWorkspaceForm": "closeWorkspace", "newMemberForm": "addMember", "memberForm": "setMember",
    "memberAwayForm": "setMemberAbsence", "memberBackForm": "endMemberAbsence",
    "removeMemberForm": "removeMember", "newGroupForm": "createGroup", "groupForm": "setGroup",
    "removeGroupForm": "removeGroup", "newKeyForm": "createKey", "keyRotateForm": "rotateKey",
    "keyRevokeForm": "revokeKey", "secretForm": "setEnvironmentValue",
    "removeSecretForm": "removeEnvironmentValue", "newHookForm": "createHook", "hookSettingsForm": "setHook",
    "testHookForm": "testHook", "replayHookForm": "replayHookDeliveries",
    "removeDeadForm": "removeHookDeadLetters", "rotateHookForm": "rotateHookSecret",
    "removeHookForm": "removeHook", "newUserForm": "createUser", "userForm": "changeUser",
    "userPasswordForm": "changeUser", "disableUserForm": "changeUser", "enableUserForm": "changeUser",
    "eraseUserForm": "eraseUser", "newServiceKeyForm": "createServiceKey",
    "serviceKeyRotateForm": "rotateServiceKey", "serviceKeyRevokeForm": "revokeServiceKey",
    "endSessionsForm": "endOtherSessions", "endSessionForm": "endSession",
}  # fmt: skip
"""The operation of the API that does what a form does."""

TEMPLATES: Final = GATEWAY / "pages" / "templates"

ANYWHERE: Final = {
    "/sign-in",
    "/sign-in?next=/signed-in",
    "/sign-out",
    "/workspace",
    "/docs",
    "/api/checkpoints/keys",
    "{{ provider_url }}",
}
"""Addresses that are of no workspace."""

OF_THE_CALLER: Final = {"{{ action }}", "{{ away }}", "{{ back }}"}
"""Actions that a macro or a handler is given, made by ``act``."""

OF_PAGES_ALONE: Final = {"chooseWorkspace"}

OUTCOMES: Final = {"resumeOutcomePage", "resumeOutcomeForm"}
"""They tell what a decision causes: by a dry run to who may start one, to others by what the graph says."""


def test_it_is_known_of_every_form_which_operation_it_stands_for() -> None:
    assert FORMS.keys() - OF_PAGES_ALONE - OUTCOMES == STANDS_FOR.keys(), "tell what the form stands for"


@pytest.mark.parametrize("name", sorted(STANDS_FOR))
def test_a_form_asks_for_no_less_and_counts_as_its_operation_does(name: str) -> None:
    page, route = FORMS[name], ROUTES[STANDS_FOR[name]]

    assert page.rate == route.rate
    assert (page.operation is None) == (route.operation is None)
    if page.operation is not None and route.operation is not None:
        lets_in = {role for role in ROLES if allows([role], page.operation)}
        assert lets_in <= {role for role in ROLES if allows([role], route.operation)}
    starts = route.starts or route.operation == "executions:start"
    assert starts <= (page.starts or page.operation == "executions:start")


def test_what_a_decision_causes_is_tried_out_within_the_limits_of_starts() -> None:
    outcomes = {page.name: (page.starts, page.rate) for page in ALL if page.name in OUTCOMES}

    assert outcomes == dict.fromkeys(OUTCOMES, (True, ROUTES["forkExecution"].rate))


def test_a_form_is_read_in_one_way_alone() -> None:
    reads = re.compile(r"\brequest\.post\(")
    found = {
        path.relative_to(GATEWAY).as_posix()
        for path in GATEWAY.rglob("*.py")
        if reads.search(path.read_text(encoding="utf-8"))
    }

    assert found == {"http/bodies.py"}


def _addresses(attribute: str) -> list[tuple[str, str, str]]:
    """Of all templates: the file, the tag up to the attribute, and what stands in it."""
    found = re.compile(
        rf'(<[a-z]+ (?:[^<>]*? )?){attribute}="((?:\{{\{{.*?\}}\}}|\{{%.*?%\}}|[^"])*)"([^\n]*)'
    )
    return [
        (path.relative_to(TEMPLATES).as_posix(), tag + rest, address)
        for path in TEMPLATES.rglob("*.html")
        for tag, address, rest in found.findall(path.read_text(encoding="utf-8"))
    ]


def test_a_link_stays_in_the_workspace_that_it_is_shown_in() -> None:
    made = re.compile(r"\{\{ (lead|act|asset)\(|\{\{ icons \}\}#|#")
    links = _addresses("href")
    lost = {
        (name, address) for name, _, address in links if not made.match(address) and address not in ANYWHERE
    }

    assert len(links) > 100
    assert lost == set(), "give it to lead()"


def test_a_form_stays_in_the_workspace_that_it_is_shown_in() -> None:
    forms = _addresses("action")
    known = ANYWHERE | OF_THE_CALLER
    sent = [(name, address) for name, tag, address in forms if 'method="get"' not in tag]
    asked = [(name, tag) for name, tag, _ in forms if 'method="get"' in tag]

    assert min(len(sent), len(asked)) > 5
    assert [each for each in sent if not each[1].startswith("{{ act(") and each[1] not in known] == []
    assert [name for name, tag in asked if "{{ forms.here() }}" not in tag] == []


def test_a_key_is_read_from_any_form() -> None:
    key = once.new_key()

    assert once.key_of({"key": key}) == key
    assert once.key_of({"key": [key, "another"]}) == key
    assert once.key_of(MultiDict({"key": key})) == key


@pytest.mark.parametrize("given", [None, "", [], "a" * 256, "new\nline", "ä", b"bytes", 5])
def test_what_is_no_key_is_none(given: object) -> None:
    assert once.key_of({"key": given}) is None
    assert once.key_of({}) is None
