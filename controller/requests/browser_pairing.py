"""Makes a browser a device: asks for a code, hands it over, and waits until it is used."""

from __future__ import annotations

import asyncio
import contextlib
import html
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gateway.client.paged_requests import fetch_all_pages
from gateway.files.private_files import write_private
from gateway.protocol.errors import BadRequest
from gateway.protocol.requests.member_requests import BeginPairing, Tokens
from gateway.protocol.results import PairingBegun, TokenInfo, TokenList

if TYPE_CHECKING:
    from gateway.client import Client

LOOK_EVERY_S = 0.5
CODE_LIFETIME_S = 120.0
PAIR, OPEN = "pair", "open"
REDIRECT_FILE = "open-page.html"
DESKTOP_VARIABLES = ("DISPLAY", "WAYLAND_DISPLAY")


async def begin_pairing(client: Client, wish: BeginPairing) -> PairingBegun:
    return await client.request(wish, PairingBegun)


async def own_devices(client: Client) -> dict[str, TokenInfo]:
    """The person's own devices that are valid, by their id."""
    found = await fetch_all_pages(client.request, Tokens(own=True), TokenList)
    return {one.id: one for one in found.tokens if one.device and not one.revoked}


async def wait_until_connected(
    client: Client, device: str, before: Mapping[str, TokenInfo], seconds: float = CODE_LIFETIME_S
) -> TokenInfo | None:
    """The browser that came: the one that has used the code, or a device of `before` that has connected since. None if
    nobody came in time."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while True:
                now = await own_devices(client)
                again = [one for one in now.values() if one.id in before and one.last_seen != before[one.id].last_seen]
                if found := now.get(device) or next(iter(again), None):
                    return found
                await asyncio.sleep(LOOK_EVERY_S)
    return None


def page_address(base: str, kind: str, code: str) -> str:
    """The address that carries a code. What stands behind the # goes to no server."""
    parts = urlsplit(base)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.username:
        raise BadRequest(f"{base[:200]!r} is no address of a page. Write it as https://HOST or http://HOST:PORT.")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}/#{kind}={code}"


def has_desktop(env: Mapping[str, str], platform: str) -> bool:
    """Whether a browser with windows can be started here. A browser of the terminal would take the terminal."""
    return platform == "darwin" or any(env.get(name) for name in DESKTOP_VARIABLES)


def write_redirect(folder: Path, address: str) -> Path:
    """A page that leads to this address. The code in it is in no process's arguments, which all users can read."""
    path = folder / REDIRECT_FILE
    target = html.escape(address)
    write_private(
        path,
        '<!doctype html><meta charset="utf-8"><meta name="referrer" content="no-referrer">'
        f'<meta http-equiv="refresh" content="0;url={target}"><a href="{target}">Open the room</a>\n',
    )
    return path
