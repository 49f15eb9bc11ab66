"""``GET /api/executions/{execution}/bundle``: an execution as one signed file."""

from typing import Final

from aiohttp import web
from msgspec import Struct

from signoff.access.callers import Principal
from signoff.audit.bundle.extent import BundleTooLargeError, check_extent
from signoff.audit.bundle.making import BundleMaker
from signoff.audit.checkpoints.signing import LABEL, Signer
from signoff.gateway.errors import ApiError
from signoff.gateway.gateway import GATEWAY, find_execution, shown_id
from signoff.gateway.http.queries import read_query
from signoff.gateway.http.responses import NO_GUESSING, NO_STORE
from signoff.gateway.http.routing import Answer, Route
from signoff.gateway.http.sending import send_pieces
from signoff.gateway.overload.readings import READINGS

_MEDIA: Final = "application/zip"


class BundleQuery(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What a bundle includes.

    Attributes:
        with_children: The executions that it called, and those that they called.
    """

    with_children: bool = False


async def bundle(request: web.Request, caller: Principal) -> web.StreamResponse:
    """Send the bundle of an execution while it is made, so that its size does not matter."""
    gateway = request.app[GATEWAY]
    query = read_query(request, BundleQuery)
    row = await find_execution(
        gateway, caller, request.match_info["execution"], missing="Execution not found"
    )
    children = query.with_children
    signer = Signer(gateway.sealer.keys_for(LABEL))
    maker = BundleMaker(gateway.store, gateway.blobs, signer, children=children)
    response = web.StreamResponse(headers=NO_GUESSING | NO_STORE | {
        "Content-Type": _MEDIA, "Content-Disposition": f'attachment; filename="{shown_id(row)}.zip"',
    })  # fmt: skip
    with request.app[READINGS].place(row.workspace_id):
        try:
            await check_extent(gateway.store, row.log_id, children=children)
        except BundleTooLargeError as error:
            raise ApiError(413, str(error)) from error
        return await send_pieces(request, response, maker.pieces(row), bundle=shown_id(row))


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET",
        path="/api/executions/{execution}/bundle",
        handler=bundle,
        operation="audit:read",
        name="bundleExecution",
        summary="An execution as one signed file that proves itself.",
        description="Its events, the definitions that ran, large values, the schemas, the proof of a "
        "checkpoint and the public keys: `signoff audit verify FILE` checks it without network or database.",
        tag="Executions",
        query=BundleQuery,
        answers={
            200: Answer(
                media=_MEDIA, description="The bundle, made while it is sent: without a `Content-Length`."
            )
        },
        errors={413: "It has more files, bytes or children than a bundle may have."},
    ),
)
