"""``GET /api/executions/{execution}/verify``, and the keys that checkpoints are signed with."""

from typing import Final

from aiohttp import web

from signoff.access.callers import Principal
from signoff.audit.checkpoints.signing import Jwks
from signoff.gateway.executions.proving import VerificationView, checkpoint_keys, verification_of
from signoff.gateway.gateway import GATEWAY, find_execution
from signoff.gateway.http.responses import answer
from signoff.gateway.http.routing import Answer, Route


async def verify(request: web.Request, caller: Principal) -> web.Response:
    """Read an execution from its first event on, and say whether all is as it was recorded."""
    gateway = request.app[GATEWAY]
    row = await find_execution(
        gateway, caller, request.match_info["execution"], missing="Execution not found"
    )
    return answer(await verification_of(request, row))


async def keys(request: web.Request) -> web.Response:
    """The public keys of checkpoints: the one that signs first, then earlier ones."""
    return answer(checkpoint_keys(request.app[GATEWAY]))


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET",
        path="/api/executions/{execution}/verify",
        handler=verify,
        operation="executions:read",
        name="verifyExecution",
        summary="Whether an execution is as it was recorded.",
        description="Its chain, its fold and its row are checked, and a checkpoint that commits to it is "
        "given with the proof. Who wrote its whole log anew is found by `signoff audit verify`.",
        tag="Executions",
        answers={200: Answer(body=VerificationView, description="What was found.")},
    ),
    Route(
        method="GET",
        path="/api/checkpoints/keys",
        handler=keys,
        operation=None,
        name="getCheckpointKeys",
        summary="The public keys that checkpoints are signed with.",
        tag="Service",
        answers={200: Answer(body=Jwks, description="A JWKS document (RFC 7517).")},
    ),
)
