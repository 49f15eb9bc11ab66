"""The commands that look after people, and after what callers may do."""

from typing import Final

from signoff.cli.catalog import Chapter, Command, Family

_A_SERVICE: Final = "0198c1f0-1111-7c1a-9f7e-1f2e3d4c5b6a"

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
        "account",
        "Look after your own name, password and sessions.",
        (
            Command(
                "rename", "account:rename", "Give yourself another name.", ("signoff account rename Ada",)
            ),
            Command(
                "password",
                "account:password",
                "Change your password.",
                ("signoff account password",),
            ),
            Command(
                "sessions",
                "account:sessions",
                "List the browsers in which you are signed in.",
                ("signoff account sessions",),
            ),
            Command(
                "sign-out",
                "account:sign_out",
                "Sign yourself out in one browser, or in all of them.",
                ("signoff account sign-out x1Qm0c5rJ8w2Zk7uTf4BvA", "signoff account sign-out --everywhere"),
            ),
        ),
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
                "show",
                "users:show",
                "Show a user.",
                ("signoff users show 0198c1f0-1111-7c1a-9f7e-1f2e3d4c5b6a",),
            ),
            Command(
                "rename",
                "users:rename",
                "Give a user another name.",
                ("signoff users rename ada@example.org 'Ada Lovelace'",),
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
                "show", "groups:show", "Show a group, with its members.", ("signoff groups show finance",)
            ),
            Command(
                "rename",
                "groups:rename",
                "Give a group another name.",
                ("signoff groups rename finance accounting",),
            ),
            Command(
                "set-roles",
                "groups:set_roles",
                "Say what roles the members of a group have by it.",
                ("signoff groups set-roles finance --roles read --roles approver",),
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
            Command(
                "list",
                "keys:list_keys",
                "List API keys.",
                ("signoff keys list", f"signoff keys list --user {_A_SERVICE}"),
            ),
            Command(
                "create",
                "keys:create",
                "Make an API key, and show its secret, once.",
                (
                    "signoff keys create nightly-import --roles write --expires-in-days 90",
                    "signoff keys create laptop --own",
                    f"signoff keys create agent --roles read --user {_A_SERVICE}",
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
                (
                    "signoff keys revoke 0198c1f0-7d3e-7c1a-9f7e-1f2e3d4c5b6a",
                    f"signoff keys revoke 0198c1f0-7d3e-7c1a-9f7e-1f2e3d4c5b6a --user {_A_SERVICE}",
                ),
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
            Command(
                "set-absence",
                "workspaces:set_absence",
                "Let a member decide in the place of another one who is away.",
                ("signoff workspaces set-absence $WORKSPACE ada@example.org $DELEGATE --until 2026-08-24",),
            ),
            Command(
                "end-absence",
                "workspaces:end_absence",
                "Let nobody decide in a member's place any more.",
                ("signoff workspaces end-absence $WORKSPACE ada@example.org",),
            ),
        ),
    ),
)
