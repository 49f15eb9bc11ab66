"""The pages of this room."""

from collections.abc import Iterator
from typing import Final

from signoff.access.permissions import Operation
from signoff.gateway.accesses.listing import AccessQuery
from signoff.gateway.http.routing import Handler
from signoff.gateway.pages.guard import RENEWAL
from signoff.gateway.pages.page import Page
from signoff.gateway.pages.settings import (
    access_log,
    account,
    deliveries,
    groups,
    hooks,
    installation,
    keys,
    members,
    secrets,
    users,
    workspaces,
)
from signoff.gateway.pages.settings.sections import (
    ACCESS_LOG,
    ACCOUNT,
    GROUPS,
    HOOKS,
    INSTALLATION,
    LIMITS,
    MEMBERS,
    SECRETS,
    USERS,
    WORKSPACES,
    front,
)

_MEMBER: Final = f"{MEMBERS}/{{userId}}"
_GROUP: Final = f"{GROUPS}/{{groupId}}"
_HOOK: Final = f"{HOOKS}/{{hook}}"
_USER: Final = f"{USERS}/{{userId}}"


def _look(path: str, operation: Operation, name: str, handler: Handler) -> Page:
    return Page(path=path, operation=operation, name=f"{name}Page", handler=handler)


def _act(path: str, operation: Operation, name: str, handler: Handler) -> Page:
    return Page(method="POST", path=path, operation=operation, name=f"{name}Form", handler=handler)


def _of_keys(pages: keys.KeyPages, operation: Operation, name: str) -> Iterator[Page]:
    path, new = pages.shelf.path, f"new{name[0].upper()}{name[1:]}"
    key = f"{path}/{{keyId}}"
    yield _look(path, operation, f"{name}s", pages.show)
    yield _look(f"{path}/new", operation, new, pages.new)
    yield _act(f"{path}/new", operation, new, pages.make)
    yield _look(f"{key}/rotate", operation, f"{name}Rotate", pages.ask_rotate)
    yield _act(f"{key}/rotate", operation, f"{name}Rotate", pages.rotate)
    yield _look(f"{key}/revoke", operation, f"{name}Revoke", pages.ask_revoke)
    yield _act(f"{key}/revoke", operation, f"{name}Revoke", pages.revoke)


PAGES: Final[tuple[Page, ...]] = (
    _look("/settings", "workspace:read", "settings", front),
    _look(ACCOUNT, "account:manage", "account", account.show),
    _act(ACCOUNT, "account:manage", "account", account.rename),
    _act(f"{ACCOUNT}/away", "account:manage", "away", account.leave),
    _act(f"{ACCOUNT}/back", "account:manage", "back", account.come_back),
    _look(RENEWAL, "password:change", "password", account.show_password),
    _act(RENEWAL, "password:change", "password", account.submit_password),
    _look("/settings/sessions/end", "account:manage", "endSessions", account.ask_to_end_others),
    _act("/settings/sessions/end", "account:manage", "endSessions", account.end_others),
    _act("/settings/sessions/{session}/end", "account:manage", "endSession", account.end_session),
    *_of_keys(keys.OWN, "account:manage", "ownKey"),
    _look(LIMITS, "account:manage", "limits", installation.show_limits),
    _look(WORKSPACES, "workspace:read", "workspaces", workspaces.show),
    _act(WORKSPACES, "installation:manage", "newWorkspace", workspaces.make),
    _act(f"{WORKSPACES}/name", "workspace:manage", "renameWorkspace", workspaces.rename),
    _look(f"{WORKSPACES}/close", "workspace:manage", "closeWorkspace", workspaces.ask_close),
    _act(f"{WORKSPACES}/close", "workspace:manage", "closeWorkspace", workspaces.close_one),
    _look(MEMBERS, "members:read", "members", members.show),
    _look(f"{MEMBERS}/new", "members:manage", "newMember", members.new),
    _act(f"{MEMBERS}/new", "members:manage", "newMember", members.add),
    _look(_MEMBER, "members:manage", "member", members.show_one),
    _act(_MEMBER, "members:manage", "member", members.put),
    _act(f"{_MEMBER}/away", "members:manage", "memberAway", members.leave),
    _act(f"{_MEMBER}/back", "members:manage", "memberBack", members.come_back),
    _look(f"{_MEMBER}/remove", "members:manage", "removeMember", members.ask_remove),
    _act(f"{_MEMBER}/remove", "members:manage", "removeMember", members.remove_one),
    _look(GROUPS, "members:read", "groups", groups.show),
    _look(f"{GROUPS}/new", "members:manage", "newGroup", groups.new),
    _act(f"{GROUPS}/new", "members:manage", "newGroup", groups.make),
    _look(_GROUP, "members:manage", "group", groups.show_one),
    _act(_GROUP, "members:manage", "group", groups.put),
    _look(f"{_GROUP}/remove", "members:manage", "removeGroup", groups.ask_remove),
    _act(f"{_GROUP}/remove", "members:manage", "removeGroup", groups.remove_one),
    *_of_keys(keys.WORKSPACE, "keys:manage", "key"),
    _look(SECRETS, "environment:read", "secrets", secrets.show),
    _act(SECRETS, "environment:write", "secret", secrets.put),
    _look(f"{SECRETS}/{{name}}/remove", "environment:write", "removeSecret", secrets.ask_remove),
    _act(f"{SECRETS}/{{name}}/remove", "environment:write", "removeSecret", secrets.remove_one),
    _look(HOOKS, "hooks:manage", "hooks", hooks.show),
    _look(f"{HOOKS}/new", "hooks:manage", "newHook", hooks.new),
    _act(f"{HOOKS}/new", "hooks:manage", "newHook", hooks.make),
    _look(_HOOK, "hooks:manage", "hook", deliveries.show),
    _look(f"{_HOOK}/settings", "hooks:manage", "hookSettings", hooks.show_settings),
    _act(f"{_HOOK}/settings", "hooks:manage", "hookSettings", hooks.put),
    _act(f"{_HOOK}/test", "hooks:manage", "testHook", hooks.test),
    _act(f"{_HOOK}/replay", "hooks:manage", "replayHook", deliveries.replay),
    _look(f"{_HOOK}/dead/remove", "hooks:manage", "removeDead", deliveries.ask_remove),
    _act(f"{_HOOK}/dead/remove", "hooks:manage", "removeDead", deliveries.remove),
    _look(f"{_HOOK}/rotate", "hooks:manage", "rotateHook", hooks.ask_rotate),
    _act(f"{_HOOK}/rotate", "hooks:manage", "rotateHook", hooks.rotate),
    _look(f"{_HOOK}/remove", "hooks:manage", "removeHook", hooks.ask_remove),
    _act(f"{_HOOK}/remove", "hooks:manage", "removeHook", hooks.remove_one),
    Page(
        path=ACCESS_LOG, operation="audit:read", name="accessLogPage", handler=access_log.show,
        shows="listAccesses", query=AccessQuery,
    ),
    _look(USERS, "installation:manage", "users", users.show),
    _look(f"{USERS}/new", "installation:manage", "newUser", users.new),
    _act(f"{USERS}/new", "installation:manage", "newUser", users.make),
    _look(_USER, "installation:manage", "user", users.show_one),
    _act(_USER, "installation:manage", "user", users.rename),
    _act(f"{_USER}/password", "installation:manage", "userPassword", users.set_password),
    _look(f"{_USER}/disable", "installation:manage", "disableUser", users.ask_disable),
    _act(f"{_USER}/disable", "installation:manage", "disableUser", users.disable),
    _act(f"{_USER}/enable", "installation:manage", "enableUser", users.enable),
    _look(f"{_USER}/erase", "installation:manage", "eraseUser", users.ask_erase),
    _act(f"{_USER}/erase", "installation:manage", "eraseUser", users.erase_one),
    *_of_keys(keys.SERVICE, "installation:manage", "serviceKey"),
    _look(INSTALLATION, "installation:manage", "installation", installation.show),
)  # fmt: skip
