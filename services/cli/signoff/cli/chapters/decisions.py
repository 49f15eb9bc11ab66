"""The commands by which people decide, and look after decisions."""

from typing import Final

from signoff.cli.catalog import Chapter, Command, Family

_AN_EXECUTION: Final = "0198c1f0-7d3e-7c1a-9f7e-1f2e3d4c5b6a"

DECISIONS: Final[Chapter] = (
    Command(
        "resume",
        "resume:resume",
        "Decide what a paused execution waits for.",
        (
            f"signoff resume {_AN_EXECUTION}",
            f"""signoff resume {_AN_EXECUTION} --input '{{"approved": true}}'""",
            f"signoff resume {_AN_EXECUTION} lawyer --input @decision.json --watch",
            f"signoff resume {_AN_EXECUTION} lawyer --retry",
        ),
    ),
    Family(
        "inbox",
        "See which decisions wait for you, and look after them.",
        (
            Command(
                "list",
                "inbox:list_inbox",
                "List the decisions that you may take.",
                (
                    "signoff inbox list",
                    "signoff inbox list --scope all --workflow refund-approval --overdue",
                    "signoff inbox list --watch",
                ),
            ),
            Command(
                "show",
                "inbox:show",
                "Show a decision with everything that it takes.",
                (f"signoff inbox show {_AN_EXECUTION} approve",),
            ),
            Command(
                "claim",
                "inbox_points:claim",
                "Keep a decision to yourself for now.",
                (f"signoff inbox claim {_AN_EXECUTION}",),
            ),
            Command(
                "release",
                "inbox_points:release",
                "Let others take it again.",
                (f"signoff inbox release {_AN_EXECUTION}",),
            ),
            Command(
                "delegate",
                "inbox_points:delegate",
                "Ask another member to decide in your place.",
                (f"signoff inbox delegate {_AN_EXECUTION} --to ada@example.org",),
            ),
            Command(
                "reassign",
                "inbox_points:reassign",
                "Let others decide than those who were asked.",
                (f"signoff inbox reassign {_AN_EXECUTION} --to group:finance --reason 'theirs'",),
            ),
            Command(
                "return",
                "inbox_points:send_back",
                "Want changes before anybody decides.",
                (f"signoff inbox return {_AN_EXECUTION} --reason 'the invoice is missing'",),
            ),
            Command(
                "comment",
                "inbox_points:comment",
                "Say something about a decision.",
                (f"signoff inbox comment {_AN_EXECUTION} --text 'The customer agrees.'",),
            ),
            Command(
                "amend",
                "inbox_points:amend",
                "Change what a decision is on.",
                (f"""signoff inbox amend {_AN_EXECUTION} --reason wrong --display '{{"Amount": 1}}'""",),
            ),
            Command(
                "held",
                "inbox:held",
                "List the decisions that came before their pause points.",
                (f"signoff inbox held {_AN_EXECUTION}",),
            ),
        ),
    ),
    Family(
        "links",
        "Make links by which one person decides at one pause point.",
        (
            Command(
                "make",
                "links:make",
                "Make a link, and show it, once.",
                (
                    f"signoff links make {_AN_EXECUTION} approve --user ada@example.org",
                    f"signoff links make {_AN_EXECUTION} --expires-in-days 1",
                ),
            ),
            Command(
                "list",
                "links:list_links",
                "List the links to a pause point.",
                (f"signoff links list {_AN_EXECUTION} approve",),
            ),
            Command(
                "revoke",
                "links:revoke",
                "Let a link be good for nothing from now on.",
                (f"signoff links revoke {_AN_EXECUTION} approve $LINK",),
            ),
        ),
    ),
    Family(
        "absence",
        "Let somebody decide in your place while you are away.",
        (
            Command(
                "set",
                "absence:set_absence",
                "Say who decides in your place, and until when.",
                ("signoff absence set ada@example.org --until 2026-08-24",),
            ),
            Command("show", "absence:show", "Show who decides in your place.", ("signoff absence show",)),
            Command("end", "absence:end", "Be back, or do not leave at all.", ("signoff absence end",)),
        ),
    ),
)
