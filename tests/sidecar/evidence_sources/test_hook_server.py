"""The hook server accepts only requests with its secret."""

import asyncio
from collections.abc import Mapping
from urllib.parse import urlsplit

import pytest
from structlog.testing import capture_logs

from sidecar.evidence_sources.hook_server import CONNECTION_LIMITS, answering, reserved
from tests.fakes.retry import retry_until
from tests.sidecar.hooks_heard import listening
from tests.support.crowds import crowd


async def post(url: str, body: bytes, method: str = "POST", length: int | None = None) -> str:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    size = len(body) if length is None else length
    writer.write(f"{method} {parts.path} HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n".encode() + body)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer.decode()


@pytest.mark.parametrize(
    ("change", "method", "heard"),
    [
        (lambda url: f"{url}/Stop", "POST", True),
        (lambda url: f"{url}x/Stop", "POST", False),
        (lambda url: f"{url.rpartition('/')[0]}/Stop", "POST", False),
        (lambda url: f"{url}/Stop", "GET", False),
    ],
)
async def test_which_requests_are_accepted(change: object, method: str, heard: bool) -> None:
    events: list[Mapping[str, object]] = []

    async def handle(event: Mapping[str, object]) -> Mapping[str, object]:
        events.append(event)
        return {"decision": "block"}

    async with listening(handle) as address:
        assert callable(change)
        answer = await post(change(address), b'{"hook_event_name": "Stop"}', method)
    assert (events == [{"hook_event_name": "Stop"}]) is heard
    assert ("block" in answer) is heard
    assert answer.startswith("HTTP/1.1 200" if heard else "HTTP/1.1 403")


async def heard(_: Mapping[str, object]) -> Mapping[str, object]:
    return {"heard": True}


async def test_a_hook_that_comes_before_the_server_answers_waits() -> None:
    async with reserved() as address:
        parts = urlsplit(address.url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(f"POST {parts.path}/SessionStart HTTP/1.1\r\nContent-Length: 2\r\n\r\n{{}}".encode())
        with answering(address, heard):
            assert b'{"heard": true}' in await reader.read()
        writer.close()


async def test_who_hangs_up_is_not_waited_for() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def handle(_: Mapping[str, object]) -> Mapping[str, object]:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return {}

    async with listening(handle) as address:
        parts = urlsplit(f"{address}/PermissionRequest")
        _, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(f"POST {parts.path} HTTP/1.1\r\nContent-Length: 2\r\n\r\n{{}}".encode())
        await asyncio.wait_for(begun.wait(), 60)
        writer.close()
        await asyncio.wait_for(ended.wait(), 60)
        await writer.wait_closed()


@pytest.mark.parametrize(("body", "length"), [(b"not json", None), (b"[]", None), (b"", 1 << 40), (b"", -5)])
async def test_nonsense_is_answered_and_forgotten(body: bytes, length: int | None) -> None:
    async with listening(heard) as address:
        assert "heard" not in await post(f"{address}/Stop", body, length=length)


@pytest.mark.parametrize("error", [RuntimeError("x"), OSError(28, "No space left on device"), ValueError("y")])
async def test_a_handler_that_fails_is_logged_and_the_agent_goes_on(
    error: Exception, capfd: pytest.CaptureFixture[str]
) -> None:
    async def handle(_: Mapping[str, object]) -> Mapping[str, object]:
        raise error

    with capture_logs() as logged:
        async with listening(handle) as address:
            answer = await post(f"{address}/Stop", b"{}")
    assert answer.startswith("HTTP/1.1 200") and answer.endswith("{}")
    assert [one["event"] for one in logged] == ["failed to handle a hook"]
    assert capfd.readouterr() == ("", "")


async def test_idle_connections_of_others_keep_no_hook_out() -> None:
    async with (
        listening(heard) as address,
        crowd(urlsplit(address).port or 0, CONNECTION_LIMITS.strangers + 5) as readers,
    ):
        assert await asyncio.wait_for(readers[0].read(), 60) == b""
        assert "heard" in await post(f"{address}/Stop", b'{"hook_event_name": "Stop"}')
    await retry_until(lambda: len(asyncio.all_tasks()) == 1)
