"""A gateway whose snapshots fail goes on, and a person finds out: by `doctor`, by `status`, by the metrics."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from gateway.client import Client, Endpoint
from gateway.protocol.requests.connection_requests import Status
from gateway.protocol.requests.member_requests import CreateToken
from gateway.protocol.results import Health, SnapshotStanding, TokenMade
from tests.fakes.retry import retry_until_awaited
from tests.support.commands import Groupchat
from tests.support.gateways import GatewayProcess
from tests.support.tiny_disk import tiny_disk

pytestmark = pytest.mark.processes


async def standing_of(client: Client) -> SnapshotStanding:
    found = (await client.request(Status(), Health)).snapshots
    assert found is not None
    return found


def snapshot_finding(groupchat: Groupchat) -> dict[str, Any] | None:
    findings = groupchat("doctor", "--json").json["findings"]
    return next((one for one in findings if one["what"] == "snapshots"), None)


async def snapshot_metrics(gateway: GatewayProcess) -> dict[str, float]:
    headers = {"Authorization": f"Bearer {gateway.operator.token}"}
    async with ClientSession(headers=headers) as http, http.get(f"{gateway.url}/metrics") as answer:
        page = await answer.text()
    rows = (line.split(" ") for line in page.splitlines() if line.startswith("groupchat_snapshot"))
    return {name.removeprefix("groupchat_snapshot_"): float(value) for name, value in rows}


async def test_a_full_disk_is_told_and_the_next_one_is_taken_when_there_is_room(tmp_path: Path) -> None:
    with tiny_disk(tmp_path / "disk", 4) as disk:
        disk.fill()
        folder = disk.folder / "snapshots"
        gateway = GatewayProcess(tmp_path / "state", "--snapshots", str(folder), "--every", "10s")
        groupchat = Groupchat(tmp_path / "state", quick=True)
        with gateway.running():
            async with Client(gateway.operator) as alice:

                async def has_failed() -> bool:
                    return (await standing_of(alice)).failures > 0

                async def is_well() -> bool:
                    return not (await standing_of(alice)).last_failure

                await retry_until_awaited(has_failed)
                await alice.send("it goes on")
                made = await alice.request(CreateToken(name="claude"), TokenMade)
                async with Client(Endpoint(gateway.url, made.token)) as claude:
                    assert (await claude.request(Status(), Health)).snapshots is None, "an agent sees no figures"
                found = snapshot_finding(groupchat)
                assert found is not None and not found["ok"]
                assert "The last snapshot failed, and there is none yet: " in found["found"]
                assert "MB free, and a snapshot needs" in found["found"] + found["remedy"]
                told = await snapshot_metrics(gateway)
                assert (told["last_time_seconds"], told["interval_seconds"]) == (0, 10)
                assert told["failures_total"] >= 1
                assert "The last snapshot failed" in groupchat("status").out
                assert not [one for one in folder.glob("*") if "groupchat-" in one.name]

                disk.empty()
                await retry_until_awaited(is_well)
                assert (await snapshot_metrics(gateway))["last_time_seconds"] > 1_000_000_000
        found = snapshot_finding(groupchat)
        assert found is not None and found["ok"], "without a gateway none is due"
        assert "the newest is of" in found["found"]
