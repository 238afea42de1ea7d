"""`groupchat web`: a code for a browser here or elsewhere, handed over so that no other user can read it."""

from __future__ import annotations

import asyncio
import re
import stat
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from controller.cli.web.qr_text import pair_rows, qr_rows
from controller.requests.browser_pairing import has_desktop, page_address
from gateway.protocol.errors import BadRequest
from tests.fakes.retry import retry_until
from tests.support.browser import Browser
from tests.support.commands import Groupchat, end_of
from tests.support.gateways import Gateway

BROWSER_PROGRAM = """#!/bin/sh
printf '%s\\n' "$@" > "$0.arguments"
cp -p "$(printf '%s' "$1" | sed 's,^file://,,')" "$0.page"
"""


def code_in(text: str) -> str:
    found = re.search(r"#(?:pair|open)=([\w-]+)", text)
    assert found, text
    return found[1]


async def test_a_code_for_a_script(gateway: Gateway, groupchat: Groupchat) -> None:
    code, out, err = await end_of(await groupchat.start("web", "--pair", "--scope", "approver", "--json"))
    assert (code, err) == (0, "")
    assert '"scope":"approver"' in out
    browser = Browser(gateway.url)
    assert (await browser.pair(code_in(out), "phone"))[0] == 200
    assert browser.paired["scope"] == "approver"
    _, listed, _ = await end_of(await groupchat.start("token", "list"))
    assert "browser phone" in listed


async def test_a_person_sees_the_address_and_then_who_came(gateway: Gateway, groupchat: Groupchat) -> None:
    process = await groupchat.start("web", "--pair", "--name", "phone", "--address", "https://room.example")
    assert process.stdout is not None
    shown = (await asyncio.wait_for(process.stdout.readline(), 60)).decode()
    assert shown.startswith("https://room.example/#pair=")
    browser = Browser(gateway.url)
    assert (await browser.pair(code_in(shown)))[0] == 200
    code, out, _ = await end_of(process)
    assert code == 0
    assert f"phone is connected as alice. `groupchat token revoke {browser.paired['device']}` ends that" in out


async def test_a_name_that_another_device_has_is_said(gateway: Gateway, groupchat: Groupchat) -> None:
    browsers = [Browser(gateway.url) for _ in range(2)]
    for browser in browsers:
        process = await groupchat.start("web", "--pair", "--name", "phone")
        assert process.stdout is not None
        shown = (await asyncio.wait_for(process.stdout.readline(), 60)).decode()
        assert (await browser.pair(code_in(shown), "Firefox on Android"))[0] == 200
        code, out, _ = await end_of(process)
        assert code == 0
        first = browsers[0].paired["device"]
        told = f"Another device is called phone, too, and stays valid. `groupchat token revoke {first}`"
        assert (told in " ".join(out.split())) is (browser is browsers[1]), out


async def test_the_browser_here_gets_its_code_in_a_file_that_only_we_can_read(
    gateway: Gateway, groupchat: Groupchat, tmp_path: Path
) -> None:
    program = tmp_path / "browser"
    program.write_text(BROWSER_PROGRAM)
    program.chmod(0o755)
    process = await groupchat.with_env(BROWSER=str(program), DISPLAY=":99").start("web")
    page = program.with_name("browser.page")
    await retry_until(page.exists)
    await retry_until(lambda: "#open=" in page.read_text())
    code = code_in(page.read_text())
    arguments = program.with_name("browser.arguments").read_text()
    assert code not in arguments
    opened = Path(urlsplit(arguments.strip()).path)
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    browser = Browser(gateway.url)
    assert (await browser.pair(code))[0] == 200
    assert browser.paired["scope"] == "approver", "the operator may answer questions, and so may this browser"
    ended, out, err = await end_of(process)
    assert ended == 0, err
    assert code not in out
    assert not opened.exists()


async def test_where_there_is_no_desktop_it_says_what_to_do(groupchat: Groupchat) -> None:
    code, _, err = await end_of(await groupchat.with_env(DISPLAY="", WAYLAND_DISPLAY="").start("web"))
    assert code == 1
    assert "groupchat web --pair" in err


def test_the_address_carries_the_code_where_no_server_sees_it() -> None:
    assert page_address("http://127.0.0.1:8765", "pair", "abc") == "http://127.0.0.1:8765/#pair=abc"
    assert page_address("https://room.example/", "open", "abc") == "https://room.example/#open=abc"
    for wrong in ("room.example", "ftp://room.example", "https://", "https://me:secret@room.example", "javascript:1"):
        with pytest.raises(BadRequest):
            page_address(wrong, "pair", "abc")


def test_a_browser_with_windows_needs_a_desktop() -> None:
    assert has_desktop({"DISPLAY": ":0"}, "linux")
    assert has_desktop({"WAYLAND_DISPLAY": "wayland-0"}, "linux")
    assert has_desktop({}, "darwin")
    assert not has_desktop({"DISPLAY": ""}, "linux")


def test_a_qr_code_in_a_terminal() -> None:
    assert list(pair_rows([[True, False], [True, True], [False, True]])) == ["█▄", " ▀"]
    rows = qr_rows("http://127.0.0.1:8765/#pair=XlVA7Jm_sgwpxC2VkvWVeg", 80)
    assert len(rows) <= 20, "it fits a terminal of 24 rows with what is said below it"
    assert all(row.startswith("\x1b[30;107m") and row.endswith("\x1b[0m") for row in rows)
    assert qr_rows("http://127.0.0.1:8765/#pair=XlVA7Jm_sgwpxC2VkvWVeg", 20) == []
