"""What people do at a pause point beside deciding, as commands of the engine.

The words are those of the routes under ``/api/inbox/{execution}/{context}/``, and so are the bodies.
"""

from collections.abc import Mapping
from typing import Any

from signoff.engine.display import response_structure
from signoff.engine.pauses import content_digest
from signoff.engine.state import PausePoint
from signoff.events.types import (
    AmendPause,
    ClaimPause,
    CommentPause,
    DelegatePause,
    PauseCommand,
    ReassignPause,
    ReleasePause,
    ReturnPause,
)
from support.cast import DOMAIN, key_of, maker


def command_of(act: str, point: PausePoint, given: Mapping[str, Any], *, by: str | None) -> PauseCommand:
    """The command that the gateway would send.

    Args:
        act: the last word of the route.
        point: the pause point.
        given: the body of the request.
        by: who asks.
    """
    context_id, who = point.context_id, maker(by)
    match act:
        case "claim":
            return ClaimPause(context_id=context_id, maker=who)
        case "release":
            return ReleasePause(context_id=context_id, maker=who)
        case "comment":
            return CommentPause(context_id=context_id, maker=who, text=given["text"])
        case "return":
            return ReturnPause(context_id=context_id, maker=who, reason=given["reason"])
        case "delegate":
            to = given["to"].removesuffix(DOMAIN)
            return DelegatePause(context_id=context_id, maker=who, to=to, reason=given.get("reason"))
        case "reassign":
            keys = [key_of(each) for each in given["assignees"]]
            return ReassignPause(context_id=context_id, maker=who, assignees=keys, reason=given["reason"])
        case "content":
            return _amend(point, given, by=by)
        case _:
            raise ValueError(f"nobody can {act} a pause point")


def _amend(point: PausePoint, given: Mapping[str, Any], *, by: str | None) -> AmendPause:
    rows = response_structure([{"name": name, "value": value} for name, value in given["display"].items()])
    response: Any = point.response
    response = {**response, "data": {**response["data"], "responseStructure": rows}}
    return AmendPause(
        context_id=point.context_id,
        maker=maker(by),
        response=response,
        content_digest=content_digest(response, "sha256:definition"),
        seen_digest=point.content_digest or "",
        reason=given["reason"],
    )
