"""``/executions/{execution}/verification``: whether an execution is as it was recorded, in words."""

from collections.abc import Mapping
from typing import Final

from aiohttp import web

from signoff.access.callers import Principal
from signoff.gateway.executions.proving import verification_of
from signoff.gateway.gateway import shown_id
from signoff.gateway.pages.executions.addresses import path_of, row_of
from signoff.gateway.pages.site import render

KINDS: Final[Mapping[str, str]] = {
    "unreadable": "There are bytes that are no event.",
    "version": "An event is left out, or another one stands in its place.",
    "chain": "An event does not carry the hash of the one before it: one of the two was changed.",
    "misplaced": "An event belongs to another log, is of another type than its row says, or is out of order.",
    "time": "An event is older than one before it.",
    "fold": "The events cannot have followed on each other.",
    "projection": "The row in lists is not what follows from the log.",
    "missing": "A log that a checkpoint commits to is gone.",
    "shortened": "The log ends before an event that a checkpoint, or its own row, is of.",
    "rewritten": "An event is another one than a checkpoint commits to.",
    "unproven": "A checkpoint that should commit to it does not fit the log.",
    "checkpoint": "A checkpoint, or a head kept with it, is not what was signed.",
    "topic": "The topic does not say what the log says.",
    "bundle": "A file of a bundle is not what was signed.",
}
"""What each kind of fault means, as docs/verification.md says it."""


async def show(request: web.Request, caller: Principal) -> web.Response:
    """``GET /executions/{execution}/verification``: reads the whole log, each time."""
    row = await row_of(request, caller)
    context = {
        "title": f"Proof of execution {shown_id(row)}",
        "row": row,
        "path_of": path_of(row),
        "verified": await verification_of(request, row),
        "kinds": KINDS,
    }
    return await render(request, "executions/proof.html", context)
