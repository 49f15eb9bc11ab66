"""Every route that shows something is an access, or is known not to be one."""

from typing import Final, get_args

import pytest

from signoff.events.types import ACCESS_FACTS
from signoff.gateway.accesses.listing import AccessType
from signoff.gateway.accesses.recorded import IN_OWN_WORDS, PATH_NAMES, PLACES, RECORDED
from signoff.gateway.openapi.elsewhere import ELSEWHERE
from signoff.gateway.pages.routes import ALL as PAGES
from signoff.gateway.routes import ALL

ROUTES: Final = {route.name: route for route in (*ALL, *ELSEWHERE)}

SHOWS_NO_CONTENT: Final = frozenset(
    {
        # what there is, and how it is set up
        "getWorkflowStatus", "listVersions", "listVersionsV2", "listWorkflows", "listWorkflowsV2",
        "getEnvironmentValue", "listEnvironment", "listSchedules", "getHook", "listHookDeliveries",
        "listHooks", "getKey", "listKeys", "listServiceKeys", "listDecisionLinks",
        # how many wait
        "countInbox",
        # one's own
        "getAbsence", "getAccount", "getUsageLimits", "listPersonalKeys", "listSessions",
        # who there is
        "getGroup", "getUser", "getWorkspace", "listGroups", "listMembers", "listUsers", "listWorkspaces",
    }
)  # fmt: skip

PAGES_SHOW_NO_CONTENT: Final = frozenset(
    {
        # what there is, and how it is set up; a form to fill in
        "workflowsPage", "versionsPage", "settingsPage", "secretsPage", "removeSecretPage",
        "hooksPage", "newHookPage", "hookPage", "hookSettingsPage", "removeDeadPage", "rotateHookPage",
        "removeHookPage", "keysPage", "newKeyPage", "keyRotatePage", "keyRevokePage", "installationPage",
        # the definition that it begins with is told by its handler
        "newWorkflowPage",
        # one's own
        "accountPage", "passwordPage", "endSessionsPage", "ownKeysPage", "newOwnKeyPage", "ownKeyRotatePage",
        "ownKeyRevokePage", "limitsPage",
        # who there is
        "workspacesPage", "closeWorkspacePage", "membersPage", "newMemberPage", "memberPage",
        "removeMemberPage", "groupsPage", "newGroupPage", "groupPage", "removeGroupPage", "usersPage",
        "newUserPage", "userPage", "disableUserPage", "eraseUserPage", "serviceKeysPage",
        "newServiceKeyPage", "serviceKeyRotatePage", "serviceKeyRevokePage",
    }
)  # fmt: skip


def test_every_page_that_shows_something_is_an_access_or_known_not_to_be_one() -> None:
    silent = {
        page.name
        for page in PAGES
        if page.method == "GET" and page.operation is not None and page.shows is None
    }

    assert silent == PAGES_SHOW_NO_CONTENT, "give the page `shows` (pages/page.py), or add it here"
    assert {page.shows for page in PAGES if page.shows is not None} <= RECORDED.keys()


def test_every_route_that_shows_something_is_an_access_or_known_not_to_be_one() -> None:
    shows = {name for name, route in ROUTES.items() if route.method == "GET" and route.operation is not None}

    assert shows - RECORDED.keys() == SHOWS_NO_CONTENT, (
        "add a new route to RECORDED (gateway/accesses/recorded.py) or here"
    )


def test_what_is_recorded_is_a_route() -> None:
    assert RECORDED.keys() <= ROUTES.keys()


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_no_parameter_of_a_recorded_route_holds_a_credential(name: str) -> None:
    query = ROUTES[name].query
    names = set() if query is None else {each.lower() for each in query.__struct_encode_fields__}

    assert not names & {"token", "key", "password", "secret", "code", "access_token", "api_key"}


def test_names_in_paths_are_told_apart_in_the_log() -> None:
    for name in RECORDED:
        named = [PATH_NAMES.get(each, each) for each in ROUTES[name].path_names]
        assert len(set(named)) == len(named), name


def test_what_is_hidden_or_left_out_of_a_filter_are_parameters() -> None:
    known = {
        each
        for route in ROUTES.values()
        if route.query is not None
        for each in route.query.__struct_encode_fields__
    }

    assert known >= IN_OWN_WORDS | PLACES


def test_the_list_can_be_asked_for_every_type() -> None:
    assert set(get_args(AccessType)) == {fact.TYPE for fact in ACCESS_FACTS}
