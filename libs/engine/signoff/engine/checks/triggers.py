"""Checks of the parameters of what starts runs: fields of the input, schedules, webhooks."""

import re
from typing import Any, Final

from signoff.engine.checks.values import check_choice, check_fields, shown
from signoff.engine.definitions.faults import Findings
from signoff.engine.definitions.reading import BlockPlace
from signoff.engine.definitions.schedules import CATCH_UP, check_cron, is_time_zone

_ENVIRONMENT: Final = re.compile(r"\{\{[^{}]+\}\}")
_HEADER: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}", re.ASCII)


def check_schedule(params: dict[str, Any], place: BlockPlace, findings: Findings) -> None:
    """Reports a schedule that no clock can keep."""
    check_fields(params, place, findings)
    wrong = check_cron(params.get("cron"))
    if wrong is not None:
        findings.fault(place.param("cron"), wrong, 'such as "0 9 * * 1-5": at nine on working days')
    zone = params.get("timezone")
    if zone is not None and zone != "" and not is_time_zone(zone):
        findings.fault(
            place.param("timezone"), f"{shown(zone)} is no time zone", "such as Europe/Berlin or UTC"
        )
    if params.get("catchUp"):
        check_choice(params["catchUp"], CATCH_UP, place.param("catchUp"), findings)


def check_webhook(params: dict[str, Any], place: BlockPlace, findings: Findings) -> None:
    """Reports a webhook whose secret would stand in the log, or whose headers cannot be sent."""
    check_fields(params, place, findings)
    secret = params.get("secret")
    if secret is not None and not (isinstance(secret, str) and _ENVIRONMENT.fullmatch(secret.strip())):
        findings.fault(
            place.param("secret"),
            "must be the name of an environment variable in double braces: a definition is kept for ever",
            'such as "{{WEBHOOK_SECRET}}"',
        )
    for key in ("signatureHeader", "deduplicateBy"):
        header = params.get(key)
        if header is not None and not (isinstance(header, str) and _HEADER.fullmatch(header)):
            findings.fault(place.param(key), f"must be the name of a header, not {shown(header)}")
    if params.get("signatureHeader") is not None and secret is None:
        findings.fault(place.param("secret"), "a signature is checked with a secret")
    if params.get("requireAuth") is True and secret is None:
        findings.fault(
            place.param("requireAuth"),
            "Sim's token is not checked here",
            'set secret, such as "{{WEBHOOK_SECRET}}", and take requireAuth out',
        )
