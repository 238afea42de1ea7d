"""How HTTP reaches an endpoint: by the gateway's unix socket, if the process behind it is ours, or by TCP."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast

import aiohttp
from aiohttp import ClientRequest, ClientTimeout
from aiohttp.client_exceptions import UnixClientConnectorError
from aiohttp.client_proto import ResponseHandler

from gateway.client.discovery.endpoint import Endpoint
from gateway.client.discovery.local_socket import connect_to_own

if TYPE_CHECKING:
    from aiohttp.tracing import Trace


def connector_for(endpoint: Endpoint, limit: int = 0) -> aiohttp.BaseConnector:
    if endpoint.socket is not None:
        return ProvenSocket(endpoint.socket, limit)
    tls = endpoint.trust.context() if endpoint.secure else True
    return aiohttp.TCPConnector(ssl=tls, limit=limit)


class ProvenSocket(aiohttp.UnixConnector):
    """A unix connector that sends nothing before it knows that the other end is this user's."""

    def __init__(self, path: Path, limit: int) -> None:
        super().__init__(str(path), limit=limit)
        self._place = path

    async def _create_connection(
        self, req: ClientRequest, traces: list[Trace], timeout: ClientTimeout
    ) -> ResponseHandler:
        try:
            end = await connect_to_own(self._place)
            _, protocol = await self._loop.create_unix_connection(
                cast(Callable[[], ResponseHandler], self._factory), sock=end
            )
        except OSError as error:
            raise UnixClientConnectorError(self.path, req.connection_key, error) from error
        return protocol
