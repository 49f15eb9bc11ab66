"""What the settings show to whom, and how their forms are read."""

from pathlib import Path
from typing import Final

from multidict import MultiDict

from signoff.access.callers import Principal
from signoff.access.permissions import expanded
from signoff.events.ids import new_id
from signoff.events.topics import DEFAULT_WORKSPACE
from signoff.events.types import Actor, Role
from signoff.gateway.http.queries import filled_in
from signoff.gateway.pages.settings.forms import filled, lines, texts
from signoff.gateway.pages.settings.keys import key_body
from signoff.gateway.pages.settings.pages import PAGES
from signoff.gateway.pages.settings.sections import chapters_for

SNAPSHOTS: Final = Path(__file__).resolve().parents[2] / "browser" / "snapshots"
QUESTION: Final = "settings-question"
TREES: Final = {
    "accountPage": "settings-account", "passwordPage": "settings-password",
    "ownKeysPage": "settings-keys", "newOwnKeyPage": "settings-own-keys-new", "limitsPage": "settings-limits",
    "workspacesPage": "settings-workspaces", "membersPage": "settings-members",
    "newMemberPage": "settings-members-new", "memberPage": "settings-member", "groupsPage": "settings-groups",
    "newGroupPage": "settings-groups-new", "groupPage": "settings-group",
    "keysPage": "settings-keys", "newKeyPage": "settings-keys-new", "secretsPage": "settings-secrets",
    "hooksPage": "settings-hooks", "newHookPage": "settings-hooks-new", "hookPage": "settings-hook",
    "hookSettingsPage": "settings-hook-settings", "accessLogPage": "settings-access-log",
    "usersPage": "settings-users", "newUserPage": "settings-users-new", "userPage": "settings-user",
    "serviceKeysPage": "settings-service-keys", "newServiceKeyPage": "settings-own-keys-new",
    "installationPage": "settings-installation",
    **dict.fromkeys((
        "endSessionsPage", "ownKeyRotatePage", "ownKeyRevokePage", "closeWorkspacePage", "removeMemberPage",
        "removeGroupPage", "keyRotatePage", "keyRevokePage", "removeSecretPage", "removeDeadPage",
        "rotateHookPage", "removeHookPage", "disableUserPage", "eraseUserPage", "serviceKeyRotatePage",
        "serviceKeyRevokePage",
    ), QUESTION),
}  # fmt: skip
"""The accessibility tree that is committed of each page, or of one from the same template."""


def caller(*roles: Role, user: bool = True, default: bool = False) -> Principal:
    return Principal(
        actor=Actor(type="user" if user else "apiKey", id="ada"),
        workspace_id=DEFAULT_WORKSPACE if default else new_id(),
        roles=expanded(roles),
        user_id="ada" if user else None,
    )


def sections(who: Principal) -> list[str]:
    return [each.name for chapter in chapters_for(who) for each in chapter.sections]


def test_a_member_sees_the_sections_that_their_roles_open() -> None:
    own = ["Account", "Your API keys", "Limits", "Workspaces", "Members", "Groups"]

    assert sections(caller("approver")) == own
    assert sections(caller("write")) == [*own, "Secrets"]
    assert sections(caller("auditor")) == [*own, "Access log"]
    assert sections(caller("admin")) == [*own, "API keys", "Secrets", "Webhooks", "Access log"]


def test_the_installation_is_for_administrators_of_the_default_workspace() -> None:
    assert "Users" not in sections(caller("admin"))
    assert sections(caller("admin", default=True))[-2:] == ["Users", "Installation"]


def test_a_workspaces_key_has_no_account() -> None:
    assert sections(caller("read", user=False))[0] == "Limits"


def test_a_key_that_binds_nothing_may_do_all_that_its_user_may() -> None:
    body = key_body(MultiDict[object]({"name": " laptop ", "workspaceId": "", "expiresInSeconds": ""}))

    assert (body.name, body.roles, body.workspace_id, body.expires_in_seconds) == ("laptop", None, None, None)


def test_a_bound_key_has_what_was_chosen() -> None:
    sent = MultiDict[object](
        [
            ("name", "x"),
            ("roles", "read"),
            ("roles", "approver"),
            ("workspaceId", "w"),
            ("expiresInSeconds", "60"),
        ]
    )

    body = key_body(sent)

    assert (body.roles, body.workspace_id, body.expires_in_seconds) == (["read", "approver"], "w", 60)


def test_what_was_not_filled_in_is_left_out() -> None:
    sent = MultiDict[object]([("ids", " a \n\n b"), ("roles", ""), ("roles", "read")])

    assert lines(sent, "ids") == ["a", "b"]
    assert texts(sent, "roles") == ["read"]
    assert filled(name="", roles=[], since=None, until="x") == {"until": "x"}
    assert dict(filled_in(MultiDict({"type": "", "actor": " a "}))) == {"actor": "a"}


def test_of_every_page_an_accessibility_tree_is_committed() -> None:
    shown = {page.name for page in PAGES if page.method == "GET"} - {"settingsPage"}  # which leads on

    assert shown == TREES.keys()
    assert [name for name in set(TREES.values()) if not (SNAPSHOTS / f"{name}.yml").is_file()] == []
