"""The client through which sidecars, the controller and the command line reach a gateway. It must not know any of them.

A name is imported at its first use: a command that only prints help needs no WebSocket and no event loop.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gateway.client.client import Client, ClientEvent, ConnectionLost, StoreChanged
    from gateway.client.discovery.endpoint import Endpoint, TlsTrust, find_endpoint, state_for
    from gateway.client.discovery.team_discovery import state_folder
    from gateway.client.discovery.token_files import read_token, token_file
    from gateway.client.http_client import HttpClient
    from gateway.client.message_ids import new_id

__all__ = [
    "Client",
    "ClientEvent",
    "ConnectionLost",
    "Endpoint",
    "HttpClient",
    "StoreChanged",
    "TlsTrust",
    "find_endpoint",
    "new_id",
    "read_token",
    "state_folder",
    "state_for",
    "token_file",
]

_MODULES = {
    **dict.fromkeys(("Client", "ConnectionLost", "StoreChanged", "ClientEvent"), "client"),
    "HttpClient": "http_client",
    **dict.fromkeys(("Endpoint", "TlsTrust", "find_endpoint", "state_for"), "discovery.endpoint"),
    "new_id": "message_ids",
    "state_folder": "discovery.team_discovery",
    **dict.fromkeys(("read_token", "token_file"), "discovery.token_files"),
}


def __getattr__(name: str) -> Any:
    """Python calls this for a name that is not defined above."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
