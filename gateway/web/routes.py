"""The routes of the page: its files, and the exchange of a code for a device."""

from __future__ import annotations

from aiohttp import web

from gateway.api import auth
from gateway.api.error_responses import error_response, error_to_tell, json_response
from gateway.operations.access import device_operations
from gateway.protocol import codec
from gateway.protocol.browser_frames import PAIR_PATH, PairDevice
from gateway.protocol.errors import BadRequest, NotFound, RateLimited, TooLarge, Unauthorized
from gateway.web.page_files import PAGE_FOLDER, PageFile, page_in
from gateway.web.page_headers import ALWAYS_ASK, KEEP_FOR_EVER, NEVER_KEEP, PAGE_HEADERS

MAX_PAIR_BODY_BYTES = 2048


def web_routes() -> list[web.RouteDef]:
    return [
        web.get("/", _serve_index),
        web.get("/web/{version}/{path:.+}", _serve_file),
        web.post(PAIR_PATH, _serve_pair),
    ]


async def _serve_index(request: web.Request) -> web.Response:
    auth.check_origin(request)
    return _file_response(request, page_in(PAGE_FOLDER).index, ALWAYS_ASK)


async def _serve_file(request: web.Request) -> web.Response:
    auth.check_origin(request)
    page = page_in(PAGE_FOLDER)
    file = page.files.get(request.match_info["path"])
    if file is None or request.match_info["version"] != page.version:
        raise NotFound("The page has no such file, or is of another version. Load the page again.")
    return _file_response(request, file, KEEP_FOR_EVER)


def _file_response(request: web.Request, file: PageFile, caching: str) -> web.Response:
    headers = {**PAGE_HEADERS, "Cache-Control": caching, "ETag": file.etag, "Vary": "Accept-Encoding"}
    if request.headers.get("If-None-Match", "") == file.etag:
        return web.Response(status=304, headers=headers)
    headers["Content-Type"] = file.media_type
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return web.Response(body=file.compressed, headers=headers)
    return web.Response(body=file.content, headers=headers)


async def _serve_pair(request: web.Request) -> web.Response:
    """Exchange a code for a device. A wrong code costs one hash, and the guesser its connection; soon they are 429."""
    hub, origin = request.app[auth.HUB], auth.own_page_origin(request)
    try:
        paired = await device_operations.pair_browser(hub, codec.decode(PairDevice, await _small_json(request)), origin)
    except (Unauthorized, RateLimited) as error:
        refusal = error_response(error_to_tell(hub, error))
        refusal.force_close()
        return refusal
    response = json_response(paired)
    response.headers["Cache-Control"] = NEVER_KEEP
    return response


async def _small_json(request: web.Request) -> bytes:
    """The body, if it is declared as JSON, which a form cannot do, and small."""
    if request.content_type != "application/json":
        raise BadRequest("Send the body as application/json.")
    if request.content_length is None or request.content_length > MAX_PAIR_BODY_BYTES:
        raise TooLarge(f"The body may have at most {MAX_PAIR_BODY_BYTES} bytes, and must say how many it has.")
    return await request.read()
