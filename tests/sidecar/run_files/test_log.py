"""Logs of a sidecar and its libraries never reach the agent's terminal and contain no token."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import structlog

from sidecar.run_files.sidecar_log import log_to_file


def test_everything_goes_to_the_file(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    log_to_file(tmp_path / "sidecar.log")
    structlog.get_logger("sidecar").warning("of our own", at="/t/secret-token/mcp")
    logging.getLogger("aiohttp.server").error("Error handling request from 127.0.0.1")
    written = (tmp_path / "sidecar.log").read_text()
    assert "of our own" in written and "aiohttp.server" in written
    assert "secret-token" not in written
    assert capfd.readouterr() == ("", "")
