"""No token in a log, wherever it stands; no flood of one line; no line without end."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import sys
import time
from pathlib import Path

import aiohttp
import pytest
import structlog
from aiohttp import web

from gateway.api import mcp_proxy
from gateway.api.error_responses import path_for_log
from gateway.client.discovery.endpoint import Endpoint, check_url
from gateway.files.log_filters import (
    MAX_REPEATS_PER_WINDOW,
    RepeatFilter,
    RepeatLimit,
    hide_secrets,
    prepare_library_handler,
)
from gateway.files.token_masking import MAX_TEXT_CHARS, mask_tokens
from gateway.protocol.errors import BadRequest
from gateway.server import log_setup

LOGS_A_PATH = re.compile(r"log\.\w+\([^\n]*request\.(path|raw_path|path_qs|url|rel_url|headers|query)\b")
TOKEN = "gc_0011223344556677_c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTEyMzQ1Njc"


@pytest.mark.parametrize(
    "text",
    [
        f"/t/{TOKEN}/mcp",
        f"GET /t/{TOKEN} failed",
        f"http://127.0.0.1:8765/v1/ws?token={TOKEN}",
        f"'http://127.0.0.1:8765/v1/ws?room=a&token={TOKEN}&x=1'",
        f"Authorization: Bearer {TOKEN}",
        f"{{'authorization': 'bearer {TOKEN}'}}",
        f"X-Auth-Token: {TOKEN}",
        f"(b'x', {TOKEN!r})",
        f"it was {TOKEN}.",
    ],
)
def test_a_token_is_not_shown(text: str) -> None:
    assert TOKEN not in mask_tokens(text)
    if "it was" not in text and "(b'x'" not in text:
        team = "team-token-of-no-special-form"
        assert team not in mask_tokens(text.replace(TOKEN, team)), "by the place where it stands"


def test_what_is_no_token_stays() -> None:
    text = "127.0.0.1:8765 refused /v1/messages?room=general&since=4 of the bearer"
    assert mask_tokens(text) == text


@pytest.mark.parametrize("beginning", ["gc_", "/t/", "?token=", "bearer ", "x-auth-token: ", "gc_0011223344556677_"])
def test_hiding_takes_time_in_proportion(beginning: str) -> None:
    def once(count: int) -> float:
        begun = time.process_time()
        mask_tokens(beginning * count)
        return time.process_time() - begun

    def seconds(count: int) -> float:
        return min(once(count) for _ in range(3))

    assert seconds(16_000) < 128 * max(seconds(1_000), 0.0005), "sixteen times as much takes sixteen times as long"


def test_values_inside_of_others_are_looked_at_too() -> None:
    event = hide_secrets(None, "info", {"event": "x", "urls": [f"/t/{TOKEN}/sse"], "seq": 7, "gone": None})
    assert TOKEN not in str(event)
    assert (event["seq"], event["gone"]) == (7, None)


def test_a_long_text_keeps_its_beginning_and_its_end() -> None:
    shown = mask_tokens("begin" + "x" * 100_000 + "end")
    assert len(shown) < MAX_TEXT_CHARS + 100
    assert shown.startswith("begin") and shown.endswith("end")


def test_a_line_that_repeats_is_written_so_often_and_then_counted() -> None:
    limit = RepeatLimit(at_once=3, window=60)
    assert [limit.lets("same", now) for now in range(10)] == [True] * 3 + [False] * 7
    assert limit.lets("another", 10)
    assert limit.left_out(30) == {}
    assert limit.left_out(60) == {"same": 7}
    assert limit.left_out(61) == {}
    assert limit.lets("same", 61)


def test_lines_of_ever_new_kinds_are_bounded_together() -> None:
    limit = RepeatLimit()
    written = 0
    for number in range(5_000):
        limit.left_out(1.0)
        written += limit.lets(f"kind {number}", 1.0)
    assert written <= 1200


def lines(file: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.getvalue().splitlines()]


def test_other_libraries_are_limited_by_the_place_in_their_code() -> None:
    now, file = [0.0], io.StringIO()
    logger = logging.Logger("aiohttp.server")
    logger.addHandler(prepare_library_handler(logging.StreamHandler(file), RepeatFilter(clock=lambda: now[0])))
    for number in range(100):
        logger.error("Error handling request from 127.0.0.1 %d", number)
    now[0] = 100.0
    logger.error("another")
    assert len(lines(file)) == MAX_REPEATS_PER_WINDOW + 1
    (count,) = lines(file)[-1]["left_out"].values()  # type: ignore[attr-defined]
    assert count == 100 - MAX_REPEATS_PER_WINDOW


def test_an_exception_of_another_library_shows_no_token() -> None:
    file, logger = io.StringIO(), logging.Logger("uvicorn")
    logger.addHandler(prepare_library_handler(logging.StreamHandler(file), RepeatFilter()))
    try:
        raise RuntimeError(f"http://127.0.0.1/t/{TOKEN}/mcp broke")
    except RuntimeError:
        logger.exception("it was at ?token=%s", TOKEN)
    assert TOKEN not in file.getvalue()
    assert "RuntimeError" in file.getvalue()


@pytest.mark.processes
def test_a_gateways_file_has_an_end_and_takes_what_else_is_said(tmp_path: Path) -> None:
    """Standard error too: a traceback of the interpreter has no other place to go."""
    file, program = (
        tmp_path / "gateway.log",
        "\n".join(
            [
                "import os, sys, structlog",
                "from pathlib import Path",
                "from gateway.server import log_setup",
                "log_setup.MAX_LOG_BYTES = 20_000",
                "log_setup.configure_logging('info', Path(sys.argv[1]))",
                "for number in range(200):",
                "    structlog.get_logger('x').info(f'line {number}', text='x' * 400)",
                "    os.write(2, b'y' * 99 + bytes([10]))",
            ]
        ),
    )
    assert os.spawnlp(os.P_WAIT, sys.executable, sys.executable, "-c", program, str(file)) == 0
    sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert sizes.keys() == {"gateway.log", "gateway.log.old"}
    assert max(sizes.values()) <= 20_000
    assert file.read_text().endswith("y\n")
    assert "line 199" in file.read_text()


def test_debugging_leaves_out_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    log_setup.configure_logging("debug")
    for _ in range(3 * MAX_REPEATS_PER_WINDOW):
        structlog.get_logger("x").debug("same")
    assert len(capsys.readouterr().err.splitlines()) == 3 * MAX_REPEATS_PER_WINDOW


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        (f"/t/{TOKEN}/mcp", "/t/{secret}/mcp"),
        (f"/t/team-token/sse?token={TOKEN}", "/t/{secret}/sse"),
        (f"/{TOKEN}/no-such-path", "(no such path)"),
    ],
)
async def test_of_a_path_its_form_alone_is_written(path: str, shown: str) -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        return web.Response(text=path_for_log(request))

    @web.middleware
    async def even_without_a_route(request: web.Request, handler: object) -> web.StreamResponse:
        return await handle(request)

    app = web.Application(middlewares=[even_without_a_route])
    app.add_routes(mcp_proxy.mcp_routes(handle))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}{path}"
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            assert await answer.text() == shown
    finally:
        await runner.cleanup()


def test_nobody_logs_a_path_by_itself() -> None:
    for path in (Path(__file__).parents[3] / "gateway").rglob("*.py"):
        assert not LOGS_A_PATH.search(path.read_text()), f"{path}: path_for_log says it without the token"


def test_an_address_with_a_token_in_it_is_shown_without() -> None:
    assert TOKEN not in Endpoint(f"http://127.0.0.1:8765/t/{TOKEN}", "x").shown
    with pytest.raises(BadRequest) as refused:
        check_url(f"gopher://127.0.0.1:8765/?token={TOKEN}")
    assert TOKEN not in refused.value.message
