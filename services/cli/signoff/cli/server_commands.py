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
                "upkeep:apply_topics",
                "Create the topics that do not exist.",
                ("signoff topics apply", "signoff topics apply --replication 3"),
            ),
        ),
    ),
)
