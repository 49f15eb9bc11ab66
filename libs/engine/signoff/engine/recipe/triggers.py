"""How our own spelling writes what starts runs."""

from typing import Any, Final

from signoff.engine.definitions.catalog import ENTRY_TYPES
from signoff.engine.definitions.faults import Findings, at
from signoff.engine.definitions.schedules import CATCH_UP
from signoff.engine.recipe.keys import fields_key, text
from signoff.engine.recipe.params import copy, read_input
from signoff.engine.recipe.spelling import Key, Spelling, Written

_INPUT: Final = {"input": fields_key("The fields of the input by name.")}


def _read_schedule(raw: dict[str, Any], path: str, written: Written, findings: Findings) -> None:
    copy(raw, ("cron", "timezone", "catchUp"), written)
    read_input(raw, path, written, findings)


def _read_webhook(raw: dict[str, Any], path: str, written: Written, findings: Findings) -> None:
    copy(raw, ("secret", "deduplicateBy"), written)
    written.renamed["signatureHeader"] = at(path, "signature")
    if "signature" in raw:
        written.params["signatureHeader"] = raw["signature"]
    read_input(raw, path, written, findings)


SPELLINGS: Final[dict[str, Spelling]] = {
    **dict.fromkeys(
        (*ENTRY_TYPES, "chat_trigger"), Spelling(about="Starts runs.", keys=_INPUT, read=read_input)
    ),
    "schedule": Spelling(
        about="Starts runs by the clock.",
        keys={
            "cron": text(
                "Minute, hour, day of month, month, day of week.",
                required=True,
                hint='such as "0 9 * * 1-5": at nine on working days',
            ),
            "timezone": text("Whose clock it is, such as Europe/Berlin; UTC by default."),
            "catchUp": Key(
                {"enum": list(CATCH_UP)},
                "What becomes of starts that were missed: none; last, one run for all of them; or all.",
            ),
            **_INPUT,
        },
        read=_read_schedule,
    ),
    "webhook": Spelling(
        about="Starts runs by requests of another system.",
        keys={
            "secret": text('What requests are signed with, such as "{{WEBHOOK_SECRET}}".'),
            "signature": text("The header that holds the HMAC-SHA256 of the body."),
            "deduplicateBy": text(
                "The header that names a delivery: a second one of that name starts nothing."
            ),
            **_INPUT,
        },
        read=_read_webhook,
    ),
}
"""The spelling of each of these types."""
