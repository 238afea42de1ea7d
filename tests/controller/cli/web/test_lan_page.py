"""`groupchat web --lan`: says what it opens, asks, opens, pairs, and closes again."""

from __future__ import annotations

import asyncio
import re

import pytest

from gateway.client.discovery.endpoint import port_of
from tests.support.browser import Browser
from tests.support.commands import Groupchat, end_of
from tests.support.gateways import Gateway

LAN = "127.0.0.2"


async def is_open(gateway: Gateway) -> bool:
    try:
        _, writer = await asyncio.open_connection(LAN, port_of(gateway.url))
    except OSError:
        return False
    writer.close()
    return True


async def test_nothing_is_opened_before_a_yes(gateway: Gateway, groupchat: Groupchat) -> None:
    code, out, err = await end_of(await groupchat.start("web", "--pair", "--lan", LAN))
    assert (code, out) == (1, "")
    told = " ".join(err.split())
    assert f"at {LAN} to every machine that reaches that address" in told and "--yes" in told
    assert "warning page" in told and "service worker" in told
    assert not await is_open(gateway)


async def test_a_phone_is_paired_over_the_network_and_the_page_closed_again(
    gateway: Gateway, groupchat: Groupchat
) -> None:
    process = await groupchat.start("web", "--pair", "--lan", LAN, "--yes", "--name", "phone")
    assert process.stdout is not None
    shown = ""
    while "#pair=" not in shown:
        line = (await asyncio.wait_for(process.stdout.readline(), 60)).decode()
        assert line, shown
        shown += line
    url = f"https://{LAN}:{port_of(gateway.url)}"
    assert f"The page is open at {url}." in shown and f"{url}/#pair=" in shown
    fingerprint = "".join(re.findall(r"^  ([0-9A-F:]+)$", shown, re.MULTILINE)).replace(":", "")
    browser = Browser(url, trusted=bytes.fromhex(fingerprint))
    code = re.search(r"#pair=([\w-]+)", shown)
    assert code is not None
    assert (await browser.pair(code[1]))[0] == 200
    ended, out, err = await end_of(process)
    assert ended == 0, err
    assert "phone is connected as alice" in out
    async with browser.connected() as socket:
        ended, out, err = await end_of(await groupchat.start("web", "--lan-stop"))
        assert ended == 0, err
        assert f"{url} is closed." in out
        await socket.ends()
    assert not await is_open(gateway)
    ended, _, err = await end_of(await groupchat.start("web", "--lan-stop"))
    assert ended == 1 and "not open" in err


async def test_a_script_gets_the_fingerprint_with_the_code(gateway: Gateway, groupchat: Groupchat) -> None:
    code, out, err = await end_of(await groupchat.start("web", "--lan", LAN, "--yes", "--json"))
    assert (code, err) == (0, "")
    assert re.search(r'"fingerprint":"([0-9A-F]{2}:){31}[0-9A-F]{2}"', out), out
    assert await is_open(gateway)


WRONG = [
    (("web", "--yes"), "belong to --lan"),
    (("web", "--pair", LAN), "belong to --lan"),
    (("web", "--lan", "--address", "https://room.example"), "leave out --address"),
]


@pytest.mark.parametrize(("line", "told"), WRONG)
async def test_options_that_do_not_fit_are_named(groupchat: Groupchat, line: tuple[str, ...], told: str) -> None:
    code, _, err = await end_of(await groupchat.start(*line))
    assert code == 2 and told in " ".join(err.split())


@pytest.mark.parametrize("address", ["0.0.0.0", "8.8.8.8", "desk.local"])
async def test_no_public_address_is_opened(groupchat: Groupchat, address: str) -> None:
    code, _, err = await end_of(await groupchat.start("web", "--lan", address, "--yes"))
    assert code == 1 and "no address" in err
