"""``/api/hooks/{hookId}/deliveries`` and ``/replay``: what could not be delivered, and once more what was."""

from typing import Final

from aiohttp import web

from signoff.access.callers import Principal
from signoff.gateway.hooks.deliveries import deliveries_of, remove_letters, replay_deliveries
from signoff.gateway.hooks.schemas import (
    DeadQuery,
    DeliveriesQuery,
    DeliveryList,
    Removed,
    ReplayBody,
    Replayed,
)
from signoff.gateway.hooks.setting import find_hook
from signoff.gateway.http.bodies import convert, read_object
from signoff.gateway.http.headers import CommandHeaders
from signoff.gateway.http.queries import read_query
from signoff.gateway.http.responses import answer
from signoff.gateway.http.routing import Answer, Route


async def deliveries(request: web.Request, caller: Principal) -> web.Response:
    """``GET /api/hooks/{hook}/deliveries``: a page of what could not be delivered."""
    return answer(await deliveries_of(request, caller, read_query(request, DeliveriesQuery)))


async def replay(request: web.Request, caller: Principal) -> web.Response:
    """``POST /api/hooks/{hook}/replay``: executors send it once more; nobody waits for it."""
    find_hook(request, caller)
    body = convert(await read_object(request), ReplayBody)
    return answer(await replay_deliveries(request, caller, body), status=202)


async def remove_dead(request: web.Request, caller: Principal) -> web.Response:
    """``DELETE /api/hooks/{hook}/deliveries``: dead letters that nobody will replay."""
    return answer(await remove_letters(request, caller, read_query(request, DeadQuery).id))


_ID: Final = "01997f3e-2a61-7c5b-9c1e-5f1d2a7b8c90/5b0f6d0e-6a0c-7d8e-9a51-2b8f0e9d7c11/6"
_NAMES: Final = {"hook": "The webhook's `hookId`."}
_NONE: Final = {404: "No such webhook."}
_TAG: Final = "Outgoing webhooks"

ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET", path="/api/hooks/{hook}/deliveries", handler=deliveries, operation="hooks:manage",
        name="listHookDeliveries", summary="What could not be delivered.", tag=_TAG, names=_NAMES,
        query=DeliveriesQuery,
        answers={
            200: Answer(
                body=DeliveryList, description="A page, by id.",
                example={
                    "deliveries": [
                        {
                            "id": _ID, "state": "dead", "logId": "5b0f6d0e-6a0c-7d8e-9a51-2b8f0e9d7c11",
                            "eventId": 6, "type": "execution:completed", "attempts": 31,
                            "lastError": "answered 503 Service Unavailable",
                            "at": "2026-05-05T09:30:00.000000Z",
                        }
                    ],
                    "nextCursor": None,
                },
            )
        },
        errors=_NONE,
    ),
    Route(
        method="DELETE", path="/api/hooks/{hook}/deliveries", handler=remove_dead, operation="hooks:manage",
        name="removeHookDeadLetters", summary="Remove dead letters.",
        description="Those that are named, or 200 at a time.", tag=_TAG, names=_NAMES, query=DeadQuery,
        answers={
            200: Answer(
                body=Removed, description="They are gone.", example={"removed": 1, "more": False}
            )
        },
        errors=_NONE,
    ),
    Route(
        method="POST", path="/api/hooks/{hook}/replay", handler=replay, operation="hooks:manage",
        name="replayHookDeliveries", summary="Send dead letters, or everything since a moment, once more.",
        description=(
            "The ids stay the same. Dead letters are tried once each. Since a moment, each execution goes "
            "back to its first event from then on and comes in order; 200 executions a request, those that "
            "changed first come first: ask again with `nextCursor` until there is none."
        ),
        tag=_TAG, names=_NAMES, headers=CommandHeaders, body=ReplayBody, body_required=True,
        body_example={"from": "2026-05-04T09:00:00Z"},
        answers={
            202: Answer(
                body=Replayed, description="It will be sent.",
                example={"replayed": 12, "missing": [], "nextCursor": None},
            )
        },
        errors={**_NONE, 409: "The webhook is disabled."},
    ),
)  # fmt: skip
