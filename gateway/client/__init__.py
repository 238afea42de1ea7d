"""How sidecars, the controller and the command line reach a gateway. It must not know any of them.

A name is loaded when it is first used: a command that only prints help needs no WebSocket and no event loop.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gateway.client.client import Client, Lost, OtherHouse, Seen
    from gateway.client.direct import Direct
    from gateway.client.endpoint import Endpoint, Trust, find_endpoint, state_for
    from gateway.client.ids import new_id
    from gateway.client.private_files import write_private
    from gateway.client.team_files import state_folder
    from gateway.client.token_files import read_token, token_file

__all__ = [
    "Client",
    "Direct",
    "Endpoint",
    "Lost",
    "OtherHouse",
    "Seen",
    "Trust",
    "find_endpoint",
    "new_id",
    "read_token",
    "state_folder",
    "state_for",
    "token_file",
    "write_private",
]

_MODULES = {
    **dict.fromkeys(("Client", "Lost", "OtherHouse", "Seen"), "client"),
    "Direct": "direct",
    **dict.fromkeys(("Endpoint", "Trust", "find_endpoint", "state_for"), "endpoint"),
    "new_id": "ids",
    "write_private": "private_files",
    "state_folder": "team_files",
    **dict.fromkeys(("read_token", "token_file"), "token_files"),
}


def __getattr__(name: str) -> Any:
    """Python asks this for a name that is not defined above."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
