"""What the commands of all packages share: how to reach the gateway, and how to run the event loop once."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import msgspec
import typer

from gateway.client.console.console_output import print_json, show_error
from gateway.client.discovery.team_choice import STATE_VARIABLE, TeamChoice
from gateway.protocol.errors import BadRequest, GroupChatError

if TYPE_CHECKING:
    from gateway.client.discovery.endpoint import Endpoint

T = TypeVar("T")

EXIT_FAILED = 1


class ClientOptions(msgspec.Struct, frozen=True):
    """The values of the common options: how to reach the gateway, and whether to answer in JSON."""

    gateway: str | None = None
    state: str | None = None
    cafile: str | None = None
    fingerprint: str | None = None
    as_json: bool = False

    @property
    def named_gateway(self) -> str:
        """The address of a gateway that is named explicitly, independent of the team of this folder."""
        return self.gateway or os.environ.get("CSP_GATEWAY_URL", "")

    @property
    def folder(self) -> Path:
        """The state folder that these options select."""
        from gateway.client.discovery.endpoint import state_for

        return state_for(os.environ, gateway=self.gateway, state=self.state)

    def team(self) -> TeamChoice:
        from gateway.client.discovery.team_discovery import team_for_folder

        return team_for_folder(os.environ, self.state)

    def as_environment(self) -> dict[str, str]:
        """Variables that select the same gateway for a command without options, whichever folder it runs in."""
        wanted = {
            STATE_VARIABLE: str(self.folder),
            "CSP_GATEWAY_URL": self.gateway,
            "GROUPCHAT_CAFILE": self.cafile,
            "GROUPCHAT_FINGERPRINT": self.fingerprint,
        }
        return {name: value for name, value in wanted.items() if value}

    def endpoint(self) -> Endpoint:
        from gateway.client.discovery.endpoint import find_endpoint

        return find_endpoint(
            os.environ,
            gateway=self.gateway,
            state=self.state,
            cafile=self.cafile,
            fingerprint=self.fingerprint,
        )


def run(work: Callable[[], Coroutine[Any, Any, T]], *, as_json: bool = False) -> T:
    """Run one command. An error becomes a sentence on stderr and exit code 1."""
    import asyncio

    try:
        return asyncio.run(work())
    except GroupChatError as error:
        fail(error, as_json=as_json)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(0) from None
    except UnicodeEncodeError:
        fail(BadRequest("An argument is no text: it holds bytes that are not UTF-8."), as_json=as_json)
    except OSError as error:
        fail(BadRequest(_system_error_text(error)), as_json=as_json)


def _system_error_text(error: OSError) -> str:
    """The text of a system error: a missing file, a name that is too long, a full disk."""
    why = error.strerror or str(error) or type(error).__name__
    return f"{why}: {str(error.filename)[:200]!r}." if error.filename else f"{why}."


def fail(error: GroupChatError, *, as_json: bool) -> NoReturn:
    if as_json:
        print_json({"error": error.body()}, err=True)
    else:
        show_error(error.message)
    raise typer.Exit(EXIT_FAILED)
