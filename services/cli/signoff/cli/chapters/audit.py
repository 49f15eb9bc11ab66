"""The commands that show, prove and hand out what the log says."""

from typing import Final

from signoff.cli.catalog import Chapter, Command, Family

AUDIT: Final[Chapter] = (
    Family(
        "audit",
        "Show what happened, and prove that nobody changed it since.",
        (
            Command(
                "show",
                "audit_show:show",
                "Tell the whole life of an execution: what ran, who decided what, when and on what.",
                (
                    "signoff audit show 0192f3a1-7c1e-7a52-9d33-5b7f0f4e2a10",
                    "signoff audit show refund-1 --as-of 2026-05-01T12:00:00Z --json",
                ),
            ),
            Command(
                "diff",
                "audit_diff:diff",
                "Show what changed between two points of an execution, or from one to another.",
                ("signoff audit diff refund-1 9 17", "signoff audit diff refund-1 --with refund-2"),
            ),
            Command(
                "fork",
                "audit_fork:fork",
                "Go on from any point with another input, decision or version; tried out, or for good.",
                (
                    """signoff audit fork refund-1 --point approve --decision '{"approved": false}'""",
                    "signoff audit fork refund-1 12 --input @other.json --live --reason 'wrong amount'",
                ),
            ),
            Command(
                "replay",
                "audit_replay:replay",
                "Fold an execution's log step by step, and prove that its state follows from it.",
                ("signoff audit replay refund-1", "signoff audit replay refund-1 --to 17 --steps"),
            ),
            Command(
                "access",
                "audit_access:access",
                "Show who read, exported and verified what, and who was refused what and why.",
                (
                    "signoff audit access --execution refund-1",
                    "signoff audit access --type access:refused --type decision:refused --json",
                ),
            ),
            Command(
                "verify",
                "audit_verify:verify",
                "Check logs, rows, topic and checkpoints against each other, and name each fault.",
                (
                    "signoff audit verify",
                    "signoff audit verify --checkpoints /mnt/auditor/checkpoints --resume verified.json",
                    "signoff audit verify --execution 0192f3a1-7c1e-7a52-9d33-5b7f0f4e2a10 --chain",
                ),
            ),
            Command(
                "export",
                "audit_export:export",
                "Write the events of the log to files or an object store, and go on where it ended.",
                (
                    "signoff audit export exported",
                    "signoff audit export s3://audit/signoff --format parquet --since 2026-05-01",
                ),
            ),
            Command(
                "bundle",
                "audit_bundle:bundle",
                "Fetch one execution as a signed file that proves itself without network or database.",
                ("signoff audit bundle refund-1 -o refund-1.zip", "signoff audit verify refund-1.zip"),
            ),
        ),
    ),
)
