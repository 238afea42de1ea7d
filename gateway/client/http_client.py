"""Single HTTP requests without a stream: for callers that ask now and then, or for many members, each
with its token."""

from __future__ import annotations

import asyncio
import io
from types import TracebackType
from typing import Self, TypeVar

import aiohttp

from gateway.client.discovery.endpoint import Endpoint
from gateway.client.http_connectors import connector_for
from gateway.client.transport_errors import (
    MAX_FRAME_BYTES,
    OPEN_TIMEOUT_S,
    error_from_response,
    untrusted_certificate_error,
)
from gateway.protocol import codec
from gateway.protocol.errors import Unavailable
from gateway.protocol.requests.request import Request
from gateway.protocol.results import Answer

T = TypeVar("T")


class HttpClient:
    """An HTTP client. Requests run concurrently; each gets its own answer or error."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=connector_for(self._endpoint),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=OPEN_TIMEOUT_S),
            read_bufsize=MAX_FRAME_BYTES,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def ask(self, request: Request, kind: type[T], *, token: str | None = None, within: float | None = None) -> T:
        """Send a request. Unavailable if no answer came: the request may or may not have been carried out."""
        assert self._session is not None
        headers = {"Authorization": f"Bearer {token or self._endpoint.token}"}
        limit = self._endpoint.limits.answers if within is None else within
        asked = io.BytesIO(codec.encode(request))
        try:
            async with (
                asyncio.timeout(limit),
                self._session.post(self._endpoint.at("/v1/op"), data=asked, headers=headers) as response,
            ):
                body = await response.read()
        except TimeoutError:
            raise self._endpoint.silent(f"`{request.__struct_config__.tag}`", limit) from None
        except aiohttp.ClientConnectorCertificateError as error:
            raise untrusted_certificate_error(error.certificate_error) from None
        except (aiohttp.ClientError, OSError) as error:
            raise Unavailable(
                f"The gateway at {self._endpoint.shown} does not answer at the moment.", retry_after=1
            ) from error
        if response.status != 200:
            raise error_from_response(response.status, body)
        return codec.decode_result(codec.decode(Answer, body), kind)
