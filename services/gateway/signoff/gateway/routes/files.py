"""``/api/files``: contents go in and out in pieces; no file is ever whole in memory."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Final, TypeVar
from urllib.parse import quote

from aiohttp import BodyPartReader, MultipartReader, web
from aiohttp.http_exceptions import HttpProcessingError
from msgspec import UNSET, UnsetType, field

from signoff.access.callers import Principal
from signoff.events.errors import BlobNotFoundError, FileTooLargeError
from signoff.events.files import ANY_TYPE, MAX_FILE, File, Files
from signoff.gateway.errors import ApiError, bad_request
from signoff.gateway.executions.file_inputs import MAX_FILES
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.http.bodies import READ_LIMIT
from signoff.gateway.http.conditional import CACHEABLE, UNCHANGED, is_unchanged
from signoff.gateway.http.first_answers import first_answer, keep_answer
from signoff.gateway.http.headers import CommandHeaders, ConditionalHeaders
from signoff.gateway.http.responses import answer
from signoff.gateway.http.routing import Answer, Route
from signoff.gateway.http.sending import send_pieces
from signoff.gateway.schemas import UploadedFiles

T = TypeVar("T")

_PIECE: Final = 64 * 1024
_NO_FILE: Final = "The body must be multipart/form-data with at least one file"
_BROKEN: Final = (ValueError, AssertionError, HttpProcessingError, web.RequestPayloadError)
"""What aiohttp raises on multipart bodies that are none."""

_RANGED: Final = {"Accept-Ranges": "`bytes`: parts can be asked for."}


async def upload(request: web.Request, caller: Principal) -> web.Response:
    """``POST /api/files``: store the files of a form. Fields that are no files are left out."""
    if request.content_type != "multipart/form-data":
        raise bad_request(_NO_FILE)
    files = request.app[GATEWAY].files
    first = await first_answer(request, caller)
    kept: list[File] = []
    digest, count = hashlib.sha256(), 0
    try:
        form = await request.multipart()
        while (part := await _next(form)) is not None:
            if not isinstance(part, BodyPartReader) or part.filename is None:
                await _skip(part)
                continue
            if count == MAX_FILES:
                raise ApiError(413, f"There may be {MAX_FILES} files in one request")
            count += 1
            pieces = _told(part, digest.update)
            if first is None:
                kept.append(await _keep(files, caller, part, pieces))
            else:
                await _read_through(pieces)
    except _BROKEN as error:
        raise bad_request(f"The body is no multipart/form-data: {error}") from error
    if not count:
        raise bad_request(_NO_FILE)
    if first is not None:
        return first.again(digest.hexdigest())
    uploaded = answer(UploadedFiles(kept), status=201)
    return await keep_answer(request, caller, uploaded, digest=digest.hexdigest())


async def _next(form: MultipartReader) -> MultipartReader | BodyPartReader | None:
    return await _in_time(form.next())


async def _skip(part: MultipartReader | BodyPartReader) -> None:
    if isinstance(part, MultipartReader):
        raise bad_request("A form may not hold another one")
    if await _in_time(part.read_chunk(_PIECE)) and not part.at_eof() and await _in_time(part.read_chunk(1)):
        raise ApiError(413, f"A field that is no file is larger than {_PIECE} bytes")


async def _keep(
    files: Files, caller: Principal, part: BodyPartReader, pieces: AsyncGenerator[bytes, None]
) -> File:
    if part.headers.get("Content-Transfer-Encoding", "binary").lower() not in ("7bit", "8bit", "binary"):
        raise bad_request("Files must be sent as they are, without a Content-Transfer-Encoding")
    return await files.keep(
        caller.workspace_id, pieces, name=part.filename or "", media_type=_media_type(part)
    )


def _media_type(part: BodyPartReader) -> str:
    return part.headers.get("Content-Type", ANY_TYPE)


async def _told(part: BodyPartReader, tell: Callable[[bytes], object]) -> AsyncGenerator[bytes, None]:
    """The pieces of a file; a digest is told of them, and of all that tells the file from others."""
    size = 0
    tell(repr((part.filename, _media_type(part))).encode())
    while piece := await _in_time(part.read_chunk(_PIECE)):
        tell(piece)
        size += len(piece)
        yield bytes(piece)
    tell(size.to_bytes(8))


async def _read_through(pieces: AsyncGenerator[bytes, None]) -> None:
    """Read a file that is stored already; a larger one is no repetition of it."""
    size = 0
    async with aclosing(pieces):
        async for piece in pieces:
            size += len(piece)
            if size > MAX_FILE:
                raise FileTooLargeError(f"the file is larger than {MAX_FILE} bytes")


async def _in_time(reading: Awaitable[T]) -> T:
    try:
        async with asyncio.timeout(READ_LIMIT):
            return await reading
    except TimeoutError:
        raise ApiError(408, f"Nothing of the body arrived for {READ_LIMIT:g} s") from None


class DownloadHeaders(ConditionalHeaders, frozen=True, kw_only=True):
    """The headers of a download.

    Attributes:
        range: The bytes that are wanted, such as `bytes=0-1023`; several ranges are answered whole.
        if_range: The `ETag` that the range is of; of another file all comes.
    """

    range: str | UnsetType = field(default=UNSET, name="Range")
    if_range: str | UnsetType = field(default=UNSET, name="If-Range")


async def download(request: web.Request, caller: Principal) -> web.StreamResponse:
    """``GET /api/files/{key}``: a file, or a range of it. It never opens as a page of this server."""
    files = request.app[GATEWAY].files
    try:
        file = await files.find(caller.workspace_id, request.match_info["key"])
    except BlobNotFoundError as error:
        raise ApiError(404, "File not found") from error
    headers = _headers(file)
    if is_unchanged(request.headers, headers["ETag"]):
        return web.Response(status=304, headers=headers)
    start, end = _range(request, file, headers["ETag"])
    partial = (start, end) != (0, file.size)
    if partial:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{file.size}"
    response = web.StreamResponse(status=206 if partial else 200, headers=headers)
    response.content_length = end - start
    pieces = files.read(caller.workspace_id, file, start=start, end=end)
    return await send_pieces(request, response, pieces, file=file.key)


def _headers(file: File) -> dict[str, str]:
    return {
        "Content-Type": file.type,
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.name, safe='')}",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, max-age=31536000, immutable",
        "ETag": f'"{file.key}"',
        "Accept-Ranges": "bytes",
    }


def _range(request: web.Request, file: File, tag: str) -> tuple[int, int]:
    """The bytes that are wanted, from and up to (RFC 9110, 14.2); several ranges are answered whole."""
    asked = request.headers.get("Range")
    if asked is None or "," in asked or request.headers.get("If-Range", tag) != tag:
        return 0, file.size
    try:
        start, end, _ = request.http_range.indices(file.size)
    except ValueError:
        return 0, file.size  # a unit or a form that nobody knows is ignored
    if start >= end:
        raise ApiError(
            416, "The range lies outside of the file", headers={"Content-Range": f"bytes */{file.size}"}
        )
    return start, end


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="POST",
        path="/api/files",
        handler=upload,
        operation="files:write",
        name="uploadFiles",
        summary="Store files for workflows to work on.",
        tag="Files",
        headers=CommandHeaders,
        body_media="multipart/form-data",
        body_note=f"Up to {MAX_FILES} files; fields that are no files are left out.",
        body_required=True,
        answers={
            201: Answer(body=UploadedFiles, description="The files as values, in the order of their parts.")
        },
    ),
    Route(
        method="GET",
        path="/api/files/{key}",
        handler=download,
        operation="files:read",
        name="getFile",
        summary="A file, or a part of it.",
        tag="Files",
        headers=DownloadHeaders,
        answers={
            200: Answer(media="*/*", description="The file, as an attachment.", headers=CACHEABLE | _RANGED),
            206: Answer(
                media="*/*",
                description="The part that was asked for.",
                headers=CACHEABLE | _RANGED | {"Content-Range": "Which part it is."},
            ),
            304: UNCHANGED,
        },
        errors={416: "The range lies outside of the file."},
    ),
)
