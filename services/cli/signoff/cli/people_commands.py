"""The commands that look after people: what they are called, where they are, what they say of themselves."""

from collections.abc import Mapping
from typing import Final, TypeAlias

Entry: TypeAlias = tuple[str, str, str, str]
"""A command: its name, its module and function, a summary, an example."""

PEOPLE: Final[Mapping[str, tuple[str, tuple[Entry, ...]]]] = {
    "users": (
        "Add, disable and erase people and service accounts.",
        (
            ("list", "users:list_users", "List the users of the installation.", "signoff users list"),
            (
                "add",
                "users:add",
                "Add a person or a service account.",
                "signoff users add Ada --email ada@example.org --password",
            ),
            (
                "disable",
                "users:disable",
                "Let a user do nothing any more.",
                "signoff users disable ada@example.org",
            ),
            (
                "enable",
                "users:enable",
                "Let a disabled user do again what they might.",
                "signoff users enable ada@example.org",
            ),
            ("remove", "users:remove", "Erase a person.", "signoff users remove ada@example.org"),
            (
                "password",
                "users:password",
                "Set a user's password.",
                "signoff users password ada@example.org",
            ),
        ),
    ),
    "groups": (
        "Look after groups: users who have roles, and decide, together.",
        (
            ("list", "groups:list_groups", "List the workspace's groups.", "signoff groups list"),
            (
                "create",
                "groups:create",
                "Make a group.",
                "signoff groups create finance --roles approver --member ada@example.org",
            ),
            (
                "add-member",
                "groups:add_member",
                "Add a member of the workspace to a group.",
                "signoff groups add-member finance ada@example.org",
            ),
            (
                "remove-member",
                "groups:remove_member",
                "Take a member out of a group.",
                "signoff groups remove-member finance ada@example.org",
            ),
            ("remove", "groups:remove", "Remove a group.", "signoff groups remove finance"),
        ),
    ),
    "keys": (
        "Make, rotate and revoke the API keys of the workspace.",
        (
            ("list", "keys:list_keys", "List the workspace's API keys.", "signoff keys list"),
            (
                "create",
                "keys:create",
                "Make an API key, and show its secret, once.",
                "signoff keys create nightly-import --roles write --expires-in-days 90",
            ),
            (
                "rotate",
                "keys:rotate",
                "Give an API key another secret, and show it, once.",
                "signoff keys rotate 0198c1f0-7d3e-7c1a-9f7e-1f2e3d4c5b6a --overlap-seconds 3600",
            ),
            (
                "revoke",
                "keys:revoke",
                "Let an API key be good for nothing from now on.",
                "signoff keys revoke 0198c1f0-7d3e-7c1a-9f7e-1f2e3d4c5b6a",
            ),
        ),
    ),
    "workspaces": (
        "Look after workspaces and their members.",
        (
            (
                "list",
                "workspaces:list_workspaces",
                "List the workspaces that the key in use may act in.",
                "signoff workspaces list",
            ),
            ("create", "workspaces:create", "Make a workspace.", "signoff workspaces create Finance"),
            (
                "rename",
                "workspaces:rename",
                "Give a workspace another name.",
                "signoff workspaces rename $WORKSPACE Accounting",
            ),
            (
                "close",
                "workspaces:close",
                "Close a workspace for good.",
                "signoff workspaces close $WORKSPACE",
            ),
            (
                "members",
                "workspaces:members",
                "List the members of a workspace.",
                "signoff workspaces members $WORKSPACE",
            ),
            (
                "add-member",
                "workspaces:add_member",
                "Add somebody to a workspace, or give them other roles there.",
                "signoff workspaces add-member $WORKSPACE ada@example.org --roles approver",
            ),
            (
                "remove-member",
                "workspaces:remove_member",
                "Take somebody out of a workspace.",
                "signoff workspaces remove-member $WORKSPACE ada@example.org",
            ),
        ),
    ),
}
"""By the name before theirs, with its summary."""
