"""Opens the page of the gateway in a browser, and makes browsers devices."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from controller.cli.room.run_request import merge_options, run_with_client
from gateway.console.client_options import ClientOptions
from gateway.console.console_output import print_json, print_lines, show_page
from gateway.console.run_command import fail
from gateway.protocol.errors import BadRequest, GroupChatError
from gateway.protocol.requests.member_requests import BeginPairing
from gateway.protocol.types.core_types import DeviceScope

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.client import Client
    from gateway.protocol.results import PairingBegun, TokenInfo

OPEN_TIMEOUT_S = 30.0
SCOPE_TEXTS = {
    DeviceScope.READER: "It may read, and change nothing",
    DeviceScope.MEMBER: "It may do what a member may",
    DeviceScope.APPROVER: "It may do what a member may, and answer questions of agents",
}


def web(
    ctx: typer.Context,
    pair: Annotated[bool, typer.Option("--pair", help="Show a code for another browser, such as a phone's.")] = False,
    scope: Annotated[
        DeviceScope | None,
        typer.Option(
            metavar="SCOPE",
            help="What the browser may do: reader, member or approver (default: member with --pair, else all you may).",
        ),
    ] = None,
    name: Annotated[str, typer.Option(metavar="NAME", help="The name of the browser in `token list`.")] = "",
    address: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Where the browser reaches the gateway, if not at its own address."),
    ] = None,
    lan: Annotated[
        bool, typer.Option("--lan", help="Open the page to the local network first, at ADDRESS, with TLS of its own.")
    ] = False,
    lan_address: Annotated[
        str,
        typer.Argument(
            metavar="[ADDRESS]", help="With --lan: an address of this machine (default: the one that its network uses)."
        ),
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", help="With --lan: do not ask.")] = False,
    lan_stop: Annotated[bool, typer.Option("--lan-stop", help="Close the page to the local network.")] = False,
) -> None:
    """Open the room in a browser.

    The browser becomes a device of yours: `groupchat token list` shows it, and `token revoke` ends it.

    Examples:
      groupchat web
      groupchat web --pair --scope approver --name phone
      groupchat web --pair --address https://room.example
      groupchat web --pair --lan 192.168.1.5
    """
    context = merge_options(ctx)
    _check_lan_options(lan, lan_address, address, yes)
    wish = BeginPairing(scope=scope or DeviceScope.MEMBER, name=name)
    if lan_stop:
        run_with_client(context, lambda client: _close_lan(context, client))
    elif lan:
        found = _agreed_address(context, lan_address, yes)
        run_with_client(context, lambda client: _open_lan(context, client, wish, found))
    elif pair or context.as_json:
        run_with_client(context, lambda client: _show_code(context, client, wish, address))
    else:
        run_with_client(context, lambda client: _open_here(context, client, BeginPairing(name=name), scope, address))


def _check_lan_options(lan: bool, lan_address: str, address: str | None, yes: bool) -> None:
    if (lan_address or yes) and not lan:
        raise typer.BadParameter("ADDRESS and --yes belong to --lan.")
    if lan and address is not None:
        raise typer.BadParameter("--lan has an address of its own; leave out --address.")


def _agreed_address(context: ClientOptions, named: str, yes: bool) -> str:
    """Asked before the command connects, because a person may take their time."""
    from controller.cli.web.lan_consent import address_to_open, ask_to_open

    try:
        address = address_to_open(context, named)
        ask_to_open(address, yes=yes, as_json=context.as_json)
    except GroupChatError as error:
        fail(error, as_json=context.as_json)
    return address


async def _open_lan(context: ClientOptions, client: Client, wish: BeginPairing, address: str) -> None:
    from controller.cli.web.lan_consent import fingerprint_lines
    from controller.requests.lan_page import open_lan_page

    page = await open_lan_page(client, address)
    if not context.as_json:
        print_lines(f"The page is open at {page.url}. `groupchat web --lan-stop` closes it.", *fingerprint_lines(page))
    await _show_code(context, client, wish, page.url, fingerprint=page.fingerprint)


async def _close_lan(context: ClientOptions, client: Client) -> None:
    from controller.requests.lan_page import close_lan_page

    page = await close_lan_page(client)
    if context.as_json:
        print_json({"closed": page.url})
    else:
        print_lines(
            f"{page.url} is closed. Browsers that were paired there stay devices until you revoke them: "
            "`groupchat token list`."
        )


async def _show_code(
    context: ClientOptions, client: Client, wish: BeginPairing, address: str | None, **more: str
) -> None:
    from controller.requests import browser_pairing

    base = address or context.endpoint().url
    begun = await browser_pairing.begin_pairing(client, wish)
    shown = browser_pairing.page_address(base, browser_pairing.PAIR, begun.code)
    if context.as_json:
        print_json({"url": shown, "device": begun.device, "scope": begun.scope, "expires": begun.expires, **more})
        return
    _print_code(shown)
    print_lines(
        "Scan the code, or open the address, within two minutes. It works once.",
        f"{SCOPE_TEXTS[begun.scope]}.",
        *_loopback_remark(shown),
    )
    _report(await browser_pairing.wait_until_connected(client, begun.device, {}))
    if wish.name:
        _report_namesakes(await browser_pairing.own_devices(client), begun.device)


def _print_code(address: str) -> None:
    from controller.cli.web.qr_text import qr_rows

    rows = qr_rows(address, _columns()) if sys.stdout.isatty() else []
    if rows:
        show_page("\n".join(rows))
    print_lines(address)


def _columns() -> int:
    import shutil

    return shutil.get_terminal_size().columns


def _loopback_remark(address: str) -> tuple[str, ...]:
    from urllib.parse import urlsplit

    from gateway.client.discovery.local_defaults import LOOPBACK_NAMES

    if urlsplit(address).hostname not in LOOPBACK_NAMES:
        return ()
    return ("This address is for browsers on this machine. docs/guides/phone.md says how a phone reaches it.",)


async def _open_here(
    context: ClientOptions, client: Client, wish: BeginPairing, scope: DeviceScope | None, address: str | None
) -> None:
    from controller.requests import browser_pairing

    if not browser_pairing.has_desktop(os.environ, sys.platform):
        raise BadRequest(
            "There is no desktop here that could show a page. `groupchat web --pair` prints an address for a browser "
            "elsewhere; docs/guides/web.md says how it reaches this gateway."
        )
    base = address or context.endpoint().url
    before = await browser_pairing.own_devices(client)
    begun = await _begin_with_most(client, wish, scope)
    path = browser_pairing.write_redirect(
        context.folder, browser_pairing.page_address(base, browser_pairing.OPEN, begun.code)
    )
    try:
        _start_browser(path.as_uri())
        print_lines(f"Opening {base}/ in your browser.")
        _report(await browser_pairing.wait_until_connected(client, begun.device, before, OPEN_TIMEOUT_S))
    finally:
        path.unlink(missing_ok=True)


async def _begin_with_most(client: Client, wish: BeginPairing, scope: DeviceScope | None) -> PairingBegun:
    """The wanted scope, or the largest that this person may give."""
    import msgspec

    from controller.requests import browser_pairing
    from gateway.protocol.errors import Forbidden

    try:
        largest = msgspec.structs.replace(wish, scope=scope or DeviceScope.APPROVER)
        return await browser_pairing.begin_pairing(client, largest)
    except Forbidden:
        if scope is not None:
            raise
        return await browser_pairing.begin_pairing(client, wish)


def _start_browser(address: str) -> None:
    import webbrowser

    if not webbrowser.open(address):
        raise BadRequest("No browser could be started. `groupchat web --pair` prints an address to open by hand.")


def _report_namesakes(devices: Mapping[str, TokenInfo], paired: str) -> None:
    """Who gives the name of an earlier device may think that the new one takes its place."""
    name = devices[paired].device if paired in devices else ""
    for other in devices.values():
        if name and other.device == name and other.id != paired:
            print_lines(
                f"Another device is called {name}, too, and stays valid. `groupchat token revoke {other.id}` ends it."
            )


def _report(found: TokenInfo | None) -> None:
    if found is None:
        raise BadRequest(
            "No browser has come. If one shows an error, that says why; `groupchat web --pair` tries again."
        )
    print_lines(
        f"{found.device} is connected as {found.name}. `groupchat token revoke {found.id}` ends that at any time."
    )
