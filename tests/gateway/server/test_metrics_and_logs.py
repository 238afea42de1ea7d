"""What is counted, and what is written down: enough to run a gateway by, and nothing that is private."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import structlog
from prometheus_client.parser import text_string_to_metric_families

from gateway.client import Client
from gateway.files.log_filters import hide_secrets
from gateway.protocol.errors import UnknownRecipient
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.message_requests import Report
from gateway.protocol.results import Done
from gateway.protocol.types.core_types import Rung, Step
from gateway.server import log_setup
from tests.support.gateways import TEAM_TOKEN, Gateway, GatewayProcess
from tests.support.simple import simple_client


async def counted(gateway: Gateway, token: str = TEAM_TOKEN) -> dict[str, float]:
    """Every sample of /metrics as `name{labels}: value`."""
    async with simple_client(gateway.url, token) as client:
        url, headers = client.url + "/metrics", {"X-Auth-Token": client.token}
        async with client.session.get(url, headers=headers) as response:
            assert response.status == 200
            assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
            text = await response.text()
    return {
        sample.name + "".join(f"{{{value}}}" for name, value in sample.labels.items() if name != "le"): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_what_happens_is_counted(gateway: Gateway) -> None:
    claude = await gateway.member("claude")
    async with Client(gateway.operator) as alice:
        before = await counted(gateway)
        first = await alice.send("one", to="@claude")
        await alice.send("two", to="@claude")
        await alice.send("three")
        with pytest.raises(UnknownRecipient):
            await alice.send("four", to="@clod")
        waiting = await counted(gateway)
        async with Client(claude, Hello(inbox=True)) as agent:
            await agent.request(Report(message=first.seq, steps=(Step(Rung.TYPED), Step(Rung.ACCEPTED))), Done)
            after = await counted(gateway)
    assert waiting["groupchat_messages_accepted_total"] - before["groupchat_messages_accepted_total"] == 3
    assert waiting["groupchat_accept_seconds_count"] - before["groupchat_accept_seconds_count"] == 3
    assert waiting["groupchat_commit_seconds_count"] > before["groupchat_commit_seconds_count"]
    assert waiting["groupchat_requests_refused_total{unknown_recipient}"] == 1
    assert (before["groupchat_queue_depth"], waiting["groupchat_queue_depth"], after["groupchat_queue_depth"]) == (
        0,
        3,
        2,
    )
    assert (waiting["groupchat_connections"], after["groupchat_connections"]) == (1, 2)
    assert (waiting["groupchat_messages_delivered_total"], after["groupchat_messages_delivered_total"]) == (0, 1)
    assert after["groupchat_delivery_seconds_count"] == 1


async def test_metrics_need_a_token(gateway: Gateway) -> None:
    async with simple_client(gateway.url, "wrong") as client:
        assert (await client.get("/metrics")).status == 401


async def test_nothing_private_is_a_metric(gateway: Gateway) -> None:
    """A name is shown to those who may see everyone's figures; what was said, to nobody."""
    dan = await gateway.member("dan")
    async with Client(gateway.operator) as alice:
        await gateway.member("claude")
        await alice.send("a-private-word", to="@claude")
    seen = {who: "\n".join(await counted(gateway, token)) for who, token in (("team", TEAM_TOKEN), ("dan", dan.token))}
    assert "private" not in seen["team"]
    assert ("{alice}" in seen["team"], "{alice}" in seen["dan"], "(others)" in seen["dan"]) == (True, False, False)


@pytest.mark.parametrize("key", ["token", "Token", "Authorization", "X-Auth-Token", "password", "secret"])
def test_what_is_called_a_secret_is_hidden(key: str) -> None:
    event = hide_secrets(None, "info", {"event": "x", key: "the secret", "seq": 7})
    assert event == {"event": "x", key: "(hidden)", "seq": 7}


def test_a_line_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        log_setup.configure_logging("info")
        log = structlog.get_logger("x")
        log.info("= a line", text='with "quotes"\nand newlines', token="the secret")
        log.debug("not shown")
        try:
            raise ValueError("inside")
        except ValueError:
            log.exception("! failed")
    finally:
        structlog.reset_defaults()
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(one["event"], one["level"]) for one in lines] == [("= a line", "info"), ("! failed", "error")]
    assert lines[0]["token"] == "(hidden)"
    assert lines[0]["timestamp"].endswith("Z")
    assert "ValueError: inside" in lines[1]["exception"]


async def test_above_debug_no_content_and_a_trace_ties_the_lines_of_a_message(tmp_path: Path) -> None:
    seen = {}
    for level in ("info", "debug"):
        process = GatewayProcess(tmp_path / level, "--log-level", level)
        with process.running():
            async with Client(process.operator) as alice:
                await alice.send("a-private-word", trace="trace-4711")
            process.stop()
        seen[level] = [json.loads(line) for line in process.log.splitlines()]
    assert "a-private-word" not in json.dumps(seen["info"])
    traced = [one["event"] for one in seen["debug"] if one.get("trace") == "trace-4711"]
    assert len(traced) >= 2, "coming in and going out"
    for lines in seen.values():
        assert {"event", "level", "timestamp"} <= lines[0].keys()
        assert [one["event"] for one in lines if one["event"].startswith("= stop")] == ["= stopping", "= stopped"]
