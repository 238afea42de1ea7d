"""The room's tools as the inspector of the Model Context Protocol sees them, by its command line."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.client import Endpoint
from gateway.mcp.tools import TOOLS
from tests.real_clis.releases import MODULES
from tests.support.gateways import gateway_in_process
from tests.support.mcp_clients import ROOT

INSPECTOR = MODULES / ".bin" / "mcp-inspector"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("node") is None or not INSPECTOR.exists(), reason="npm ci in tests/real_clis"),
]


@dataclass(frozen=True)
class Inspector:
    """It finds no settings and no keys of anybody. (No proxy is set that would count what goes elsewhere, as for the
    real CLIs: with one it needs a newer node than they do.)"""

    home: Path
    endpoint: Endpoint
    env: dict[str, str]

    def reaching(self, way: str) -> tuple[str, ...]:
        token = self.endpoint.token
        if way == "sse":
            return ("--transport", "sse", f"{self.endpoint.url}/t/{token}/sse")
        if way == "http":
            return (f"{self.endpoint.url}/mcp", "--header", f"Authorization: Bearer {token}")
        own = {"CSP_AUTH_TOKEN": token, "CSP_GATEWAY_URL": self.endpoint.url, "PYTHONPATH": str(ROOT)}
        given = [part for name, value in own.items() for part in ("-e", f"{name}={value}")]
        return (*given, sys.executable, "-P", "-m", "gateway.cli", "mcp")

    async def __call__(self, way: str, *asked: str) -> tuple[int, dict[str, Any], str]:
        """How it ended, what it shows, what it warns of."""
        argv = (str(INSPECTOR), "--cli", *self.reaching(way), "--connect-timeout", "60000", *asked)
        pipe = asyncio.subprocess.PIPE
        run = await asyncio.create_subprocess_exec(*argv, stdout=pipe, stderr=pipe, env=self.env, cwd=self.home)
        async with asyncio.timeout(60):
            out, err = await run.communicate()
        return run.returncode or 0, json.loads(out) if out.strip() else {}, err.decode()


@pytest.fixture
async def inspect(tmp_path: Path) -> AsyncIterator[Inspector]:
    home = tmp_path / "home"
    home.mkdir()
    async with gateway_in_process(tmp_path / "state") as gateway:
        endpoint = await gateway.member("ada", role="coder")
        env = {"PATH": os.environ["PATH"], "HOME": str(home), "INSPECTOR_SKIP_CLIENT_INSTALL": "1"}
        yield Inspector(home, endpoint, env)


@pytest.mark.parametrize("way", ["http", "sse", "stdio"])
async def test_it_finds_nothing_to_complain_of(inspect: Inspector, way: str) -> None:
    code, shown, warned = await inspect(way, "--method", "tools/list", "--strict")
    assert code == 0, warned
    assert [tool["name"] for tool in shown["tools"]] == list(TOOLS)
    assert "error" not in warned.lower() and "warning" not in warned.lower(), warned

    code, shown, warned = await inspect(way, "--method", "tools/call", "--tool-name", "peer_status")
    assert (code, shown["isError"]) == (0, False), warned
    assert shown["content"][0]["text"].startswith("You are ada (coder)")


async def test_what_can_be_read_and_written(inspect: Inspector) -> None:
    wrote = json.dumps({"document": {"goal": "ship"}})
    put = ("--method", "tools/call", "--tool-name", "context_put", "--tool-args-json", wrote)
    code, _, warned = await inspect("http", *put)
    assert code == 0, warned
    _, listed, _ = await inspect("http", "--method", "resources/list")
    uris = [one["uri"] for one in listed["resources"]]
    assert uris == ["groupchat://recent", "groupchat://roster", "groupchat://context/room/general/main"]
    for uri, text in zip(uris, ("No new messages.", "ada: agent", '{"goal":"ship"}'), strict=True):
        code, read, warned = await inspect("http", "--method", "resources/read", "--uri", uri)
        assert code == 0 and text in read["contents"][0]["text"], warned
    code, prompt, warned = await inspect("http", "--method", "prompts/get", "--prompt-name", "reviewer")
    assert code == 0 and "reviewer" in prompt["messages"][0]["content"]["text"], warned
