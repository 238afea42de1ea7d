"""How sidecars, the controller and the command line reach a gateway. It must not know any of them."""

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
