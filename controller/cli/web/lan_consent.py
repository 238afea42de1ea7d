"""Says what opening the page to the local network means, and asks before it is done."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from gateway.console.client_options import ClientOptions
from gateway.console.console_output import print_lines
from gateway.protocol.errors import BadRequest, Forbidden

if TYPE_CHECKING:
    from gateway.protocol.results import LanPage


def address_to_open(context: ClientOptions, named: str) -> str:
    """The address that the person names, or the one of this machine, if the gateway is here."""
    from controller.requests.lan_page import own_network_address

    if named:
        return named
    if context.named_gateway:
        raise BadRequest("Name the address of the gateway's machine: --lan 192.168.1.5.")
    return own_network_address()


def ask_to_open(address: str, *, yes: bool, as_json: bool) -> None:
    """A script that agrees and reads JSON is told nothing."""
    if not (yes and as_json):
        print_lines(*offer_lines(address), err=True)
    if yes:
        return
    if not sys.stdin.isatty():
        raise Forbidden("Nobody has agreed to that yet. Run it with --yes to agree.")
    if not typer.confirm("Open it?", err=True):
        raise Forbidden("Nothing was opened.")


def offer_lines(address: str) -> tuple[str, ...]:
    return (
        f"This opens the page of your gateway at {address} to every machine that reaches that address, until the "
        "gateway ends or `groupchat web --lan-stop`.",
        "Only the page, pairing, paired browsers and read-only links are served there, over TLS; no token works there.",
        "The certificate is made here and nobody vouches for it, so every browser shows a warning page first. Go on "
        "only if it shows the SHA-256 that is printed next: whoever sits between would have to show another one.",
        "Then the browser makes keys as usual. It installs no service worker, and some (Safari on an iPhone) may "
        "refuse the page's connection. docs/guides/phone.md names ways without a warning.",
    )


def fingerprint_lines(page: LanPage) -> tuple[str, ...]:
    """In two rows, as browsers show it."""
    shown = page.fingerprint
    half = len(shown) // 2 + 1
    return ("SHA-256 of the certificate:", f"  {shown[:half]}", f"  {shown[half:]}")
