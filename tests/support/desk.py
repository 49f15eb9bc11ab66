"""What people do at a pause point beside deciding, as commands of the engine.

The words are those of the routes under ``/api/inbox/{execution}/{context}/``, and so are the bodies.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from signoff.engine.deciding.display import response_structure
from signoff.engine.points.pauses import content_digest
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

_COMMANDS: Final[Mapping[str, Callable[..., PauseCommand]]] = {
    "claim": ClaimPause,
    "comment": CommentPause,
    "delegate": DelegatePause,
    "reassign": ReassignPause,
    "release": ReleasePause,
    "return": ReturnPause,
}


def command_of(act: str, point: PausePoint, given: Mapping[str, Any], *, by: str | None) -> PauseCommand:
    """The command that the gateway would send.

    Args:
        act: the last word of the route.
        point: the pause point.
        given: the body of the request.
        by: who asks.
    """
    if act == "content":
        return _amend(point, given, by=by)
    if act == "delegate":
        given = {**given, "to": given["to"].removesuffix(DOMAIN)}
    if act == "reassign":
        given = {**given, "assignees": [key_of(each) for each in given["assignees"]]}
    return _COMMANDS[act](context_id=point.context_id, maker=maker(by), **given)


def _amend(point: PausePoint, given: Mapping[str, Any], *, by: str | None) -> AmendPause:
    rows = response_structure([{"name": name, "value": value} for name, value in given["display"].items()])
    response: Any = point.response
    response = {**response, "data": {**response["data"], "responseStructure": rows}}
    return AmendPause(
        context_id=point.context_id,
        maker=maker(by),
        response=response,
        content_digest=content_digest(response, "sha256:definition", None),
        seen_digest=point.content_digest or "",
        reason=given["reason"],
    )
