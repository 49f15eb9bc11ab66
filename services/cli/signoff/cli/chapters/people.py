"""The commands that look after people, and after what callers may do."""

from typing import Final

from signoff.cli.catalog import Chapter, Command, Family

PEOPLE: Final[Chapter] = (
    Command(
        "whoami", "whoami:whoami", "Say who the key in use is, and what it may do where.", ("signoff whoami",)
    ),
    Command(
        "limits",
        "limits:limits",
        "Say how often the key in use may still start executions.",
        ("signoff limits",),
    ),
    Family(
        "users",
        "Add, disable and erase people and service accounts.",
        (
            Command(
                "list", "users:list_users", "List the users of the installation.", ("signoff users list",)
            ),
            Command(
                "add",
                "users:add",
                "Add a person or a service account.",
                ("signoff users add Ada --email ada@example.org --password",),
            ),
            Command(
                "disable",
                "users:disable",
                "Let a user do nothing any more.",
                ("signoff users disable ada@example.org",),
            ),
            Command(
                "enable",
                "users:enable",
                "Let a disabled user do again what they might.",
                ("signoff users enable ada@example.org",),
            ),
            Command("remove", "users:remove", "Erase a person.", ("signoff users remove ada@example.org",)),
            Command(
                "password",
                "users:password",
                "Set a user's password.",
                ("signoff users password ada@example.org",),
            ),
        ),
    ),
    Family(
        "groups",
        "Look after groups: users who have roles, and decide, together.",
        (
            Command("list", "groups:list_groups", "List the workspace's groups.", ("signoff groups list",)),
            Command(
                "create",
                "groups:create",
                "Make a group.",
                ("signoff groups create finance --roles approver --member ada@example.org",),
            ),
            Command(
                "add-member",
                "groups:add_member",
                "Add a member of the workspace to a group.",
                ("signoff groups add-member finance ada@example.org",),
            ),
            Command(
                "remove-member",
                "groups:remove_member",
                "Take a member out of a group.",
                ("signoff groups remove-member finance ada@example.org",),
            ),
            Command("remove", "groups:remove", "Remove a group.", ("signoff groups remove finance",)),
        ),
    ),
    Family(
        "keys",
        "Make, rotate and revoke API keys: the workspace's, a service account's, one's own.",
        (
            Command("list", "keys:list_keys", "List the workspace's API keys.", ("signoff keys list",)),
            Command(
                "create",
                "keys:create",
                "Make an API key, and show its secret, once.",
                (
                    "signoff keys create nightly-import --roles write --expires-in-days 90",
                    "signoff keys create laptop --own",
                    "signoff keys create agent --roles read --user 0198c1f0-1111-7c1a-9f7e-1f2e3d4c5b6a",
                ),
            ),
            Command(
                "rotate",
                "keys:rotate",
                "Give an API key another secret, and show it, once.",
                ("signoff keys rotate 0198c1f0-7d3e-7c1a-9f7e-1f2e3d4c5b6a --overlap-seconds 3600",),
            ),
            Command(
                "revoke",
                "keys:revoke",
                "Let an API key be good for nothing from now on.",
                ("signoff keys revoke 0198c1f0-7d3e-7c1a-9f7e-1f2e3d4c5b6a",),
            ),
        ),
    ),
    Family(
        "workspaces",
        "Look after workspaces and their members.",
        (
            Command(
                "list",
                "workspaces:list_workspaces",
                "List the workspaces that the key in use may act in.",
                ("signoff workspaces list",),
            ),
            Command(
                "create", "workspaces:create", "Make a workspace.", ("signoff workspaces create Finance",)
            ),
            Command(
                "rename",
                "workspaces:rename",
                "Give a workspace another name.",
                ("signoff workspaces rename $WORKSPACE Accounting",),
            ),
            Command(
                "close",
                "workspaces:close",
                "Close a workspace for good.",
                ("signoff workspaces close $WORKSPACE",),
            ),
            Command(
                "members",
                "workspaces:members",
                "List the members of a workspace.",
                ("signoff workspaces members $WORKSPACE",),
            ),
            Command(
                "add-member",
                "workspaces:add_member",
                "Add somebody to a workspace, or give them other roles there.",
                ("signoff workspaces add-member $WORKSPACE ada@example.org --roles approver",),
            ),
            Command(
                "remove-member",
                "workspaces:remove_member",
                "Take somebody out of a workspace.",
                ("signoff workspaces remove-member $WORKSPACE ada@example.org",),
            ),
        ),
    ),
)
