"""Starts the gateway as a service, and waits until it answers for its state folder."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from gateway.client.discovery.running_gateway import RunningGateway, read_live_gateway
from gateway.files.private_files import make_private_folder
from gateway.maintenance.service.service_files import GatewayService
from gateway.maintenance.service.service_managers import ServiceManager
from gateway.protocol.errors import Conflict, Unavailable

START_TIMEOUT_S = 30.0
CHECK_INTERVAL_S = 0.1


async def start_service(manager: ServiceManager, service: GatewayService) -> tuple[RunningGateway, str]:
    """The gateway, and what the user must know."""
    state = Path(service.state)
    before = read_live_gateway(state)
    if before is not None and not manager.state(service).installed:
        raise Conflict(
            f"A gateway runs here already (process {before.pid}), and not as a service. End it first: `groupchat down` "
            "if `groupchat up` has started it, else where it runs."
        )
    make_private_folder(state)
    note = await asyncio.to_thread(manager.install, service)
    return await _started(service, before), note


async def _started(service: GatewayService, before: RunningGateway | None) -> RunningGateway:
    deadline = time.monotonic() + START_TIMEOUT_S
    while (running := read_live_gateway(Path(service.state))) is None or (before and running.pid == before.pid):
        if time.monotonic() > deadline:
            raise Unavailable(
                f"The service is installed, and its gateway does not start: see {service.state}/gateway.log and "
                "`groupchat service status`."
            )
        await asyncio.sleep(CHECK_INTERVAL_S)
    return running
