"""The commands that run servers, and those that look after a database and brokers."""

from typing import Final

from signoff.cli.catalog import Chapter, Command, Family

SERVERS: Final[Chapter] = (
    Command(
        "serve",
        "serve:serve",
        "Run all of Signoff in this one process: nothing else to install.",
        (
            "signoff serve --examples",
            "signoff serve --port 9000 --data /var/lib/signoff --blocks my_company.blocks",
        ),
    ),
    Command(
        "mcp",
        "mcp:mcp",
        "Let an AI agent start workflows, follow them and see what waits for people.",
        ("signoff mcp", "signoff mcp --http 127.0.0.1:8765 --decide-with-key-env APPROVER_KEY"),
    ),
    Command("gateway", "services:gateway", "Run one gateway of a cluster.", ("signoff gateway",)),
    Command("executor", "services:executor", "Run one executor of a cluster.", ("signoff executor",)),
    Command("stream", "services:stream", "Run one stream service of a cluster.", ("signoff stream",)),
)
UPKEEP: Final[Chapter] = (
    Command("migrate", "upkeep:migrate", "Bring the database's schema up to date.", ("signoff migrate",)),
    Command(
        "doctor",
        "doctor:doctor",
        "Look whether database, broker, leases and executions are well, and mend what can be mended.",
        (
            "signoff doctor --all",
            "signoff doctor --rebuild executions inbox",
            "signoff doctor --retry-dead",
        ),
    ),
    Command(
        "recover",
        "recover:recover",
        "Decide how partitions go on after a restore of the database or the broker.",
        (
            "signoff recover",
            "signoff recover --from-topic",
            "signoff recover --reread --partition 12 40 --yes",
        ),
    ),
    Command(
        "check-stream",
        "check_stream:check_stream",
        "Check whether a server's streams keep their contract, rule by rule.",
        (
            "signoff check-stream https://signoff.example.com",
            "signoff check-stream http://127.0.0.1:8080 --execution refund-1",
        ),
    ),
    Command(
        "completion",
        "completion:completion",
        "Print a script that lets a shell complete commands with the Tab key.",
        (
            "source <(signoff completion bash)",
            "signoff completion fish > ~/.config/fish/completions/signoff.fish",
        ),
    ),
    Command("version", "version:version", "Print the versions of Signoff, Python and the drivers."),
    Family(
        "topics",
        "Look after the broker's topics.",
        (
            Command(
                "apply",
                "topics_apply:topics_apply",
                "Create the topics that do not exist, and bring settings to what is wanted.",
                (
                    "signoff topics apply --dry-run",
                    "signoff topics apply --replication 3 --retention-days 30",
                ),
            ),
            Command(
                "verify",
                "topics_verify:topics_verify",
                "Compare signoff.executions with the log: what is missing, out of order or other than logged "
                "is named.",
                (
                    "signoff topics verify",
                    "signoff topics verify --since 2026-05-01 --partition 12 40",
                    "signoff topics verify --execution 0192f3a1-7c1e-7a52-9d33-5b7f0f4e2a10",
                ),
            ),
            Command(
                "republish",
                "topics_republish:topics_republish",
                "Publish events to signoff.executions again, from the log, up to its end.",
                (
                    "signoff topics republish --from 48211 --dry-run",
                    "signoff topics republish --from 2026-05-01T12:00 --partition 12",
                    "signoff topics republish --from 0192f3a1-7c1e-7a52-9d33-5b7f0f4e2a10",
                ),
            ),
        ),
    ),
)
