"""The commands that set a workspace up: its secrets, schedules and outgoing webhooks."""

from typing import Final

from signoff.cli.catalog import Chapter, Command, Family

_A_HOOK: Final = "0198c1f0-2222-7c1a-9f7e-1f2e3d4c5b6a"

WORKSPACE: Final[Chapter] = (
    Family(
        "env",
        "Set the values of {{NAME}} in workflows; they go in and never come out.",
        (
            Command("list", "env:list_names", "List the names that have a value.", ("signoff env list",)),
            Command(
                "set",
                "env:set_value",
                "Give a name its value: asked for, out of a file, or from standard input.",
                (
                    "signoff env set BANK_TOKEN",
                    "signoff env set TLS_KEY --from-file bank.pem",
                    "pass show bank | signoff env set BANK_TOKEN",
                ),
            ),
            Command("remove", "env:remove", "Remove a value.", ("signoff env remove BANK_TOKEN",)),
        ),
    ),
    Family(
        "schedules",
        "Switch schedules on and off.",
        (
            Command(
                "list",
                "schedules:list_schedules",
                "List the schedules of the deployed workflows.",
                ("signoff schedules list",),
            ),
            Command(
                "enable",
                "schedules:enable",
                "Let a schedule fire.",
                ("signoff schedules enable daily-report mornings",),
            ),
            Command(
                "disable",
                "schedules:disable",
                "Let a schedule fire no more.",
                ("signoff schedules disable daily-report mornings",),
            ),
        ),
    ),
    Family(
        "hooks",
        "Send what happens to other systems: outgoing webhooks.",
        (
            Command("list", "hooks:list_hooks", "List the webhooks.", ("signoff hooks list",)),
            Command(
                "create",
                "hooks:create",
                "Make a webhook, and show the secret that it signs with, once.",
                (
                    "signoff hooks create https://erp.example.org/signoff",
                    "signoff hooks create https://example.org/in --types 'pause:*' --workflow refund",
                ),
            ),
            Command("show", "hooks:show", "Show a webhook.", (f"signoff hooks show {_A_HOOK}",)),
            Command(
                "enable", "hooks:enable", "Send to a webhook again.", (f"signoff hooks enable {_A_HOOK}",)
            ),
            Command(
                "disable",
                "hooks:disable",
                "Send nothing to a webhook until it is enabled.",
                (f"signoff hooks disable {_A_HOOK}",),
            ),
            Command(
                "rotate",
                "hooks:rotate",
                "Give a webhook another secret, and show it, once.",
                (f"signoff hooks rotate {_A_HOOK}",),
            ),
            Command(
                "test",
                "hooks:test",
                "Send a signed test event now, and say how it was answered.",
                (f"signoff hooks test {_A_HOOK}",),
            ),
            Command(
                "deliveries",
                "hooks:deliveries",
                "List the deliveries that failed.",
                (f"signoff hooks deliveries {_A_HOOK} --dead",),
            ),
            Command(
                "replay",
                "hooks:replay",
                "Send dead deliveries again, or everything since a moment.",
                (
                    f"signoff hooks replay {_A_HOOK} --since 2026-05-04T09:00:00Z",
                    f"signoff hooks replay {_A_HOOK} 41f0c2a9b7",
                ),
            ),
            Command(
                "remove",
                "hooks:remove",
                "Remove a webhook.",
                (f"signoff hooks remove {_A_HOOK}",),
            ),
        ),
    ),
)
