"""The commands that workflows and their executions are worked with."""

from typing import Final

from signoff.cli.catalog import Chapter, Command, Family

_AN_EXECUTION: Final = "0198c1f0-7d3e-7c1a-9f7e-1f2e3d4c5b6a"

WORK: Final[Chapter] = (
    Command(
        "deploy",
        "deploy:deploy",
        "Make workflow definitions the next version of their workflows.",
        (
            "signoff deploy examples/refund-approval/workflow.yaml",
            "signoff deploy exported.json --id onboarding",
        ),
    ),
    Command(
        "rollback",
        "rollback:rollback",
        "Let an earlier version of a workflow take the executions again.",
        ("signoff rollback refund-approval --to 3",),
    ),
    Command(
        "lint",
        "lint:lint",
        "Find what is wrong with workflow definitions, without a server.",
        (
            "signoff lint examples/*/workflow.yaml",
            "signoff lint exported.json --json | jq .message",
        ),
    ),
    Command(
        "run",
        "run:run",
        "Start a workflow, wait until it ends or pauses, and print what came of it.",
        (
            """signoff run refund-approval --input '{"amount": 80, "customer": "Ada"}'""",
            "signoff run refund-approval --id refund-1 --input @examples/refund-approval/input.json --watch",
            "echo '{\"amount\": 80}' | signoff run refund-approval --input - | jq .output",
            "signoff run refund-approval --from-block pay",
        ),
    ),
    Command(
        "watch",
        "watch:watch_execution",
        "Show an execution from its first event on, and each new one as it happens.",
        (f"signoff watch {_AN_EXECUTION} --follow",),
    ),
    Command(
        "retry",
        "retry:retry",
        "Try a failed execution again, from what failed.",
        (f"signoff retry {_AN_EXECUTION} --reason 'the bank is back' --watch",),
    ),
    Command(
        "cancel",
        "cancel:cancel",
        "Stop an execution, whether it runs or waits for somebody.",
        (f"signoff cancel {_AN_EXECUTION}",),
    ),
    Command(
        "feed",
        "feed:feed",
        "Show everything that happens, in all executions, as it happens.",
        (
            "signoff feed",
            "signoff feed --status paused --status failed --workflow refund-approval",
            "signoff feed --types 'pause:*' | jq -r .executionId",
        ),
    ),
    Family(
        "executions",
        "Find executions, look at them, and cancel or retry many at once.",
        (
            Command(
                "list",
                "executions:list_executions",
                "Find executions.",
                (
                    "signoff executions list --status paused --workflow refund-approval",
                    "signoff executions list --attribute customer:Ada --attribute 'amount>=100'",
                    "signoff executions list --started-after 2026-05-01 --count",
                ),
            ),
            Command(
                "show",
                "executions:show",
                "Show an execution as it is now, with its output and what it waits for.",
                (f"signoff executions show {_AN_EXECUTION}",),
            ),
            Command(
                "events",
                "executions:events",
                "List what is recorded of an execution so far.",
                (f"signoff executions events {_AN_EXECUTION} --after 17",),
            ),
            Command(
                "cancel",
                "bulk:cancel",
                "Cancel all executions that fit.",
                (
                    "signoff executions cancel --status running --workflow refund-approval",
                    "signoff executions cancel --status paused --started-before 2026-01-01 --yes",
                ),
            ),
            Command(
                "retry",
                "bulk:retry",
                "Try all failed executions that fit again.",
                ("signoff executions retry --error 'bank' --reason 'the bank is back'",),
            ),
        ),
    ),
    Family(
        "workflows",
        "Look at workflows and their versions.",
        (
            Command("list", "workflows:list_workflows", "List the workflows.", ("signoff workflows list",)),
            Command(
                "show",
                "workflows:show",
                "Print the definition of a workflow.",
                ("signoff workflows show refund-approval --version 2 > before.json",),
            ),
            Command(
                "versions",
                "workflows:versions",
                "List the versions of a workflow.",
                ("signoff workflows versions refund-approval",),
            ),
            Command(
                "undeploy",
                "workflows:undeploy",
                "Let a workflow take no executions any more.",
                ("signoff workflows undeploy refund-approval",),
            ),
        ),
    ),
    Family(
        "new",
        "Write the beginnings of something of your own.",
        (
            Command(
                "block",
                "new:block",
                "Write a package with one registered block and its test.",
                ("signoff new block payments.refund", "signoff new block greet --directory blocks/greet"),
            ),
        ),
    ),
    Family(
        "schema",
        "Print what documents must look like.",
        (
            Command(
                "definition",
                "schema:definition",
                "Print the JSON Schema of workflow definitions, for editors.",
                ("signoff schema definition > definition.schema.json",),
            ),
            Command(
                "openapi",
                "schema:openapi",
                "Print the OpenAPI document of the HTTP API.",
                ("signoff schema openapi > openapi.json",),
            ),
            Command(
                "asyncapi",
                "schema:asyncapi",
                "Print the AsyncAPI document of the topics.",
                ("signoff schema asyncapi > asyncapi.json",),
            ),
            Command(
                "events",
                "schema:events",
                "Print the JSON Schema of events.",
                (
                    "signoff schema events > events.schema.json",
                    "signoff schema events --type block:completed",
                ),
            ),
            Command(
                "commands",
                "schema:commands",
                "Print the JSON Schema of commands.",
                ("signoff schema commands --type StartExecution",),
            ),
            Command(
                "outcomes",
                "schema:outcomes",
                "Print the JSON Schema of outcomes.",
                ("signoff schema outcomes > outcomes.schema.json",),
            ),
        ),
    ),
)
