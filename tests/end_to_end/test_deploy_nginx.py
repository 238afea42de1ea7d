"""nginx with the files of `groupchat deploy`, run on loopback before a gateway: pages, WebSocket and server-sent events
pass."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import re
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from gateway.client import Client
from gateway.maintenance.deploy.deploy_files import DeploySettings, DeployTarget
from gateway.maintenance.deploy.deploy_verb import write_deployment
from tests.fakes.retry import retry_until_awaited
from tests.support.certificates import self_signed
from tests.support.gateways import Gateway, gateway_in_process
from tests.support.held_ports import free_port

DOMAIN = "localhost"
MAIN_CONFIG = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""

pytestmark = pytest.mark.processes


def nginx() -> str:
    return shutil.which("nginx", path="/usr/sbin:/usr/bin:/sbin") or pytest.skip("nginx is not installed")


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with gateway_in_process(tmp_path / "state", allow_hosts=(DOMAIN,)) as running:
        yield running


def site(folder: Path, target: DeployTarget, name: str, changes: dict[str, str]) -> Path:
    """The file as it is written, with other ports and places. Returns nginx' own file, which includes it."""
    write_deployment(target, folder / "out", DeploySettings("image", "a", "b", domain=DOMAIN), replace=False)
    text = (folder / "out" / name).read_text()
    for old, new in changes.items():
        assert re.search(old, text), old
        text = re.sub(old, new, text)
    (folder / "site.conf").write_text(text)
    (folder / "nginx.conf").write_text(MAIN_CONFIG.format(folder=folder))
    return folder / "nginx.conf"


@contextlib.contextmanager
def running(config: Path) -> Iterator[None]:
    check = [nginx(), "-t", "-c", str(config)]
    checked = subprocess.run(check, capture_output=True, text=True, timeout=60, check=False)
    assert checked.returncode == 0 and "[warn]" not in checked.stderr, checked.stderr
    process = subprocess.Popen([nginx(), "-c", str(config)], stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(60)


def port_of(url: str) -> str:
    return url.rpartition(":")[2]


async def passes_all(gateway: Gateway, session: aiohttp.ClientSession, url: str) -> None:
    """What people and agents need: a page, a WebSocket both ways, and server-sent events that come at once."""

    async def is_up() -> bool:
        with contextlib.suppress(aiohttp.ClientConnectionError):
            async with session.get(f"{url}/health") as answer:
                return answer.status == 200
        return False

    await retry_until_awaited(is_up)
    async with session.get(f"{url}/") as page:
        assert page.status == 200 and "html" in page.headers["Content-Type"]
    async with Client(gateway.operator) as alice, asyncio.timeout(60):
        async with session.ws_connect(f"{url}/v1/ws", origin=url) as socket:
            await socket.send_json({"op": "hello", "n": 1, "echo": True})
            assert (await socket.receive_json())["ok"]["ev"] == "welcome"
            await alice.send("by the socket")
            while "by the socket" not in (await socket.receive()).data:
                pass
        async with session.get(f"{url}/v1/events") as stream:
            assert stream.headers["Content-Type"].startswith("text/event-stream")
            while b"replayed" not in await stream.content.readline():
                pass
            await alice.send("by the stream")
            while b"by the stream" not in await stream.content.readline():
                pass
    async with session.post(f"{url}/v1/op", data=json.dumps({"op": "ping", "n": 1})) as answer:
        assert answer.status == 200
    async with session.post(f"{url}/v1/op", data=io.BytesIO(b"x" * (6 * 1024 * 1024))) as answer:
        assert answer.status == 413


async def test_the_site_passes_all_over_tls_and_logs_no_token(gateway: Gateway, tmp_path: Path) -> None:
    plain, secure = free_port(), free_port()
    certificate = self_signed(tmp_path, "site")
    config = site(
        tmp_path,
        DeployTarget.SYSTEMD,
        "nginx-site.conf",
        {
            r"listen 80;": f"listen 127.0.0.1:{plain};",
            r"listen 443 ssl;": f"listen 127.0.0.1:{secure} ssl;",
            r"    listen \[::\].*\n": "",
            r"server 127.0.0.1:8765;": f"server 127.0.0.1:{port_of(gateway.url)};",
            r"/etc/llm-groupchat/site-cert.pem": certificate.cert,
            r"/etc/llm-groupchat/site-key.pem": certificate.key,
            r"/var/log/nginx/groupchat.log": str(tmp_path / "access.log"),
        },
    )
    trust = ssl.create_default_context(cafile=certificate.cert)
    token = gateway.operator.token
    headers = {"Authorization": f"Bearer {token}"}
    with running(config):
        async with aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(ssl=trust)) as session:
            await passes_all(gateway, session, f"https://{DOMAIN}:{secure}")
            async with session.get(f"https://{DOMAIN}:{secure}/health?token={token}") as answer:
                assert answer.status == 200
            plainly = f"http://127.0.0.1:{plain}/x?token={token}"
            async with session.get(plainly, headers={"Host": DOMAIN}, allow_redirects=False) as answer:
                assert (answer.status, answer.headers["Location"]) == (301, f"https://{DOMAIN}/x")
    log = (tmp_path / "access.log").read_text()
    assert '"GET /health" 200' in log and token not in log


async def test_the_proxy_of_compose_passes_all_and_leaves_out_a_gateway_that_is_gone(
    gateway: Gateway, tmp_path: Path
) -> None:
    plain, gone = free_port(), free_port()
    config = site(
        tmp_path,
        DeployTarget.COMPOSE,
        "nginx.conf",
        {
            r"listen 80;": f"listen 127.0.0.1:{plain};",
            r"server gateway-1:8765": f"server 127.0.0.1:{gone}",
            r"server gateway-2:8765": f"server 127.0.0.1:{port_of(gateway.url)}",
            r"    server gateway-3:8765.*\n": "",
            r"/var/log/nginx/access.log": str(tmp_path / "access.log"),
        },
    )
    headers = {"Authorization": f"Bearer {gateway.operator.token}"}
    with running(config):
        async with aiohttp.ClientSession(headers=headers) as session:
            await passes_all(gateway, session, f"http://{DOMAIN}:{plain}")
