"""The options that every command takes, before the verb or after it. They are declared here, once."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any

import msgspec
import typer
import typer.main

from gateway import __version__
from gateway.command_line.option_values import quick
from gateway.console.client_options import ClientOptions
from gateway.console.console_output import print_lines, show_page

GATEWAY, STATE, CAFILE, FINGERPRINT, JSON, HELP = "gateway", "state", "cafile", "fingerprint", "as_json", "help_page"
PASSPHRASE = "passphrase_file"
CONNECTED = (GATEWAY, STATE, CAFILE, FINGERPRINT, JSON, HELP)
WITH_KEYS = (GATEWAY, STATE, CAFILE, FINGERPRINT, PASSPHRASE, JSON, HELP)
ALL = WITH_KEYS
AT_A_SERVER = (STATE, CAFILE, FINGERPRINT, JSON, HELP)
FOLDER = (STATE, JSON, HELP)
FOLDER_WITH_KEYS = (STATE, PASSPHRASE, JSON, HELP)
ALONE = (JSON, HELP)
_KEY = "groupchat.common"
_TAKE_A_VALUE = ("--gateway", "--state", "--cafile", "--fingerprint", "--passphrase-file")


def given(ctx: typer.Context) -> ClientOptions:
    """The common options, from before or after the verb; the last value counts."""
    found: ClientOptions = ctx.meta.get(_KEY, ClientOptions())
    return found


def _keep(ctx: typer.Context, param: typer.CallbackParam, value: Any) -> Any:
    if value:
        ctx.meta[_KEY] = msgspec.structs.replace(given(ctx), **{param.name: value})
    return value


def _show_help(ctx: typer.Context, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        show_page(ctx.get_help())
        raise typer.Exit


def _option(*names: str, help: str, metavar: str | None = None) -> Any:
    return typer.Option(*names, metavar=metavar, help=help, expose_value=False, callback=_keep)


def _declared(
    gateway: Annotated[
        str | None,
        _option("--gateway", metavar="URL", help="The gateway (default: CSP_GATEWAY_URL or the team's)."),
    ] = None,
    state: Annotated[
        str | None,
        _option("--state", metavar="DIR", help="State folder (default: GROUPCHAT_STATE or the team's)."),
    ] = None,
    cafile: Annotated[
        str | None,
        _option("--cafile", metavar="FILE", help="CA bundle to verify the gateway's certificate."),
    ] = None,
    fingerprint: Annotated[
        str | None,
        _option("--fingerprint", metavar="SHA256", help="Trust exactly this certificate."),
    ] = None,
    passphrase_file: Annotated[
        str | None,
        _option(
            "--passphrase-file",
            metavar="FILE",
            help="A private file with the passphrase of your key (default: GROUPCHAT_PASSPHRASE_FILE, or ask).",
        ),
    ] = None,
    as_json: Annotated[bool, _option("--json", help="Print answers and errors as JSON.")] = False,
    help_page: Annotated[
        bool,
        typer.Option("--help", is_eager=True, expose_value=False, callback=_show_help, help="Show this page."),
    ] = False,
) -> None:
    """Read by `common_options`; never run."""


@cache
def common_options() -> tuple[Any, ...]:
    app = typer.Typer(add_completion=False)
    app.command()(_declared)
    return tuple(quick(one) for one in typer.main.get_command(app).params)


def leading(words: list[str]) -> int:
    """How many leading words are common options and their values."""
    at = 0
    while at < len(words):
        name, equals, _ = words[at].partition("=")
        if words[at] == "--json":
            at += 1
        elif name in _TAKE_A_VALUE:
            at += 1 if equals else 2
        else:
            break
    return min(at, len(words))


def asks_for_json(words: list[str]) -> bool:
    """Whether --json is given, even if the rest of the line cannot be parsed."""
    return "--json" in (words[: words.index("--")] if "--" in words else words)


def as_words(context: ClientOptions) -> list[str]:
    """These options as words of a command line, for another program."""
    values = (context.gateway, context.state, context.cafile, context.fingerprint, context.passphrase_file)
    named = [word for name, value in zip(_TAKE_A_VALUE, values, strict=True) if value for word in (name, value)]
    return [*named, *(["--json"] if context.as_json else [])]


def _show_version(ctx: typer.Context, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        print_lines(f"{ctx.find_root().info_name} {__version__}")
        raise typer.Exit


VersionOption = Annotated[
    bool,
    typer.Option("--version", help="Print the version.", is_eager=True, expose_value=False, callback=_show_version),
]


def program(version: VersionOption = False) -> None:
    """The options that every program takes before its verb."""
